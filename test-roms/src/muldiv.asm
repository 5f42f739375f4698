; first-model: 386dx
; cases: 174
%include "rom.inc"
%include "expect.inc"

ROM_BEGIN "multiplication and division: MUL IMUL DIV IDIV"

; CF and OF tell whether the upper half is significant; SF ZF AF PF are undefined.
; a as a signed number of the given bits
%define SIGNED(bits, a) ((a) - (((a) >> ((bits) - 1)) & 1) * (1 << (bits)))

; suffix, operation, bits, a, b
%macro MULTIPLY 5
  %defstr %%op %2
  %defstr %%bits %3
  %strcat %%name %%op, %%bits, %1
  %ifidni %2, mul
    %assign E_PROD (%4) * (%5)
    %assign E_HIGH (E_PROD >> (%3)) & ONES(%3)
    %assign %%big E_HIGH
  %else
    %assign E_PROD SIGNED(%3, %4) * SIGNED(%3, %5)
    %assign E_HIGH (E_PROD >> (%3)) & ONES(%3)
    %assign %%big E_PROD - SIGNED(%3, E_PROD & ONES(%3))
  %endif
  %assign E_RES E_PROD & ONES(%3)
  %assign E_FL CF|OF
  %if %%big == 0
    %assign E_FL 0
  %endif
        CASE %%name
        mov     eax, JUNK(%3) | (%4)
        mov     ebx, JUNK(%3) | (%5)
        mov     edx, 0x5A5A5A5A
        SET_FLAGS E_FL ^ (CF|OF)
        %2      SRC(%3)
        CHECK_FLAGS CF|OF, E_FL
  %if %3 == 8
        CHECK   eax, 0xA5C30000 | (E_HIGH << 8) | E_RES
        CHECK   edx, 0x5A5A5A5A
  %elif %3 == 16
        CHECK   eax, JUNK(16) | E_RES
        CHECK   edx, 0x5A5A0000 | E_HIGH
  %else
        CHECK   eax, E_RES
        CHECK   edx, E_HIGH
  %endif
        CHECK   ebx, JUNK(%3) | (%5)
  %ifidni %2, imul
    %if %3 > 8
        ; two operands, three operands
        mov     eax, JUNK(%3) | (%4)
        SET_FLAGS E_FL ^ (CF|OF)
        imul    ACC(%3), SRC(%3)
        CHECK_FLAGS CF|OF, E_FL
        CHECK   eax, JUNK(%3) | E_RES
        mov     eax, 0x5A5A5A5A
        SET_FLAGS E_FL ^ (CF|OF)
      %if %3 == 16
        imul    ax, bx, strict word %4
        CHECK_FLAGS CF|OF, E_FL
        CHECK   eax, 0x5A5A0000 | E_RES
      %else
        imul    eax, ebx, strict dword %4
        CHECK_FLAGS CF|OF, E_FL
        CHECK   eax, E_RES
      %endif
    %endif
  %endif
        END_CASE
%endmacro

%macro MULTIPLY_VALUES 2
        MULTIPLY "-zero-by-ones", %1, %2, 0, ONES(%2)
        MULTIPLY "-one-by-ones", %1, %2, 1, ONES(%2)
        MULTIPLY "-ones-by-ones", %1, %2, ONES(%2), ONES(%2)
        MULTIPLY "-small", %1, %2, 7, 9
        MULTIPLY "-largest-that-fits", %1, %2, (1 << ((%2) / 2)) - 1, (1 << ((%2) / 2)) + 1
        MULTIPLY "-smallest-that-does-not-fit", %1, %2, 1 << ((%2) / 2), 1 << ((%2) / 2)
        MULTIPLY "-half-sign", %1, %2, 1 << ((%2) / 2), 1 << ((%2) / 2 - 1)
        MULTIPLY "-smallest-by-smallest", %1, %2, MSB(%2), MSB(%2)
        MULTIPLY "-smallest-by-ones", %1, %2, MSB(%2), ONES(%2)
        MULTIPLY "-smallest-by-one", %1, %2, MSB(%2), 1
        MULTIPLY "-largest-by-largest", %1, %2, MAXI(%2), MAXI(%2)
        MULTIPLY "-largest-by-smallest", %1, %2, MAXI(%2), MSB(%2)
        MULTIPLY "-mixed", %1, %2, ONES(%2) - 12, 11
%endmacro

        MULTIPLY_VALUES mul, 8
        MULTIPLY_VALUES mul, 16
        MULTIPLY_VALUES mul, 32
        MULTIPLY_VALUES imul, 8
        MULTIPLY_VALUES imul, 16
        MULTIPLY_VALUES imul, 32

CASE "mul8-mem"
        mov     byte [0x600], 200
        mov     al, 100
        mul     byte [0x600]
        CHECK_FLAGS CF|OF, CF|OF
        CHECK   eax, 20000
END_CASE
CASE "mul16-mem"
        mov     word [0x600], 1000
        mov     ax, 2000
        mul     word [0x600]
        CHECK   eax, 2000000 & 0xFFFF
        CHECK   edx, 2000000 >> 16
END_CASE
CASE "mul32-mem"
        mov     dword [0x600], 0x10000001
        mov     eax, 0x20
        mul     dword [0x600]
        CHECK   eax, 0x20
        CHECK   edx, 2
END_CASE
CASE "mul8-ah"
        mov     eax, 0x1103
        mul     ah
        CHECK   eax, 0x0033
END_CASE
CASE "mul32-eax-squared"
        mov     eax, 0xFFFFFFFF
        mul     eax
        CHECK   eax, 1
        CHECK   edx, 0xFFFFFFFE
END_CASE
CASE "mul32-edx-is-source-and-result"
        mov     eax, 0x10000
        mov     edx, 0x50000
        mul     edx
        CHECK   eax, 0
        CHECK   edx, 5
END_CASE
CASE "imul16-imm8-negative"
        mov     ebx, 0xFFFF0003
        mov     eax, 0x12340000
        imul    ax, bx, byte -5
        CHECK_FLAGS CF|OF, 0
        CHECK   eax, 0x1234FFF1
END_CASE
CASE "imul16-imm8-overflow"
        mov     bx, 0x4000
        SET_FLAGS 0
        imul    ax, bx, byte 2
        CHECK_FLAGS CF|OF, CF|OF
        CHECK   eax, 0x8000
END_CASE
CASE "imul32-imm8-negative"
        mov     ebx, 7
        SET_FLAGS ALLF
        imul    eax, ebx, byte -128
        CHECK_FLAGS CF|OF, 0
        CHECK   eax, -896
END_CASE
CASE "imul32-imm8-mem"
        mov     dword [0x600], 0x40000000
        SET_FLAGS 0
        imul    eax, [0x600], byte 3
        CHECK_FLAGS CF|OF, CF|OF
        CHECK   eax, 0xC0000000
END_CASE
CASE "imul16-two-operands-mem"
        mov     word [0x600], -3
        mov     eax, 0x55550007
        imul    ax, [0x600]
        CHECK_FLAGS CF|OF, 0
        CHECK   eax, 0x5555FFEB
END_CASE
CASE "imul32-two-operands-mem"
        mov     dword [0x600], 0x10000
        mov     ecx, 0x8000
        SET_FLAGS 0
        imul    ecx, [0x600]
        CHECK_FLAGS CF|OF, CF|OF
        CHECK   ecx, 0x80000000
END_CASE

; All six flags are undefined after DIV and IDIV.
; name, operation, bits, dividend (upper half), dividend (lower half), divisor, quotient,
; remainder (both constants in the operand size)
%macro DIVIDE 8
        CASE %1
  %if %3 == 8
        mov     eax, 0xA5C30000 | ((%4) << 8) | (%5)
        mov     edx, 0x5A5A5A5A
  %elif %3 == 16
        mov     eax, JUNK(16) | (%5)
        mov     edx, 0x5A5A0000 | (%4)
  %else
        mov     eax, %5
        mov     edx, %4
  %endif
        mov     ebx, JUNK(%3) | (%6)
        %2      SRC(%3)
  %if %3 == 8
        CHECK   eax, 0xA5C30000 | ((%8) << 8) | (%7)
        CHECK   edx, 0x5A5A5A5A
  %elif %3 == 16
        CHECK   eax, JUNK(16) | (%7)
        CHECK   edx, 0x5A5A0000 | (%8)
  %else
        CHECK   eax, %7
        CHECK   edx, %8
  %endif
        CHECK   ebx, JUNK(%3) | (%6)
        END_CASE
%endmacro

; #DE is a fault: it is reported with the address of the instruction, and no register has
; changed. "DIV", "IDIV": #DE when the divisor is 0 or the quotient is too large.
; name, operation, bits, upper, lower, divisor
%macro DIVIDE_ERROR 6
        CASE %1
  %if %3 == 8
        mov     eax, 0xA5C30000 | ((%4) << 8) | (%5)
  %else
        mov     eax, JUNK(%3) | (%5)
  %endif
        mov     edx, JUNK(%3) | (%4)
        mov     ebx, JUNK(%3) | (%6)
        FAULTS  0, {%2 SRC(%3)}
  %if %3 == 8
        CHECK   eax, 0xA5C30000 | ((%4) << 8) | (%5)
  %else
        CHECK   eax, JUNK(%3) | (%5)
  %endif
        CHECK   edx, JUNK(%3) | (%4)
        CHECK   ebx, JUNK(%3) | (%6)
        END_CASE
%endmacro

%macro DIVIDE_VALUES 1
  %defstr %%b %1
  %strcat %%s1 "div", %%b, "-exact"
        DIVIDE  %%s1, div, %1, 0, 84, 7, 12, 0
  %strcat %%s2 "div", %%b, "-with-remainder"
        DIVIDE  %%s2, div, %1, 0, 100, 7, 14, 2
  %strcat %%s3 "div", %%b, "-by-one"
        DIVIDE  %%s3, div, %1, 0, ONES(%1), 1, ONES(%1), 0
  %strcat %%s4 "div", %%b, "-by-larger"
        DIVIDE  %%s4, div, %1, 0, 5, ONES(%1), 0, 5
  %strcat %%s5 "div", %%b, "-zero"
        DIVIDE  %%s5, div, %1, 0, 0, 9, 0, 0
  ; (2^n-2)*2^n + (2^n-1) = (2^n-1)*(2^n-1) + (2^n-2)
  %strcat %%s6 "div", %%b, "-largest-quotient-and-remainder"
        DIVIDE  %%s6, div, %1, ONES(%1) - 1, ONES(%1), ONES(%1), ONES(%1), ONES(%1) - 1
  %strcat %%s7 "div", %%b, "-by-power-of-two"
        DIVIDE  %%s7, div, %1, 1, 1, 4, 1 << (%1 - 2), 1
  %strcat %%s8 "div", %%b, "-by-zero"
        DIVIDE_ERROR %%s8, div, %1, 0, 1, 0
  %strcat %%s9 "div", %%b, "-quotient-one-too-large"
        DIVIDE_ERROR %%s9, div, %1, 1, 0, 1
  %strcat %%s10 "div", %%b, "-quotient-too-large-at-ones"
        DIVIDE_ERROR %%s10, div, %1, ONES(%1), 0, ONES(%1)
  %strcat %%s11 "div", %%b, "-zero-by-zero"
        DIVIDE_ERROR %%s11, div, %1, 0, 0, 0

  ; The quotient is truncated toward zero, the remainder has the sign of the dividend.
  %strcat %%t1 "idiv", %%b, "-positive-by-positive"
        DIVIDE  %%t1, idiv, %1, 0, 100, 7, 14, 2
  %strcat %%t2 "idiv", %%b, "-negative-by-positive"
        DIVIDE  %%t2, idiv, %1, ONES(%1), (-100) & ONES(%1), 7, (-14) & ONES(%1), (-2) & ONES(%1)
  %strcat %%t3 "idiv", %%b, "-positive-by-negative"
        DIVIDE  %%t3, idiv, %1, 0, 100, (-7) & ONES(%1), (-14) & ONES(%1), 2
  %strcat %%t4 "idiv", %%b, "-negative-by-negative"
        DIVIDE  %%t4, idiv, %1, ONES(%1), (-100) & ONES(%1), (-7) & ONES(%1), 14, (-2) & ONES(%1)
  %strcat %%t5 "idiv", %%b, "-largest-quotient"
        DIVIDE  %%t5, idiv, %1, 0, MAXI(%1), 1, MAXI(%1), 0
  ; Intel386 and later: the smallest negative quotient is in range ("IDIV", table of ranges;
  ; the 8086 raised the exception).
  %strcat %%t6 "idiv", %%b, "-smallest-quotient"
        DIVIDE  %%t6, idiv, %1, ONES(%1), MSB(%1), 1, MSB(%1), 0
  %strcat %%t7 "idiv", %%b, "-smallest-quotient-by-minus-one"
        DIVIDE  %%t7, idiv, %1, 0, MSB(%1), ONES(%1), MSB(%1), 0
  %strcat %%t8 "idiv", %%b, "-remainder-of-zero-quotient"
        DIVIDE  %%t8, idiv, %1, ONES(%1), ONES(%1) - 2, 5, 0, ONES(%1) - 2
  %strcat %%t9 "idiv", %%b, "-by-zero"
        DIVIDE_ERROR %%t9, idiv, %1, 0, 1, 0
  %strcat %%t10 "idiv", %%b, "-smallest-dividend-by-minus-one"
        DIVIDE_ERROR %%t10, idiv, %1, ONES(%1), MSB(%1), ONES(%1)
  %strcat %%t11 "idiv", %%b, "-quotient-one-too-large"
        DIVIDE_ERROR %%t11, idiv, %1, 0, MSB(%1), 1
  %strcat %%t12 "idiv", %%b, "-quotient-one-too-small"
        DIVIDE_ERROR %%t12, idiv, %1, ONES(%1), MSB(%1) - 1, 1
  ; 16 and 32 bits: see muldiv-minimum.asm
  %if %1 == 8
    %strcat %%t13 "idiv", %%b, "-smallest-double-dividend-by-minus-one"
        DIVIDE_ERROR %%t13, idiv, %1, MSB(%1), 0, ONES(%1)
  %endif
  %strcat %%t14 "idiv", %%b, "-smallest-double-dividend-by-one"
        DIVIDE_ERROR %%t14, idiv, %1, MSB(%1), 0, 1
  %strcat %%t15 "idiv", %%b, "-smallest-divisor"
        DIVIDE  %%t15, idiv, %1, 0, MAXI(%1), MSB(%1), 0, MAXI(%1)
%endmacro

        DIVIDE_VALUES 8
        DIVIDE_VALUES 16
        DIVIDE_VALUES 32

CASE "div8-ah-by-itself"
        mov     ax, 0x0203
        FAULTS  0, {div ah}             ; 203h / 2 = 101h
        CHECK   eax, 0x0203
        mov     ax, 0x0503
        mov     bl, 6
        div     bl                      ; 503h = 1283 = 6 * 213 + 5
        CHECK   eax, 0x05D5
END_CASE
CASE "div32-by-edx"
        mov     eax, 0
        mov     edx, 1
        FAULTS  0, {div edx}            ; 2^32 / 1
        mov     eax, 0x80000000
        mov     edx, 0
        FAULTS  0, {div edx}
        CHECK   eax, 0x80000000
END_CASE
CASE "div8-mem"
        mov     byte [0x600], 10
        mov     ax, 1234
        div     byte [0x600]
        CHECK   eax, (4 << 8) | 123
END_CASE
CASE "div16-mem"
        mov     word [0x601], 1000
        mov     dx, 123456 >> 16
        mov     ax, 123456 & 0xFFFF
        div     word [0x601]
        CHECK   eax, 123
        CHECK   edx, 456
END_CASE
CASE "div32-mem"
        mov     dword [0x600], 0x10000000
        mov     edx, 1
        mov     eax, 0x23456789
        div     dword [0x600]
        CHECK   eax, 0x12
        CHECK   edx, 0x03456789
END_CASE
CASE "idiv32-mem"
        mov     dword [0x600], -10
        mov     eax, -1234567
        cdq
        idiv    dword [0x600]
        CHECK   eax, 123456
        CHECK   edx, -7
END_CASE
CASE "div8-by-zero-in-memory-with-prefixes"
        mov     byte [0x600], 0
        EXPECT_FAULT 0, .divide
.divide:
        ; the saved IP is that of the first prefix
        db      0x3E, 0x66, 0xF6, 0x36, 0x00, 0x06
        FAULTED
END_CASE
CASE "imul8-result-in-whole-ax"
        mov     eax, 0xFFFFFFFF
        mov     bl, 2
        imul    bl
        CHECK_FLAGS CF|OF, 0
        CHECK   eax, 0xFFFFFFFE
END_CASE

ROM_END
