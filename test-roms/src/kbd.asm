; first-model: 386dx
; cases: 20
; 8042 keyboard controller, A20 gate, keyboard. Sources: IBM PC AT Technical Reference,
; "Keyboard Controller"; IBM PS/2 Hardware Interface Technical Reference, "Keyboard and
; Auxiliary Device Controller", "101- and 102-Key Keyboard".

%include "rom.inc"
%include "devices.inc"

%macro KBC_COMMAND 1
        mov     al, %1
        call    dev_kbc_command
%endmacro

%macro KBC_DATA 1
        mov     al, %1
        call    dev_kbc_data
%endmacro

; Waits for a byte and checks it.
%macro KBC_REPLY 1
        POLL    {call output_full}, nz
        in      al, 0x60
        CHECK8  al, %1
%endmacro

%macro COMMAND_BYTE 1
        KBC_COMMAND 0x60
        KBC_DATA %1
%endmacro

; Keyboard enabled, no translation, no interrupts; nothing in the buffers.
%macro KEYBOARD_BEGIN 0
        call    dev_pic_init
        COMMAND_BYTE 0x24
        call    dev_kbc_drain
%endmacro

; One byte below 1 MiB, and the one exactly 1 MiB above it.
A20_LOW         equ 0x620
A20_HIGH        equ 0x630       ; FFFF:0630 is 100620h

%macro A20_KBC 1                ; output port: no reset, A20
        KBC_COMMAND 0xD1
        KBC_DATA 0xDD|((%1)<<1)
        call    dev_kbc_wait
%endmacro

        ROM_BEGIN "8042 keyboard controller and keyboard"

; --- Controller ---

CASE "self-test"
        KBC_COMMAND 0xAD                ; keyboard off
        call    dev_kbc_drain
        KBC_COMMAND 0xAA
        KBC_REPLY 0x55
        in      al, 0x64
        and     al, 5
        CHECK8  al, 4                   ; passed: system flag; buffer empty again
END_CASE

CASE "interface-test"
        KBC_COMMAND 0xAD
        call    dev_kbc_drain
        KBC_COMMAND 0xAB
        KBC_REPLY 0
END_CASE

CASE "command-byte-read-write"
        COMMAND_BYTE 0x34
        call    dev_kbc_drain
        KBC_COMMAND 0x20
        KBC_REPLY 0x34
        COMMAND_BYTE 0x74
        KBC_COMMAND 0x20
        KBC_REPLY 0x74
        COMMAND_BYTE 0x35
        KBC_COMMAND 0x20
        KBC_REPLY 0x35
        COMMAND_BYTE 0x34
END_CASE

; AT Technical Reference: bit 2 of the command byte is placed in the system flag of the
; status register.
CASE "command-byte-system-flag"
        COMMAND_BYTE 0x30
        call    dev_kbc_wait
        CHECK_PORT 0x64, 0, 4
        COMMAND_BYTE 0x34
        call    dev_kbc_wait
        CHECK_PORT 0x64, 4, 4
END_CASE

CASE "disable-enable-keyboard"          ; commands ADh and AEh are bit 4 of the command byte
        COMMAND_BYTE 0x34
        call    dev_kbc_drain
        KBC_COMMAND 0xAE
        KBC_COMMAND 0x20
        KBC_REPLY 0x24
        KBC_COMMAND 0xAD
        KBC_COMMAND 0x20
        KBC_REPLY 0x34
END_CASE

; AT Technical Reference, "Status-Register Bit Definition": bit 3 tells whether the last
; write was to port 64h (command, 1) or 60h (data, 0).
CASE "status-command-data"
        COMMAND_BYTE 0x34
        call    dev_kbc_wait
        CHECK_PORT 0x64, 0, 8
        KBC_COMMAND 0xAD
        call    dev_kbc_wait
        CHECK_PORT 0x64, 8, 8
END_CASE

CASE "write-output-buffer"
        COMMAND_BYTE 0x34
        call    dev_kbc_drain
        KBC_COMMAND 0xD2
        KBC_DATA 0xA5
        POLL    {call output_full}, nz
        CHECK_PORT 0x64, 1, 0x21        ; not from the auxiliary device
        CHECK_PORT 0x60, 0xA5
        CHECK_PORT 0x64, 0, 1
END_CASE

CASE "output-port-read"                 ; bit 0 (no reset) and bit 1 (A20)
        KBC_COMMAND 0xAD
        call    dev_kbc_drain
        A20_KBC 1
        KBC_COMMAND 0xD0
        POLL    {call output_full}, nz
        in      al, 0x60
        and     al, 3
        CHECK8  al, 3
        A20_KBC 0
        KBC_COMMAND 0xD0
        POLL    {call output_full}, nz
        in      al, 0x60
        and     al, 3
        CHECK8  al, 1
        A20_KBC 1
END_CASE

CASE "irq1"
        call    dev_pic_init
        call    dev_irq1_raise
        OUTB    PIC1+1, 0xFD
        sti
        times 8 nop
        cli
        CHECK   dword [DEV_COUNT], 1
        CHECK8  byte [DEV_LAST], PIC_BASE1+1
        CHECK_PORT 0x60, 0x5A
        OUTB    PIC1, 0x20
        call    dev_pic_init
END_CASE

CASE "irq1-disabled"                    ; bit 0 of the command byte
        call    dev_pic_init
        COMMAND_BYTE 0x34
        call    dev_kbc_drain
        call    dev_pic_icw
        OUTB    PIC1+1, 0xFD
        KBC_COMMAND 0xD2
        KBC_DATA 0x5A
        POLL    {call output_full}, nz
        sti
        times 8 nop
        cli
        CHECK   dword [DEV_COUNT], 0
        in      al, 0x60
        call    dev_pic_init
END_CASE

; --- A20 ---

CASE "a20-keyboard-controller"
        call    a20_begin
        call    a20_port_92_off
        A20_KBC 1
        call    a20_fill
        POLL    {call a20_differs}, nz
        A20_KBC 0
        POLL    {call a20_differs}, z
        mov     byte [A20_LOW], 0x77
        mov     al, [fs:A20_HIGH]
        CHECK8  al, 0x77
        mov     byte [fs:A20_HIGH], 0x88
        CHECK8  byte [A20_LOW], 0x88
        A20_KBC 1
        call    a20_fill
        POLL    {call a20_differs}, nz
        mov     al, [fs:A20_HIGH]
        CHECK8  al, 0x22
END_CASE

        in      al, 0x92
        cmp     al, 0xFF                ; no such port
        je      near no_port_92
CASE "a20-port-92"
        call    a20_begin
        A20_KBC 0
        in      al, 0x92
        and     al, 0xFE
        or      al, 2
        out     0x92, al
        CHECK_PORT 0x92, 2, 3
        call    a20_fill
        POLL    {call a20_differs}, nz
        in      al, 0x92
        and     al, 0xFC
        out     0x92, al
        CHECK_PORT 0x92, 0, 3
        POLL    {call a20_differs}, z
        mov     byte [A20_LOW], 0x77
        mov     al, [fs:A20_HIGH]
        CHECK8  al, 0x77
        in      al, 0x92
        and     al, 0xFE
        or      al, 2
        out     0x92, al
        call    a20_fill
        POLL    {call a20_differs}, nz
        A20_KBC 1
END_CASE
no_port_92:

; --- Keyboard ---

CASE "keyboard-reset"
        KEYBOARD_BEGIN
        KBC_DATA 0xFF
        KBC_REPLY 0xFA
        KBC_REPLY 0xAA
END_CASE

CASE "keyboard-echo"                    ; no acknowledge
        KEYBOARD_BEGIN
        KBC_DATA 0xEE
        KBC_REPLY 0xEE
END_CASE

CASE "keyboard-disable-enable"
        KEYBOARD_BEGIN
        KBC_DATA 0xF5
        KBC_REPLY 0xFA
        KBC_DATA 0xF4
        KBC_REPLY 0xFA
END_CASE

CASE "keyboard-identify"
        KEYBOARD_BEGIN
        KBC_DATA 0xF2
        KBC_REPLY 0xFA
        KBC_REPLY 0xAB
        KBC_REPLY 0x83
END_CASE

CASE "keyboard-leds"
        KEYBOARD_BEGIN
        KBC_DATA 0xED
        KBC_REPLY 0xFA
        KBC_DATA 7
        KBC_REPLY 0xFA
        KBC_DATA 0xED
        KBC_REPLY 0xFA
        KBC_DATA 0
        KBC_REPLY 0xFA
END_CASE

CASE "keyboard-typematic"
        KEYBOARD_BEGIN
        KBC_DATA 0xF3
        KBC_REPLY 0xFA
        KBC_DATA 0x2B
        KBC_REPLY 0xFA
END_CASE

CASE "keyboard-scan-code-set"           ; default 2; untranslated reply
        KEYBOARD_BEGIN
        KBC_DATA 0xF6                   ; defaults
        KBC_REPLY 0xFA
        KBC_DATA 0xF0
        KBC_REPLY 0xFA
        KBC_DATA 0
        KBC_REPLY 0xFA
        KBC_REPLY 2
        KBC_DATA 0xF4
        KBC_REPLY 0xFA
END_CASE

CASE "keyboard-irq1"
        KEYBOARD_BEGIN
        COMMAND_BYTE 0x25
        call    dev_kbc_wait
        OUTB    PIC1+1, 0xFD
        KBC_DATA 0xEE
        POLL    {call await_interrupt}, nz
        CHECK   dword [DEV_COUNT], 1
        CHECK8  byte [DEV_LAST], PIC_BASE1+1
        CHECK_PORT 0x60, 0xEE
        OUTB    PIC1, 0x20
        COMMAND_BYTE 0x34
        call    dev_pic_init
END_CASE

        jmp     kbd_behind

output_full:                            ; ZF = 0: a byte is waiting
        in      al, 0x64
        test    al, 1
        ret

await_interrupt:
        sti
        nop
        nop
        cli
        cmp     dword [DEV_COUNT], 0
        ret

a20_begin:
        push    ax
        mov     ax, 0xFFFF
        mov     fs, ax
        pop     ax
        KBC_COMMAND 0xAD
        jmp     dev_kbc_drain

a20_port_92_off:                        ; either source may open A20
        in      al, 0x92
        cmp     al, 0xFF
        je      .absent
        and     al, 0xFC
        out     0x92, al
.absent:
        ret

a20_fill:
        mov     byte [A20_LOW], 0x11
        mov     byte [fs:A20_HIGH], 0x22
        ret

a20_differs:                            ; ZF = 1: FFFF:0630 is the same byte as 0:0620
        mov     byte [A20_LOW], 0x11
        mov     al, [fs:A20_HIGH]
        mov     byte [A20_LOW], 0x33
        cmp     al, 0x11
        jne     .differs
        mov     al, [fs:A20_HIGH]
        cmp     al, 0x33
.differs:
        mov     byte [A20_LOW], 0x11
        ret
kbd_behind:

DEVICE_CODE
        ROM_END
