; first-model: 386dx
; cases: 76
%include "rom.inc"
%include "expect.inc"

ROM_BEGIN "stack: PUSH POP PUSHA POPA PUSHF POPF ENTER LEAVE"

TOP     equ ROM_STACK

; The stack starts at 0000:7000h with ESP=7000h. The words below are 5A5Ah first.
%macro PAINT 0
        mov     dword [TOP-4], 0x5A5A5A5A
        mov     dword [TOP-8], 0x5A5A5A5A
%endmacro

; SP is copied and put back before the checks, which need the stack themselves; they only
; write below SP=7000h-32 then.
%macro PUSHED 5
        CASE %1
        PAINT
        %2
        SET_FLAGS ALLF
        PAINT
        %3
        mov     ebp, esp
        mov     ebx, [TOP-4]
        mov     sp, TOP - 32
        CHECK_FLAGS ALLF, ALLF
        CHECK   ebp, TOP - %4
        CHECK   ebx, %5
        END_CASE
%endmacro

        PUSHED  "push-ax", {mov eax, 0x11112222}, {push ax}, 2, 0x22225A5A
        PUSHED  "push-cx", {mov ecx, 0x11112222}, {push cx}, 2, 0x22225A5A
        PUSHED  "push-dx", {mov edx, 0x11112222}, {push dx}, 2, 0x22225A5A
        PUSHED  "push-bx", {mov ebx, 0x11112222}, {push bx}, 2, 0x22225A5A
        PUSHED  "push-bp", {mov ebp, 0x11112222}, {push bp}, 2, 0x22225A5A
        PUSHED  "push-si", {mov esi, 0x11112222}, {push si}, 2, 0x22225A5A
        PUSHED  "push-di", {mov edi, 0x11112222}, {push di}, 2, 0x22225A5A
        PUSHED  "push-eax", {mov eax, 0x11112222}, {push eax}, 4, 0x11112222
        PUSHED  "push-ecx", {mov ecx, 0x11112222}, {push ecx}, 4, 0x11112222
        PUSHED  "push-edx", {mov edx, 0x11112222}, {push edx}, 4, 0x11112222
        PUSHED  "push-ebx", {mov ebx, 0x11112222}, {push ebx}, 4, 0x11112222
        PUSHED  "push-ebp", {mov ebp, 0x11112222}, {push ebp}, 4, 0x11112222
        PUSHED  "push-esi", {mov esi, 0x11112222}, {push esi}, 4, 0x11112222
        PUSHED  "push-edi", {mov edi, 0x11112222}, {push edi}, 4, 0x11112222
        ; Intel286 and later push the value of SP before the push.
        PUSHED  "push-sp-is-the-value-before", nop, {push sp}, 2, (TOP << 16) | 0x5A5A
        PUSHED  "push-esp-is-the-value-before", nop, {push esp}, 4, TOP
        PUSHED  "push-imm8-positive", nop, {push byte 0x7F}, 2, 0x007F5A5A
        PUSHED  "push-imm8-negative", nop, {push byte -128}, 2, 0xFF805A5A
        PUSHED  "push-imm8-negative-dword", nop, {db 0x66, 0x6A, 0x80}, 4, 0xFFFFFF80
        PUSHED  "push-imm16", nop, {db 0x68, 0x34, 0x12}, 2, 0x12345A5A
        PUSHED  "push-imm32", nop, {push dword 0x12345678}, 4, 0x12345678
        PUSHED  "push-word-mem", {mov dword [0x600], 0x11112222}, {push word [0x600]}, 2, 0x22225A5A
        PUSHED  "push-dword-mem", {mov dword [0x600], 0x11112222}, {push dword [0x600]}, 4, 0x11112222
        PUSHED  "push-register-through-ff", {mov ecx, 0x11112222}, {db 0xFF, 0xF1}, 2, 0x22225A5A
        PUSHED  "push-dword-register-through-ff", {mov ecx, 0x11112222}, {db 0x66, 0xFF, 0xF1}, 4, 0x11112222
        PUSHED  "push-sp-through-ff", nop, {db 0xFF, 0xF4}, 2, (TOP << 16) | 0x5A5A
        PUSHED  "push-cs", nop, {push cs}, 2, 0xF0005A5A
        PUSHED  "push-ss", nop, {push ss}, 2, 0x00005A5A
        ; The memory operand is read with ESP as it was before.
        PUSHED  "push-dword-mem-esp-relative", nop, {push dword [esp-4]}, 4, 0x5A5A5A5A
        PUSHED  "pushf", nop, pushf, 2, ((ALLF | 2) << 16) | 0x5A5A
        PUSHED  "pushfd-upper-half-clear", nop, pushfd, 4, ALLF | 2

; A 32-bit push of a segment register moves ESP by 4; the upper word is not checked (Intel
; SDM Vol. 2, "PUSH": zero-extended, or left alone on some processors).
%macro PUSH_SEGMENT 3
        CASE %1
        mov     ax, 0x1234
        mov     %2, ax
        PAINT
        push    %2
        mov     ebp, esp
        mov     bx, [ss:TOP-2]
        mov     sp, TOP
        o32 push %2
        mov     edi, esp
        mov     cx, [ss:TOP-4]
        mov     sp, TOP - 32
        CHECK   ebp, TOP - 2
        CHECK   ebx, 0x1234
        CHECK   edi, TOP - 4
        CHECK   ecx, 0x1234
        mov     word [ss:TOP-4], 0x4321
        mov     dword [ss:TOP-8], 0x99998765
        mov     sp, TOP - 4
        pop     %2
        mov     ebp, esp
        mov     bx, %2
        mov     sp, TOP - 8
        o32 pop %2
        mov     edi, esp
        mov     cx, %2
        mov     sp, TOP - 32
        CHECK   ebp, TOP - 2
        CHECK   edi, TOP - 4
        CHECK   ebx, 0x4321
        CHECK   ecx, 0x8765
        END_CASE
%endmacro
        PUSH_SEGMENT "push-pop-ds", ds, 0
        PUSH_SEGMENT "push-pop-es", es, 0
        PUSH_SEGMENT "push-pop-fs", fs, 0
        PUSH_SEGMENT "push-pop-gs", gs, 0
CASE "pop-ss"
        push    word 0x0100
        mov     ebp, esp
        pop     ss
        mov     esp, 0x6000                     ; linear 7000h
        xor     ebx, ebx
        mov     bx, ss
        xor     ax, ax
        mov     ss, ax
        mov     esp, TOP
        CHECK   ebx, 0x0100
        CHECK   ebp, TOP - 2
END_CASE

; POP: name, register16, register32
%macro POPPED 3
        CASE %1
        mov     %3, 0xAAAABBBB
        push    dword 0x11112222
        pop     %2
        CHECK   %3, 0xAAAA2222
        pop     %2
        CHECK   %3, 0xAAAA1111
        push    dword 0x33334444
        pop     %3
        CHECK   %3, 0x33334444
        mov     edx, esp
        CHECK   edx, TOP
        END_CASE
%endmacro
        POPPED  "pop-ax-eax", ax, eax
        POPPED  "pop-cx-ecx", cx, ecx
        POPPED  "pop-bx-ebx", bx, ebx
        POPPED  "pop-bp-ebp", bp, ebp
        POPPED  "pop-si-esi", si, esi
        POPPED  "pop-di-edi", di, edi
CASE "pop-dx-edx"
        push    dword 0x11112222
        mov     edx, 0xAAAABBBB
        pop     dx
        CHECK   edx, 0xAAAA2222
        pop     dx
        push    dword 0x33334444
        pop     edx
        CHECK   edx, 0x33334444
END_CASE
CASE "pop-register-through-8f"
        push    dword 0x11112222
        db      0x8F, 0xC1                      ; POP CX
        db      0x8F, 0xC2                      ; POP DX
        CHECK   ecx, 0x2222
        CHECK   edx, 0x1111
END_CASE
; POP SP: the popped value replaces the incremented one.
CASE "pop-sp"
        push    word 0x6FF0
        pop     sp
        mov     ebx, esp
        mov     esp, TOP
        CHECK   ebx, 0x6FF0
END_CASE
CASE "pop-esp"
        push    dword 0x00006FE0
        pop     esp
        mov     ebx, esp
        mov     esp, TOP
        CHECK   ebx, 0x6FE0
END_CASE
CASE "pop-word-and-dword-mem"
        mov     dword [0x600], 0xAAAAAAAA
        push    dword 0x11112222
        pop     word [0x600]
        CHECK   dword [0x600], 0xAAAA2222
        pop     word [0x602]
        CHECK   dword [0x600], 0x11112222
        push    dword 0x33334444
        pop     dword [0x601]
        CHECK   dword [0x601], 0x33334444
END_CASE
; "POP": with ESP as base of the operand the address is computed after the increment.
CASE "pop-dword-esp-relative-is-after-the-increment"
        push    dword 0
        push    dword 0
        push    dword 0x12345678
        pop     dword [esp+4]                   ; TOP-8+4
        mov     eax, [ss:TOP-4]
        mov     ebx, [ss:TOP-8]
        mov     ecx, esp
        CHECK   ecx, TOP - 8
        CHECK   eax, 0x12345678
        CHECK   ebx, 0
END_CASE
CASE "pop-word-esp-relative-is-after-the-increment"
        push    dword 0
        push    word 0x1234
        pop     word [esp+2]                    ; TOP-4+2
        mov     ecx, esp
        mov     eax, [ss:TOP-4]
        CHECK   ecx, TOP - 4
        CHECK   eax, 0x12340000
END_CASE
CASE "push-dword-esp-relative-chain"
        push    dword 0x11111111
        push    dword 0x22222222
        push    dword [esp+4]
        push    dword [esp]
        pop     eax
        pop     ebx
        pop     ecx
        CHECK   eax, 0x11111111
        CHECK   ebx, 0x11111111
        CHECK   ecx, 0x22222222
END_CASE
CASE "push-uses-sp-and-keeps-upper-half-of-esp"
        mov     esp, 0x12340000 | TOP
        push    ax
        push    eax
        pop     bx
        mov     ebx, esp
        mov     esp, TOP
        CHECK   ebx, 0x12340000 | (TOP - 4)
END_CASE
CASE "sp-wraps-from-0-to-fffe"
        mov     ax, 0x0800
        mov     ss, ax
        xor     esp, esp
        mov     ecx, 0xCAFEBABE
        push    cx
        mov     ebx, esp
        mov     dx, [ss:0xFFFE]
        pop     di
        mov     esi, esp
        xor     ax, ax
        mov     ss, ax
        mov     esp, TOP
        CHECK   ebx, 0xFFFE
        CHECK   edx, 0xBABE
        CHECK   edi, 0xBABE
        CHECK   esi, 0
END_CASE
CASE "dword-push-wraps-from-0-to-fffc"
        mov     ax, 0x0800
        mov     ss, ax
        xor     esp, esp
        push    dword 0xCAFEBABE
        mov     ebx, esp
        mov     edx, [ss:0xFFFC]
        pop     edi
        mov     esi, esp
        xor     ax, ax
        mov     ss, ax
        mov     esp, TOP
        CHECK   ebx, 0xFFFC
        CHECK   edx, 0xCAFEBABE
        CHECK   edi, 0xCAFEBABE
        CHECK   esi, 0
END_CASE

%macro DISTINCT 0
        mov     eax, 0xA0A0A1A1
        mov     ecx, 0xC0C0C1C1
        mov     edx, 0xD0D0D1D1
        mov     ebx, 0xB0B0B1B1
        mov     ebp, 0xE0E0E1E1
        mov     esi, 0x50505151
        mov     edi, 0x60606161
%endmacro
CASE "pusha-order-and-original-sp"
        DISTINCT
        SET_FLAGS ALLF
        pushaw
        CHECK_FLAGS ALLF, ALLF
        mov     eax, esp
        CHECK   eax, TOP - 16
        CHECK   dword [TOP-16], 0x51516161      ; DI, SI
        CHECK   dword [TOP-12], (TOP << 16) | 0xE1E1
        CHECK   dword [TOP-8], 0xD1D1B1B1
        CHECK   dword [TOP-4], 0xA1A1C1C1
END_CASE
CASE "pushad-order-and-original-esp"
        DISTINCT
        pushad
        mov     eax, esp
        CHECK   eax, TOP - 32
        CHECK   dword [TOP-32], 0x60606161
        CHECK   dword [TOP-28], 0x50505151
        CHECK   dword [TOP-24], 0xE0E0E1E1
        CHECK   dword [TOP-20], TOP
        CHECK   dword [TOP-16], 0xB0B0B1B1
        CHECK   dword [TOP-12], 0xD0D0D1D1
        CHECK   dword [TOP-8], 0xC0C0C1C1
        CHECK   dword [TOP-4], 0xA0A0A1A1
END_CASE
CASE "popa-skips-sp"
        DISTINCT
        push    dword 0x00010002                ; CX, AX
        push    dword 0x00030004
        push    dword 0x12340006
        push    dword 0x00070008
        SET_FLAGS ALLF
        popaw
        CHECK_FLAGS ALLF, ALLF
        mov     dword [0x600], esp
        CHECK   dword [0x600], TOP
        CHECK   edi, 0x60600008
        CHECK   esi, 0x50500007
        CHECK   ebp, 0xE0E00006
        CHECK   ebx, 0xB0B00004
        CHECK   edx, 0xD0D00003
        CHECK   ecx, 0xC0C00002
        CHECK   eax, 0xA0A00001
END_CASE
CASE "popad-skips-esp"
        push    dword 1
        push    dword 2
        push    dword 3
        push    dword 4
        push    dword 0x5555
        push    dword 6
        push    dword 7
        push    dword 8
        popad
        mov     dword [0x600], esp
        CHECK   dword [0x600], TOP
        CHECK   edi, 8
        CHECK   esi, 7
        CHECK   ebp, 6
        CHECK   ebx, 4
        CHECK   edx, 3
        CHECK   ecx, 2
        CHECK   eax, 1
END_CASE

CASE "popf-sets-and-clears-the-arithmetic-flags"
        push    word ALLF | DF
        popf
        CHECK_FLAGS ALLF|DF, ALLF|DF
        push    word 0
        popf
        CHECK_FLAGS ALLF|DF, 0
END_CASE
CASE "popf-fixed-bits"
        ; bit 1 is 1, bits 3, 5 and 15 are 0
        push    word 0
        popf
        CHECK_FLAGS 0x802A, 0x0002
        push    word 0x802A
        popf
        CHECK_FLAGS 0x802A, 0x0002
END_CASE
CASE "popf-iopl-and-nt-in-real-mode"
        push    word 0x7000
        popf
        pushf
        pop     bx
        push    word 0
        popf
        pushf
        pop     cx
        CHECK   ebx, 0x7002
        CHECK   ecx, 0x0002
END_CASE
CASE "popf-keeps-the-upper-half"
        UNLESS_FAMILY 4, .end
        push    dword AC | 2
        popfd
        push    word ALLF
        popf
        pushfd
        pop     ebx
        push    dword 2
        popfd
        CHECK   ebx, AC | ALLF | 2
.end:
END_CASE
CASE "popfd-does-not-set-vm"
        push    dword VM | ALLF
        popfd
        CHECK_FLAGS VM|ALLF, ALLF
END_CASE
CASE "pushfd-pops-as-word-pair"
        SET_FLAGS CF|ZF
        pushfd
        pop     ax
        pop     bx
        CHECK   eax, CF|ZF|2
        CHECK   ebx, 0
END_CASE

; ENTER size, level. The outer frame pointers are at [BP-2], [BP-4], ... (operand size).
CASE "enter16-level-0"
        mov     ebp, 0xEEEE1234
        SET_FLAGS ALLF
        enter   16, 0
        CHECK_FLAGS ALLF, ALLF
        mov     eax, esp
        CHECK   eax, TOP - 2 - 16
        CHECK   ebp, 0xEEEE0000 | (TOP - 2)
        CHECK16 word [TOP-2], 0x1234
END_CASE
CASE "enter16-level-1"
        mov     ebp, 0xEEEE1234
        enter   8, 1
        mov     eax, esp
        CHECK   eax, TOP - 4 - 8
        CHECK   ebp, 0xEEEE0000 | (TOP - 2)
        CHECK16 word [TOP-2], 0x1234
        CHECK16 word [TOP-4], TOP - 2
END_CASE
CASE "enter16-level-2"
        mov     ebp, 0xEEEE0700
        mov     word [0x6FE], 0xAB01
        enter   0, 2
        mov     eax, esp
        CHECK   eax, TOP - 6
        CHECK   ebp, 0xEEEE0000 | (TOP - 2)
        CHECK16 word [TOP-2], 0x0700
        CHECK16 word [TOP-4], 0xAB01
        CHECK16 word [TOP-6], TOP - 2
END_CASE
CASE "enter16-level-3"
        mov     ebp, 0xEEEE0700
        mov     word [0x6FE], 0xAB01
        mov     word [0x6FC], 0xAB02
        enter   4, 3
        mov     eax, esp
        CHECK   eax, TOP - 8 - 4
        CHECK   ebp, 0xEEEE0000 | (TOP - 2)
        CHECK16 word [TOP-2], 0x0700
        CHECK16 word [TOP-4], 0xAB01
        CHECK16 word [TOP-6], 0xAB02
        CHECK16 word [TOP-8], TOP - 2
END_CASE
; The level is taken modulo 32.
CASE "enter16-level-33-is-level-1"
        mov     ebp, 0x1234
        enter   0, 33
        mov     eax, esp
        CHECK   eax, TOP - 4
        CHECK16 word [TOP-4], TOP - 2
END_CASE
CASE "enter16-level-31"
        mov     ebp, 0x0800
        enter   0x10, 31
        mov     eax, esp
        CHECK   eax, TOP - 2 * 32 - 0x10
        CHECK   ebp, TOP - 2
        CHECK16 word [TOP - 2*32], TOP - 2
END_CASE
CASE "enter32-level-0"
        mov     ebp, 0xEEEE1234
        o32 enter 16, 0
        mov     eax, esp
        CHECK   eax, TOP - 4 - 16
        CHECK   ebp, TOP - 4
        CHECK   dword [TOP-4], 0xEEEE1234
END_CASE
CASE "enter32-level-1"
        mov     ebp, 0x11111234
        o32 enter 4, 1
        mov     eax, esp
        CHECK   eax, TOP - 8 - 4
        CHECK   ebp, TOP - 4
        CHECK   dword [TOP-4], 0x11111234
        CHECK   dword [TOP-8], TOP - 4
END_CASE
CASE "enter32-level-3"
        mov     ebp, 0x0700
        mov     dword [0x6FC], 0xAB010203
        mov     dword [0x6F8], 0xAB040506
        o32 enter 0, 3
        mov     eax, esp
        CHECK   eax, TOP - 16
        CHECK   ebp, TOP - 4
        CHECK   dword [TOP-4], 0x0700
        CHECK   dword [TOP-8], 0xAB010203
        CHECK   dword [TOP-12], 0xAB040506
        CHECK   dword [TOP-16], TOP - 4
END_CASE
CASE "enter-size-is-unsigned"
        mov     bp, 0x1234
        enter   0x6000, 0
        mov     eax, esp
        mov     esp, TOP - 32
        CHECK   eax, TOP - 2 - 0x6000
END_CASE
CASE "leave16"
        mov     ebp, 0xEEEE0000 | (TOP - 8)
        mov     word [TOP-8], 0x4321
        SET_FLAGS ALLF
        leave
        mov     eax, esp
        CHECK_FLAGS ALLF, ALLF
        CHECK   ebp, 0xEEEE4321
        CHECK   eax, TOP - 6
END_CASE
CASE "leave32"
        mov     ebp, TOP - 8
        mov     dword [TOP-8], 0x87654321
        o32 leave
        mov     eax, esp
        CHECK   ebp, 0x87654321
        CHECK   eax, TOP - 4
END_CASE
CASE "enter-and-leave-nested"
        mov     bp, 0x1111
        enter   8, 1
        enter   8, 2
        enter   8, 3
        leave
        leave
        leave
        mov     eax, esp
        CHECK   ebp, 0x1111
        CHECK   eax, TOP
END_CASE

ROM_END
