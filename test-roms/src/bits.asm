; first-model: 386dx
; cases: 130
%include "rom.inc"
%include "expect.inc"

ROM_BEGIN "bits: BT BTS BTR BTC BSF BSR SETcc BSWAP XADD CMPXCHG CMPXCHG8B"

; Bit tests define CF only.
; name, operation, bits, value, bit offset in a register
%macro BIT 5
  %assign %%n (%5) & ((%3) - 1)
  %assign E_FL ((%4) >> %%n) & 1
  %ifidni %2, bt
    %assign E_RES %4
  %elifidni %2, bts
    %assign E_RES (%4) | (1 << %%n)
  %elifidni %2, btr
    %assign E_RES (%4) & ~(1 << %%n)
  %else
    %assign E_RES (%4) ^ (1 << %%n)
  %endif
  %assign E_RES E_RES & ONES(%3)
        CASE %1
        mov     eax, JUNK(%3) | (%4)
        mov     ebx, JUNK(%3) | ((%5) & ONES(%3))
        SET_FLAGS E_FL ^ CF
        %2      ACC(%3), SRC(%3)
        CHECK_FLAGS CF, E_FL
        CHECK   eax, JUNK(%3) | E_RES
        ; immediate bit offset, register and memory
        mov     eax, JUNK(%3) | (%4)
        mov     [0x600], eax
        SET_FLAGS E_FL ^ CF
        %2      ACC(%3), byte ((%5) & 0xFF)
        CHECK_FLAGS CF, E_FL
        CHECK   eax, JUNK(%3) | E_RES
        SET_FLAGS E_FL ^ CF
        %2      MEM(%3) [0x600], byte ((%5) & 0xFF)
        CHECK_FLAGS CF, E_FL
        CHECK   dword [0x600], JUNK(%3) | E_RES
        END_CASE
%endmacro

%macro BIT_VALUES 2
  %defstr %%op %1
  %defstr %%b %2
  %strcat %%s1 %%op, %%b, "-bit-0-clear"
        BIT     %%s1, %1, %2, 0x5A5A5A5A & ONES(%2), 0
  %strcat %%s2 %%op, %%b, "-bit-0-set"
        BIT     %%s2, %1, %2, 0xA5A5A5A5 & ONES(%2), 0
  %strcat %%s3 %%op, %%b, "-top-bit-set"
        BIT     %%s3, %1, %2, MSB(%2), (%2) - 1
  %strcat %%s4 %%op, %%b, "-top-bit-clear"
        BIT     %%s4, %1, %2, MAXI(%2), (%2) - 1
  %strcat %%s5 %%op, %%b, "-offset-modulo-size"
        BIT     %%s5, %1, %2, 0x00FF00A0 & ONES(%2), (%2) + 7
  %strcat %%s6 %%op, %%b, "-offset-minus-one"
        BIT     %%s6, %1, %2, MSB(%2) | 1, ONES(%2)
%endmacro

        BIT_VALUES bt, 16
        BIT_VALUES bt, 32
        BIT_VALUES bts, 16
        BIT_VALUES bts, 32
        BIT_VALUES btr, 16
        BIT_VALUES btr, 32
        BIT_VALUES btc, 16
        BIT_VALUES btc, 32

; A bit offset in a register selects a bit anywhere in memory: for a 16-bit operand the word
; at base + 2 * (offset SAR 4), for a 32-bit operand the dword at base + 4 * (offset SAR 5)
; (Intel SDM Vol. 2, "BT"; Vol. 1/2, "Notation: Bit(BitBase, BitOffset)").
; name, operation, bits, bit offset, address of the byte, bit in the byte
%macro BIT_MEMORY 6
        CASE %1
  %assign %%round 0
  %rep 2
        mov     edi, 0x1000
        mov     byte [%5], %%round
        mov     ebx, JUNK(%3) | ((%4) & ONES(%3))
        SET_FLAGS (%%round & CF) ^ CF
        %2      [di-0x800], SRC(%3)
    %if %%round == 0
        CHECK_FLAGS CF, 0
      %ifidni %2, bt
        CHECK8  byte [%5], 0
      %elifidni %2, btr
        CHECK8  byte [%5], 0
      %else
        CHECK8  byte [%5], 1 << (%6)
      %endif
    %else
        CHECK_FLAGS CF, CF
      %ifidni %2, bt
        CHECK8  byte [%5], 0xFF
      %elifidni %2, bts
        CHECK8  byte [%5], 0xFF
      %else
        CHECK8  byte [%5], 0xFF ^ (1 << (%6))
      %endif
    %endif
    %assign %%round 0xFF
  %endrep
        END_CASE
%endmacro

        BIT_MEMORY "bt16-memory-offset-0", bt, 16, 0, 0x800, 0
        BIT_MEMORY "bt16-memory-offset-15", bt, 16, 15, 0x801, 7
        BIT_MEMORY "bt16-memory-offset-16", bt, 16, 16, 0x802, 0
        BIT_MEMORY "bts16-memory-offset-100", bts, 16, 100, 0x80C, 4
        BIT_MEMORY "btr16-memory-offset-minus-1", btr, 16, -1, 0x7FF, 7
        BIT_MEMORY "btc16-memory-offset-minus-16", btc, 16, -16, 0x7FE, 0
        BIT_MEMORY "btc16-memory-offset-minus-17", btc, 16, -17, 0x7FD, 7
        BIT_MEMORY "bts16-memory-offset-largest", bts, 16, 0x7FFF, 0x17FF, 7
        BIT_MEMORY "btr16-memory-offset-minus-3200", btr, 16, -3200, 0x800-400, 0
        BIT_MEMORY "bt32-memory-offset-31", bt, 32, 31, 0x803, 7
        BIT_MEMORY "bt32-memory-offset-32", bt, 32, 32, 0x804, 0
        BIT_MEMORY "bts32-memory-offset-1000", bts, 32, 1000, 0x87D, 0
        BIT_MEMORY "btr32-memory-offset-minus-1", btr, 32, -1, 0x7FF, 7
        BIT_MEMORY "btc32-memory-offset-minus-32", btc, 32, -32, 0x7FC, 0
        BIT_MEMORY "btc32-memory-offset-minus-33", btc, 32, -33, 0x7FB, 7
        BIT_MEMORY "bts32-memory-offset-40000", bts, 32, 40000, 0x800+5000, 0
        BIT_MEMORY "btc32-memory-offset-100003", btc, 32, 100003, 0x800+12500, 3

CASE "bt-memory-offset-with-32-bit-address"
        mov     byte [0x620], 0x10
        mov     ebx, 0x600
        mov     eax, 0x104
        a32 bt  [ebx], eax
        CHECK_FLAGS CF, CF
        mov     eax, 0x105
        a32 bt  [ebx], eax
        CHECK_FLAGS CF, 0
END_CASE
CASE "bt-memory-immediate-stays-in-the-operand"
        mov     dword [0x600], 0x00000002
        mov     dword [0x604], 0xFFFFFFFF
        SET_FLAGS 0
        bt      word [0x600], byte 0x11
        CHECK_FLAGS CF, CF
        bt      dword [0x600], byte 0x20
        CHECK_FLAGS CF, 0
        bt      dword [0x600], byte 0x21
        CHECK_FLAGS CF, CF
END_CASE
; The effective address wraps at 64 KiB with 16-bit addresses.
CASE "bt-memory-offset-wraps-at-64k"
        mov     ax, 0x0900
        mov     ds, ax
        mov     byte [0x0003], 0x01             ; linear 9003h
        mov     di, 0xFFFF
        mov     eax, 32
        bt      [di], eax                       ; FFFFh + 4 = 3
        CHECK_FLAGS CF, CF
END_CASE

; BSF and BSR: ZF=1 for a source of 0, and then the destination is undefined (it is not
; checked); the other flags are undefined.
%macro SCAN 5
        CASE %1
        mov     ebx, JUNK(%3) | (%4)
        mov     eax, JUNK(%3) | ONES(%3)
        SET_FLAGS ZF
        %2      ACC(%3), SRC(%3)
        CHECK_FLAGS ZF, 0
        CHECK   eax, JUNK(%3) | (%5)
        mov     [0x601], ebx
        mov     ecx, JUNK(%3) | ONES(%3)
  %if %3 == 16
        %2      cx, [0x601]
  %else
        %2      ecx, [0x601]
  %endif
        CHECK   ecx, JUNK(%3) | (%5)
        CHECK   ebx, JUNK(%3) | (%4)
        END_CASE
%endmacro
        SCAN    "bsf16-bit-0", bsf, 16, 0xFFFF, 0
        SCAN    "bsf16-bit-15", bsf, 16, 0x8000, 15
        SCAN    "bsf16-middle", bsf, 16, 0x0A80, 7
        SCAN    "bsf32-bit-0", bsf, 32, 0x80000001, 0
        SCAN    "bsf32-bit-31", bsf, 32, 0x80000000, 31
        SCAN    "bsf32-middle", bsf, 32, 0x01030000, 16
        SCAN    "bsr16-bit-0", bsr, 16, 0x0001, 0
        SCAN    "bsr16-bit-15", bsr, 16, 0xFFFF, 15
        SCAN    "bsr16-middle", bsr, 16, 0x0A80, 11
        SCAN    "bsr32-bit-0", bsr, 32, 0x00000001, 0
        SCAN    "bsr32-bit-31", bsr, 32, 0x80000001, 31
        SCAN    "bsr32-middle", bsr, 32, 0x01030000, 24

%macro SCAN_ZERO 3
        CASE %1
        mov     ebx, JUNK(%3)
        SET_FLAGS 0
        %2      ACC(%3), SRC(%3)
        CHECK_FLAGS ZF, ZF
        END_CASE
%endmacro
        SCAN_ZERO "bsf16-zero-sets-zf", bsf, 16
        SCAN_ZERO "bsf32-zero-sets-zf", bsf, 32
        SCAN_ZERO "bsr16-zero-sets-zf", bsr, 16
        SCAN_ZERO "bsr32-zero-sets-zf", bsr, 32

; SETcc: all 32 combinations of CF PF ZF SF OF; flags stay, the byte is 0 or 1.
%macro SET_CONDITION 2
  %defstr %%cc %1
  %strcat %%name "set", %%cc, "-all-flags"
        E_CONDITION %2
        CASE %%name
        xor     ecx, ecx
        xor     esi, esi
%%next:
        call    combination_flags
        mov     ebx, 0xFFFFFFFF
        set%1   bl
        pushfd
        pop     edx
        cmp     bl, 1
        ja      %%wrong
        movzx   ebx, bl
        shl     ebx, cl
        or      esi, ebx
        push    eax
        call    combination_flags
        pop     edi
        and     edx, CF|PF|ZF|SF|OF
        and     eax, CF|PF|ZF|SF|OF
        cmp     eax, edx
        jne     %%wrong
        inc     cx
        cmp     cx, 32
        jb      %%next
        CHECK   esi, E_MAP
        jmp     %%done
%%wrong:
        inc     ecx
        FAIL_HERE ecx
%%done:
        END_CASE
%endmacro
        SET_CONDITION o, 0
        SET_CONDITION no, 1
        SET_CONDITION b, 2
        SET_CONDITION nb, 3
        SET_CONDITION z, 4
        SET_CONDITION nz, 5
        SET_CONDITION be, 6
        SET_CONDITION nbe, 7
        SET_CONDITION s, 8
        SET_CONDITION ns, 9
        SET_CONDITION p, 10
        SET_CONDITION np, 11
        SET_CONDITION l, 12
        SET_CONDITION nl, 13
        SET_CONDITION le, 14
        SET_CONDITION nle, 15

CASE "setcc-memory-writes-one-byte"
        mov     dword [0x600], 0xAABBCCDD
        stc
        setc    [0x601]
        CHECK   dword [0x600], 0xAABB01DD
        setnc   [0x602]
        CHECK   dword [0x600], 0xAA0001DD
END_CASE
CASE "setcc-high-byte-register"
        mov     eax, 0x11223344
        stc
        setc    ah
        CHECK   eax, 0x11220144
END_CASE
CASE "setcc-ignores-the-reg-field"
        mov     ebx, 0x11223344
        stc
        db      0x0F, 0x92, 0xC3 | (5 << 3)
        CHECK   ebx, 0x11223301
END_CASE

        UNLESS_FAMILY 4, no_486

%macro SWAP 4
        CASE %1
        mov     %2, 0x11223384
        SET_FLAGS ALLF
        bswap   %2
        CHECK_FLAGS ALLF, ALLF
        CHECK   %2, 0x84332211
        END_CASE
%endmacro
        SWAP    "bswap-eax", eax, 0, 0
        SWAP    "bswap-ecx", ecx, 0, 0
        SWAP    "bswap-edx", edx, 0, 0
        SWAP    "bswap-ebx", ebx, 0, 0
        SWAP    "bswap-ebp", ebp, 0, 0
        SWAP    "bswap-esi", esi, 0, 0
        SWAP    "bswap-edi", edi, 0, 0
CASE "bswap-esp"
        mov     eax, esp
        mov     ebx, esp
        xchg    al, bl
        bswap   esp
        mov     ecx, esp
        bswap   esp
        mov     edx, esp
        mov     eax, ROM_STACK
        bswap   eax
        sub     eax, ecx
        CHECK_EAX 0
        CHECK   edx, ROM_STACK
END_CASE

; XADD: flags of ADD. suffix, bits, destination, source
%macro EXCHANGE_ADD 4
        CASE %1
        E_ADD   %2, %3, %4, 0
        mov     eax, JUNK(%2) | (%3)
        mov     ebx, JUNK(%2) | (%4)
        SET_FLAGS E_FL ^ ALLF
        xadd    ACC(%2), SRC(%2)
        CHECK_FLAGS ALLF, E_FL
        CHECK   eax, JUNK(%2) | E_RES
        CHECK   ebx, JUNK(%2) | (%3)
        mov     dword [0x600], JUNK(%2) | (%3)
        mov     ebx, JUNK(%2) | (%4)
        SET_FLAGS E_FL ^ ALLF
        xadd    [0x600], SRC(%2)
        CHECK_FLAGS ALLF, E_FL
        CHECK   dword [0x600], JUNK(%2) | E_RES
        CHECK   ebx, JUNK(%2) | (%3)
        END_CASE
%endmacro
        EXCHANGE_ADD "xadd8-carry", 8, 0xF0, 0x21
        EXCHANGE_ADD "xadd8-overflow", 8, 0x7F, 0x01
        EXCHANGE_ADD "xadd16-carry-and-zero", 16, 0x8000, 0x8000
        EXCHANGE_ADD "xadd16-plain", 16, 0x1234, 0x4321
        EXCHANGE_ADD "xadd32-all-ones-and-one", 32, 0xFFFFFFFF, 1
        EXCHANGE_ADD "xadd32-overflow", 32, 0x7FFFFFFF, 0x7FFFFFFF
CASE "xadd-register-with-itself"
        ; TEMP = SRC + DEST; SRC = DEST; DEST = TEMP
        mov     ebx, 0x11
        xadd    ebx, ebx
        CHECK   ebx, 0x22
END_CASE

; CMPXCHG: flags of CMP accumulator, destination.
; name, bits, accumulator, destination, source
%macro COMPARE_EXCHANGE 5
        CASE %1
        E_SUB   %2, %3, %4, 0
        mov     eax, JUNK(%2) | (%3)
        mov     ecx, JUNK(%2) | (%4)
        mov     ebx, JUNK(%2) | (%5)
        mov     [0x600], ecx
        SET_FLAGS E_FL ^ ALLF
  %if %2 == 8
        cmpxchg cl, bl
  %elif %2 == 16
        cmpxchg cx, bx
  %else
        cmpxchg ecx, ebx
  %endif
        CHECK_FLAGS ALLF, E_FL
  %if %3 == %4
        CHECK   eax, JUNK(%2) | (%3)
        CHECK   ecx, JUNK(%2) | (%5)
  %else
        CHECK   eax, JUNK(%2) | (%4)
        CHECK   ecx, JUNK(%2) | (%4)
  %endif
        CHECK   ebx, JUNK(%2) | (%5)
        mov     eax, JUNK(%2) | (%3)
        SET_FLAGS E_FL ^ ALLF
        cmpxchg [0x600], SRC(%2)
        CHECK_FLAGS ALLF, E_FL
  %if %3 == %4
        CHECK   eax, JUNK(%2) | (%3)
        CHECK   dword [0x600], JUNK(%2) | (%5)
  %else
        CHECK   eax, JUNK(%2) | (%4)
        CHECK   dword [0x600], JUNK(%2) | (%4)
  %endif
        END_CASE
%endmacro
        COMPARE_EXCHANGE "cmpxchg8-equal", 8, 0x12, 0x12, 0x34
        COMPARE_EXCHANGE "cmpxchg8-above", 8, 0x80, 0x01, 0x34
        COMPARE_EXCHANGE "cmpxchg8-below", 8, 0x01, 0x80, 0x34
        COMPARE_EXCHANGE "cmpxchg16-equal", 16, 0x8000, 0x8000, 0xABCD
        COMPARE_EXCHANGE "cmpxchg16-different", 16, 0x1234, 0x4321, 0xABCD
        COMPARE_EXCHANGE "cmpxchg32-equal", 32, 0xFFFFFFFF, 0xFFFFFFFF, 0
        COMPARE_EXCHANGE "cmpxchg32-different-in-the-top-bit", 32, 0x00000001, 0x80000001, 0x12345678

no_486:
        UNLESS_FEATURE FEATURE_CX8, no_cx8

%macro EIGHT 1
        mov     dword [0x600], 0x11111111
        mov     dword [0x604], 0x22222222
        mov     eax, 0x11111111
        mov     edx, 0x22222222
        mov     ebx, 0x33333333
        mov     ecx, 0x44444444
        SET_FLAGS %1
%endmacro
CASE "cmpxchg8b-equal"
        EIGHT   ALLF ^ ZF
        cmpxchg8b [0x600]
        CHECK_FLAGS ALLF, ALLF
        CHECK   dword [0x600], 0x33333333
        CHECK   dword [0x604], 0x44444444
        CHECK   eax, 0x11111111
        CHECK   edx, 0x22222222
END_CASE
CASE "cmpxchg8b-low-half-differs"
        EIGHT   ZF
        dec     eax
        SET_FLAGS ZF
        cmpxchg8b [0x600]
        CHECK_FLAGS ALLF, 0
        CHECK   dword [0x600], 0x11111111
        CHECK   dword [0x604], 0x22222222
        CHECK   eax, 0x11111111
        CHECK   edx, 0x22222222
        CHECK   ebx, 0x33333333
        CHECK   ecx, 0x44444444
END_CASE
CASE "cmpxchg8b-high-half-differs"
        EIGHT   0
        xor     edx, edx
        SET_FLAGS ALLF
        cmpxchg8b [0x600]
        CHECK_FLAGS ALLF, ALLF ^ ZF
        CHECK   dword [0x600], 0x11111111
        CHECK   dword [0x604], 0x22222222
        CHECK   eax, 0x11111111
        CHECK   edx, 0x22222222
END_CASE
CASE "cmpxchg8b-lock"
        EIGHT   0
        lock cmpxchg8b [0x600]
        CHECK_FLAGS ZF, ZF
        CHECK   dword [0x604], 0x44444444
END_CASE
CASE "cmpxchg8b-register-operand-is-undefined-opcode"
        EXPECT_FAULT 6, .eight
.eight: db      0x0F, 0xC7, 0xC8
        FAULTED
END_CASE
no_cx8:
        jmp     routine_end
        COMBINATION_ROUTINE
routine_end:

ROM_END
