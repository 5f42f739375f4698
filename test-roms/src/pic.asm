; first-model: 386dx
; cases: 31
; 8259A pair: initialization, masks, priorities, end of interrupt, cascade, polling.
; Source: Intel 8259A data sheet. Requests come from counter 0 of the 8254 (IRQ0), the
; keyboard controller (IRQ1) and the real-time clock (IRQ8).

%include "rom.inc"
%include "devices.inc"

; One chance for a pending interrupt.
%macro STI_WINDOW 0
        sti
        times 8 nop
        cli
%endmacro

; Interrupts seen since dev_pic_init, and the vector of the last one.
%macro CHECK_SEEN 2
        CHECK   dword [DEV_COUNT], %1
        CHECK8  byte [DEV_LAST], %2
%endmacro

%macro CHECK_ISR 2
        READ_ISR %1
        CHECK8  al, %2
%endmacro

%macro MASKS 2
        OUTB    PIC1+1, %1
        OUTB    PIC2+1, %2
%endmacro

%macro RTC_WRITE 2
        OUTB    0x70, %1
        OUTB    0x71, %2
%endmacro

%macro RTC_READ 1
        OUTB    0x70, %1
        in      al, 0x71
%endmacro

; IRQ8: the periodic interrupt at 1024 Hz; the line stays active until register C is read.
%macro IRQ8_RAISE 0
        RTC_WRITE 0x0A, 0x26
        RTC_READ 0x0C
        RTC_WRITE 0x0B, 0x42
        POLL    {call read_slave_irr}, nz
%endmacro

%macro IRQ8_DROP 0
        RTC_WRITE 0x0B, 0x02
        RTC_READ 0x0C
%endmacro

        ROM_BEGIN "8259A interrupt controllers"

CASE "imr-read-write"
        call    dev_pic_init
        MASKS   0x55, 0xAA
        CHECK_PORT PIC1+1, 0x55
        CHECK_PORT PIC2+1, 0xAA
        MASKS   0xAA, 0x55
        CHECK_PORT PIC1+1, 0xAA
        CHECK_PORT PIC2+1, 0x55
        MASKS   0xFF, 0xFF
END_CASE

CASE "init-clears-imr"
        call    dev_pic_init
        MASKS   0xFF, 0xFF
        OUTB    PIC1, 0x11
        OUTB    PIC1+1, PIC_BASE1
        OUTB    PIC1+1, 4
        OUTB    PIC1+1, 1
        CHECK_PORT PIC1+1, 0
        OUTB    PIC2, 0x11
        OUTB    PIC2+1, PIC_BASE2
        OUTB    PIC2+1, 2
        OUTB    PIC2+1, 1
        CHECK_PORT PIC2+1, 0
        MASKS   0xFF, 0xFF
END_CASE

CASE "irq0-delivered"
        call    dev_pic_init
        call    dev_irq0_raise
        OUTB    PIC1+1, 0xFE
        STI_WINDOW
        CHECK_SEEN 1, PIC_BASE1
        OUTB    PIC1, 0x20
END_CASE

CASE "irq1-delivered"
        call    dev_pic_init
        call    dev_irq1_raise
        OUTB    PIC1+1, 0xFD
        STI_WINDOW
        CHECK_SEEN 1, PIC_BASE1+1
        CHECK_PORT 0x60, 0x5A
        OUTB    PIC1, 0x20
END_CASE

CASE "interrupts-disabled"
        call    dev_pic_init
        call    dev_irq0_raise
        OUTB    PIC1+1, 0xFE
        times 8 nop
        CHECK   dword [DEV_COUNT], 0
        sti                             ; the instruction behind STI still shields
        cli
        times 4 nop
        CHECK   dword [DEV_COUNT], 0
        STI_WINDOW
        CHECK_SEEN 1, PIC_BASE1
        OUTB    PIC1, 0x20
END_CASE

CASE "masked-stays-requested"
        call    dev_pic_init
        call    dev_irq0_raise
        STI_WINDOW
        CHECK   dword [DEV_COUNT], 0
        READ_IRR PIC1
        and     al, 1
        CHECK8  al, 1
        OUTB    PIC1+1, 0xFE
        STI_WINDOW
        CHECK_SEEN 1, PIC_BASE1
        OUTB    PIC1, 0x20
END_CASE

CASE "one-edge-one-interrupt"           ; the input of IRQ0 stays high
        call    dev_pic_init
        call    dev_irq0_raise
        OUTB    PIC1+1, 0xFE
        STI_WINDOW
        OUTB    PIC1, 0x20
        STI_WINDOW
        CHECK_SEEN 1, PIC_BASE1
END_CASE

CASE "vector-base"
        call    dev_pic_init
        OUTB    PIC1, 0x11
        OUTB    PIC1+1, PIC_BASE2
        OUTB    PIC1+1, 4
        OUTB    PIC1+1, 1
        OUTB    PIC1+1, 0xFF
        call    dev_irq1_raise
        OUTB    PIC1+1, 0xFD
        STI_WINDOW
        CHECK_SEEN 1, PIC_BASE2+1
        in      al, 0x60
        OUTB    PIC1, 0x20
END_CASE

CASE "vector-base-low-bits"             ; only T7-T3 of ICW2 count
        call    dev_pic_init
        OUTB    PIC1, 0x11
        OUTB    PIC1+1, PIC_BASE1|7
        OUTB    PIC1+1, 4
        OUTB    PIC1+1, 1
        OUTB    PIC1+1, 0xFF
        call    dev_irq1_raise
        OUTB    PIC1+1, 0xFD
        STI_WINDOW
        CHECK_SEEN 1, PIC_BASE1+1
        in      al, 0x60
        OUTB    PIC1, 0x20
END_CASE

CASE "irr-isr"
        call    dev_pic_init
        call    dev_irq0_raise
        OUTB    PIC1+1, 0xFE
        READ_IRR PIC1
        and     al, 1
        CHECK8  al, 1
        CHECK_ISR PIC1, 0
        STI_WINDOW
        READ_IRR PIC1
        and     al, 1
        CHECK8  al, 0
        CHECK_ISR PIC1, 1
        OUTB    PIC1, 0x20
        CHECK_ISR PIC1, 0
END_CASE

CASE "read-select-stays"                ; OCW3 need not be repeated; IRR after ICW1
        call    dev_pic_init
        call    dev_irq0_raise
        OUTB    PIC1+1, 0xFE
        STI_WINDOW
        OUTB    PIC1, 0x0B
        CHECK_PORT PIC1, 1
        CHECK_PORT PIC1, 1
        CHECK_PORT PIC1+1, 0xFE
        CHECK_PORT PIC1, 1
        OUTB    PIC1, 0x20
        CHECK_PORT PIC1, 0
        call    dev_irq1_raise
        OUTB    PIC1, 0x0A
        CHECK_PORT PIC1, 2, 3
        CHECK_PORT PIC1, 2, 3
        in      al, 0x60
END_CASE

CASE "no-interrupt-before-eoi"
        call    dev_pic_init
        call    dev_irq0_raise
        OUTB    PIC1+1, 0xFE
        STI_WINDOW
        call    dev_irq0_raise
        STI_WINDOW
        CHECK   dword [DEV_COUNT], 1
        OUTB    PIC1, 0x20
        STI_WINDOW
        CHECK   dword [DEV_COUNT], 2
        OUTB    PIC1, 0x20
END_CASE

CASE "priority-order"
        call    dev_pic_init
        call    dev_irq1_raise
        call    dev_irq0_raise
        OUTB    PIC1+1, 0xFC
        STI_WINDOW
        CHECK_SEEN 1, PIC_BASE1
        STI_WINDOW                      ; IRQ1 is lower: waits for the EOI
        CHECK   dword [DEV_COUNT], 1
        OUTB    PIC1, 0x20
        STI_WINDOW
        CHECK_SEEN 2, PIC_BASE1+1
        in      al, 0x60
        OUTB    PIC1, 0x20
        CHECK_ISR PIC1, 0
END_CASE

CASE "higher-priority-nests"
        call    dev_pic_init
        call    dev_irq1_raise
        OUTB    PIC1+1, 0xFC
        STI_WINDOW
        CHECK_SEEN 1, PIC_BASE1+1
        call    dev_irq0_raise
        STI_WINDOW
        CHECK_SEEN 2, PIC_BASE1
        CHECK_ISR PIC1, 3
        OUTB    PIC1, 0x20              ; non-specific: the highest in service
        CHECK_ISR PIC1, 2
        OUTB    PIC1, 0x20
        CHECK_ISR PIC1, 0
        in      al, 0x60
END_CASE

CASE "eoi-specific"
        call    dev_pic_init
        call    dev_irq1_raise
        OUTB    PIC1+1, 0xFC
        STI_WINDOW
        call    dev_irq0_raise
        STI_WINDOW
        OUTB    PIC1, 0x61
        CHECK_ISR PIC1, 1
        OUTB    PIC1, 0x65              ; not in service: nothing
        CHECK_ISR PIC1, 1
        OUTB    PIC1, 0x60
        CHECK_ISR PIC1, 0
        in      al, 0x60
END_CASE

CASE "eoi-without-service"
        call    dev_pic_init
        OUTB    PIC1, 0x20
        OUTB    PIC2, 0x20
        CHECK_ISR PIC1, 0
        CHECK_ISR PIC2, 0
        call    dev_irq0_raise
        OUTB    PIC1, 0x20              ; does not touch a request
        OUTB    PIC1+1, 0xFE
        STI_WINDOW
        CHECK_SEEN 1, PIC_BASE1
        OUTB    PIC1, 0x20
END_CASE

CASE "init-forgets-requests"            ; ICW1 resets the edge sense circuit
        call    dev_pic_init
        call    dev_irq0_raise
        call    dev_pic_icw
        CHECK_PORT PIC1, 0, 1           ; reads the IRR after ICW1
        OUTB    PIC1+1, 0xFE
        STI_WINDOW
        CHECK   dword [DEV_COUNT], 0
        call    dev_irq0_raise
        STI_WINDOW
        CHECK   dword [DEV_COUNT], 1
        OUTB    PIC1, 0x20
END_CASE

CASE "init-clears-isr"
        call    dev_pic_init
        call    dev_irq0_raise
        OUTB    PIC1+1, 0xFE
        STI_WINDOW
        call    dev_pic_icw
        CHECK_ISR PIC1, 0
END_CASE

CASE "auto-eoi"
        call    dev_pic_init
        OUTB    PIC1, 0x11
        OUTB    PIC1+1, PIC_BASE1
        OUTB    PIC1+1, 4
        OUTB    PIC1+1, 3               ; AEOI
        OUTB    PIC1+1, 0xFF
        call    dev_irq0_raise
        OUTB    PIC1+1, 0xFE
        STI_WINDOW
        CHECK_SEEN 1, PIC_BASE1
        CHECK_ISR PIC1, 0
        call    dev_irq0_raise
        STI_WINDOW
        CHECK_SEEN 2, PIC_BASE1
        call    dev_pic_icw
END_CASE

CASE "set-priority"                     ; IR0 is the lowest, so IR1 the highest
        call    dev_pic_init
        OUTB    PIC1, 0xC0
        call    dev_irq0_raise
        call    dev_irq1_raise
        OUTB    PIC1+1, 0xFC
        STI_WINDOW
        CHECK_SEEN 1, PIC_BASE1+1
        STI_WINDOW
        CHECK   dword [DEV_COUNT], 1
        OUTB    PIC1, 0x20
        STI_WINDOW
        CHECK_SEEN 2, PIC_BASE1
        OUTB    PIC1, 0x20
        in      al, 0x60
        call    dev_pic_icw
END_CASE

CASE "rotate-on-eoi"
        call    dev_pic_init
        call    dev_irq0_raise
        OUTB    PIC1+1, 0xFC
        STI_WINDOW
        OUTB    PIC1, 0xA0              ; IR0 becomes the lowest
        CHECK_ISR PIC1, 0
        OUTB    PIC1+1, 0xFF
        call    dev_irq0_raise
        call    dev_irq1_raise
        OUTB    PIC1+1, 0xFC
        STI_WINDOW
        CHECK_SEEN 2, PIC_BASE1+1
        OUTB    PIC1, 0x20
        in      al, 0x60
        STI_WINDOW
        CHECK_SEEN 3, PIC_BASE1
        OUTB    PIC1, 0x20
        call    dev_pic_icw
END_CASE

CASE "init-resets-priority"
        call    dev_pic_init
        OUTB    PIC1, 0xC0
        call    dev_pic_icw
        call    dev_irq1_raise
        call    dev_irq0_raise
        OUTB    PIC1+1, 0xFC
        STI_WINDOW
        CHECK_SEEN 1, PIC_BASE1
        OUTB    PIC1, 0x20
        in      al, 0x60
END_CASE

CASE "special-mask-mode"                ; a masked level in service blocks nothing
        call    dev_pic_init
        call    dev_irq0_raise
        OUTB    PIC1+1, 0xFC
        STI_WINDOW
        call    dev_irq1_raise
        STI_WINDOW
        CHECK   dword [DEV_COUNT], 1
        OUTB    PIC1, 0x68
        OUTB    PIC1+1, 0xFD
        STI_WINDOW
        CHECK_SEEN 2, PIC_BASE1+1
        CHECK_ISR PIC1, 3
        OUTB    PIC1, 0x61
        OUTB    PIC1, 0x60
        CHECK_ISR PIC1, 0
        OUTB    PIC1, 0x48
        in      al, 0x60
END_CASE

; The priority is resolved at the acknowledge, not when INT rises (8259A data sheet,
; "Interrupt Sequence": step 4 sets the highest priority ISR bit at the first INTA).
CASE "higher-request-before-acknowledge"
        call    dev_pic_init
        OUTB    PIC1+1, 0xFC
        call    dev_irq1_raise
        call    dev_irq0_raise
        STI_WINDOW
        CHECK_SEEN 1, PIC_BASE1
        OUTB    PIC1, 0x20
        STI_WINDOW
        CHECK_SEEN 2, PIC_BASE1+1
        OUTB    PIC1, 0x20
        in      al, 0x60
END_CASE

; 8259A data sheet, "Poll Command": bit 7 of the word is 1 with a request, W2-W0 is its
; level.
CASE "poll-command"
        call    dev_pic_init
        OUTB    PIC1+1, 0xFD
        OUTB    PIC1, 0x0C
        CHECK_PORT PIC1, 0, 0x80        ; no request
        call    dev_irq1_raise
        OUTB    PIC1, 0x0C
        CHECK_PORT PIC1, 0x81, 0x87
        CHECK_ISR PIC1, 2               ; the read was the acknowledge
        STI_WINDOW
        CHECK   dword [DEV_COUNT], 0
        OUTB    PIC1, 0x20
        CHECK_ISR PIC1, 0
        in      al, 0x60
END_CASE

CASE "hlt-wakes"
        call    dev_pic_init
        OUTB    0x43, 0x30
        OUTB    0x40, 0x00
        OUTB    0x40, 0x10
        OUTB    PIC1+1, 0xFE
        sti
        hlt
        cli
        CHECK_SEEN 1, PIC_BASE1
        OUTB    PIC1, 0x20
END_CASE

CASE "cascade-irq8"
        call    dev_pic_init
        MASKS   0xFB, 0xFE
        IRQ8_RAISE
        STI_WINDOW
        CHECK_SEEN 1, PIC_BASE2
        CHECK_ISR PIC1, 4
        CHECK_ISR PIC2, 1
        IRQ8_DROP
        OUTB    PIC2, 0x20
        CHECK_ISR PIC2, 0
        CHECK_ISR PIC1, 4               ; every 8259A needs its own EOI
        OUTB    PIC1, 0x20
        CHECK_ISR PIC1, 0
END_CASE

CASE "cascade-masked-in-slave"
        call    dev_pic_init
        MASKS   0xFB, 0xFF
        IRQ8_RAISE
        READ_IRR PIC1
        and     al, 4
        CHECK8  al, 0
        STI_WINDOW
        CHECK   dword [DEV_COUNT], 0
        OUTB    PIC2+1, 0xFE
        STI_WINDOW
        CHECK_SEEN 1, PIC_BASE2
        IRQ8_DROP
        OUTB    PIC2, 0x20
        OUTB    PIC1, 0x20
END_CASE

CASE "cascade-masked-in-master"
        call    dev_pic_init
        MASKS   0xFF, 0xFE
        IRQ8_RAISE
        READ_IRR PIC1
        and     al, 4
        CHECK8  al, 4
        STI_WINDOW
        CHECK   dword [DEV_COUNT], 0
        OUTB    PIC1+1, 0xFB
        STI_WINDOW
        CHECK_SEEN 1, PIC_BASE2
        IRQ8_DROP
        OUTB    PIC2, 0x20
        OUTB    PIC1, 0x20
END_CASE

CASE "cascade-priority"                 ; IRQ1 is above IRQ8
        call    dev_pic_init
        MASKS   0xFF, 0xFE
        IRQ8_RAISE
        call    dev_irq1_raise
        OUTB    PIC1+1, 0xF9
        STI_WINDOW
        CHECK_SEEN 1, PIC_BASE1+1
        OUTB    PIC1, 0x20
        in      al, 0x60
        STI_WINDOW
        CHECK_SEEN 2, PIC_BASE2
        IRQ8_DROP
        OUTB    PIC2, 0x20
        OUTB    PIC1, 0x20
END_CASE

; 8259A data sheet, "Edge and Level Triggered Modes": the input must stay high until the
; acknowledge, else a default IR7 occurs. Whether an interrupt occurs at all depends on
; the moment, but never one of the level that went away.
CASE "withdrawn-request"
        call    dev_pic_init
        call    dev_irq1_raise
        OUTB    PIC1+1, 0xFD
        in      al, 0x60
        STI_WINDOW
        mov     al, [DEV_LAST]
        test    al, al
        jz      .nothing
        CHECK8  al, PIC_BASE1+7
        CHECK_ISR PIC1, 0               ; a default IR7 sets no bit
.nothing:
        OUTB    PIC1, 0x20
END_CASE

        jmp     pic_behind
read_slave_irr:                         ; ZF = 0 when IRQ8 is requested
        READ_IRR PIC2
        test    al, 1
        ret
pic_behind:
        call    dev_pic_init

DEVICE_CODE
        ROM_END
