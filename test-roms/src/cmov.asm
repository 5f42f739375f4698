; first-model: 386dx
; cases: 22
%include "rom.inc"
%include "expect.inc"

ROM_BEGIN "conditional moves: CMOVcc"

        UNLESS_FEATURE FEATURE_CMOV, no_cmov

; All 32 combinations of CF PF ZF SF OF.
%macro MOVE_CONDITION 2
  %defstr %%cc %1
        E_CONDITION %2
  %strcat %%name "cmov", %%cc, "-all-flags"
        CASE %%name
        xor     ecx, ecx
        xor     esi, esi
%%next:
        call    combination_flags
        mov     ebx, 0
        mov     edx, 1
        cmov%1  ebx, edx
        pushfd
        pop     edx
        shl     ebx, cl
        or      esi, ebx
        call    combination_flags
        pushfd
        pop     eax
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
        MOVE_CONDITION o, 0
        MOVE_CONDITION no, 1
        MOVE_CONDITION b, 2
        MOVE_CONDITION nb, 3
        MOVE_CONDITION z, 4
        MOVE_CONDITION nz, 5
        MOVE_CONDITION be, 6
        MOVE_CONDITION nbe, 7
        MOVE_CONDITION s, 8
        MOVE_CONDITION ns, 9
        MOVE_CONDITION p, 10
        MOVE_CONDITION np, 11
        MOVE_CONDITION l, 12
        MOVE_CONDITION nl, 13
        MOVE_CONDITION le, 14
        MOVE_CONDITION nle, 15

CASE "cmov16-true-keeps-upper-half"
        mov     eax, 0x11112222
        mov     ebx, 0x33334444
        stc
        cmovc   ax, bx
        CHECK   eax, 0x11114444
END_CASE
CASE "cmov16-false-changes-nothing"
        mov     eax, 0x11112222
        mov     ebx, 0x33334444
        stc
        cmovnc  ax, bx
        CHECK   eax, 0x11112222
END_CASE
CASE "cmov32-false-changes-nothing"
        mov     eax, 0x11112222
        mov     ebx, 0x33334444
        clc
        cmovc   eax, ebx
        CHECK   eax, 0x11112222
END_CASE
CASE "cmov-memory"
        mov     dword [0x600], 0x55667788
        mov     eax, 0x11112222
        SET_FLAGS ZF
        cmovz   ax, [0x600]
        CHECK   eax, 0x11117788
        cmovz   eax, [0x600]
        CHECK   eax, 0x55667788
        mov     ebx, 0x600
        cmovnz  ecx, [ebx]
        CHECK   ecx, 0
END_CASE
; "CMOVcc": the memory operand is read, and its exceptions are raised, also when the
; condition does not hold. QEMU (TCG) checks no segment limits.
CASE "cmov-false-memory-operand-beyond-the-limit"
        mov     ebx, 0xFFFF
        SET_FLAGS ZF
        FAULTS  13, {cmovnz eax, [bx]}
END_CASE
CASE "cmov-lock-is-undefined-opcode"
        EXPECT_FAULT 6, .lock
.lock:  db      0xF0, 0x0F, 0x44, 0x06, 0x00, 0x06
        FAULTED
END_CASE
        jmp     done

no_cmov:
CASE "cmov-without-the-feature-is-undefined-opcode"
        EXPECT_FAULT 6, .cmov
.cmov:  db      0x0F, 0x44, 0xC3
        FAULTED
END_CASE
        jmp     done
        COMBINATION_ROUTINE
done:

ROM_END
