; first-model: 386dx
; cases: 23
; 8237A DMA controllers of the AT: registers only, no transfer. Sources: Intel 8237A data
; sheet; IBM PC AT Technical Reference, "DMA". The second controller has word-spaced
; ports (C0h-DEh).

%include "rom.inc"
%include "devices.inc"

; Writes a 16-bit register low byte first; %2: port that clears the flip-flop.
%macro DMA_WRITE16 3
        OUTB    %2, 0
        OUTB    %1, (%3) & 0xFF
        OUTB    %1, (%3) >> 8
%endmacro

%macro DMA_CHECK16 3
        OUTB    %2, 0
        in      al, %1
        mov     ah, al
        in      al, %1
        xchg    al, ah
        CHECK16 ax, %3
%endmacro

; Address and count registers of one channel: write different values, read them back.
%macro DMA_CHANNEL 3                    ; address port, count port, flip-flop port
        DMA_WRITE16 %1, %3, 0x1234
        DMA_WRITE16 %2, %3, 0x5678
        DMA_CHECK16 %1, %3, 0x1234
        DMA_CHECK16 %2, %3, 0x5678
        DMA_WRITE16 %1, %3, 0xEDCB
        DMA_WRITE16 %2, %3, 0xA987
        DMA_CHECK16 %1, %3, 0xEDCB
        DMA_CHECK16 %2, %3, 0xA987
%endmacro

; All registers keep different values.
%macro PAGE_CASE 2
CASE %1
        OUTB    %2, 0x5A
        CHECK_PORT %2, 0x5A
        OUTB    %2, 0xA5
        CHECK_PORT %2, 0xA5
        OUTB    %2, 0
END_CASE
%endmacro

        ROM_BEGIN "8237A DMA controllers"

CASE "channel-0"
        OUTB    0x0D, 0
        DMA_CHANNEL 0x00, 0x01, 0x0C
END_CASE

CASE "channel-1"
        OUTB    0x0D, 0
        DMA_CHANNEL 0x02, 0x03, 0x0C
END_CASE

CASE "channel-2"
        OUTB    0x0D, 0
        DMA_CHANNEL 0x04, 0x05, 0x0C
END_CASE

CASE "channel-3"
        OUTB    0x0D, 0
        DMA_CHANNEL 0x06, 0x07, 0x0C
END_CASE

CASE "channel-5"
        OUTB    0xDA, 0
        DMA_CHANNEL 0xC4, 0xC6, 0xD8
END_CASE

CASE "channel-6"
        OUTB    0xDA, 0
        DMA_CHANNEL 0xC8, 0xCA, 0xD8
END_CASE

CASE "channel-7"
        OUTB    0xDA, 0
        DMA_CHANNEL 0xCC, 0xCE, 0xD8
END_CASE

CASE "channels-are-independent"
        OUTB    0x0D, 0
        OUTB    0xDA, 0
        DMA_WRITE16 0x02, 0x0C, 0x1111
        DMA_WRITE16 0x04, 0x0C, 0x2222
        DMA_WRITE16 0x06, 0x0C, 0x3333
        DMA_WRITE16 0xC4, 0xD8, 0x5555
        DMA_WRITE16 0xC8, 0xD8, 0x6666
        DMA_CHECK16 0x02, 0x0C, 0x1111
        DMA_CHECK16 0x04, 0x0C, 0x2222
        DMA_CHECK16 0x06, 0x0C, 0x3333
        DMA_CHECK16 0xC4, 0xD8, 0x5555
        DMA_CHECK16 0xC8, 0xD8, 0x6666
END_CASE

CASE "flip-flop"                        ; one for all registers of a controller
        OUTB    0x0D, 0
        DMA_WRITE16 0x02, 0x0C, 0x1234
        DMA_WRITE16 0x03, 0x0C, 0x5678
        OUTB    0x0C, 0
        CHECK_PORT 0x02, 0x34
        CHECK_PORT 0x03, 0x56           ; now the high byte
        CHECK_PORT 0x02, 0x34
        OUTB    0x0C, 0
        CHECK_PORT 0x02, 0x34
        CHECK_PORT 0x02, 0x12
END_CASE

CASE "flip-flop-second-controller"
        OUTB    0xDA, 0
        DMA_WRITE16 0xC4, 0xD8, 0x1234
        OUTB    0xD8, 0
        CHECK_PORT 0xC4, 0x34
        OUTB    0x0C, 0                 ; the other controller
        CHECK_PORT 0xC4, 0x12
END_CASE

; 8237A data sheet, "Word Count and Address Register Command Codes": with the flip-flop at
; 0 a write is A0-A7 of the base and current registers.
CASE "write-low-byte-only"
        OUTB    0x0D, 0
        DMA_WRITE16 0x02, 0x0C, 0x1234
        OUTB    0x0C, 0
        OUTB    0x02, 0x99
        DMA_CHECK16 0x02, 0x0C, 0x1299
END_CASE

CASE "master-clear-flip-flop"
        DMA_WRITE16 0x02, 0x0C, 0x1234
        OUTB    0x0C, 0
        in      al, 0x02
        OUTB    0x0D, 0
        CHECK_PORT 0x02, 0x34
        CHECK_PORT 0x02, 0x12
END_CASE

; Master clear clears the status, request and temporary registers; the address and count
; registers stay.
CASE "master-clear-status"
        DMA_WRITE16 0x02, 0x0C, 0x4321
        OUTB    0x0D, 0
        CHECK_PORT 0x08, 0, 0x0F
        CHECK_PORT 0x0D, 0
        DMA_CHECK16 0x02, 0x0C, 0x4321
        OUTB    0xDA, 0
        CHECK_PORT 0xD0, 0, 0x0F
END_CASE

CASE "mode-and-mask-keep-registers"
        OUTB    0x0D, 0
        DMA_WRITE16 0x04, 0x0C, 0x1234
        DMA_WRITE16 0x05, 0x0C, 0x5678
        OUTB    0x0B, 0x46              ; channel 2, single, write to memory
        OUTB    0x0A, 2                 ; unmask
        OUTB    0x0A, 6                 ; mask
        OUTB    0x0F, 0x0F              ; mask all
        DMA_CHECK16 0x04, 0x0C, 0x1234
        DMA_CHECK16 0x05, 0x0C, 0x5678
        OUTB    0x0D, 0
END_CASE

        PAGE_CASE "page-channel-0", 0x87
        PAGE_CASE "page-channel-1", 0x83
        PAGE_CASE "page-channel-2", 0x81
        PAGE_CASE "page-channel-3", 0x82
        PAGE_CASE "page-channel-5", 0x8B
        PAGE_CASE "page-channel-6", 0x89
        PAGE_CASE "page-channel-7", 0x8A
        PAGE_CASE "page-refresh", 0x8F

CASE "pages-are-independent"
        OUTB    0x87, 0x10
        OUTB    0x83, 0x11
        OUTB    0x81, 0x12
        OUTB    0x82, 0x13
        OUTB    0x8B, 0x15
        OUTB    0x89, 0x16
        OUTB    0x8A, 0x17
        CHECK_PORT 0x87, 0x10
        CHECK_PORT 0x83, 0x11
        CHECK_PORT 0x81, 0x12
        CHECK_PORT 0x82, 0x13
        CHECK_PORT 0x8B, 0x15
        CHECK_PORT 0x89, 0x16
        CHECK_PORT 0x8A, 0x17
END_CASE

DEVICE_CODE
        ROM_END
