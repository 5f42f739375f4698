; first-model: 386dx
; cases: 429
%include "rom.inc"
%include "expect.inc"

ROM_BEGIN "arithmetic and its flags: ADD ADC SUB SBB CMP INC DEC NEG"

; name, operation, bits, a, b, carry before
%macro BINARY 6
  %defstr %%op %2
  %defstr %%bits %3
  %strcat %%name %%op, %%bits, %1
  %ifidni %2, add
        E_ADD   %3, %4, %5, 0
  %elifidni %2, adc
        E_ADD   %3, %4, %5, %6
  %elifidni %2, sbb
        E_SUB   %3, %4, %5, %6
  %else
        E_SUB   %3, %4, %5, 0
  %endif
  %ifidni %2, cmp
    %assign E_RES %4
  %endif
        CASE %%name
        mov     eax, JUNK(%3) | (%4)
        mov     ebx, JUNK(%3) | (%5)
        SET_FLAGS ((E_FL ^ ALLF) & ~CF) | ((%6) * CF)
        %2      ACC(%3), SRC(%3)
        CHECK_FLAGS ALLF, E_FL
        CHECK   eax, JUNK(%3) | E_RES
        END_CASE
%endmacro

; operation, bits, carry before, suffix
%macro PAIRS 4
  %strcat %%s1 "-zero-zero", %4
        BINARY  %%s1, %1, %2, 0, 0, %3
  %strcat %%s2 "-one-one", %4
        BINARY  %%s2, %1, %2, 1, 1, %3
  %strcat %%s3 "-zero-one", %4
        BINARY  %%s3, %1, %2, 0, 1, %3
  %strcat %%s4 "-low-nibble-full-and-one", %4
        BINARY  %%s4, %1, %2, 0x0F, 1, %3
  %strcat %%s5 "-low-nibble-empty-and-one", %4
        BINARY  %%s5, %1, %2, 0x10, 1, %3
  %strcat %%s6 "-largest-positive-and-one", %4
        BINARY  %%s6, %1, %2, MAXI(%2), 1, %3
  %strcat %%s7 "-smallest-negative-and-one", %4
        BINARY  %%s7, %1, %2, MSB(%2), 1, %3
  %strcat %%s8 "-smallest-negative-twice", %4
        BINARY  %%s8, %1, %2, MSB(%2), MSB(%2), %3
  %strcat %%s9 "-all-ones-and-one", %4
        BINARY  %%s9, %1, %2, ONES(%2), 1, %3
  %strcat %%s10 "-all-ones-twice", %4
        BINARY  %%s10, %1, %2, ONES(%2), ONES(%2), %3
  %strcat %%s11 "-zero-and-all-ones", %4
        BINARY  %%s11, %1, %2, 0, ONES(%2), %3
  %strcat %%s12 "-zero-and-smallest-negative", %4
        BINARY  %%s12, %1, %2, 0, MSB(%2), %3
  %strcat %%s13 "-largest-positive-and-all-ones", %4
        BINARY  %%s13, %1, %2, MAXI(%2), ONES(%2), %3
  %strcat %%s14 "-alternating-bits", %4
        BINARY  %%s14, %1, %2, ONES(%2) / 3, ONES(%2) - ONES(%2) / 3, %3
  %strcat %%s15 "-largest-positive-and-smallest-negative", %4
        BINARY  %%s15, %1, %2, MAXI(%2), MSB(%2), %3
%endmacro

%macro SIZES 3
        PAIRS   %1, 8, %2, %3
        PAIRS   %1, 16, %2, %3
        PAIRS   %1, 32, %2, %3
%endmacro

        SIZES   add, 1, ""
        SIZES   adc, 0, "-carry-0"
        SIZES   adc, 1, "-carry-1"
        SIZES   sub, 1, ""
        SIZES   sbb, 0, "-carry-0"
        SIZES   sbb, 1, "-carry-1"
        SIZES   cmp, 0, ""

; INC, DEC (CF does not change), NEG (CF = operand not 0): suffix, op, bits, a, carry
%macro UNARY 5
  %defstr %%op %2
  %defstr %%bits %3
  %strcat %%name %%op, %%bits, %1
  %ifidni %2, inc
        E_ADD   %3, %4, 1, 0
    %assign E_FL (E_FL & ~CF) | ((%5) * CF)
  %elifidni %2, dec
        E_SUB   %3, %4, 1, 0
    %assign E_FL (E_FL & ~CF) | ((%5) * CF)
  %else
        E_SUB   %3, 0, %4, 0
  %endif
        CASE %%name
        mov     eax, JUNK(%3) | (%4)
        SET_FLAGS ((E_FL ^ ALLF) & ~CF) | ((%5) * CF)
        %2      ACC(%3)
        CHECK_FLAGS ALLF, E_FL
        CHECK   eax, JUNK(%3) | E_RES
        ; the form with a ModR/M byte, on memory
        mov     dword [0x600], JUNK(%3) | (%4)
        SET_FLAGS ((E_FL ^ ALLF) & ~CF) | ((%5) * CF)
        %2      MEM(%3) [0x600]
        CHECK_FLAGS ALLF, E_FL
        CHECK   dword [0x600], JUNK(%3) | E_RES
        END_CASE
%endmacro

%macro UNARY_VALUES 2
        UNARY   "-zero", %1, %2, 0, 1
        UNARY   "-one", %1, %2, 1, 0
        UNARY   "-low-nibble-full", %1, %2, 0x0F, 1
        UNARY   "-low-nibble-empty", %1, %2, 0x10, 0
        UNARY   "-largest-positive", %1, %2, MAXI(%2), 1
        UNARY   "-smallest-negative", %1, %2, MSB(%2), 0
        UNARY   "-all-ones", %1, %2, ONES(%2), 1
        UNARY   "-all-ones-carry-0", %1, %2, ONES(%2), 0
%endmacro

%macro UNARY_SIZES 1
        UNARY_VALUES %1, 8
        UNARY_VALUES %1, 16
        UNARY_VALUES %1, 32
%endmacro

        UNARY_SIZES inc
        UNARY_SIZES dec
        UNARY_SIZES neg

; Encodings. a=71h b=1Fh in the operand size; 83h sign-extends its byte.
; name, operation, code, kind of the destination (eax or mem)
%macro ENCODED 5
        CASE %1
        mov     eax, 0x11223344
        mov     ebx, 0x0F0F0F0F
        mov     dword [0x600], 0x55667788
        SET_FLAGS CF
        %2
        CHECK_FLAGS ALLF, %5
        CHECK   eax, %3
        CHECK   dword [0x600], %4
        END_CASE
%endmacro

        E_ADD   8, 0x88, 0x0F, 0
        ENCODED "add-byte-mem-reg", {add [0x600], bl}, 0x11223344, 0x55667797, E_FL
        E_ADD   8, 0x44, 0x88, 0
        ENCODED "add-byte-reg-mem", {add al, [0x600]}, 0x112233CC, 0x55667788, E_FL
        E_ADD   16, 0x7788, 0x0F0F, 0
        ENCODED "add-word-mem-reg", {add [0x600], bx}, 0x11223344, 0x55668697, E_FL
        E_ADD   16, 0x3344, 0x7788, 0
        ENCODED "add-word-reg-mem", {add ax, [0x600]}, 0x1122AACC, 0x55667788, E_FL
        E_ADD   32, 0x55667788, 0x0F0F0F0F, 0
        ENCODED "add-dword-mem-reg", {add [0x600], ebx}, 0x11223344, 0x64758697, E_FL
        E_ADD   32, 0x11223344, 0x55667788, 0
        ENCODED "add-dword-reg-mem", {add eax, [0x600]}, 0x6688AACC, 0x55667788, E_FL
        E_SUB   8, 0x44, 0x88, 0
        ENCODED "sub-byte-reg-mem", {sub al, [0x600]}, 0x112233BC, 0x55667788, E_FL
        E_SUB   16, 0x7788, 0x0F0F, 0
        ENCODED "sub-word-mem-reg", {sub [0x600], bx}, 0x11223344, 0x55666879, E_FL
        E_SUB   32, 0x11223344, 0x55667788, 0
        ENCODED "sub-dword-reg-mem", {sub eax, [0x600]}, 0xBBBBBBBC, 0x55667788, E_FL
        E_ADD   8, 0x44, 0xC0, 1
        ENCODED "adc-al-imm8-opcode-14", {db 0x14, 0xC0}, 0x11223305, 0x55667788, E_FL
        E_ADD   16, 0x3344, 0xCCBB, 1
        ENCODED "adc-ax-imm16-opcode-15", {db 0x15, 0xBB, 0xCC}, 0x11220000, 0x55667788, E_FL
        E_ADD   32, 0x11223344, 0x80000000, 1
        ENCODED "adc-eax-imm32-opcode-15", {db 0x66, 0x15, 0, 0, 0, 0x80}, 0x91223345, 0x55667788, E_FL
        E_ADD   8, 0x44, 0xC0, 0
        ENCODED "add-al-imm8-opcode-04", {db 0x04, 0xC0}, 0x11223304, 0x55667788, E_FL
        E_ADD   8, 0x44, 0xC0, 0
        ENCODED "add-al-imm8-opcode-80", {db 0x80, 0xC0, 0xC0}, 0x11223304, 0x55667788, E_FL
        E_ADD   16, 0x3344, 0xCCBC, 0
        ENCODED "add-ax-imm16-opcode-81", {db 0x81, 0xC0, 0xBC, 0xCC}, 0x11220000, 0x55667788, E_FL
        E_ADD   32, 0x11223344, 0xEEDDCCBC, 0
        ENCODED "add-eax-imm32-opcode-81", {db 0x66, 0x81, 0xC0, 0xBC, 0xCC, 0xDD, 0xEE}, 0, 0x55667788, E_FL
        E_ADD   16, 0x3344, 0xFF80, 0
        ENCODED "add-ax-imm8-sign-extended", {db 0x83, 0xC0, 0x80}, 0x112232C4, 0x55667788, E_FL
        E_ADD   32, 0x11223344, 0xFFFFFF80, 0
        ENCODED "add-eax-imm8-sign-extended", {db 0x66, 0x83, 0xC0, 0x80}, 0x112232C4, 0x55667788, E_FL
        E_ADD   16, 0x3344, 0x7F, 0
        ENCODED "add-ax-imm8-positive", {db 0x83, 0xC0, 0x7F}, 0x112233C3, 0x55667788, E_FL
        E_SUB   16, 0x3344, 0xFFFF, 1
        ENCODED "sbb-ax-imm8-sign-extended", {db 0x83, 0xD8, 0xFF}, 0x11223344, 0x55667788, E_FL
        E_SUB   32, 0x11223344, 0xFFFFFFFF, 1
        ENCODED "sbb-eax-imm8-sign-extended", {db 0x66, 0x83, 0xD8, 0xFF}, 0x11223344, 0x55667788, E_FL
        E_SUB   8, 0x44, 0x45, 0
        ENCODED "cmp-al-imm8-opcode-3c", {db 0x3C, 0x45}, 0x11223344, 0x55667788, E_FL
        E_SUB   16, 0x3344, 0x3344, 0
        ENCODED "cmp-ax-imm16-opcode-3d", {db 0x3D, 0x44, 0x33}, 0x11223344, 0x55667788, E_FL
        E_SUB   32, 0x11223344, 0x91223344, 0
        ENCODED "cmp-eax-imm32-opcode-3d", {db 0x66, 0x3D, 0x44, 0x33, 0x22, 0x91}, 0x11223344, 0x55667788, E_FL
        E_SUB   8, 0x88, 0x7F, 0
        ENCODED "cmp-byte-mem-imm8", {cmp byte [0x600], 0x7F}, 0x11223344, 0x55667788, E_FL
        E_SUB   16, 0x7788, 0xFF80, 0
        ENCODED "cmp-word-mem-imm8-sign-extended", {db 0x83, 0x3E, 0x00, 0x06, 0x80}, 0x11223344, 0x55667788, E_FL
        E_SUB   32, 0x55667788, 0xFFFFFF80, 0
        ENCODED "cmp-dword-mem-imm8-sign-extended", {db 0x66, 0x83, 0x3E, 0x00, 0x06, 0x80}, 0x11223344, 0x55667788, E_FL
        E_SUB   8, 0x33, 0x0F, 1
        ENCODED "sbb-ah-bh", {sbb ah, bh}, 0x11222344, 0x55667788, E_FL
        E_ADD   8, 0x33, 0x44, 0
        ENCODED "add-ah-al", {add ah, al}, 0x11227744, 0x55667788, E_FL
        E_ADD   8, 0x88, 0x10, 1
        ENCODED "adc-byte-mem-imm8", {adc byte [0x600], 0x10}, 0x11223344, 0x55667799, E_FL
        E_SUB   32, 0x55667788, 1, 0
        ENCODED "sub-dword-mem-imm8", {sub dword [0x600], byte 1}, 0x11223344, 0x55667787, E_FL
        E_SUB   32, 0x11223344, 0x11223344, 0
        ENCODED "sub-register-from-itself", {sub eax, eax}, 0, 0x55667788, E_FL
        E_SUB   32, 0x11223344, 0x11223344, 1
        ENCODED "sbb-register-from-itself", {sbb eax, eax}, 0xFFFFFFFF, 0x55667788, E_FL

; INC/DEC with the register in the opcode: each register, both sizes
%macro EACH_REGISTER 4
        CASE %1
        mov     %2, 0x0001FFFF
        inc     %3
        CHECK   %2, 0x00010000
        dec     %3
        CHECK   %2, 0x0001FFFF
        inc     %4
        CHECK   %2, 0x00020000
        dec     %4
        CHECK   %2, 0x0001FFFF
        END_CASE
%endmacro
        EACH_REGISTER "inc-dec-register-ax", eax, ax, eax
        EACH_REGISTER "inc-dec-register-cx", ecx, cx, ecx
        EACH_REGISTER "inc-dec-register-dx", edx, dx, edx
        EACH_REGISTER "inc-dec-register-bx", ebx, bx, ebx
        EACH_REGISTER "inc-dec-register-bp", ebp, bp, ebp
        EACH_REGISTER "inc-dec-register-si", esi, si, esi
        EACH_REGISTER "inc-dec-register-di", edi, di, edi

; A chain: 96-bit addition and subtraction through the carry flag
CASE "adc-chain-of-three-dwords"
        mov     eax, 0xFFFFFFFF
        mov     ebx, 0xFFFFFFFF
        mov     ecx, 0x7FFFFFFF
        add     eax, 1
        adc     ebx, 0
        adc     ecx, 0
        CHECK_FLAGS ALLF, OF|SF|AF|PF
        CHECK   eax, 0
        CHECK   ebx, 0
        CHECK   ecx, 0x80000000
END_CASE
CASE "sbb-chain-of-three-dwords"
        mov     ecx, 0x80000000
        sub     eax, 1
        sbb     ebx, 0
        sbb     ecx, 0
        CHECK_FLAGS ALLF, OF|AF|PF
        CHECK   eax, 0xFFFFFFFF
        CHECK   ebx, 0xFFFFFFFF
        CHECK   ecx, 0x7FFFFFFF
END_CASE

ROM_END
