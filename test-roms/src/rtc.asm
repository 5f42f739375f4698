; first-model: 386dx
; cases: 19
; MC146818 real-time clock and CMOS RAM. Source: Motorola MC146818 data sheet. Waits end
; with an interrupt; the 8254 (IRQ0, 18.2 Hz) bounds them.

%include "rom.inc"
%include "devices.inc"

%macro RTC_WRITE 2
        OUTB    0x70, %1
        OUTB    0x71, %2
%endmacro

%macro RTC_READ 1
        OUTB    0x70, %1
        in      al, 0x71
%endmacro

%macro RTC_CHECK 2-3 0xFF               ; register, value, mask
        RTC_READ %1
        and     al, %3
        CHECK8  al, %2
%endmacro

; Registers: seconds, minutes, hours, day of week, day, month, year
%macro RTC_SET_TIME 7
        RTC_WRITE 0, %1
        RTC_WRITE 2, %2
        RTC_WRITE 4, %3
        RTC_WRITE 6, %4
        RTC_WRITE 7, %5
        RTC_WRITE 8, %6
        RTC_WRITE 9, %7
%endmacro

%macro RTC_CHECK_TIME 7
        RTC_CHECK 0, %1
        RTC_CHECK 2, %2
        RTC_CHECK 4, %3
        RTC_CHECK 6, %4
        RTC_CHECK 7, %5
        RTC_CHECK 8, %6
        RTC_CHECK 9, %7
%endmacro

        ROM_BEGIN "MC146818 real-time clock"

CASE "register-d-valid"                 ; VRT; the other bits read as 0
        RTC_CHECK 0x0D, 0x80
        RTC_CHECK 0x0D, 0x80
END_CASE

CASE "register-a-read-write"            ; without UIP
        RTC_WRITE 0x0A, 0x2F
        RTC_CHECK 0x0A, 0x2F, 0x7F
        RTC_WRITE 0x0A, 0x26
        RTC_CHECK 0x0A, 0x26, 0x7F
        RTC_WRITE 0x0A, 0xA6            ; UIP is read-only
        RTC_CHECK 0x0A, 0x26, 0x7F
END_CASE

CASE "register-b-read-write"
        RTC_WRITE 0x0B, 0x82            ; SET, 24 hours
        RTC_CHECK 0x0B, 0x82
        RTC_WRITE 0x0B, 0x86            ; binary
        RTC_CHECK 0x0B, 0x86
        RTC_WRITE 0x0B, 0x80            ; 12 hours
        RTC_CHECK 0x0B, 0x80
        RTC_WRITE 0x0B, 0x02
        RTC_CHECK 0x0B, 0x02
END_CASE

CASE "ram-read-write"
        RTC_READ 0x50
        mov     bl, al
        RTC_WRITE 0x50, 0x5A
        RTC_WRITE 0x51, 0xA5
        RTC_CHECK 0x50, 0x5A
        RTC_CHECK 0x51, 0xA5
        RTC_WRITE 0x50, 0xA5
        RTC_CHECK 0x50, 0xA5
        RTC_CHECK 0x51, 0xA5
        RTC_WRITE 0x50, bl
END_CASE

CASE "ram-several-bytes"
case_ram_several_bytes:
        mov     cx, 16
        mov     bl, 0x40
.write: OUTB    0x70, bl
        mov     al, bl
        xor     al, 0xA5
        out     0x71, al
        inc     bl
        loop    .write
        mov     cx, 16
        mov     bl, 0x40
.read:  OUTB    0x70, bl
        in      al, 0x71
        xor     al, bl
        CHECK8  al, 0xA5
        inc     bl
        loop    .read
END_CASE

CASE "nmi-mask-bit-is-no-address"       ; bit 7 of port 70h
        RTC_WRITE 0x50, 0x3C
        OUTB    0x70, 0xD0
        in      al, 0x71
        CHECK8  al, 0x3C
        OUTB    0x71, 0xC3
        RTC_CHECK 0x50, 0xC3
END_CASE

CASE "address-stays"                    ; several accesses to one address
        OUTB    0x70, 0x50
        OUTB    0x71, 0x11
        in      al, 0x71
        CHECK8  al, 0x11
        OUTB    0x71, 0x22
        in      al, 0x71
        in      al, 0x71
        CHECK8  al, 0x22
END_CASE

CASE "set-freezes-time-bcd"
        RTC_WRITE 0x0A, 0x26
        RTC_WRITE 0x0B, 0x82
        RTC_SET_TIME 0x58, 0x34, 0x12, 3, 0x21, 0x09, 0x85
        mov     cx, 0x8000
        call    dev_wait
        RTC_CHECK_TIME 0x58, 0x34, 0x12, 3, 0x21, 0x09, 0x85
        RTC_CHECK 0x0A, 0, 0x80
END_CASE

CASE "set-freezes-time-binary"
        RTC_WRITE 0x0A, 0x26
        RTC_WRITE 0x0B, 0x86
        RTC_SET_TIME 58, 34, 12, 3, 21, 9, 85
        RTC_CHECK_TIME 58, 34, 12, 3, 21, 9, 85
        RTC_WRITE 0x0B, 0x82
END_CASE

CASE "alarm-read-write"
        RTC_WRITE 0x0B, 0x82
        RTC_WRITE 1, 0x59
        RTC_WRITE 3, 0x08
        RTC_WRITE 5, 0x23
        RTC_CHECK 1, 0x59
        RTC_CHECK 3, 0x08
        RTC_CHECK 5, 0x23
END_CASE

CASE "no-update-in-progress-with-set"
case_no_update_in_progress_with_set:
        RTC_WRITE 0x0A, 0x26
        RTC_WRITE 0x0B, 0x82
        mov     cx, 2000
.next:  RTC_READ 0x0A
        test    al, 0x80
        jz      .good
        CHECK8  al, 0x26
.good:  loop    .next
END_CASE

; --- Interrupts ---

CASE "periodic-interrupt"
        call    rtc_begin
        RTC_WRITE 0x0A, 0x26            ; 1024 Hz
        RTC_WRITE 0x0B, 0x42
        call    rtc_await
        CHECK   dword [DEV_COUNT], 1
        CHECK8  byte [DEV_LAST], PIC_BASE2
        RTC_WRITE 0x0A, 0x20            ; no more periodic events
        RTC_CHECK 0x0C, 0xC0, 0xF0      ; IRQF and PF
        RTC_CHECK 0x0C, 0               ; cleared by the read
        call    rtc_end
END_CASE

; The line stays active until register C is read; then the next event is a new edge.
CASE "periodic-interrupt-repeats"
case_periodic_interrupt_repeats:
        call    rtc_begin
        RTC_WRITE 0x0A, 0x26
        RTC_WRITE 0x0B, 0x42
        mov     bx, 4
.next:  mov     dword [DEV_COUNT], 0
        call    rtc_await
        CHECK   dword [DEV_COUNT], 1
        RTC_READ 0x0C
        call    rtc_eoi
        dec     bx
        jnz     .next
        call    rtc_end
END_CASE

CASE "no-new-interrupt-before-register-c"
        call    rtc_begin
        RTC_WRITE 0x0A, 0x26
        RTC_WRITE 0x0B, 0x42
        call    rtc_await
        call    rtc_eoi
        mov     dword [DEV_COUNT], 0
        OUTB    PIC1+1, 0xFB
        mov     cx, 0x2000              ; 7 ms
        call    dev_wait
        sti
        times 8 nop
        cli
        CHECK   dword [DEV_COUNT], 0
        call    rtc_end
END_CASE

; MC146818 data sheet, "Register C": PF is set whether or not PIE is; IRQF needs both.
CASE "periodic-flag-without-enable"
        call    rtc_begin
        RTC_WRITE 0x0A, 0x26
        mov     cx, 0x2000              ; 7 ms
        call    dev_wait
        RTC_WRITE 0x0A, 0x20
        RTC_CHECK 0x0C, 0x40
        RTC_CHECK 0x0C, 0
        call    rtc_end
END_CASE

CASE "periodic-rate-zero"               ; RS = 0: no events
        call    rtc_begin
        RTC_WRITE 0x0A, 0x20
        RTC_READ 0x0C
        RTC_WRITE 0x0B, 0xC2            ; SET: no update events either
        mov     cx, 0x2000
        call    dev_wait
        RTC_CHECK 0x0C, 0
        call    rtc_end
END_CASE

; --- Updates: at most about a second each (MC146818 data sheet, "Update Cycle") ---

CASE "update-end-of-year-bcd"
        call    rtc_begin
        RTC_WRITE 0x0A, 0x20
        RTC_WRITE 0x0B, 0x82
        RTC_SET_TIME 0x59, 0x59, 0x23, 7, 0x31, 0x12, 0x05
        RTC_READ 0x0C
        RTC_WRITE 0x0B, 0x12            ; UIE
        call    rtc_await
        RTC_CHECK 0x0C, 0x90, 0xF0      ; IRQF and UF
        RTC_CHECK_TIME 0, 0, 0, 1, 1, 1, 0x06
        RTC_CHECK 0x0C, 0
        call    rtc_end
END_CASE

; 11:59:59 PM, 28 February 04. CMOS byte 32h is RAM of the MC146818, but many machines
; take it for the century.
CASE "update-leap-day-binary-12-hours"
        call    rtc_begin
        RTC_WRITE 0x0A, 0x20
        RTC_WRITE 0x0B, 0x84
        RTC_WRITE 0x32, 20
        RTC_SET_TIME 59, 59, 11|0x80, 7, 28, 2, 4
        RTC_READ 0x0C
        RTC_WRITE 0x0B, 0x14
        call    rtc_await
        RTC_CHECK_TIME 0, 0, 12, 1, 29, 2, 4
        call    rtc_end
        RTC_WRITE 0x32, 0x20
END_CASE

CASE "alarm-interrupt"                  ; at the next update; hours "don't care"
        call    rtc_begin
        RTC_WRITE 0x0A, 0x20
        RTC_WRITE 0x0B, 0x82
        RTC_SET_TIME 0x29, 0x10, 0x09, 2, 0x05, 0x06, 0x95
        RTC_WRITE 1, 0x30
        RTC_WRITE 3, 0x10
        RTC_WRITE 5, 0xC0
        RTC_READ 0x0C
        RTC_WRITE 0x0B, 0x22            ; AIE
        call    rtc_await
        RTC_CHECK 0x0C, 0xA0, 0xA0      ; IRQF and AF
        RTC_CHECK 0, 0x30
        call    rtc_end
END_CASE

        jmp     rtc_behind

; PICs ready, no RTC interrupt enabled or pending, updates running.
rtc_begin:
        call    dev_pic_init
        push    ax
        RTC_WRITE 0x0B, 0x02
        RTC_READ 0x0C
        pop     ax
        ret

; Waits with HLT for IRQ8. IRQ0 wakes it too; 60 of them (3.3 s) are too many.
rtc_await:
        pushad
        OUTB    0x43, 0x34
        OUTB    0x40, 0
        OUTB    0x40, 0
        mov     bx, 60
        OUTB    PIC1+1, 0xFA
        OUTB    PIC2+1, 0xFE
.wait:  sti
        hlt
        cli
        cmp     byte [DEV_LAST], PIC_BASE2
        je      .arrived
        OUTB    PIC1, 0x20
        mov     dword [DEV_COUNT], 0
        dec     bx
        jnz     .wait
        FAIL_HERE 0x18
.arrived:
        OUTB    PIC1+1, 0xFF
        popad
        ret

rtc_eoi:
        push    ax
        OUTB    PIC2, 0x20
        OUTB    PIC1, 0x20
        mov     byte [DEV_LAST], 0
        pop     ax
        ret

rtc_end:
        push    ax
        RTC_WRITE 0x0B, 0x02
        RTC_READ 0x0C
        RTC_WRITE 0x0A, 0x26
        pop     ax
        jmp     rtc_eoi
rtc_behind:
        call    dev_pic_init

DEVICE_CODE
        ROM_END
