; first-model: 386dx
; cases: 30
; 8254 interval timer. Source: Intel 8254 data sheet. Counter 2 is stopped and started
; with its gate (port 61h, bit 0), so that its counts can be compared; its output is
; bit 5 of port 61h. Elapsed time is measured with counter 0 only.

%include "rom.inc"
%include "devices.inc"

%macro GATE2 1                          ; speaker off
        in      al, 0x61
        and     al, 0xFC
        or      al, %1
        out     0x61, al
%endmacro

; Counter %1: control word and 16-bit count, both bytes.
%macro COUNTER 3
        OUTB    0x43, %2
        OUTB    0x40+(%1), (%3) & 0xFF
        OUTB    0x40+(%1), (%3) >> 8
%endmacro

; The next two bytes of counter %1 in AX.
%macro READ_COUNT 1
        in      al, 0x40+(%1)
        mov     ah, al
        in      al, 0x40+(%1)
        xchg    al, ah
%endmacro

%macro LATCH_COUNT 1
        OUTB    0x43, (%1) << 6
        READ_COUNT %1
%endmacro

%macro WAIT_CLOCKS 1
        mov     cx, %1
        call    dev_wait
%endmacro

; Until counter 0 has loaded its count.
%macro WAIT_0 0
        POLL    {call read_loaded}, z
%endmacro

%macro READ_OUT2 0
        in      al, 0x61
        test    al, 0x20
%endmacro

%macro CHECK_OUT2 1
        in      al, 0x61
        shr     al, 5
        and     al, 1
        CHECK8  al, %1
%endmacro

        ROM_BEGIN "8254 interval timer"

; --- Access to the counts. In mode 0 a low gate disables counting, and a count written
; then is still loaded by the next clock (8254 data sheet, "Mode 0"). ---

CASE "count-latch"
        GATE2   0
        COUNTER 2, 0xB0, 0x1234
        WAIT_CLOCKS 32
        OUTB    0x43, 0x80
        READ_COUNT 2
        CHECK16 ax, 0x1234
END_CASE

CASE "count-without-latch"
        GATE2   0
        COUNTER 2, 0xB0, 0x4321
        WAIT_CLOCKS 32
        READ_COUNT 2
        CHECK16 ax, 0x4321
        READ_COUNT 2
        CHECK16 ax, 0x4321
END_CASE

CASE "count-low-byte-only"              ; the high byte of the count becomes 0
        GATE2   0
        COUNTER 2, 0xB0, 0x1234
        OUTB    0x43, 0x90
        OUTB    0x42, 0x56
        WAIT_CLOCKS 32
        CHECK_PORT 0x42, 0x56
        CHECK_PORT 0x42, 0x56
        OUTB    0x43, 0x80
        CHECK_PORT 0x42, 0x56
END_CASE

CASE "count-high-byte-only"             ; the low byte of the count becomes 0
        GATE2   0
        COUNTER 2, 0xB0, 0x1234
        OUTB    0x43, 0xA0
        OUTB    0x42, 0x56
        WAIT_CLOCKS 32
        CHECK_PORT 0x42, 0x56
        CHECK_PORT 0x42, 0x56
        OUTB    0x43, 0x80
        CHECK_PORT 0x42, 0x56
END_CASE

CASE "counters-are-independent"         ; between the bytes of one counter
        GATE2   0
        OUTB    0x43, 0xB0
        OUTB    0x42, 0x78
        COUNTER 0, 0x34, 0
        OUTB    0x42, 0x56
        WAIT_CLOCKS 32
        in      al, 0x42
        mov     bl, al
        in      al, 0x40
        in      al, 0x40
        in      al, 0x42
        mov     bh, al
        CHECK16 bx, 0x5678
END_CASE

CASE "latch-holds"                      ; a second latch before the read is ignored
case_latch_holds:
        GATE2   0
        COUNTER 2, 0xB0, 0xF234
        WAIT_CLOCKS 32
        OUTB    0x43, 0x80
        GATE2   1
        WAIT_CLOCKS 64
        GATE2   0
        OUTB    0x43, 0x80
        READ_COUNT 2
        CHECK16 ax, 0xF234
        READ_COUNT 2
        mov     bx, 0xF234
        sub     bx, ax                  ; has counted meanwhile
        cmp     bx, 32
        jae     .counted
        movzx   eax, ax
        FAIL_HERE eax
.counted:
END_CASE

CASE "gate-stops-counting"
        GATE2   0
        COUNTER 2, 0xB0, 0xF000
        WAIT_CLOCKS 32
        GATE2   1
        WAIT_CLOCKS 64
        GATE2   0
        WAIT_CLOCKS 16
        LATCH_COUNT 2
        mov     bx, ax
        WAIT_CLOCKS 256
        LATCH_COUNT 2
        sub     bx, ax
        CHECK16 bx, 0
END_CASE

; --- Read-back command ---

CASE "read-back-status"                 ; OUT 0, loaded, both bytes, mode 0, binary
        GATE2   0
        COUNTER 2, 0xB0, 0x1234
        WAIT_CLOCKS 32
        OUTB    0x43, 0xE8
        CHECK_PORT 0x42, 0x30
        READ_COUNT 2                    ; the status is read once
        CHECK16 ax, 0x1234
END_CASE

CASE "read-back-status-modes"
        GATE2   0
        COUNTER 2, 0xB4, 0x1234         ; mode 2: OUT is high
        WAIT_CLOCKS 32
        OUTB    0x43, 0xE8
        CHECK_PORT 0x42, 0xB4, 0xBF
        COUNTER 2, 0xB7, 0x1234         ; mode 3, BCD
        WAIT_CLOCKS 32
        OUTB    0x43, 0xE8
        CHECK_PORT 0x42, 0xB7, 0xBF
        OUTB    0x43, 0x92              ; mode 1, low byte
        OUTB    0x42, 5
        OUTB    0x43, 0xE8
        CHECK_PORT 0x42, 0x92, 0xBF
END_CASE

; 8254 data sheet, "Read-Back Command", "Null Count Operation": set by the control word
; and by writing a count, clear when the count is loaded into the counting element.
CASE "read-back-null-count"
        GATE2   0
        OUTB    0x43, 0xB0
        OUTB    0x43, 0xE8
        CHECK_PORT 0x42, 0x70
        OUTB    0x42, 0x34
        OUTB    0x42, 0x12
        WAIT_CLOCKS 32
        OUTB    0x43, 0xE8
        CHECK_PORT 0x42, 0x30
END_CASE

CASE "read-back-count"
        GATE2   0
        COUNTER 2, 0xB0, 0x1234
        WAIT_CLOCKS 32
        OUTB    0x43, 0xD8
        GATE2   1
        WAIT_CLOCKS 64
        READ_COUNT 2
        CHECK16 ax, 0x1234
        GATE2   0
END_CASE

CASE "read-back-status-and-count"       ; the status comes first
        GATE2   0
        COUNTER 2, 0xB0, 0x1234
        WAIT_CLOCKS 32
        OUTB    0x43, 0xC8
        in      al, 0x42
        CHECK8  al, 0x30
        READ_COUNT 2
        CHECK16 ax, 0x1234
END_CASE

CASE "read-back-several-counters"
        GATE2   0
        COUNTER 2, 0xB0, 0x1234
        COUNTER 0, 0x30, 0
        OUTB    0x43, 0xEA              ; status of counters 0 and 2
        in      al, 0x42
        and     al, 0x3F
        CHECK8  al, 0x30
        in      al, 0x40
        and     al, 0x3F
        CHECK8  al, 0x30
END_CASE

; --- Mode 0 ---

CASE "mode-0-out"
        GATE2   0
        OUTB    0x43, 0xB0
        CHECK_OUT2 0                    ; low after the control word
        OUTB    0x42, 100
        OUTB    0x42, 0
        WAIT_CLOCKS 400
        CHECK_OUT2 0                    ; the gate is low
        GATE2   1
        POLL    READ_OUT2, nz
        WAIT_CLOCKS 400
        CHECK_OUT2 1                    ; stays
        GATE2   0
        CHECK_OUT2 1
END_CASE

; 8254 data sheet, "Mode 0": "OUT is initially low after the Control Word is written".
CASE "mode-0-control-word-lowers-out"
        COUNTER 2, 0xB0, 16
        GATE2   1
        POLL    READ_OUT2, nz
        OUTB    0x43, 0xB0
        CHECK_OUT2 0
        GATE2   0
END_CASE

; 8254 data sheet, "Mode 0": the first byte of a new count disables counting and sets OUT
; low at once.
CASE "mode-0-first-byte-lowers-out"
        COUNTER 2, 0xB0, 16
        GATE2   1
        POLL    READ_OUT2, nz
        OUTB    0x42, 16
        CHECK_OUT2 0
        WAIT_CLOCKS 400
        CHECK_OUT2 0
        OUTB    0x42, 0
        POLL    READ_OUT2, nz
        GATE2   0
END_CASE

CASE "mode-0-interrupt-once"
case_mode_0_interrupt_once:
        call    dev_pic_init
        COUNTER 0, 0x30, 200
        OUTB    PIC1+1, 0xFE
        POLL    {call await_interrupt}, nz
        CHECK   dword [DEV_COUNT], 1
        CHECK8  byte [DEV_LAST], PIC_BASE1
        OUTB    PIC1, 0x20
        mov     cx, 0x4000
.more:  call    interrupt_window
        loop    .more
        CHECK   dword [DEV_COUNT], 1
END_CASE

CASE "mode-0-again"
        call    dev_pic_init
        OUTB    PIC1+1, 0xFE
        COUNTER 0, 0x30, 200
        POLL    {call await_interrupt}, nz
        OUTB    PIC1, 0x20
        OUTB    0x40, 200               ; a new count without control word
        OUTB    0x40, 0
        mov     dword [DEV_COUNT], 0
        POLL    {call await_interrupt}, nz
        OUTB    PIC1, 0x20
END_CASE

; --- Mode 1: counter 2 only, its gate is the trigger ---

CASE "mode-1-one-shot"
        GATE2   0
        COUNTER 2, 0xB2, 200
        CHECK_OUT2 1
        WAIT_CLOCKS 400
        CHECK_OUT2 1                    ; not triggered yet
        GATE2   1
        POLL    READ_OUT2, nz
        WAIT_CLOCKS 400
        CHECK_OUT2 1
        COUNTER 2, 0xB2, 0xFFFF         ; the gate is high already: no trigger
        WAIT_CLOCKS 32
        CHECK_OUT2 1
        GATE2   0
END_CASE

CASE "mode-1-output-low"
        GATE2   0
        COUNTER 2, 0xB2, 0xFFFF
        GATE2   1
        POLL    READ_OUT2, z            ; low for 55 ms
        GATE2   0
END_CASE

; --- Mode 2 ---

CASE "mode-2-interrupts"
case_mode_2_interrupts:
        call    dev_pic_init
        COUNTER 0, 0x34, 2000
        OUTB    PIC1+1, 0xFE
        mov     bx, 3
.next:  mov     dword [DEV_COUNT], 0
        POLL    {call await_interrupt}, nz
        CHECK   dword [DEV_COUNT], 1
        OUTB    PIC1, 0x20
        dec     bx
        jnz     .next
        OUTB    PIC1+1, 0xFF
END_CASE

CASE "mode-2-count-range"               ; N to 1
case_mode_2_count_range:
        COUNTER 0, 0x34, 20
        WAIT_0
        mov     cx, 1000
.next:  LATCH_COUNT 0
        dec     ax
        cmp     ax, 20
        jb      .good
        CHECK16 ax, 0
.good:  loop    .next
END_CASE

; 8254 data sheet, "Mode 2": GATE = 0 disables counting and sets OUT high immediately.
CASE "mode-2-gate-sets-out"
        GATE2   1
        COUNTER 2, 0xB4, 1000
        WAIT_CLOCKS 100
        GATE2   0
        CHECK_OUT2 1
        WAIT_CLOCKS 16
        LATCH_COUNT 2
        mov     bx, ax
        WAIT_CLOCKS 2000
        CHECK_OUT2 1
        LATCH_COUNT 2
        sub     ax, bx
        CHECK16 ax, 0
END_CASE

; A rising gate reloads the counter (8254 data sheet, "Mode 2": "a trigger reloads the
; Counter with the initial count on the next CLK pulse").
CASE "mode-2-gate-reloads"
case_mode_2_gate_reloads:
        GATE2   1
        COUNTER 2, 0xB4, 0xFFFF
        WAIT_CLOCKS 0x4000
        GATE2   0
        LATCH_COUNT 2
        mov     bx, ax
        GATE2   1
        WAIT_CLOCKS 16
        GATE2   0
        LATCH_COUNT 2
        cmp     bx, ax                  ; much nearer to FFFFh than before
        jb      .reloaded
        FAIL_HERE ebx
.reloaded:
END_CASE

; --- Mode 3 ---

CASE "mode-3-interrupts"
case_mode_3_interrupts:
        call    dev_pic_init
        COUNTER 0, 0x36, 2000
        OUTB    PIC1+1, 0xFE
        mov     bx, 3
.next:  mov     dword [DEV_COUNT], 0
        POLL    {call await_interrupt}, nz
        CHECK   dword [DEV_COUNT], 1
        OUTB    PIC1, 0x20
        dec     bx
        jnz     .next
        OUTB    PIC1+1, 0xFF
END_CASE

CASE "mode-3-out-toggles"
        COUNTER 2, 0xB6, 20000
        GATE2   1
        POLL    READ_OUT2, z
        POLL    READ_OUT2, nz
        POLL    READ_OUT2, z
        GATE2   0
        CHECK_OUT2 1                    ; a low gate sets OUT high
END_CASE

CASE "mode-3-counts-by-two"
case_mode_3_counts_by_two:
        COUNTER 0, 0x36, 1000
        WAIT_0
        mov     cx, 1000
.next:  LATCH_COUNT 0
        mov     bx, ax
        and     bx, 1
        CHECK16 bx, 0
        dec     ax
        cmp     ax, 1000                ; 1000 to 2
        jb      .good
        CHECK16 ax, 0
.good:  loop    .next
END_CASE

; --- BCD: counter 2 counts decimal digits (8254 data sheet, "Control Word Format") ---

CASE "bcd-count"
case_bcd_count:
        GATE2   0
        COUNTER 2, 0xB1, 0x9876
        WAIT_CLOCKS 32
        LATCH_COUNT 2
        CHECK16 ax, 0x9876
        mov     bp, 20
.next:  GATE2   1
        WAIT_CLOCKS 7
        GATE2   0
        LATCH_COUNT 2
        mov     cx, 4
.digit: mov     bx, ax
        and     bx, 15
        cmp     bl, 10
        jb      .good
        CHECK16 bx, 0
.good:  shr     ax, 4
        loop    .digit
        dec     bp
        jnz     .next
        LATCH_COUNT 2
        cmp     ax, 0x9876
        jb      .less
        movzx   eax, ax
        FAIL_HERE eax
.less:
END_CASE

; --- Port 61h ---

CASE "port-61-read-back"                ; bits 0 and 1
        GATE2   0
        CHECK_PORT 0x61, 0, 3
        GATE2   1
        CHECK_PORT 0x61, 1, 3
        GATE2   2
        CHECK_PORT 0x61, 2, 3
        GATE2   0
        CHECK_PORT 0x61, 0, 3
END_CASE

CASE "port-61-refresh-toggles"          ; bit 4 follows counter 1 on the AT
        COUNTER 1, 0x74, 18
        POLL    {call read_refresh}, z
        POLL    {call read_refresh}, nz
END_CASE

        jmp     pit_behind

read_refresh:
        in      al, 0x61
        test    al, 0x10
        ret

read_loaded:                            ; ZF = 1: null count of counter 0 is 0
        OUTB    0x43, 0xE2
        in      al, 0x40
        test    al, 0x40
        ret

interrupt_window:
        sti
        nop
        nop
        cli
        ret

await_interrupt:                        ; ZF = 0 when one has come
        call    interrupt_window
        cmp     dword [DEV_COUNT], 0
        ret
pit_behind:
        call    dev_pic_init

DEVICE_CODE
        ROM_END
