; first-model: 386dx
; cases: 66
%define ROM32_START 0x3000
%include "rom.inc"
%include "protected.inc"
%include "expect.inc"

ROM_BEGIN "32-bit code: sizes, prefixes, addresses, stacks of both sizes"

ENTER_PROTECTED

TOP     equ PM_STACK

; Operand size: 32 bits, with prefix 66h 16 bits.
; name, instruction, eax after, memory after; before: EAX=81828384h EBX=0F1F2F3Fh
%macro FORM 4
        CASE %1
        mov     eax, 0x81828384
        mov     ebx, 0x0F1F2F3F
        mov     ecx, 0x600
        mov     dword [0x600], 0x95667788
        %2
        CHECK   eax, %3
        CHECK   dword [0x600], %4
        END_CASE
%endmacro
        FORM    "mov-eax-imm32", {db 0xB8, 0x44, 0x33, 0x22, 0x11}, 0x11223344, 0x95667788
        FORM    "mov-ax-imm16", {db 0x66, 0xB8, 0x44, 0x33}, 0x81823344, 0x95667788
        FORM    "add-eax-imm32", {db 0x05, 0x01, 0x00, 0x00, 0x10}, 0x91828385, 0x95667788
        FORM    "add-ax-imm16", {db 0x66, 0x05, 0x7C, 0x7C}, 0x81820000, 0x95667788
        FORM    "add-eax-imm8-sign-extended", {db 0x83, 0xC0, 0xFF}, 0x81828383, 0x95667788
        FORM    "add-ax-imm8-sign-extended", {db 0x66, 0x83, 0xC0, 0x80}, 0x81828304, 0x95667788
        FORM    "mov-dword-mem-imm32", {db 0xC7, 0x01, 0x04, 0x03, 0x02, 0x01}, 0x81828384, 0x01020304
        FORM    "mov-word-mem-imm16", {db 0x66, 0xC7, 0x01, 0x04, 0x03}, 0x81828384, 0x95660304
        FORM    "inc-eax-short-form", {db 0x40}, 0x81828385, 0x95667788
        FORM    "dec-ax-short-form", {db 0x66, 0x48}, 0x81828383, 0x95667788
        FORM    "xchg-eax-ebx", {db 0x93}, 0x0F1F2F3F, 0x95667788
        FORM    "xchg-ax-bx", {db 0x66, 0x93}, 0x81822F3F, 0x95667788
        FORM    "mov-eax-moffs32", {db 0xA1, 0x00, 0x06, 0, 0}, 0x95667788, 0x95667788
        FORM    "mov-ax-moffs32", {db 0x66, 0xA1, 0x02, 0x06, 0, 0}, 0x81829566, 0x95667788
        FORM    "mov-eax-moffs16", {db 0x67, 0xA1, 0x00, 0x06}, 0x95667788, 0x95667788
        FORM    "mov-moffs16-al", {db 0x67, 0xA2, 0x01, 0x06}, 0x81828384, 0x95668488
        FORM    "cwde-is-the-32-bit-form", {db 0x98}, 0xFFFF8384, 0x95667788
        FORM    "cbw-is-the-16-bit-form", {db 0x66, 0x98}, 0x8182FF84, 0x95667788
        FORM    "test-eax-imm32", {db 0xA9, 0x01, 0x00, 0x00, 0x80}, 0x81828384, 0x95667788
        FORM    "imul-eax-imm32", {db 0x69, 0xC3, 0x10, 0x00, 0x00, 0x00}, 0xF1F2F3F0, 0x95667788
        FORM    "imul-ax-imm16", {db 0x66, 0x69, 0xC3, 0x10, 0x00}, 0x8182F3F0, 0x95667788
        FORM    "shl-eax-imm8", {db 0xC1, 0xE0, 0x04}, 0x18283840, 0x95667788
        FORM    "shl-ax-imm8", {db 0x66, 0xC1, 0xE0, 0x04}, 0x81823840, 0x95667788
        FORM    "movzx-eax-byte", {db 0x0F, 0xB6, 0xC3}, 0x3F, 0x95667788
        FORM    "movzx-ax-byte", {db 0x66, 0x0F, 0xB6, 0xC3}, 0x8182003F, 0x95667788
        FORM    "movsx-eax-word-mem", {db 0x0F, 0xBF, 0x41, 0x02}, 0xFFFF9566, 0x95667788
        FORM    "not-dword-mem", {db 0xF7, 0x11}, 0x81828384, 0x6A998877
        FORM    "neg-word-mem", {db 0x66, 0xF7, 0x19}, 0x81828384, 0x95668878
        FORM    "prefix-66-twice-is-16-bit", {db 0x66, 0x66, 0x40}, 0x81828385, 0x95667788
        FORM    "mov-segment-to-memory-writes-two-bytes", {mov [0x600], ds}, 0x81828384, 0x95660000 | SEL_DATA32
CASE "cdq-and-cwd"
        mov     eax, 0x80008000
        cdq
        CHECK   edx, 0xFFFFFFFF
        mov     eax, 0x80007FFF
        cwd
        CHECK   edx, 0xFFFF0000
END_CASE
CASE "mul-div-sizes"
        mov     eax, 0x10000
        mov     ebx, 0x10000
        mul     ebx
        CHECK   eax, 0
        CHECK   edx, 1
        div     ebx
        CHECK   eax, 0x10000
        mov     eax, 0xAAAA1000
        mov     edx, 0xBBBB0000
        mov     bx, 0x100
        mul     bx
        CHECK   eax, 0xAAAA0000
        CHECK   edx, 0xBBBB0010
END_CASE

; Addresses: 32 bits, with prefix 67h 16 bits (wrapping at 64 KiB).
CASE "address16-bx-si"
        mov     ebx, 0xFFFF0500
        mov     esi, 0xFFFF0100
        mov     dword [0x600], 0x12345678
        db      0x67, 0x8B, 0x00                ; MOV EAX, [BX+SI]
        CHECK   eax, 0x12345678
END_CASE
CASE "address16-wraps"
        mov     ebx, 0xFFFF
        mov     dword [0x610], 0x12345678
        db      0x67, 0x8B, 0x87, 0x11, 0x06    ; MOV EAX, [BX+0611h]
        CHECK   eax, 0x12345678
END_CASE
CASE "address16-lea"
        mov     ebx, 0xFFFF8000
        mov     edi, 0xFFFF9000
        db      0x67, 0x8D, 0x01                ; LEA EAX, [BX+DI]
        CHECK   eax, 0x1000
        mov     eax, 0xAAAAAAAA
        db      0x66, 0x67, 0x8D, 0x01          ; LEA AX, [BX+DI]
        CHECK   eax, 0xAAAA1000
END_CASE
CASE "address32-wraps-at-4-gib"
        mov     dword [0x600], 0x12345678
        mov     ebx, 0x700
        mov     eax, [ebx-0x100]
        CHECK   eax, 0x12345678
        mov     ebx, 0x80000300
        mov     ecx, 0x80000300
        mov     eax, [ebx+ecx]
        CHECK   eax, 0x12345678
        mov     ecx, 0x40000000
        mov     eax, [ecx*4+0x600]
        CHECK   eax, 0x12345678
END_CASE
CASE "address32-esp-and-sib"
        push    dword 0x11111111
        push    dword 0x22222222
        mov     ecx, 1
        mov     eax, [esp+ecx*4]
        mov     ebx, [esp]
        CHECK   eax, 0x11111111
        CHECK   ebx, 0x22222222
END_CASE
; EBP and ESP as base: SS. A segment with another base shows it.
CASE "default-segments-of-ebp-and-esp"
        SET_DESC SEL_FREE, 0x10000, 0xFFFFF, ACC_DATA, 12
        mov     dword [0x600], 0x11111111
        mov     dword [0x10600], 0x22222222
        mov     ax, SEL_FREE
        mov     ds, ax
        mov     ebp, 0x600
        mov     ebx, 0x600
        mov     eax, [ebp]
        mov     ecx, [ebx]
        mov     edx, [ebx+ebp*1-0x600]
        db      0x8B, 0xB4, 0x1D                ; MOV ESI, [EBP+EBX*1+disp32]
        dd      -0x600
        mov     edi, [ds:ebp]
        CHECK   eax, 0x11111111
        CHECK   ecx, 0x22222222
        CHECK   edx, 0x22222222
        CHECK   esi, 0x11111111
        CHECK   edi, 0x22222222
END_CASE

; Stack
CASE "push-pop-default-is-4-bytes"
        push    eax
        mov     ebx, esp
        pop     ecx
        CHECK   ebx, TOP - 4
        push    ax
        mov     ebx, esp
        pop     cx
        CHECK   ebx, TOP - 2
        push    byte -1
        mov     ebx, esp
        pop     ecx
        CHECK   ebx, TOP - 4
        CHECK   ecx, 0xFFFFFFFF
        db      0x66, 0x6A, 0x80
        mov     ebx, esp
        pop     cx
        CHECK   ebx, TOP - 2
        CHECK   ecx, 0xFFFFFF80
END_CASE
CASE "push-segment-moves-esp-by-4"
        push    ds
        mov     ebx, esp
        pop     eax
        CHECK   ebx, TOP - 4
        CHECK16 ax, SEL_DATA32
        push    dword 0xAAAA0000 | SEL_DATA32
        pop     fs
        mov     ebx, esp
        CHECK   ebx, TOP
        CHECK_SEG fs, SEL_DATA32
        o16 push gs
        mov     ebx, esp
        pop     ax
        CHECK   ebx, TOP - 2
END_CASE
CASE "push-esp-pop-esp"
        push    esp
        pop     eax
        CHECK   eax, TOP
        push    dword TOP - 64
        pop     esp
        mov     ebx, esp
        mov     esp, TOP
        CHECK   ebx, TOP - 64
        push    dword 0
        push    dword 0
        push    dword 0x12345678
        pop     dword [esp+4]
        mov     eax, [TOP-4]
        CHECK   eax, 0x12345678
END_CASE
CASE "pushfd-and-pushf"
        SET_FLAGS CF|ZF
        pushfd
        mov     ebx, esp
        pop     eax
        CHECK   ebx, TOP - 4
        CHECK   eax, CF|ZF|2
        pushfw
        mov     ebx, esp
        pop     ax
        CHECK   ebx, TOP - 2
END_CASE
CASE "pushad-and-pushaw"
        mov     eax, 0x11111111
        pushad
        mov     ebx, esp
        popad
        mov     ecx, esp
        CHECK   eax, 0x11111111
        CHECK   ecx, TOP
        pushaw
        mov     ebx, esp
        add     esp, 16
        CHECK   ebx, TOP - 16
END_CASE
CASE "enter-and-leave"
        mov     ebp, 0xAABBCCDD
        enter   16, 0
        mov     eax, esp
        mov     ebx, ebp
        leave
        mov     ecx, esp
        CHECK   eax, TOP - 20
        CHECK   ebx, TOP - 4
        CHECK   ecx, TOP
        CHECK   ebp, 0xAABBCCDD
        ; LEAVE copies the whole of EBP to ESP, because the stack is a 32-bit one
        mov     ebp, 0xCCDD
        o16 enter 16, 0
        mov     eax, esp
        mov     ebx, ebp
        o16 leave
        mov     ecx, esp
        CHECK   eax, TOP - 18
        CHECK   ebx, TOP - 2
        CHECK   ecx, TOP
        CHECK   ebp, 0xCCDD
END_CASE
CASE "enter-level-2"
        mov     ebp, 0x700
        mov     dword [0x6FC], 0xAB010203
        enter   0, 2
        mov     eax, esp
        CHECK   eax, TOP - 12
        CHECK   ebp, TOP - 4
        CHECK   dword [TOP-4], 0x700
        CHECK   dword [TOP-8], 0xAB010203
        CHECK   dword [TOP-12], TOP - 4
END_CASE

; A 16-bit stack segment (B=0) under 32-bit code: SP counts, the upper half of ESP stays.
CASE "stack16-push-keeps-upper-half-of-esp"
        SET_DESC SEL_FREE, 0x10000, 0xFFFF, ACC_DATA, 0
        mov     ax, SEL_FREE
        mov     ss, ax
        mov     esp, 0x12340100
        push    dword 0x55667788
        mov     ebx, esp
        pop     ecx
        mov     edx, esp
        mov     ax, SEL_DATA32
        mov     ss, ax
        mov     esp, TOP
        CHECK   ebx, 0x123400FC
        CHECK   ecx, 0x55667788
        CHECK   edx, 0x12340100
        CHECK   dword [0x100FC], 0x55667788
END_CASE
CASE "stack16-wraps"
        SET_DESC SEL_FREE, 0x10000, 0xFFFF, ACC_DATA, 0
        mov     ax, SEL_FREE
        mov     ss, ax
        mov     esp, 0x12340000
        push    dword 0x55667788
        mov     ebx, esp
        pop     ecx
        mov     edx, esp
        mov     ax, SEL_DATA32
        mov     ss, ax
        mov     esp, TOP
        CHECK   ebx, 0x1234FFFC
        CHECK   ecx, 0x55667788
        CHECK   edx, 0x12340000
        CHECK   dword [0x1FFFC], 0x55667788
END_CASE
CASE "stack16-call-ret-and-enter-leave"
        SET_DESC SEL_FREE, 0x10000, 0xFFFF, ACC_DATA, 0
        mov     ax, SEL_FREE
        mov     ss, ax
        mov     esp, 0x12340100
        mov     ebp, 0x99998888
        call    stack16_routine
        mov     edx, esp
        mov     ax, SEL_DATA32
        mov     ss, ax
        mov     esp, TOP
        CHECK   edx, 0x12340100
        CHECK   ebx, 0x123400E8                 ; 100h - 4 - 4 - 16
        CHECK   ecx, 0x123400F8
        CHECK   ebp, 0x99998888
        jmp     stack16_end
stack16_routine:
        enter   16, 0
        mov     ebx, esp
        mov     ecx, ebp
        leave
        ret
stack16_end:
END_CASE
; A 32-bit stack segment (B=1) under 16-bit code: ESP counts.
CASE "stack32-under-16-bit-code"
        mov     esp, 0x00020100
        call    SEL_CODE16:code16_stack
stack32_back:
        mov     edx, esp
        mov     esp, TOP
        CHECK   eax, 0x000200F6                 ; 8 bytes for the far call, 2 for PUSH AX
        CHECK   edx, 0x00020100
        CHECK   ebx, 0x000200F8
END_CASE

; Branches: displacements of 32 bits; with prefix 66h EIP is cut to 16 bits.
CASE "jcc-near-is-32-bit"
        SET_FLAGS ZF
        db      0x0F, 0x84
        dd      jcc_near - ($ + 4)
        FAIL_HERE 1
        times   300 nop
jcc_near:
END_CASE
; The target is 8000h, where a jump leads back to the ROM.
%macro CUT_DISPLACEMENT 0
        dw      (0x8000 - 2 - (ROM32_START) - ($ - $$)) & 0xFFFF
%endmacro
%macro CUT 2
        CASE %1
        mov     byte [0x8000], 0xE9             ; JMP NEAR
        mov     dword [0x8001], %%landed - 0x8005
        mov     eax, 0
        SET_FLAGS ZF
        %2
        FAIL_HERE 1
        jmp     %%end
%%landed:
        inc     eax
%%end:
        mov     esp, TOP
        CHECK   eax, 1
        END_CASE
%endmacro
%macro CUT_JMP 0
        db      0x66, 0xE9
        CUT_DISPLACEMENT
%endmacro
        CUT     "jmp-near-with-prefix-66-cuts-eip", CUT_JMP
%macro CUT_JZ 0
        db      0x66, 0x0F, 0x84
        CUT_DISPLACEMENT
%endmacro
        CUT     "jz-near-with-prefix-66-cuts-eip", CUT_JZ
%macro CUT_CALL 0
        db      0x66, 0xE8
        CUT_DISPLACEMENT
%endmacro
        CUT     "call-near-with-prefix-66-cuts-eip", CUT_CALL
%macro CUT_RET 0
        push    word 0x8000
        o16 ret
%endmacro
        CUT     "ret-with-prefix-66-cuts-eip", CUT_RET
%macro CUT_INDIRECT 0
        mov     ebx, 0x12348000
        jmp     bx
%endmacro
        CUT     "jmp-indirect-with-prefix-66-cuts-eip", CUT_INDIRECT

CASE "call-and-ret-push-4-bytes"
        call    call4
call4_next:
        FAIL_HERE 1
call4:
        mov     ebx, esp
        pop     eax
        CHECK   eax, call4_next
        CHECK   ebx, TOP - 4
END_CASE
CASE "ret-immediate"
        push    eax
        push    eax
        call    ret8
        mov     ebx, esp
        CHECK   ebx, TOP
        jmp     ret8_end
ret8:   ret     8
ret8_end:
END_CASE
CASE "call-far-pushes-8-bytes"
        call    SEL_CODE32:call_far
        mov     ebx, esp
        CHECK   ebx, TOP
        CHECK   eax, SEL_CODE32
        CHECK   ecx, TOP - 8
        jmp     call_far_end
call_far:
        mov     ecx, esp
        movzx   eax, word [esp+4]
        retf
call_far_end:
END_CASE
CASE "loop-uses-ecx-and-with-prefix-67-cx"
        mov     ecx, 0x00020003
        mov     eax, 0
loop16: inc     eax
        a16 loop loop16
        CHECK   eax, 3
        CHECK   ecx, 0x00020000
        mov     ecx, 5
loop32: inc     eax
        loop    loop32
        CHECK   eax, 8
        mov     ecx, 0x00010000
        jecxz   .wrong
        a16 jcxz .end
.wrong: FAIL_HERE 1
.end:
END_CASE
CASE "strings-use-32-bit-registers"
        mov     dword [0x8100], 0x44332211
        mov     dword [0x8200], 0
        mov     esi, 0x8100
        mov     edi, 0x8200
        mov     ecx, 4
        rep     movsb
        CHECK   dword [0x8200], 0x44332211
        CHECK   ecx, 0
        CHECK   esi, 0x8104
        CHECK   edi, 0x8204
        mov     edi, 0x20000
        mov     ecx, 0x4001
        mov     eax, 0x5A5A5A5A
        rep     stosd
        CHECK   edi, 0x20000 + 0x10004
        CHECK   dword [0x30000], 0x5A5A5A5A
END_CASE
CASE "strings-with-prefix-67-use-16-bit-registers"
        mov     dword [0x8100], 0x44332211
        mov     dword [0x8200], 0
        mov     esi, 0xABCD8100
        mov     edi, 0xABCD8200
        mov     ecx, 0xABCD0002
        a16 rep movsw
        CHECK   dword [0x8200], 0x44332211
        CHECK   ecx, 0xABCD0000
        CHECK   esi, 0xABCD8104
        CHECK   edi, 0xABCD8204
END_CASE
CASE "xlat-uses-ebx"
        mov     byte [0x20055], 0x77
        mov     ebx, 0x20050
        mov     eax, 0xFFFFFF05
        xlatb
        CHECK   eax, 0xFFFFFF77
        mov     byte [0x655], 0x66
        mov     ebx, 0xFFFF0650
        mov     al, 5
        a16 xlatb
        CHECK   eax, 0xFFFFFF66
END_CASE
CASE "bit-offsets-reach-the-whole-segment"
        mov     dword [0x30000], 0x00000010
        mov     ebx, 0x20000
        mov     eax, 0x10000 * 8 + 4
        bt      [ebx], eax
        CHECK_FLAGS CF, CF
        mov     ebx, 0x40000
        mov     eax, -0x10000 * 8 + 4
        btr     [ebx], eax
        CHECK_FLAGS CF, CF
        CHECK   dword [0x30000], 0
END_CASE
CASE "length-15-bytes-is-allowed-and-16-are-not"
        mov     ebx, 0x500
        mov     dword [0x600], 1
        ; 4 prefixes, opcode, ModR/M, SIB, disp32, imm32
        db      0x3E, 0x3E, 0x3E, 0x3E, 0x81, 0x84, 0x23
        dd      0x100, 0x11111111
        CHECK   dword [0x600], 0x11111112
        EXPECT_FAULT 13, length_16
length_16:
        db      0x3E, 0x3E, 0x3E, 0x3E, 0x3E, 0x81, 0x84, 0x23
        dd      0x100, 0x11111111
        FAULTED
        CHECK   dword [X_ERROR], 0
        CHECK   dword [0x600], 0x11111112
END_CASE
CASE "lss-loads-esp"
        mov     dword [0x600], 0x6F00
        mov     word [0x604], SEL_DATA32
        lss     esp, [0x600]
        mov     eax, esp
        mov     esp, TOP
        CHECK   eax, 0x6F00
END_CASE
CASE "bound-dword"
        mov     dword [0x600], 0
        mov     dword [0x604], 100
        mov     eax, 100
        bound   eax, [0x600]
        mov     eax, 101
        FAULTS  5, {bound eax, [0x600]}
END_CASE

ROM_END

section .rom16
bits 16
code16_stack:
        mov     ebx, esp
        push    ax
        mov     eax, esp
        pop     cx
        o32 retf
