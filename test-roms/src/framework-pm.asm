; first-model: 386dx
; cases: 8
%define ROM32_START 0x3000
%include "rom.inc"
%include "protected.inc"
ROM_BEGIN "framework sample, protected mode"
CASE "real-mode-add"
        mov     eax, 1
        add     eax, 1
        CHECK   eax, 2
END_CASE
ENTER_PROTECTED
CASE "pm-div-by-zero"
        mov     eax, 77
        FAULTS  0, {div bl}
        CHECK   eax, 77
        mov     ebx, esp
        CHECK   ebx, 0x7000
        CHECK   dword [X_CS], SEL_CODE32
END_CASE
CASE "selector-beyond-the-gdt"
        mov     eax, 0x1f0
        mov     cx, SEL_DATA32_R3
        mov     ds, cx
        FAULTS  13, {mov fs, ax}
        CHECK   dword [X_ERROR], 0x1f0
        CHECK_SEG ds, SEL_DATA32
        CHECK   dword [X_DS], SEL_DATA32_R3
END_CASE
CASE "ring3-hlt"
        RING3_BEGIN
        FAULTS  13, hlt
        RING3_END
        CHECK   dword [X_CS], SEL_CODE32_R3
        CHECK   dword [X_SS], SEL_DATA32_R3
        CHECK   dword [X_ESP], PM_STACK3
END_CASE
CASE "ring3-return"
        mov     eax, 5
        RING3_BEGIN
        mov     bx, cs
        inc     eax
        RING3_END
        CHECK   ebx, SEL_CODE32_R3
        CHECK   eax, 6
        CHECK_SEG cs, SEL_CODE32
END_CASE
CASE "checks-in-16-bit-code"
        push    dword .back
        jmp     SEL_CODE16:code16
.back:
        CHECK   eax, 0x55
END_CASE
CASE "gate-and-descriptor-helpers"
        SET_GATE 0x31, SEL_CODE32, handler31, GATE_TRAP32
        SET_DESC SEL_FREE, 0x12345678, 0xFFFFF, ACC_DATA, 12
        int     0x31
        CHECK   eax, 31
        CHECK   dword [PM_GDT+SEL_FREE], 0x5678FFFF
        CHECK   dword [PM_GDT+SEL_FREE+4], 0x12CF9234
END_CASE
LEAVE_PROTECTED real_again
handler31:
        mov     eax, 31
        iretd
section .rom16
bits 16
code16:
        mov     eax, 0x55
        CHECK   eax, 0x55
        pop     ebx
        push    dword SEL_CODE32
        push    ebx
        o32     retf
real_again:
CASE "back-in-real-mode"
        CHECK_SEG cs, 0xF000
        FAULTS  0, {div bl}
END_CASE
ROM_END
