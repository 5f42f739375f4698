; first-model: 386dx
; cases: 2
%include "rom.inc"

; Kept apart from muldiv: QEMU 7.2 and earlier (TCG) divide with the host's 32-bit and 64-bit
; types, where these quotients overflow; the arithmetic exception ends the emulator.

ROM_BEGIN "the smallest 32-bit and 64-bit dividends divided by -1"

; Intel SDM Vol. 2, "IDIV": "If the quotient is too large for the designated register, a #DE
; (divide error) exception is generated" (8000000000000000h / -1 = +2^63).
CASE "idiv16-smallest-double-dividend-by-minus-one"
        mov     dx, 0x8000
        mov     bx, 0xFFFF
        FAULTS  0, {idiv bx}
        CHECK   eax, 0
        CHECK   edx, 0x8000
        CHECK   ebx, 0xFFFF
END_CASE
CASE "idiv32-smallest-double-dividend-by-minus-one"
        mov     edx, 0x80000000
        mov     ebx, 0xFFFFFFFF
        FAULTS  0, {idiv ebx}
        CHECK   eax, 0
        CHECK   edx, 0x80000000
        CHECK   ebx, 0xFFFFFFFF
END_CASE

ROM_END
