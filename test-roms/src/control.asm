; first-model: 386dx
; cases: 83
%include "rom.inc"
%include "expect.inc"

ROM_BEGIN "control transfer: Jcc LOOP JCXZ CALL RET JMP INT IRET INTO BOUND"

TOP     equ ROM_STACK

; Jcc: all 32 combinations of CF PF ZF SF OF, with 8-bit, 16-bit and 32-bit displacement;
; the flags stay.
%macro JUMP_CONDITION 2
  %defstr %%cc %1
        E_CONDITION %2
  %strcat %%name "j", %%cc, "-all-flags"
        CASE %%name
        xor     ecx, ecx
        xor     esi, esi
        xor     edi, edi
        xor     ebp, ebp
%%next:
        call    combination_flags
        mov     ebx, 1
        mov     edx, eax                        ; flags before
        j%1     short %%short_taken
        mov     ebx, 0
%%short_taken:
        pushfd
        shl     ebx, cl
        or      esi, ebx
        pop     eax
        xor     eax, edx
        and     eax, ALLF
        jne     %%wrong
        call    combination_flags
        mov     ebx, 1
        j%1     near %%near_taken
        mov     ebx, 0
%%near_taken:
        shl     ebx, cl
        or      edi, ebx
        call    combination_flags
        mov     ebx, 1
        db      0x66, 0x0F, 0x80 | %2
        dd      %%dword_taken - ($ + 4)
        mov     ebx, 0
%%dword_taken:
        shl     ebx, cl
        or      ebp, ebx
        inc     cx
        cmp     cx, 32
        jb      %%next
        CHECK   esi, E_MAP
        CHECK   edi, E_MAP
        CHECK   ebp, E_MAP
        jmp     %%done
%%wrong:
        inc     ecx
        FAIL_HERE ecx
%%done:
        END_CASE
%endmacro
        JUMP_CONDITION o, 0
        JUMP_CONDITION no, 1
        JUMP_CONDITION b, 2
        JUMP_CONDITION nb, 3
        JUMP_CONDITION z, 4
        JUMP_CONDITION nz, 5
        JUMP_CONDITION be, 6
        JUMP_CONDITION nbe, 7
        JUMP_CONDITION s, 8
        JUMP_CONDITION ns, 9
        JUMP_CONDITION p, 10
        JUMP_CONDITION np, 11
        JUMP_CONDITION l, 12
        JUMP_CONDITION nl, 13
        JUMP_CONDITION le, 14
        JUMP_CONDITION nle, 15

; Backward and far displacements
jcc_short_backward:
CASE "jcc-short-backward"
        mov     cx, 3
.back:  inc     ax
        dec     cx
        jnz     .back
        CHECK   eax, 3
END_CASE
jmp_short_largest_forward:
CASE "jmp-short-largest-forward-displacement"
        db      0xEB, 127
        times   127 inc ax
        inc     bx
        CHECK   eax, 0
        CHECK   ebx, 1
END_CASE
jmp_short_largest_backward:
CASE "jmp-short-largest-backward-displacement"
        jmp     near .jump
.target:                                        ; 1 + 3 + 122 + 2 = 128 bytes
        inc     ax
        jmp     near .end
        times   122 nop
.jump:
        db      0xEB, 0x80
.end:
        CHECK   eax, 1
END_CASE
jmp_near_backward_and_forward:
CASE "jmp-near-backward-and-forward"
        jmp     near .first
.second:
        inc     ax
        jmp     near .third
        times   300 nop
.first:
        inc     ax
        jmp     near .second
.third:
        CHECK   eax, 2
END_CASE
jmp_near_32_bit_displacement:
CASE "jmp-near-32-bit-displacement"
        db      0x66, 0xE9
        dd      .first - ($ + 4)
.second:
        inc     ax
        jmp     short .end
.first:
        inc     ax
        db      0x66, 0xE9
        dd      .second - ($ + 4)
.end:
        CHECK   eax, 2
END_CASE
; With a 16-bit operand size the upper half of EIP is cleared: IP wraps within the segment.
jmp_near_16_bit_wraps_ip:
CASE "jmp-near-16-bit-wraps-ip"
        mov     ax, 0x0800
        mov     es, ax
        mov     byte [es:0x0000], 0xB0          ; MOV AL, 5Ah
        mov     byte [es:0x0001], 0x5A
        mov     byte [es:0x0002], 0xEA          ; JMP F000:.back
        mov     word [es:0x0003], .back
        mov     word [es:0x0005], 0xF000
        mov     byte [es:0xFFF0], 0xE9          ; JMP NEAR FFF3h + 000Dh
        mov     word [es:0xFFF1], 0x000D
        jmp     0x0800:0xFFF0
.back:
        CHECK8  al, 0x5A
END_CASE
jmp_short_wraps_ip:
CASE "jmp-short-wraps-ip"
        mov     ax, 0x0800
        mov     es, ax
        mov     byte [es:0x0000], 0xB0          ; MOV AL, 5Ah
        mov     byte [es:0x0001], 0x5A
        mov     byte [es:0x0002], 0xEA
        mov     word [es:0x0003], .back
        mov     word [es:0x0005], 0xF000
        mov     word [es:0xFFF0], 0x0EEB        ; JMP SHORT FFF2h + 0Eh
        jmp     0x0800:0xFFF0
.back:
        CHECK8  al, 0x5A
END_CASE

jmp_indirect_register_16:
CASE "jmp-indirect-register-16"
        mov     eax, 0xFFFF0000 + .target
        jmp     ax
        FAIL_HERE 1
.target:
        CHECK   eax, 0xFFFF0000 + .target
END_CASE
jmp_indirect_register_32:
CASE "jmp-indirect-register-32"
        mov     eax, .target
        jmp     eax
        FAIL_HERE 1
.target:
END_CASE
jmp_indirect_memory_16:
CASE "jmp-indirect-memory-16"
        mov     word [0x600], .target
        mov     bx, 0x600
        jmp     word [bx]
        FAIL_HERE 1
.target:
END_CASE
jmp_indirect_memory_32:
CASE "jmp-indirect-memory-32"
        mov     dword [0x600], .target
        jmp     dword [0x600]
        FAIL_HERE 1
.target:
END_CASE
jmp_far_immediate_16:
CASE "jmp-far-immediate-16"
        jmp     0xF010:.target-0x100
        FAIL_HERE 1
.target:
        mov     bx, cs
        jmp     0xF000:.end
.end:
        CHECK   ebx, 0xF010
END_CASE
jmp_far_immediate_32:
CASE "jmp-far-immediate-32"
        jmp     dword 0xF010:.target-0x100
        FAIL_HERE 1
.target:
        mov     bx, cs
        jmp     0xF000:.end
.end:
        CHECK   ebx, 0xF010
END_CASE
jmp_far_memory_16:
CASE "jmp-far-memory-16"
        mov     word [0x600], .target-0x100
        mov     word [0x602], 0xF010
        jmp     far word [0x600]
        FAIL_HERE 1
.target:
        mov     bx, cs
        jmp     0xF000:.end
.end:
        CHECK   ebx, 0xF010
END_CASE
jmp_far_memory_32:
CASE "jmp-far-memory-32"
        mov     dword [0x600], .target-0x100
        mov     word [0x604], 0xF010
        jmp     far dword [0x600]
        FAIL_HERE 1
.target:
        mov     bx, cs
        jmp     0xF000:.end
.end:
        CHECK   ebx, 0xF010
END_CASE

; LOOP family. CX is decremented without changing flags, then tested.
loop_counts:
CASE "loop-counts"
        mov     ecx, 0x55550005
        SET_FLAGS ALLF
.again: lea     eax, [eax+1]
        loop    .again
        CHECK_FLAGS ALLF, ALLF
        CHECK   eax, 5
        CHECK   ecx, 0x55550000
END_CASE
loop_cx_0_is_65536_times:
CASE "loop-cx-0-is-65536-times"
        mov     ecx, 0x55550000
.again: inc     eax
        loop    .again
        CHECK   eax, 0x10000
        CHECK   ecx, 0x55550000
END_CASE
loop_32_bit_address_uses_ecx:
CASE "loop-32-bit-address-uses-ecx"
        mov     ecx, 0x00010002
.again: inc     eax
        a32 loop .again
        CHECK   eax, 0x10002
        CHECK   ecx, 0
END_CASE
loope_stops_at_nz:
CASE "loope-stops-at-nz"
        mov     cx, 10
        mov     bx, 3
.again: inc     ax
        cmp     ax, bx
        pushf
        pop     dx
        xor     dx, ZF
        push    dx
        popf                                    ; ZF = AX differs from 3
        loope   .again
        CHECK_FLAGS ZF, 0
        CHECK   eax, 3
        CHECK   ecx, 7
END_CASE
loope_stops_at_cx_0:
CASE "loope-stops-at-cx-0"
        mov     cx, 4
.again: inc     ax
        cmp     ax, ax
        loope   .again
        CHECK_FLAGS ZF, ZF
        CHECK   eax, 4
        CHECK   ecx, 0
END_CASE
loopne_stops_at_z:
CASE "loopne-stops-at-z"
        mov     cx, 10
.again: inc     ax
        cmp     ax, 6
        loopne  .again
        CHECK_FLAGS ZF, ZF
        CHECK   eax, 6
        CHECK   ecx, 4
END_CASE
loopne_stops_at_cx_0:
CASE "loopne-stops-at-cx-0"
        mov     cx, 4
.again: inc     ax
        cmp     ax, 99
        loopne  .again
        CHECK_FLAGS ZF, 0
        CHECK   eax, 4
        CHECK   ecx, 0
END_CASE
loopne_32_bit_address:
CASE "loopne-32-bit-address"
        mov     ecx, 0x00010001
        cmp     ecx, 0
        a32 loopne .taken
        FAIL_HERE 1
.taken:
        CHECK   ecx, 0x00010000
END_CASE
jcxz_looks_at_cx:
CASE "jcxz-looks-at-cx"
        mov     ecx, 0x00010000
        SET_FLAGS ALLF
        jcxz    .taken
        FAIL_HERE 1
.taken:
        CHECK_FLAGS ALLF, ALLF
        mov     cx, 1
        jcxz    .wrong
        jmp     .end
.wrong: FAIL_HERE 2
.end:
END_CASE
jecxz_looks_at_ecx:
CASE "jecxz-looks-at-ecx"
        mov     ecx, 0x00010000
        jecxz   .wrong
        xor     ecx, ecx
        jecxz   .end
        FAIL_HERE 1
.wrong: FAIL_HERE 2
.end:
END_CASE

; CALL and RET
call_near_pushes_the_next_ip:
CASE "call-near-pushes-the-next-ip"
        SET_FLAGS ALLF
        call    .target
.next:
        FAIL_HERE 1
.target:
        pop     bx
        mov     edx, esp
        CHECK_FLAGS ALLF, ALLF
        CHECK   ebx, .next
        CHECK   edx, TOP
END_CASE
call_near_32_pushes_eip:
CASE "call-near-32-pushes-eip"
        mov     dword [TOP-4], 0xFFFFFFFF
        db      0x66, 0xE8
        dd      .target - ($ + 4)
.next:
        FAIL_HERE 1
.target:
        mov     edx, esp
        pop     ebx
        CHECK   ebx, .next
        CHECK   edx, TOP - 4
END_CASE
call_ret_near_16:
CASE "call-ret-near-16"
        call    .routine
        mov     edx, esp
        CHECK   eax, 1
        CHECK   edx, TOP
        jmp     .end
.routine:
        inc     ax
        ret
.end:
END_CASE
call_ret_near_32:
CASE "call-ret-near-32"
        db      0x66, 0xE8
        dd      .routine - ($ + 4)
        mov     edx, esp
        CHECK   eax, 1
        CHECK   edx, TOP
        jmp     .end
.routine:
        inc     ax
        o32 ret
.end:
END_CASE
ret_near_immediate:
CASE "ret-near-immediate"
        push    dword 0x11112222
        push    word 0x3333
        call    .routine
        mov     edx, esp
        mov     esp, TOP
        CHECK   edx, TOP - 2
        jmp     .end
.routine:
        ret     4
.end:
END_CASE
ret_near_32_immediate:
CASE "ret-near-32-immediate"
        push    dword 0x11112222
        db      0x66, 0xE8
        dd      .routine - ($ + 4)
        mov     edx, esp
        CHECK   edx, TOP
        jmp     .end
.routine:
        o32 ret 4
.end:
END_CASE
ret_16_clears_upper_eip:
CASE "ret-16-clears-upper-eip"
        push    dword 0xFFFF0000 + .target
        ret                                     ; takes the low word
        FAIL_HERE 1
.target:
        mov     edx, esp
        pop     ax
        CHECK   edx, TOP - 2
        CHECK   eax, 0xFFFF
END_CASE
call_indirect_register_16:
CASE "call-indirect-register-16"
        mov     bx, .routine
        call    bx
.next:  jmp     .end
.routine:
        pop     ax
        push    ax
        ret
.end:   CHECK   eax, .next
END_CASE
call_indirect_register_32:
CASE "call-indirect-register-32"
        mov     ebx, .routine
        call    ebx
.next:  jmp     .end
.routine:
        pop     eax
        push    eax
        o32 ret
.end:   CHECK   eax, .next
END_CASE
call_indirect_memory_16:
CASE "call-indirect-memory-16"
        mov     word [0x600], .routine
        call    word [0x600]
.next:  jmp     .end
.routine:
        pop     ax
        push    ax
        ret
.end:   CHECK   eax, .next
END_CASE
call_indirect_memory_esp_relative:
CASE "call-indirect-memory-esp-relative"
        ; the operand is read before the return address is pushed
        push    dword .routine
        call    dword [esp]
.next:  jmp     .end
.routine:
        pop     eax
        push    eax
        o32 ret 4
.end:   mov     edx, esp
        CHECK   eax, .next
        CHECK   edx, TOP
END_CASE
call_far_immediate_16:
CASE "call-far-immediate-16"
        call    0xF010:.routine-0x100
.next:
        mov     edx, esp
        CHECK   eax, 0xF0000000 + .next
        CHECK   ebx, 0xF010
        CHECK   edx, TOP
        jmp     .end
.routine:
        mov     bx, cs
        mov     eax, [esp]
        retf
.end:
END_CASE
call_far_immediate_32:
CASE "call-far-immediate-32"
        call    dword 0xF010:.routine-0x100
.next:
        mov     edx, esp
        CHECK   eax, .next
        CHECK   ebx, 0xF010
        CHECK   ecx, 0xF000
        CHECK   edx, TOP
        jmp     .end
.routine:
        mov     bx, cs
        mov     eax, [esp]
        mov     cx, [esp+4]
        o32 retf
.end:
END_CASE
call_far_memory_16:
CASE "call-far-memory-16"
        mov     word [0x600], .routine-0x100
        mov     word [0x602], 0xF010
        call    far word [0x600]
.next:
        CHECK   eax, 0xF0000000 + .next
        CHECK   ebx, 0xF010
        jmp     .end
.routine:
        mov     bx, cs
        mov     eax, [esp]
        retf
.end:
END_CASE
call_far_memory_32:
CASE "call-far-memory-32"
        mov     dword [0x600], .routine-0x100
        mov     word [0x604], 0xF010
        call    far dword [0x600]
.next:
        CHECK   eax, .next
        CHECK   ebx, 0xF010
        jmp     .end
.routine:
        mov     bx, cs
        mov     eax, [esp]
        o32 retf
.end:
END_CASE
retf_immediate:
CASE "retf-immediate"
        push    dword 0
        call    0xF010:.routine-0x100
        mov     edx, esp
        CHECK   edx, TOP
        jmp     .end
.routine:
        retf    4
.end:
END_CASE
retf_immediate_32:
CASE "retf-immediate-32"
        push    dword 0
        push    dword 0
        call    dword 0xF010:.routine-0x100
        mov     edx, esp
        CHECK   edx, TOP
        jmp     .end
.routine:
        o32 retf 8
.end:
END_CASE
call_and_jmp_far_register_operand_is_undefined_opcode:
CASE "call-and-jmp-far-register-operand-is-undefined-opcode"
        EXPECT_FAULT 6, .call
.call:  db      0xFF, 0xD8
        FAULTED
        EXPECT_FAULT 6, .jmp
.jmp:   db      0xFF, 0xE8
        FAULTED
END_CASE

; Interrupts. The handler keeps what it finds; vector 60h.
%macro HANDLER 0
        mov     word [0x60*4], handler
        mov     word [0x60*4+2], 0xF000
%endmacro
int_pushes_flags_cs_ip_and_clears_if_tf:
CASE "int-pushes-flags-cs-ip-and-clears-if-tf"
        HANDLER
        SET_FLAGS ALLF | IF_ | DF
        int     0x60
.next:  cli
        cld
        CHECK   eax, 0xF0000000 + .next         ; stack: IP, CS
        CHECK   ebx, ALLF | IF_ | DF | 2        ; stack: FLAGS
        and     ecx, ALLF | IF_ | TF | DF | 2
        CHECK   ecx, ALLF | DF | 2              ; in the handler
        CHECK   edx, TOP - 6
END_CASE
CASE "iret-restores-flags"
        HANDLER
        SET_FLAGS ALLF | DF
        int     0x60
        CHECK_FLAGS ALLF|DF, ALLF|DF
        mov     esi, esp
        CHECK   esi, TOP
END_CASE
iret_takes_flags_from_the_stack:
CASE "iret-takes-flags-from-the-stack"
        push    word CF | ZF
        push    cs
        push    word .target
        iret
        FAIL_HERE 1
.target:
        CHECK_FLAGS ALLF, CF|ZF
        mov     edx, esp
        CHECK   edx, TOP
END_CASE
iretd:
CASE "iretd"
        push    dword SF | PF
        push    dword 0xF000
        push    dword .target
        iretd
        FAIL_HERE 1
.target:
        CHECK_FLAGS ALLF, SF|PF
        mov     edx, esp
        CHECK   edx, TOP
END_CASE
iretd_does_not_set_vm:
CASE "iretd-does-not-set-vm"
        push    dword VM | CF
        push    dword 0xF000
        push    dword .target
        iretd
.target:
        CHECK_FLAGS ALLF|VM, CF
END_CASE
CASE "int3-one-byte"
        TRAPS   3, {db 0xCC}
END_CASE
CASE "int3-two-bytes"
        TRAPS   3, {db 0xCD, 3}
END_CASE
CASE "int-0-and-int-ff"
        TRAPS   0, {int 0}
        TRAPS   0xFF, {int 0xFF}
END_CASE
CASE "into-with-overflow"
        SET_FLAGS OF
        TRAPS   4, into
        CHECK_FLAGS OF, OF
END_CASE
CASE "into-without-overflow"
        SET_FLAGS ALLF ^ OF
        into
        CHECK_FLAGS ALLF, ALLF ^ OF
END_CASE

; BOUND: signed, the upper bound included; a fault.
%macro BOUNDS_16 4
        CASE %1
        mov     word [0x600], -5
        mov     word [0x602], 10
        mov     eax, 0x7FFF0000 | ((%2) & 0xFFFF)
  %if %3
        FAULTS  5, {bound ax, [0x600]}
  %else
        bound   ax, [0x600]
  %endif
        mov     dword [0x600], -5
        mov     dword [0x604], 10
        mov     eax, %2
  %if %3
        FAULTS  5, {bound eax, [0x600]}
  %else
        bound   eax, [0x600]
  %endif
        CHECK   eax, (%2) & 0xFFFFFFFF
        END_CASE
%endmacro
        BOUNDS_16 "bound-lower-bound-is-inside", -5, 0, 0
        BOUNDS_16 "bound-upper-bound-is-inside", 10, 0, 0
        BOUNDS_16 "bound-below", -6, 1, 0
        BOUNDS_16 "bound-above", 11, 1, 0
        BOUNDS_16 "bound-zero-is-inside", 0, 0, 0
bound_register_operand_is_undefined_opcode:
CASE "bound-register-operand-is-undefined-opcode"
        EXPECT_FAULT 6, .bound
.bound: db      0x62, 0xC0
        FAULTED
END_CASE

; Single step: #DB behind the instruction after the one that sets TF.
trap_flag_traps_behind_the_next_instruction:
CASE "trap-flag-traps-behind-the-next-instruction"
        EXPECT_FAULT 1, .trap
        push    dword TF | 2
        popfd
        inc     eax
.trap:  inc     eax
        FAULTED
        CHECK   eax, 1
        CHECK_FLAGS TF, 0
        mov     ebx, [X_EFLAGS]
        and     ebx, TF
        CHECK   ebx, TF
END_CASE
trap_flag_set_by_iret:
CASE "trap-flag-set-by-iret"
        push    word TF | 2
        push    cs
        push    word .target
        EXPECT_FAULT 1, .trap
        iret
.target:
        inc     eax
.trap:  inc     eax
        FAULTED
        CHECK   eax, 1
END_CASE
; Vol. 3, "Single-Step Exception Condition": the processor clears TF when it calls a handler,
; so no trap comes at the first instruction of the handler of a software interrupt.
trap_flag_clear_in_int_handler:
CASE "trap-flag-clear-in-int-handler"
        HANDLER
        EXPECT_FAULT 1, .trap
        push    dword TF | 2
        popfd
        int     0x60                            ; no trap inside; IRET sets TF again
        inc     esi
.trap:  inc     esi
        FAULTED
        CHECK   esi, 1
        and     ecx, TF
        CHECK   ecx, 0
END_CASE
; Vol. 3, "Masking Exceptions and Interrupts When Switching Stacks": MOV SS inhibits debug
; traps until behind the next instruction.
trap_flag_inhibited_behind_mov_ss:
CASE "trap-flag-inhibited-behind-mov-ss"
        EXPECT_FAULT 1, .trap
        xor     cx, cx
        push    dword TF | 2
        popfd
        mov     ss, cx
        inc     eax
.trap:  inc     eax
        FAULTED
        CHECK   eax, 1
END_CASE

; Limits: a 32-bit operand size keeps EIP as it is; beyond the limit of CS the jump itself
; faults (Vol. 2, "JMP", "CALL", "RET": #GP if the target offset is beyond the code segment
; limit). At 100600h, where F000:10600 would be, is a jump back for processors that go there.
; QEMU (TCG) checks no segment limits.
%macro JUMP_BEYOND 0
        db      0x66, 0xE9
        dd      0x10600 - ($ + 4)
%endmacro
%macro BEYOND 3
        CASE %1
        mov     ax, 0xFFFF
        mov     ds, ax
        mov     byte [0x0610], 0xEA
        mov     word [0x0611], %%went
        mov     word [0x0613], 0xF000
        xor     ax, ax
        mov     ds, ax
        %2
        EXPECT_FAULT 13, %%at
%%at:
        %3
%%went:
        FAULTED
        mov     edx, esp
        mov     esp, TOP
        CHECK   edx, TOP
        END_CASE
%endmacro
        BEYOND  "jmp-indirect-beyond-the-limit", {mov ebx, 0x10600}, {jmp ebx}
        BEYOND  "jmp-near-beyond-the-limit", nop, JUMP_BEYOND
        BEYOND  "call-indirect-beyond-the-limit", {mov ebx, 0x10600}, {call ebx}
        BEYOND  "jmp-far-beyond-the-limit", nop, {jmp dword 0xF000:0x10600}

        jmp     routines_end
        COMBINATION_ROUTINE

handler:
        mov     edx, esp
        mov     eax, [esp]
        movzx   ebx, word [esp+4]
        pushfd
        pop     ecx
        iret
routines_end:

ROM_END
