; first-model: 386dx
; cases: 334
%include "rom.inc"
%include "expect.inc"

ROM_BEGIN "shifts and rotates: SHL SHR SAR ROL ROR RCL RCR SHLD SHRD"

; Results by definition. Arguments: bits, value, count (0-31, not masked here), carry
; before. Each sets E_RES, E_FL and E_MASK, the flags that the manual defines for this
; count; flags that do not change are in E_MASK with their value from E_OLD.
;
; Intel SDM Vol. 2, "SAL/SAR/SHL/SHR": the count is masked to 5 bits; a count of 0 changes
; no flags; AF is undefined; OF is defined for 1-bit shifts only; CF is undefined for SHL
; and SHR with a count of the operand size or above.

%macro E_SHL 3
        E_SZP   %1, (%2) << (%3)
  %assign E_MASK SF|ZF|PF
  %if (%3) < (%1)
    %assign E_MASK E_MASK | CF
    %assign E_FL E_FL | ((((%2) << (%3)) >> (%1)) & 1) * CF
  %endif
  %if (%3) == 1
    %assign E_MASK E_MASK | OF
    %assign E_FL E_FL | ((((%2) ^ ((%2) << 1)) >> ((%1) - 1)) & 1) * OF
  %endif
%endmacro

%macro E_SHR 3
        E_SZP   %1, (%2) >> (%3)
  %assign E_MASK SF|ZF|PF
  %if (%3) < (%1)
    %assign E_MASK E_MASK | CF
    %assign E_FL E_FL | (((%2) >> ((%3) - 1)) & 1) * CF
  %endif
  %if (%3) == 1
    %assign E_MASK E_MASK | OF
    %assign E_FL E_FL | (((%2) >> ((%1) - 1)) & 1) * OF
  %endif
%endmacro

%macro E_SAR 3
  %assign E_WIDE %2
  %if (%2) & MSB(%1)
    %assign E_WIDE (%2) | (0xFFFFFFFFFFFFFFFF ^ ONES(%1))
  %endif
        E_SZP   %1, E_WIDE >> (%3)
  %assign E_MASK SF|ZF|PF|CF
  %assign E_FL E_FL | ((E_WIDE >> ((%3) - 1)) & 1) * CF
  %if (%3) == 1
    %assign E_MASK E_MASK | OF
  %endif
%endmacro

; "RCL/RCR/ROL/ROR": ROL and ROR change CF and OF only; OF for 1-bit rotates only. CF is the
; last bit that moved across the end, also when the masked count is a multiple of the size.
%macro E_ROL 3
  %assign E_N (%3) % (%1)
  %assign E_RES (((%2) << E_N) | ((%2) >> ((%1) - E_N))) & ONES(%1)
  %assign E_FL (SF|ZF|AF|PF) | (E_RES & 1) * CF
  %assign E_MASK ALLF ^ OF
  %if (%3) == 1
    %assign E_MASK ALLF
    %assign E_FL E_FL | (((E_RES >> ((%1) - 1)) ^ E_RES) & 1) * OF
  %endif
%endmacro

%macro E_ROR 3
  %assign E_N (%3) % (%1)
  %assign E_RES (((%2) >> E_N) | ((%2) << ((%1) - E_N))) & ONES(%1)
  %assign E_FL (SF|ZF|AF|PF) | ((E_RES >> ((%1) - 1)) & 1) * CF
  %assign E_MASK ALLF ^ OF
  %if (%3) == 1
    %assign E_MASK ALLF
    %assign E_FL E_FL | (((E_RES >> ((%1) - 1)) ^ (E_RES >> ((%1) - 2))) & 1) * OF
  %endif
%endmacro

; RCL and RCR rotate bits+1 bits; the count is taken modulo 9 and 17 for 8 and 16 bits.
%macro E_RCL 4
  %assign E_N (%3) % ((%1) + 1)
  %assign E_WIDE ((%4) << (%1)) | (%2)
  %assign E_WIDE ((E_WIDE << E_N) | (E_WIDE >> ((%1) + 1 - E_N))) & ((1 << ((%1) + 1)) - 1)
  %assign E_RES E_WIDE & ONES(%1)
  %assign E_FL (SF|ZF|AF|PF) | ((E_WIDE >> (%1)) & 1) * CF
  %assign E_MASK ALLF ^ OF
  %if (%3) == 1
    %assign E_MASK ALLF
    %assign E_FL E_FL | (((E_WIDE >> ((%1) - 1)) ^ (E_WIDE >> (%1))) & 1) * OF
  %endif
%endmacro

%macro E_RCR 4
  %assign E_N (%3) % ((%1) + 1)
  %assign E_WIDE ((%4) << (%1)) | (%2)
  %assign E_WIDE ((E_WIDE >> E_N) | (E_WIDE << ((%1) + 1 - E_N))) & ((1 << ((%1) + 1)) - 1)
  %assign E_RES E_WIDE & ONES(%1)
  %assign E_FL (SF|ZF|AF|PF) | ((E_WIDE >> (%1)) & 1) * CF
  %assign E_MASK ALLF ^ OF
  %if (%3) == 1
    %assign E_MASK ALLF
    %assign E_FL E_FL | (((E_RES >> ((%1) - 1)) ^ (E_RES >> ((%1) - 2))) & 1) * OF
  %endif
%endmacro

; operation, bits, value, count in CL, carry before, name suffix. The shifts start with
; the opposite of the expected flags, the rotates with SF ZF AF PF set. With an 8-bit
; immediate (C0/C1) and with a count of 1 (D0/D1) the same must come out, on memory.
%macro SHIFT 6
  %defstr %%op %1
  %defstr %%bits %2
  %defstr %%count %4
  %strcat %%name %%op, %%bits, "-by-", %%count, %6
  %assign %%n (%4) & 31
  %assign %%carry %5
  %if %%n == 0
    %assign E_RES %3
    %assign E_FL (ALLF & ~CF) | %%carry
    %assign E_MASK ALLF
    %assign %%before E_FL
  %elifidni %1, rcl
        E_RCL   %2, %3, %%n, %%carry
    %assign %%before SF|ZF|AF|PF|%%carry|(~E_FL & OF)
  %elifidni %1, rcr
        E_RCR   %2, %3, %%n, %%carry
    %assign %%before SF|ZF|AF|PF|%%carry|(~E_FL & OF)
  %elifidni %1, rol
        E_ROL   %2, %3, %%n
    %assign %%before SF|ZF|AF|PF|(~E_FL & (OF|CF))
  %elifidni %1, ror
        E_ROR   %2, %3, %%n
    %assign %%before SF|ZF|AF|PF|(~E_FL & (OF|CF))
  %elifidni %1, shl
        E_SHL   %2, %3, %%n
    %assign %%before ~E_FL & ALLF
  %elifidni %1, shr
        E_SHR   %2, %3, %%n
    %assign %%before ~E_FL & ALLF
  %else
        E_SAR   %2, %3, %%n
    %assign %%before ~E_FL & ALLF
  %endif
        CASE %%name
        mov     eax, JUNK(%2) | (%3)
        mov     [0x600], eax
        mov     cl, %4
        SET_FLAGS %%before
        %1      ACC(%2), cl
        CHECK_FLAGS E_MASK, E_FL
        CHECK   eax, JUNK(%2) | E_RES
        SET_FLAGS %%before
  %if %4 == 1
        %1      MEM(%2) [0x600], 1
  %else
        %1      MEM(%2) [0x600], byte %4
  %endif
        CHECK_FLAGS E_MASK, E_FL
        CHECK   dword [0x600], JUNK(%2) | E_RES
        END_CASE
%endmacro

; Counts of 32, 33 and 255 are masked to 0, 1 and 31.
%macro SHIFT_COUNTS 5
        SHIFT   %1, %2, %3, 0, %4, %5
        SHIFT   %1, %2, %3, 1, %4, %5
        SHIFT   %1, %2, %3, 4, %4, %5
        SHIFT   %1, %2, %3, 7, %4, %5
        SHIFT   %1, %2, %3, 31, %4, %5
        SHIFT   %1, %2, %3, 32, %4, %5
        SHIFT   %1, %2, %3, 33, %4, %5
  %if %2 < 32
        SHIFT   %1, %2, %3, 8, %4, %5
        SHIFT   %1, %2, %3, 9, %4, %5
        SHIFT   %1, %2, %3, 16, %4, %5
        SHIFT   %1, %2, %3, 17, %4, %5
  %else
        SHIFT   %1, %2, %3, 30, %4, %5
        SHIFT   %1, %2, %3, 255, %4, %5
  %endif
%endmacro

%macro SHIFT_SIZES 1
        SHIFT_COUNTS %1, 8, 0x96, 0, ""
        SHIFT_COUNTS %1, 16, 0xA5C1, 1, ""
        SHIFT_COUNTS %1, 32, 0x93C5A671, 0, ""
        SHIFT   %1, 8, 0x40, 1, 1, "-second-bit"
        SHIFT   %1, 16, 0x4000, 1, 0, "-second-bit"
        SHIFT   %1, 32, 0x40000000, 1, 1, "-second-bit"
        SHIFT   %1, 8, 0x01, 1, 0, "-lowest-bit"
        SHIFT   %1, 16, 0x0001, 1, 1, "-lowest-bit"
        SHIFT   %1, 32, 0xFFFFFFFF, 1, 0, "-all-ones"
        SHIFT   %1, 32, 0x80000000, 1, 1, "-sign-bit"
%endmacro

        SHIFT_SIZES shl
        SHIFT_SIZES shr
        SHIFT_SIZES sar
        SHIFT_SIZES rol
        SHIFT_SIZES ror

%macro ROTATE_CARRY 1
        SHIFT_COUNTS %1, 8, 0x96, 0, "-carry-0"
        SHIFT_COUNTS %1, 8, 0x69, 1, "-carry-1"
        SHIFT_COUNTS %1, 16, 0xA5C1, 1, "-carry-1"
        SHIFT_COUNTS %1, 32, 0x93C5A671, 0, "-carry-0"
        SHIFT_COUNTS %1, 32, 0x13C5A671, 1, "-carry-1"
        SHIFT   %1, 16, 0xA5C1, 18, 0, "-carry-0"
        SHIFT   %1, 8, 0x00, 9, 1, "-zero-carry-1"
        SHIFT   %1, 8, 0x00, 18, 1, "-zero-carry-1"
        SHIFT   %1, 8, 0x00, 27, 1, "-zero-carry-1"
        SHIFT   %1, 8, 0x00, 28, 1, "-zero-carry-1"
%endmacro
        ROTATE_CARRY rcl
        ROTATE_CARRY rcr

; A count of 0 changes nothing, also not the upper half of a memory operand.
CASE "shift-by-cl-0-keeps-all-flags-clear"
        mov     eax, 0x80000001
        SET_FLAGS 0
        shl     eax, cl
        CHECK_FLAGS ALLF, 0
        sar     eax, cl
        CHECK_FLAGS ALLF, 0
        rol     eax, cl
        CHECK_FLAGS ALLF, 0
        rcr     eax, cl
        CHECK_FLAGS ALLF, 0
        shld    eax, ebx, cl
        CHECK_FLAGS ALLF, 0
        shrd    eax, ebx, cl
        CHECK_FLAGS ALLF, 0
        CHECK   eax, 0x80000001
END_CASE
CASE "shift-count-is-cl-not-cx"
        mov     ecx, 0xFFFFFF01
        mov     eax, 3
        shl     eax, cl
        CHECK   eax, 6
END_CASE
CASE "shl-ecx-by-cl-uses-the-count-before"
        mov     ecx, 0x00010004
        shl     ecx, cl
        CHECK   ecx, 0x00100040
END_CASE
CASE "shift-of-high-byte-registers"
        mov     eax, 0x11228144
        shl     ah, 1
        CHECK   eax, 0x11220244
        mov     eax, 0x11228144
        ror     ah, 1
        CHECK   eax, 0x1122C044
END_CASE

; SHLD and SHRD. "SHLD": count masked to 5 bits; 0: no operation; OF for 1-bit shifts is a
; change of the sign; AF is undefined; above the operand size all is undefined.
; operation, bits, destination, source, count
%macro DOUBLE 5
  %defstr %%op %1
  %defstr %%bits %2
  %defstr %%count %5
  %strcat %%name %%op, %%bits, "-by-", %%count
  %assign %%n (%5) & 31
  %if %%n == 0
    %assign E_RES %3
    %assign E_FL ALLF
    %assign E_MASK ALLF
    %assign %%before ALLF
  %else
    %ifidni %1, shld
      %assign %%carry ((%3) >> ((%2) - %%n)) & 1
        E_SZP   %2, (((%3) << %%n) | ((%4) >> ((%2) - %%n)))
    %else
      %assign %%carry ((%3) >> (%%n - 1)) & 1
        E_SZP   %2, (((%3) >> %%n) | ((%4) << ((%2) - %%n)))
    %endif
    %assign E_FL E_FL | %%carry
    %assign E_MASK CF|PF|ZF|SF
    %if %%n == 1
      %assign E_MASK E_MASK | OF
      %assign E_FL E_FL | ((((%3) ^ E_RES) >> ((%2) - 1)) & 1) * OF
    %endif
    %assign %%before ~E_FL & ALLF
  %endif
        CASE %%name
        mov     eax, JUNK(%2) | (%3)
        mov     ebx, JUNK(%2) | (%4)
        mov     [0x600], eax
        mov     cl, %5
        SET_FLAGS %%before
        %1      ACC(%2), SRC(%2), cl
        CHECK_FLAGS E_MASK, E_FL
        CHECK   eax, JUNK(%2) | E_RES
        SET_FLAGS %%before
        %1      MEM(%2) [0x600], SRC(%2), %5
        CHECK_FLAGS E_MASK, E_FL
        CHECK   dword [0x600], JUNK(%2) | E_RES
        CHECK   ebx, JUNK(%2) | (%4)
        END_CASE
%endmacro

%macro DOUBLE_COUNTS 1
        DOUBLE  %1, 16, 0x8123, 0x9ABC, 0
        DOUBLE  %1, 16, 0x8123, 0x9ABC, 1
        DOUBLE  %1, 16, 0x8123, 0x9ABC, 4
        DOUBLE  %1, 16, 0x8123, 0x9ABC, 15
        DOUBLE  %1, 16, 0x8123, 0x9ABC, 16
        DOUBLE  %1, 16, 0x8123, 0x9ABC, 33
        DOUBLE  %1, 32, 0x81234567, 0x9ABCDEF1, 0
        DOUBLE  %1, 32, 0x81234567, 0x9ABCDEF1, 1
        DOUBLE  %1, 32, 0xC1234567, 0x9ABCDEF1, 33
        DOUBLE  %1, 32, 0x81234567, 0x9ABCDEF1, 8
        DOUBLE  %1, 32, 0x81234567, 0x9ABCDEF1, 16
        DOUBLE  %1, 32, 0x81234567, 0x9ABCDEF1, 31
        DOUBLE  %1, 32, 0x00000001, 0x00000000, 31
        DOUBLE  %1, 32, 0x81234567, 0x9ABCDEF1, 32
%endmacro
        DOUBLE_COUNTS shld
        DOUBLE_COUNTS shrd

ROM_END
