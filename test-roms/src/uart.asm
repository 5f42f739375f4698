; first-model: 386dx
; cases: 22
; 16550A UART at 3F8h, IRQ4. Source: National Semiconductor PC16550D data sheet. Cases of
; an absent UART, or of the FIFOs of one without them, are left out.

%include "rom.inc"
%include "devices.inc"

UART    equ 0x3F8
RBR     equ UART                ; also THR, DLL
IER     equ UART+1              ; also DLM
IIR     equ UART+2              ; also FCR
LCR     equ UART+3
MCR     equ UART+4
LSR     equ UART+5
MSR     equ UART+6
SCR     equ UART+7

        ROM_BEGIN "16550A UART"

CASE "baseline"                         ; so that a machine without UART has a case
        mov     eax, 1
        CHECK_EAX 1
END_CASE

        OUTB    SCR, 0x5A
        INB     SCR
        cmp     al, 0x5A
        jne     near no_uart
        OUTB    SCR, 0xA5
        INB     SCR
        cmp     al, 0xA5
        jne     near no_uart

CASE "scratch"
        OUTB    SCR, 0
        CHECK_PORT SCR, 0
        OUTB    SCR, 0xFF
        CHECK_PORT SCR, 0xFF
        OUTB    SCR, 0x3C
        CHECK_PORT SCR, 0x3C
END_CASE

CASE "line-control-read-write"
        OUTB    LCR, 0x1B
        CHECK_PORT LCR, 0x1B
        OUTB    LCR, 0x03
        CHECK_PORT LCR, 0x03
END_CASE

CASE "divisor-latch"
        OUTB    LCR, 0x83
        OUTB    RBR, 0x34
        OUTB    IER, 0x12
        CHECK_PORT RBR, 0x34
        CHECK_PORT IER, 0x12
        OUTB    LCR, 0x03
        OUTB    IER, 0x00               ; not the divisor now
        CHECK_PORT IER, 0x00
        OUTB    LCR, 0x83
        CHECK_PORT RBR, 0x34
        CHECK_PORT IER, 0x12
        OUTB    RBR, 1
        OUTB    IER, 0
        OUTB    LCR, 0x03
END_CASE

CASE "interrupt-enable-read-write"      ; bits 7-4 read as 0
        call    uart_begin
        OUTB    IER, 0x05
        CHECK_PORT IER, 0x05
        OUTB    IER, 0xFA
        CHECK_PORT IER, 0x0A
        OUTB    IER, 0
        CHECK_PORT IER, 0
END_CASE

CASE "modem-control-read-write"         ; bits 7-5 read as 0
        call    uart_begin
        OUTB    MCR, 0x15
        CHECK_PORT MCR, 0x15
        OUTB    MCR, 0xEA
        CHECK_PORT MCR, 0x0A
        OUTB    MCR, 0
END_CASE

CASE "line-status-idle"
        call    uart_begin
        CHECK_PORT LSR, 0x60
END_CASE

CASE "no-interrupt-pending"
        call    uart_begin
        CHECK_PORT IIR, 0x01
END_CASE

; --- Loopback ---

CASE "loopback-modem-status"            ; DTR-DSR, RTS-CTS, OUT1-RI, OUT2-DCD
        call    uart_begin
        OUTB    MCR, 0x10
        CHECK_PORT MSR, 0x00, 0xF0
        OUTB    MCR, 0x11
        CHECK_PORT MSR, 0x20, 0xF0
        OUTB    MCR, 0x12
        CHECK_PORT MSR, 0x10, 0xF0
        OUTB    MCR, 0x14
        CHECK_PORT MSR, 0x40, 0xF0
        OUTB    MCR, 0x18
        CHECK_PORT MSR, 0x80, 0xF0
        OUTB    MCR, 0x1F
        CHECK_PORT MSR, 0xF0, 0xF0
        OUTB    MCR, 0
END_CASE

; PC16550D data sheet, "Modem Control Register", bit 4: in loopback the modem control
; interrupts are operational, their sources are the lower four bits of MCR. "Modem Status
; Register": a read clears the delta bits.
CASE "loopback-modem-deltas"
        call    uart_begin
        OUTB    MCR, 0x10
        INB     MSR
        CHECK_PORT MSR, 0x00, 0x0F
        OUTB    MCR, 0x11
        CHECK_PORT MSR, 0x02, 0x0F
        CHECK_PORT MSR, 0x00, 0x0F
        OUTB    MCR, 0x12               ; DSR falls, CTS rises
        CHECK_PORT MSR, 0x03, 0x0F
        OUTB    MCR, 0x18
        CHECK_PORT MSR, 0x09, 0x0F
        OUTB    MCR, 0
END_CASE

CASE "loopback-ring-trailing-edge"      ; TERI only when RI ends
        call    uart_begin
        OUTB    MCR, 0x10
        INB     MSR
        OUTB    MCR, 0x14
        CHECK_PORT MSR, 0x00, 0x0F
        OUTB    MCR, 0x10
        CHECK_PORT MSR, 0x04, 0x0F
        OUTB    MCR, 0
END_CASE

CASE "loopback-data"
        call    uart_begin
        OUTB    MCR, 0x10
        OUTB    RBR, 0x5A
        POLL    {call uart_received}, nz
        CHECK_PORT RBR, 0x5A
        CHECK_PORT LSR, 0, 1
        POLL    {call uart_empty}, nz
        OUTB    RBR, 0xA5
        POLL    {call uart_received}, nz
        CHECK_PORT RBR, 0xA5
        POLL    {call uart_empty}, nz
        CHECK_PORT LSR, 0x60
        OUTB    MCR, 0
END_CASE

; Without FIFO: the second byte replaces an unread one; OE is cleared by the read.
CASE "loopback-overrun"
        call    uart_begin
        OUTB    MCR, 0x10
        OUTB    RBR, 0x11
        POLL    {call uart_received}, nz
        POLL    {call uart_empty}, nz
        OUTB    RBR, 0x22
        POLL    {call uart_overrun}, nz
        CHECK_PORT LSR, 0x01, 0x1F
        CHECK_PORT RBR, 0x22
        CHECK_PORT LSR, 0x00, 0x1F
        OUTB    MCR, 0
END_CASE

; PC16550D data sheet, "Line Control Register": bits 0 and 1 are the bits in each serial
; character.
CASE "loopback-7-bits"
        call    uart_begin
        OUTB    LCR, 0x02
        OUTB    MCR, 0x10
        OUTB    RBR, 0xFF
        POLL    {call uart_received}, nz
        CHECK_PORT RBR, 0x7F
        POLL    {call uart_empty}, nz
        OUTB    MCR, 0
        OUTB    LCR, 0x03
END_CASE

; --- Interrupt identification, polled (OUT2 off: the line to the 8259A is cut) ---

CASE "iir-transmitter-empty"            ; enabling it raises it, reading IIR clears it
        call    uart_begin
        OUTB    IER, 2
        CHECK_PORT IIR, 0x02
        CHECK_PORT IIR, 0x01
        OUTB    IER, 0
END_CASE

CASE "iir-received-data"
        call    uart_begin
        OUTB    MCR, 0x10
        OUTB    IER, 1
        CHECK_PORT IIR, 0x01
        OUTB    RBR, 0x42
        POLL    {call uart_received}, nz
        CHECK_PORT IIR, 0x04
        CHECK_PORT IIR, 0x04            ; reading IIR does not clear it
        CHECK_PORT RBR, 0x42
        CHECK_PORT IIR, 0x01
        OUTB    IER, 0
        OUTB    MCR, 0
END_CASE

CASE "iir-modem-status"
        call    uart_begin
        OUTB    MCR, 0x10
        INB     MSR
        OUTB    IER, 8
        CHECK_PORT IIR, 0x01
        OUTB    MCR, 0x11
        CHECK_PORT IIR, 0x00
        INB     MSR
        CHECK_PORT IIR, 0x01
        OUTB    IER, 0
        OUTB    MCR, 0
END_CASE

; Line status, data, transmitter, modem. Reading IIR clears the transmitter interrupt only
; if it is the one shown (PC16550D data sheet, "Interrupt Control Functions").
CASE "iir-priority"
        call    uart_begin
        OUTB    MCR, 0x10
        INB     MSR
        OUTB    RBR, 0x11
        POLL    {call uart_received}, nz
        POLL    {call uart_empty}, nz
        OUTB    IER, 0x0F
        OUTB    RBR, 0x22               ; overrun
        POLL    {call uart_line_interrupt}, z
        OUTB    MCR, 0x11
        INB     LSR
        CHECK_PORT IIR, 0x04
        INB     RBR
        CHECK_PORT IIR, 0x02
        CHECK_PORT IIR, 0x00
        INB     MSR
        CHECK_PORT IIR, 0x01
        OUTB    IER, 0
        OUTB    MCR, 0
END_CASE

; --- IRQ4 ---

CASE "irq4-transmitter-empty"
        call    uart_begin
        call    dev_pic_init
        OUTB    MCR, 8                  ; OUT2
        OUTB    PIC1+1, 0xEF
        OUTB    IER, 2
        POLL    {call await_interrupt}, nz
        CHECK   dword [DEV_COUNT], 1
        CHECK8  byte [DEV_LAST], PIC_BASE1+4
        CHECK_PORT IIR, 0x02
        OUTB    PIC1, 0x20
        OUTB    IER, 0
        OUTB    MCR, 0
        call    dev_pic_init
END_CASE

; --- FIFOs ---

        OUTB    IIR, 1
        INB     IIR
        mov     bl, al
        OUTB    IIR, 0
        and     bl, 0xC0
        cmp     bl, 0xC0
        jne     near no_fifo

CASE "fifo-enable"
        call    uart_begin
        OUTB    IIR, 1
        CHECK_PORT IIR, 0xC1
        OUTB    IIR, 0
        CHECK_PORT IIR, 0x01
END_CASE

CASE "fifo-loopback-order"
        call    uart_begin
        OUTB    IIR, 7
        OUTB    MCR, 0x10
        OUTB    RBR, 0x11
        OUTB    RBR, 0x22
        OUTB    RBR, 0x33
        OUTB    RBR, 0x44
        POLL    {call uart_received}, nz
        CHECK_PORT RBR, 0x11
        POLL    {call uart_received}, nz
        CHECK_PORT RBR, 0x22
        POLL    {call uart_received}, nz
        CHECK_PORT RBR, 0x33
        POLL    {call uart_received}, nz
        CHECK_PORT RBR, 0x44
        CHECK_PORT LSR, 0, 1
        POLL    {call uart_empty}, nz
        OUTB    MCR, 0
        OUTB    IIR, 0
END_CASE

; PC16550D data sheet, "FIFO Control Register", bit 1: clears all bytes in the RCVR FIFO.
CASE "fifo-reset-receiver"
        call    uart_begin
        OUTB    IIR, 7
        OUTB    MCR, 0x10
        OUTB    RBR, 0x11
        POLL    {call uart_received}, nz
        POLL    {call uart_empty}, nz
        OUTB    IIR, 3
        CHECK_PORT LSR, 0, 1
        OUTB    MCR, 0
        OUTB    IIR, 0
END_CASE
no_fifo:
no_uart:
        jmp     uart_behind

; 115200 baud, 8 bits, no FIFO, no interrupts, nothing received, transmitter empty.
uart_begin:
        pushad
        OUTB    LCR, 0x83
        OUTB    RBR, 1
        OUTB    IER, 0
        OUTB    LCR, 0x03
        OUTB    IER, 0
        OUTB    MCR, 0
        OUTB    IIR, 0
        POLL    {call uart_empty}, nz
        INB     RBR
        INB     LSR
        INB     MSR
        INB     IIR
        popad
        ret

uart_received:                          ; ZF = 0: data ready
        INB     LSR
        test    al, 1
        ret

uart_empty:                             ; ZF = 0: transmitter empty
        INB     LSR
        test    al, 0x40
        ret

uart_overrun:
        INB     LSR
        test    al, 2
        ret

uart_line_interrupt:                    ; ZF = 1: receiver line status interrupt
        INB     IIR
        and     al, 0x0F
        cmp     al, 6
        ret

await_interrupt:
        sti
        nop
        nop
        cli
        cmp     dword [DEV_COUNT], 0
        ret
uart_behind:

DEVICE_CODE
        ROM_END
