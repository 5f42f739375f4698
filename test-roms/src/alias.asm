; first-model: 386dx
; cases: 113
%include "rom.inc"
%include "expect.inc"

ROM_BEGIN "alias and undefined encodings, LOCK, prefixes, instruction length"

; SALC (D6), undocumented: AL = CF ? FFh : 0; changes no flags. All processors since the 8086
; implement it.
CASE "salc-carry"
        mov     eax, 0x11223344
        SET_FLAGS ALLF
        db      0xD6
        CHECK_FLAGS ALLF, ALLF
        CHECK   eax, 0x112233FF
END_CASE
CASE "salc-no-carry"
        mov     eax, 0x11223344
        SET_FLAGS ALLF ^ CF
        db      0xD6
        CHECK_FLAGS ALLF, ALLF ^ CF
        CHECK   eax, 0x11223300
END_CASE

; ICEBP (F1; INT1 in recent issues of Intel SDM Vol. 2): a debug trap, with the IP behind the
; instruction. QEMU 7.2 raises #UD.
CASE "icebp-is-a-trap-with-vector-1"
        TRAPS   1, {db 0xF1}
END_CASE

; Group 1 with opcode 82h is the same as 80h.
%macro GROUP_82 5
        CASE %1
        mov     ebx, 0x11223340
        mov     byte [0x600], 0x40
        SET_FLAGS CF
        db      0x82, 0xC3 | (%2 << 3), %3
        CHECK_FLAGS %4, E_FL
        CHECK   ebx, 0x11223300 | (%5)
        SET_FLAGS CF
        db      0x82, 0x06 | (%2 << 3), 0x00, 0x06, %3
        CHECK_FLAGS %4, E_FL
        CHECK8  byte [0x600], %5
        END_CASE
%endmacro
        E_ADD   8, 0x40, 0xC5, 0
        GROUP_82 "opcode-82-add", 0, 0xC5, ALLF, E_RES
        E_SZP   8, 0x40 | 0x81
        GROUP_82 "opcode-82-or", 1, 0x81, CF|PF|ZF|SF|OF, E_RES
        E_ADD   8, 0x40, 0x3F, 1
        GROUP_82 "opcode-82-adc", 2, 0x3F, ALLF, E_RES
        E_SUB   8, 0x40, 0x40, 1
        GROUP_82 "opcode-82-sbb", 3, 0x40, ALLF, E_RES
        E_SZP   8, 0x40 & 0xC0
        GROUP_82 "opcode-82-and", 4, 0xC0, CF|PF|ZF|SF|OF, E_RES
        E_SUB   8, 0x40, 0xC1, 0
        GROUP_82 "opcode-82-sub", 5, 0xC1, ALLF, E_RES
        E_SZP   8, 0x40 ^ 0xFF
        GROUP_82 "opcode-82-xor", 6, 0xFF, CF|PF|ZF|SF|OF, E_RES
        E_SUB   8, 0x40, 0x41, 0
        GROUP_82 "opcode-82-cmp", 7, 0x41, ALLF, 0x40

; Group 2 with /6 is SAL, the same as /4.
%macro SAL_ALIAS 3
        CASE %1
        mov     eax, 0x81828384
        mov     cl, 2
        SET_FLAGS 0
        %2
        CHECK_FLAGS CF|SF|ZF|PF, E_FL
        CHECK   eax, %3
        END_CASE
%endmacro
        E_SZP   8, 0x84 << 2
        SAL_ALIAS "group-2-slash-6-c0", {db 0xC0, 0xF0, 2}, 0x81828310
        E_SZP   16, 0x8384 << 2
        SAL_ALIAS "group-2-slash-6-c1", {db 0xC1, 0xF0, 2}, 0x81820E10
        E_SZP   32, 0x81828384 << 2
        SAL_ALIAS "group-2-slash-6-c1-dword", {db 0x66, 0xC1, 0xF0, 2}, 0x060A0E10
        E_SZP   8, 0x84 << 1
  %assign E_FL E_FL | CF
        SAL_ALIAS "group-2-slash-6-d0", {db 0xD0, 0xF0}, 0x81828308
        E_SZP   16, 0x8384 << 1
  %assign E_FL E_FL | CF
        SAL_ALIAS "group-2-slash-6-d1", {db 0xD1, 0xF0}, 0x81820708
        E_SZP   8, 0x84 << 2
        SAL_ALIAS "group-2-slash-6-d2", {db 0xD2, 0xF0}, 0x81828310
        E_SZP   32, 0x81828384 << 2
        SAL_ALIAS "group-2-slash-6-d3-dword", {db 0x66, 0xD3, 0xF0}, 0x060A0E10

; Group 3 with /1 is TEST, the same as /0 (AMD APM Vol. 3, "ModRM.reg Extensions"; blank in
; the maps of Intel). QEMU 7.2 raises #UD.
CASE "group-3-slash-1-f6-is-test"
        mov     ebx, 0x112233C4
        SET_FLAGS ALLF
        db      0xF6, 0xCB, 0x81
        CHECK_FLAGS CF|PF|ZF|SF|OF, SF
        CHECK   ebx, 0x112233C4
        mov     byte [0x600], 0x0F
        SET_FLAGS CF|OF
        db      0xF6, 0x0E, 0x00, 0x06, 0xF0
        CHECK_FLAGS CF|PF|ZF|SF|OF, ZF|PF
END_CASE
CASE "group-3-slash-1-f7-is-test"
        mov     ebx, 0x11228001
        SET_FLAGS ALLF
        db      0xF7, 0xCB, 0x01, 0x80
        CHECK_FLAGS CF|PF|ZF|SF|OF, SF
        CHECK   ebx, 0x11228001
        SET_FLAGS ALLF
        db      0x66, 0xF7, 0xCB
        dd      0x11000000
        CHECK_FLAGS CF|PF|ZF|SF|OF, PF
END_CASE

; Both directions of the two-operand encodings.
CASE "both-encodings-of-register-to-register"
        mov     eax, 1
        mov     ebx, 2
        db      0x66, 0x01, 0xD8                ; ADD EAX, EBX
        db      0x66, 0x03, 0xC3                ; ADD EAX, EBX
        CHECK   eax, 5
        db      0x66, 0x89, 0xC3                ; MOV EBX, EAX
        db      0x66, 0x8B, 0xC8                ; MOV ECX, EAX
        CHECK   ebx, 5
        CHECK   ecx, 5
END_CASE
CASE "inc-dec-push-through-group-5"
        mov     ax, 5
        db      0xFF, 0xC0                      ; INC AX
        CHECK   eax, 6
        db      0xFF, 0xC8                      ; DEC AX
        CHECK   eax, 5
        db      0xFF, 0xF0                      ; PUSH AX
        pop     bx
        CHECK   ebx, 5
END_CASE
CASE "mov-through-c6-c7-to-registers"
        mov     eax, 0x11223344
        db      0xC6, 0xC4, 0x55                ; MOV AH, 55h
        CHECK   eax, 0x11225544
        db      0xC7, 0xC0, 0x77, 0x66          ; MOV AX, 6677h
        CHECK   eax, 0x11226677
END_CASE
; MOV to and from control registers ignores the mod bits (Vol. 2, "MOV - Move to/from
; Control Registers": the reg/mem field is always a register).
CASE "mov-from-cr0-ignores-mod"
        mov     eax, cr0
        mov     ecx, eax
        xor     eax, eax
        db      0x0F, 0x20, 0x00
        sub     eax, ecx
        CHECK_EAX 0
        db      0x0F, 0x20, 0x40                ; mod 1: no displacement follows
        sub     eax, ecx
        CHECK_EAX 0
END_CASE

; Undefined opcodes: #UD is a fault, the saved IP is that of the first prefix. QEMU 7.2 runs
; C6, C7 and 8F with any /digit.
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
        UNDEFINED "ud2", 0x0F, 0x0B
        UNDEFINED "ud1", 0x0F, 0xB9, 0xC0
        UNDEFINED "ud0", 0x0F, 0xFF, 0xC0
        UNDEFINED "ud2-with-prefixes", 0x66, 0x2E, 0xF3, 0x0F, 0x0B
        UNDEFINED "group-4-slash-2", 0xFE, 0xD0
        UNDEFINED "group-4-slash-7", 0xFE, 0xF8
        UNDEFINED "group-5-slash-7", 0xFF, 0xF8
        UNDEFINED "group-5-slash-7-memory", 0xFF, 0x3C
        UNDEFINED "group-11-c6-slash-1", 0xC6, 0xC8, 0
        UNDEFINED "group-11-c7-slash-7", 0xC7, 0xF8, 0, 0
        UNDEFINED "group-8-slash-0", 0x0F, 0xBA, 0xC0, 0
        UNDEFINED "group-8-slash-3", 0x0F, 0xBA, 0xD8, 0
        UNDEFINED "pop-group-slash-1", 0x8F, 0xC8
        UNDEFINED "opcode-0f-04", 0x0F, 0x04
        UNDEFINED "opcode-0f-0a", 0x0F, 0x0A
        UNDEFINED "opcode-0f-0c", 0x0F, 0x0C
        UNDEFINED "opcode-0f-a6", 0x0F, 0xA6, 0xC0
        UNDEFINED "mov-from-cr1", 0x0F, 0x20, 0xC8
        UNDEFINED "mov-to-cr5", 0x0F, 0x22, 0xE8
        UNDEFINED "lidt-register", 0x0F, 0x01, 0xD8
        UNDEFINED "lgdt-register", 0x0F, 0x01, 0xD0
        ; Protected-mode instructions in real-address mode
        UNDEFINED "sldt-in-real-mode", 0x0F, 0x00, 0xC0
        UNDEFINED "str-in-real-mode", 0x0F, 0x00, 0xC8
        UNDEFINED "lldt-in-real-mode", 0x0F, 0x00, 0xD0
        UNDEFINED "ltr-in-real-mode", 0x0F, 0x00, 0xD8
        UNDEFINED "verr-in-real-mode", 0x0F, 0x00, 0xE0
        UNDEFINED "verw-in-real-mode", 0x0F, 0x00, 0xE8
        UNDEFINED "group-6-slash-6", 0x0F, 0x00, 0xF0
        UNDEFINED "lar-in-real-mode", 0x0F, 0x02, 0xC0
        UNDEFINED "lsl-in-real-mode", 0x0F, 0x03, 0xC0
        UNDEFINED "arpl-in-real-mode", 0x63, 0xC0

; LOCK: allowed before ADD ADC AND BTC BTR BTS CMPXCHG CMPXCHG8B DEC INC NEG NOT OR SBB SUB
; XOR XADD XCHG with a memory destination only, else #UD (Vol. 2, "LOCK"). BTS with a register
; is in alias-lock-register.asm. QEMU (TCG) does not reject LOCK before many of these.
        UNDEFINED "lock-nop", 0xF0, 0x90
        UNDEFINED "lock-mov-memory", 0xF0, 0x88, 0x04
        UNDEFINED "lock-add-register", 0xF0, 0x00, 0xC0
        UNDEFINED "lock-add-memory-source", 0xF0, 0x02, 0x04
        UNDEFINED "lock-cmp-memory", 0xF0, 0x38, 0x04
        UNDEFINED "lock-cmp-memory-imm8", 0xF0, 0x80, 0x3C, 0x01
        UNDEFINED "lock-test-memory", 0xF0, 0x84, 0x04
        UNDEFINED "lock-test-memory-imm8", 0xF0, 0xF6, 0x04, 0x01
        UNDEFINED "lock-mul-memory", 0xF0, 0xF6, 0x24
        UNDEFINED "lock-inc-register", 0xF0, 0xFE, 0xC0
        UNDEFINED "lock-inc-register-short-form", 0xF0, 0x40
        UNDEFINED "lock-not-register", 0xF0, 0xF7, 0xD0
        UNDEFINED "lock-xchg-registers", 0xF0, 0x86, 0xC4
        UNDEFINED "lock-xchg-short-form", 0xF0, 0x93
        UNDEFINED "lock-shl-memory", 0xF0, 0xD0, 0x24
        UNDEFINED "lock-rol-memory", 0xF0, 0xC0, 0x04, 0x01
        UNDEFINED "lock-shld-memory", 0xF0, 0x0F, 0xA4, 0x04, 0x01
        UNDEFINED "lock-push-memory", 0xF0, 0xFF, 0x34
        UNDEFINED "lock-pop-memory", 0xF0, 0x8F, 0x04
        UNDEFINED "lock-jmp", 0xF0, 0xEB, 0x00
        UNDEFINED "lock-movsb", 0xF0, 0xA4
        UNDEFINED "lock-cli", 0xF0, 0xFA
        UNDEFINED "lock-add-accumulator-imm8", 0xF0, 0x04, 0x01
        UNDEFINED "lock-lea", 0xF0, 0x8D, 0x04
        UNDEFINED "lock-imul-memory", 0xF0, 0x0F, 0xAF, 0x04
        UNDEFINED "lock-movzx-memory", 0xF0, 0x0F, 0xB6, 0x04
        UNDEFINED "lock-setcc-memory", 0xF0, 0x0F, 0x92, 0x04
        UNDEFINED "lock-after-another-prefix", 0x66, 0xF0, 0x90

%macro LOCKED 3
        CASE %1
        mov     dword [0x600], 0x00000104
        mov     ebx, 0x600
        mov     eax, 2
        SET_FLAGS CF
        lock %2
        CHECK   dword [0x600], %3
        END_CASE
%endmacro
        LOCKED  "lock-add-memory", {add [bx], eax}, 0x106
        LOCKED  "lock-adc-memory", {adc word [bx], byte 2}, 0x107
        LOCKED  "lock-and-memory", {and byte [bx], 0}, 0x100
        LOCKED  "lock-or-memory", {or byte [bx], 1}, 0x105
        LOCKED  "lock-sbb-memory", {sbb [bx], al}, 0x101
        LOCKED  "lock-sub-memory", {sub [bx], ax}, 0x102
        LOCKED  "lock-xor-memory", {xor byte [bx+1], 3}, 0x204
        LOCKED  "lock-inc-memory", {inc dword [bx]}, 0x105
        LOCKED  "lock-dec-memory", {dec word [bx]}, 0x103
        LOCKED  "lock-not-memory", {not byte [bx]}, 0x1FB
        LOCKED  "lock-neg-memory", {neg byte [bx]}, 0x1FC
        LOCKED  "lock-bts-memory", {bts [bx], eax}, 0x104
        LOCKED  "lock-btr-memory", {btr [bx], ax}, 0x100
        LOCKED  "lock-btc-memory-imm8", {btc dword [bx], byte 31}, 0x80000104
        LOCKED  "lock-xchg-memory", {xchg [bx], eax}, 2
        UNLESS_FAMILY 4, no_486
        ; The Intel386 manual allows LOCK before BT, those of later processors do not.
        UNDEFINED "lock-bt-memory", 0xF0, 0x0F, 0xA3, 0x04
        UNDEFINED "lock-bt-memory-imm8", 0xF0, 0x0F, 0xBA, 0x24, 0x01
        LOCKED  "lock-xadd-memory", {xadd [bx], eax}, 0x106
        LOCKED  "lock-cmpxchg-memory", {cmpxchg [bx], ebx}, 0x104
        UNDEFINED "lock-cmpxchg-register", 0xF0, 0x0F, 0xB0, 0xC3
        UNDEFINED "lock-bswap", 0xF0, 0x0F, 0xC8
no_486:

; Prefixes without a meaning for an instruction are ignored.
CASE "repeat-prefixes-are-ignored-on-other-instructions"
        mov     ecx, 5
        db      0xF3, 0x40                      ; INC AX
        db      0xF2, 0x40
        db      0xF3, 0x90                      ; NOP (PAUSE on later processors)
        CHECK   eax, 2
        CHECK   ecx, 5
END_CASE
CASE "segment-prefixes-are-ignored-without-memory-operand"
        db      0x26, 0x40
        db      0x2E, 0x36, 0x3E, 0x64, 0x65, 0x40
        CHECK   eax, 2
END_CASE
CASE "operand-size-prefix-is-ignored-on-byte-operations"
        mov     eax, 0x112233FF
        db      0x66, 0xFE, 0xC0                ; INC AL
        CHECK   eax, 0x11223300
        db      0x66, 0xB0, 0x77                ; MOV AL, 77h
        CHECK   eax, 0x11223377
END_CASE
CASE "address-size-prefix-is-ignored-without-memory-operand"
        db      0x67, 0x40
        db      0x67, 0xB8, 0x34, 0x12          ; MOV AX, 1234h
        CHECK   eax, 0x1234
END_CASE
CASE "operand-size-prefix-on-conditional-jump-short"
        SET_FLAGS ZF
        db      0x66, 0x74, 0x01                ; JZ over INC AX
        inc     ax
        CHECK   eax, 0
END_CASE

; Vol. 3, "Interrupt 13": an instruction longer than 15 bytes raises #GP.
CASE "length-15-bytes-is-allowed"
        times   14 db 0x2E
        inc     ax
        CHECK   eax, 1
END_CASE
CASE "length-16-bytes-general-protection"
        EXPECT_FAULT 13, length_16
length_16:
        times   15 db 0x2E
        inc     ax
        FAULTED
        CHECK   eax, 0
END_CASE
CASE "length-15-bytes-with-operands"
        ; 4 prefixes, opcode, ModR/M, SIB, disp32, imm32
        mov     dword [0x600], 1
        mov     ebx, 0x500
        db      0x3E, 0x3E, 0x66, 0x67, 0x81, 0x84, 0x23
        dd      0x100, 0x11111111
        CHECK   dword [0x600], 0x11111112
END_CASE
CASE "length-16-bytes-with-operands-general-protection"
        mov     dword [0x600], 1
        mov     ebx, 0x500
        EXPECT_FAULT 13, length_16_operands
length_16_operands:
        db      0x3E, 0x3E, 0x3E, 0x66, 0x67, 0x81, 0x84, 0x23
        dd      0x100, 0x11111111
        FAULTED
        CHECK   dword [0x600], 1
END_CASE

ROM_END
