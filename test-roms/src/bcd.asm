; first-model: 386dx
; cases: 56
%include "rom.inc"
%include "expect.inc"

ROM_BEGIN "decimal adjustment: DAA DAS AAA AAS AAM AAD"

; Definitions (Intel SDM Vol. 2, "Operation" of each instruction). Arguments: AX, AF, CF
; before; E_AX and E_FL after. OF is undefined after DAA and DAS; after AAA and AAS only AF
; and CF are defined; after AAM and AAD only SF, ZF and PF.
%define DECIMALF SF|ZF|AF|PF|CF

%macro E_DAA 3
  %assign E_AL (%1) & 0xFF
  %assign E_OLD E_AL
  %assign E_A 0
  %assign E_C 0
  %if (E_AL & 15) > 9 || (%2)
    %assign E_AL E_AL + 6
    %assign E_A 1
  %endif
  %if E_OLD > 0x99 || (%3)
    %assign E_AL E_AL + 0x60
    %assign E_C 1
  %endif
        E_SZP   8, E_AL
  %assign E_AX ((%1) & 0xFF00) | E_RES
  %assign E_FL E_FL | E_A * AF | E_C * CF
%endmacro

%macro E_DAS 3
  %assign E_AL (%1) & 0xFF
  %assign E_OLD E_AL
  %assign E_A 0
  %assign E_C 0
  %if (E_AL & 15) > 9 || (%2)
    %if E_AL < 6
      %assign E_C 1
    %endif
    %assign E_AL E_AL - 6
    %assign E_A 1
  %endif
  %if E_OLD > 0x99 || (%3)
    %assign E_AL E_AL - 0x60
    %assign E_C 1
  %endif
        E_SZP   8, E_AL
  %assign E_AX ((%1) & 0xFF00) | E_RES
  %assign E_FL E_FL | E_A * AF | E_C * CF
%endmacro

%macro E_AAA 3
  %assign E_AX %1
  %assign E_FL 0
  %if (E_AX & 15) > 9 || (%2)
    %assign E_AX (E_AX + 0x106) & 0xFFFF
    %assign E_FL AF|CF
  %endif
  %assign E_AX E_AX & 0xFF0F
%endmacro

%macro E_AAS 3
  %assign E_AX %1
  %assign E_FL 0
  %if (E_AX & 15) > 9 || (%2)
    %assign E_AX (E_AX - 0x106) & 0xFFFF
    %assign E_FL AF|CF
  %endif
  %assign E_AX E_AX & 0xFF0F
%endmacro

; name, operation, AX, AF, CF before
%macro ADJUST 5
  %ifidni %2, daa
        E_DAA   %3, %4, %5
    %assign %%mask DECIMALF
  %elifidni %2, das
        E_DAS   %3, %4, %5
    %assign %%mask DECIMALF
  %elifidni %2, aaa
        E_AAA   %3, %4, %5
    %assign %%mask AF|CF
  %else
        E_AAS   %3, %4, %5
    %assign %%mask AF|CF
  %endif
        CASE %1
        mov     eax, JUNK(16) | (%3)
        SET_FLAGS ((E_FL ^ ALLF) & ~(AF|CF)) | (%4) * AF | (%5) * CF
        %2
        CHECK_FLAGS %%mask, E_FL
        CHECK   eax, JUNK(16) | E_AX
        END_CASE
%endmacro

        ADJUST  "daa-nothing-to-do", daa, 0x1245, 0, 0
        ADJUST  "daa-low-digit", daa, 0x120A, 0, 0
        ADJUST  "daa-low-digit-0f", daa, 0x120F, 0, 0
        ADJUST  "daa-high-digit", daa, 0x12A0, 0, 0
        ADJUST  "daa-both-digits", daa, 0x12FF, 0, 0
        ADJUST  "daa-99-is-decimal", daa, 0x1299, 0, 0
        ADJUST  "daa-9a-becomes-00", daa, 0x129A, 0, 0
        ADJUST  "daa-af-only", daa, 0x1210, 1, 0
        ADJUST  "daa-cf-only", daa, 0x1210, 0, 1
        ADJUST  "daa-af-and-cf", daa, 0x1232, 1, 1
        ADJUST  "daa-af-carries-into-high-digit", daa, 0x129F, 1, 0
        ADJUST  "daa-zero", daa, 0x1200, 0, 0
        ADJUST  "das-nothing-to-do", das, 0x1245, 0, 0
        ADJUST  "das-low-digit", das, 0x122E, 1, 0
        ADJUST  "das-high-digit", das, 0x12E0, 0, 1
        ADJUST  "das-both", das, 0x12FF, 1, 1
        ADJUST  "das-low-digit-without-af", das, 0x120C, 0, 0
        ; The borrow of the first step stays in CF, although AL was not above 99h.
        ADJUST  "das-borrow-of-first-step", das, 0x1205, 1, 0
        ADJUST  "das-9a", das, 0x129A, 0, 0
        ADJUST  "das-zero", das, 0x1200, 0, 0
        ADJUST  "aaa-digit", aaa, 0x1205, 0, 0
        ADJUST  "aaa-digit-clears-high-nibble", aaa, 0x1235, 0, 1
        ADJUST  "aaa-above-nine", aaa, 0x120B, 0, 0
        ADJUST  "aaa-af", aaa, 0x1203, 1, 0
        ADJUST  "aaa-ah-wraps", aaa, 0xFF0A, 0, 0
        ; AX + 106h as a word: the low byte may carry into AH as well
        ADJUST  "aaa-carry-into-ah", aaa, 0x12FA, 0, 0
        ADJUST  "aas-digit", aas, 0x1205, 0, 0
        ADJUST  "aas-digit-clears-high-nibble", aas, 0x12A5, 0, 1
        ADJUST  "aas-above-nine", aas, 0x12FE, 0, 0
        ADJUST  "aas-af", aas, 0x1208, 1, 0
        ADJUST  "aas-ah-wraps", aas, 0x000A, 0, 0
        ; AX - 6, then AH - 1: the low byte may borrow from AH as well
        ADJUST  "aas-borrow-from-ah", aas, 0x1203, 1, 0

; suffix, AX, base
%macro MULTIPLY_ADJUST 3
        CASE %1
        mov     eax, JUNK(16) | (%2)
        E_SZP   8, ((%2) & 0xFF) % (%3)
        SET_FLAGS E_FL ^ ALLF
        db      0xD4, %3
        CHECK_FLAGS SF|ZF|PF, E_FL
        CHECK   eax, JUNK(16) | ((((%2) & 0xFF) / (%3)) << 8) | E_RES
        END_CASE
%endmacro
        MULTIPLY_ADJUST "aam-zero", 0x1200, 10
        MULTIPLY_ADJUST "aam-63", 63, 10
        MULTIPLY_ADJUST "aam-255", 255, 10
        MULTIPLY_ADJUST "aam-10", 10, 10
        MULTIPLY_ADJUST "aam-base-16", 0x12AB, 16
        MULTIPLY_ADJUST "aam-base-1", 0x1277, 1
        MULTIPLY_ADJUST "aam-base-255", 0x12FE, 255
        MULTIPLY_ADJUST "aam-base-7", 0x12FF, 7
CASE "aam-base-0-divide-error"
        mov     eax, 0x12345678
        EXPECT_FAULT 0, .aam
.aam:   db      0xD4, 0
        FAULTED
        CHECK   eax, 0x12345678
END_CASE

%macro DIVIDE_ADJUST 3
        CASE %1
        mov     eax, JUNK(16) | (%2)
        E_SZP   8, ((%2) & 0xFF) + ((%2) >> 8) * (%3)
        SET_FLAGS E_FL ^ ALLF
        db      0xD5, %3
        CHECK_FLAGS SF|ZF|PF, E_FL
        CHECK   eax, JUNK(16) | E_RES
        END_CASE
%endmacro
        DIVIDE_ADJUST "aad-zero", 0, 10
        DIVIDE_ADJUST "aad-63", 0x0603, 10
        DIVIDE_ADJUST "aad-99", 0x0909, 10
        DIVIDE_ADJUST "aad-wraps", 0xFFFF, 10
        DIVIDE_ADJUST "aad-base-16", 0x0A0B, 16
        DIVIDE_ADJUST "aad-base-0", 0x1234, 0
        DIVIDE_ADJUST "aad-base-255", 0x0203, 255
        DIVIDE_ADJUST "aad-sign", 0x0C08, 10

; All inputs. The results go through h = h * 31 + (AX | flags << 16).
%macro HASH_ALL 3
  %assign %%h 0
  %assign %%i 0
  %rep 1024
    %assign %%a (%%i >> 8) & 1
    %assign %%c (%%i >> 9) & 1
        %2      0x5500 | (%%i & 0xFF), %%a, %%c
    %assign %%h (%%h * 31 + (E_AX | ((E_FL & (%3)) << 16))) & 0xFFFFFFFF
    %assign %%i %%i + 1
  %endrep
    %assign E_HASH %%h
%endmacro

%macro ALL_INPUTS 4
        HASH_ALL %2, %3, %4
        CASE %1
        xor     esi, esi
        xor     ecx, ecx                        ; CX: AL, AF in bit 8, CF in bit 9
%%next:
        mov     ax, cx
        mov     edx, 0
        shr     ax, 8
        test    al, 1
        jz      %%no_af
        or      dl, AF
%%no_af:
        test    al, 2
        jz      %%no_cf
        or      dl, CF
%%no_cf:
        mov     eax, 0x5500
        mov     al, cl
        push    edx
        popfd
        %2
        pushfd
        pop     edx
        and     edx, %4
        shl     edx, 16
        or      edx, eax
        imul    esi, esi, 31
        add     esi, edx
        inc     cx
        cmp     cx, 1024
        jb      %%next
        CHECK   esi, E_HASH
        END_CASE
%endmacro
        ALL_INPUTS "daa-all-inputs", daa, E_DAA, DECIMALF
        ALL_INPUTS "das-all-inputs", das, E_DAS, DECIMALF
        ALL_INPUTS "aaa-all-inputs", aaa, E_AAA, AF|CF
        ALL_INPUTS "aas-all-inputs", aas, E_AAS, AF|CF

; Packed and unpacked sums
CASE "packed-sum-of-three-bytes"
        ; 799985h + 240017h = 1040002h
        mov     al, 0x85
        add     al, 0x17
        daa
        mov     bl, al
        mov     al, 0x99
        adc     al, 0x00
        daa
        mov     bh, al
        mov     al, 0x79
        adc     al, 0x24
        daa
        CHECK_FLAGS CF, CF
        CHECK   eax, 0x04
        CHECK   ebx, 0x0002
END_CASE
CASE "packed-difference-with-borrow"
        ; 1000h - 1h = 0999h
        mov     al, 0x00
        sub     al, 0x01
        das
        CHECK_FLAGS CF, CF
        mov     bl, al
        mov     al, 0x10
        sbb     al, 0x00
        das
        CHECK_FLAGS CF, 0
        CHECK   eax, 0x09
        CHECK   ebx, 0x99
END_CASE
CASE "unpacked-sum"
        mov     ax, 0x0009
        add     al, 0x08
        aaa
        CHECK   eax, 0x0107
        mov     ax, 0x0203
        sub     al, 0x08
        aas
        CHECK   eax, 0x0105
END_CASE

ROM_END
