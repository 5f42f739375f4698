; first-model: 386dx
; cases: 3
%include "rom.inc"
%include "expect.inc"

; Kept apart from alias: QEMU 7.2 (TCG) ends with "tcg fatal error" at these.

ROM_BEGIN "LOCK before BTS BTR BTC with a register destination"

; Vol. 2, "LOCK": #UD unless the destination is in memory.
%macro UNDEFINED 2+
        CASE %1
        mov     eax, 0x600
        mov     ebx, 0x600
        mov     si, 0x600
        EXPECT_FAULT 6, %%at
%%at:   db      %2
        nop
        FAULTED
        CHECK   eax, 0x600
        END_CASE
%endmacro

        UNDEFINED "lock-bts-register", 0xF0, 0x0F, 0xAB, 0xC0
        UNDEFINED "lock-btr-register-imm8", 0xF0, 0x0F, 0xBA, 0xF0, 0x01
        UNDEFINED "lock-btc-register-dword", 0xF0, 0x66, 0x0F, 0xBB, 0xC0

ROM_END
