; first-model: 386dx
; cases: 104
;
; Interrupts, single step, interrupt shadows and segment limits in real mode.
%include "rom.inc"
%include "apic.inc"

; Test variables, cleared before each case
T_COUNT         equ 0x8000      ; word: entries of the handler
T_IP            equ 0x8002      ; the frame of the last entry
T_CS            equ 0x8004
T_FLAGS         equ 0x8006
T_NOW           equ 0x8008      ; FLAGS inside of the handler
T_SP            equ 0x800A      ; SP at the frame
T_STEPS         equ 0x800C      ; word: single steps
T_STOP          equ 0x800E      ; word: the step which ends stepping
T_RESUME        equ 0x8010      ; where catch_handler goes on
T_LIST          equ 0x8020      ; return addresses of the single steps
T_END           equ 0x8080
IVT2            equ 0x8400      ; a second vector table
IDTR_A          equ 0x8800
IDTR_B          equ 0x8810
RAM_SEG         equ 0x2000      ; 64 KiB for stacks and code at the limit

; A case with the default vectors and local labels of its own.
%assign CASE_N 0
%macro ICASE 1
  %assign CASE_N CASE_N+1
case_ %+ CASE_N:
        call    default_vectors
  CASE %1
%endmacro

%macro HOOK 2
        mov     word [(%1)*4], %2
%endmacro

; Pointer of LIDT/LGDT at a constant address: limit, base
%macro TABLE_PTR 3
        mov     word [%1], %2
        mov     dword [(%1)+2], %3
%endmacro

ROM_BEGIN "real mode: interrupts and limits"
        APIC_PASS_INTR
        call    pic_init
        call    plant_escapes
        jmp     cases

; A processor which does not check the limit of CS lands here: INT3 behind
; RAM_SEG:FFFFh and behind F000:FFFFh.
plant_escapes:
        in      al, 0x92
        or      al, 2
        and     al, 0xFE
        out     0x92, al
        mov     ax, RAM_SEG+0x1000
        mov     es, ax
        xor     di, di
        mov     cx, 0x20
        mov     al, 0xCC
        rep stosb
        mov     ax, 0xFFFF
        mov     es, ax
        mov     di, 0x10
        mov     cx, 0xFFF0
        mov     al, 0xCC
        rep stosb
        ret

; Vectors of the framework, cleared variables, IDTR of RESET.
default_vectors:
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        TABLE_PTR IDTR_A, 0x3FF, 0
        lidt    [IDTR_A]
        mov     di, T_COUNT
        mov     cx, (T_END-T_COUNT)/2
        cld
        rep     stosw
        xor     di, di
        mov     ax, rom16_stubs
.next:
        mov     [di], ax
        mov     word [di+2], 0xF000
        add     ax, 3
        add     di, 4
        cmp     di, 0x400
        jb      .next
        ret

copy_vectors:                           ; to IVT2
        xor     si, si
        mov     di, IVT2
        mov     cx, 0x100
        rep movsd
        ret

; Records the frame, clears TF in it, returns.
frame_handler:
        pushf
        push    bp
        push    ax
        push    ds
        call    record
        mov     bp, sp
        and     word [bp+12], ~TF
        pop     ds
        pop     ax
        pop     bp
        popf
        iret

; The same for a hardware interrupt: acknowledges it.
irq_handler:
        pushf
        push    bp
        push    ax
        push    ds
        call    record
        mov     al, 0x20
        out     0x20, al
        pop     ds
        pop     ax
        pop     bp
        popf
        iret

; Records the frame, goes on at T_RESUME with the stack of the framework.
catch_handler:
        pushf
        push    bp
        push    ax
        push    ds
        call    record
        pop     ds
        pop     ax
        pop     bp
        popf
        push    word 0
        pop     ss
        mov     sp, ROM_STACK
        push    word 0
        pop     ds
        jmp     [T_RESUME]

; Stack: return address, DS, AX, BP, FLAGS, frame. Leaves DS=0.
record:
        mov     bp, sp
        xor     ax, ax
        mov     ds, ax
        inc     word [T_COUNT]
        mov     ax, [bp+8]
        mov     [T_NOW], ax
        mov     ax, [bp+10]
        mov     [T_IP], ax
        mov     ax, [bp+12]
        mov     [T_CS], ax
        mov     ax, [bp+14]
        mov     [T_FLAGS], ax
        lea     ax, [bp+10]
        mov     [T_SP], ax
        ret

; Vector 1: logs the return address, clears TF in the frame at step T_STOP.
step_handler:
        push    bp
        mov     bp, sp
        push    ax
        push    bx
        push    ds
        xor     ax, ax
        mov     ds, ax
        mov     bx, [T_STEPS]
        inc     word [T_STEPS]
        cmp     bx, 16
        jae     .stop
        shl     bx, 1
        mov     ax, [bp+2]
        mov     [T_LIST+bx], ax
        mov     ax, [T_STEPS]
        cmp     ax, [T_STOP]
        jb      .go_on
.stop:
        and     word [bp+6], ~TF
.go_on:
        pop     ds
        pop     bx
        pop     ax
        pop     bp
        iret

; Vectors 20h-2Fh, everything masked; forgets requests.
pic_init:
        mov     al, 0x11
        out     0x20, al
        out     0xA0, al
        mov     al, 0x20
        out     0x21, al
        mov     al, 0x28
        out     0xA1, al
        mov     al, 4
        out     0x21, al
        mov     al, 2
        out     0xA1, al
        mov     al, 1
        out     0x21, al
        out     0xA1, al
        mov     al, 0xFF
        out     0x21, al
        out     0xA1, al
        ret

; Channel 0, mode 0: one request after a short while. IRQ 0 unmasked.
timer_start:
        mov     al, 0x30
        out     0x43, al
        mov     al, 0
        out     0x40, al
        mov     al, 2
        out     0x40, al
        mov     al, 0xFE
        out     0x21, al
        ret

; The same, and waits for the request with IF=0. ZF=1: it never came.
timer_pending:
        call    timer_start
        mov     al, 0x0A                ; OCW3: read IRR
        out     0x20, al
        mov     ecx, 0x800000
.poll:
        in      al, 0x20
        test    al, 1
        jnz     .there
        dec     ecx
        jnz     .poll
.there:
        test    al, 1
        ret

cases:

; --- INT n, INT3, INTO --------------------------------------------------------

ICASE "int-through-ivt"
        HOOK    0x60, frame_handler
        int     0x60
.behind:
        CHECK16 word [T_COUNT], 1
        CHECK16 word [T_IP], .behind
        CHECK16 word [T_CS], 0xF000
        CHECK16 word [T_SP], ROM_STACK-6
        mov     bx, sp
        CHECK16 bx, ROM_STACK
END_CASE

ICASE "int-last-vector"
        HOOK    0xFF, frame_handler
        int     0xFF
.behind:
        CHECK16 word [T_IP], .behind
END_CASE

ICASE "int-far-handler"
        ; the vector's segment is loaded too: handler through the alias F001h
        mov     word [0x60*4], frame_handler-16
        mov     word [0x60*4+2], 0xF001
        int     0x60
.behind:
        CHECK16 word [T_COUNT], 1
        CHECK16 word [T_IP], .behind
        CHECK16 word [T_CS], 0xF000
        CHECK_SEG cs, 0xF000
END_CASE

ICASE "int-pushes-flags"
        HOOK    0x60, frame_handler
        push    word IF_|DF|OF|SF|CF|2
        popf
        int     0x60
        CHECK_FLAGS IF_|DF|ALLF, IF_|DF|OF|SF|CF
        cli
        CHECK16 word [T_FLAGS], IF_|DF|OF|SF|CF|2
END_CASE

ICASE "int-clears-if-and-tf-only"
        HOOK    0x60, frame_handler
        push    word IF_|DF|OF|SF|CF|2
        popf
        int     0x60
        cli
        CHECK16 word [T_NOW], DF|OF|SF|CF|2
END_CASE

ICASE "int3-opcode"
        TRAPS   3, int3
END_CASE

ICASE "int-3-two-bytes"
        TRAPS   3, {db 0xCD, 3}
END_CASE

ICASE "into-taken"
        mov     al, 0x7F
        inc     al
        TRAPS   4, into
END_CASE

ICASE "into-not-taken"
        HOOK    4, frame_handler
        xor     al, al
        into
        CHECK16 word [T_COUNT], 0
END_CASE

ICASE "int-at-sp-zero"
        ; SP=0 pushes from FFFEh down
        HOOK    0x60, frame_handler
        mov     ax, RAM_SEG
        mov     ss, ax
        xor     sp, sp
        int     0x60
        CHECK16 word [T_SP], 0xFFFA
        mov     bx, sp
        CHECK16 bx, 0
END_CASE

ICASE "int-clears-ac"
        ; SDM vol. 2, INT n: in real-address mode IF, TF and AC are cleared
        UNLESS_FAMILY 4, .end
        HOOK    0x60, .handler
        push    dword AC|2
        popfd
        int     0x60
        CHECK_FLAGS AC, 0
        jmp     .end
.handler:
        pushfd
        pop     dword [T_LIST]
        CHECK   dword [T_LIST], 2
        iret
.end:
END_CASE

; --- IRET ---------------------------------------------------------------------

ICASE "iret-pops-three-words"
        push    word 0x00D7
        push    cs
        push    word .there
        iret
        FAIL_HERE 1
.there:
        CHECK_FLAGS ALLF, CF|PF|AF|ZF|SF
        mov     bx, sp
        CHECK16 bx, ROM_STACK
END_CASE

ICASE "iret-changes-cs"
        push    word 2
        push    word 0xF001
        push    word .there-16
        iret
        FAIL_HERE 1
.there:
        mov     bx, cs
        jmp     0xF000:.back
.back:
        CHECK16 bx, 0xF001
END_CASE

ICASE "iret-loads-iopl-nt-if"
        push    word 0x7200|2
        push    cs
        push    word .there
        iret
.there:
        pushf
        pop     bx
        cli
        CHECK16 bx, 0x7202
        push    word 2
        popf
END_CASE

ICASE "iret-keeps-upper-eflags"
        UNLESS_FAMILY 4, .there
        push    dword AC|2
        popfd
        push    word 2
        push    cs
        push    word .there2
        iret
.there2:
        CHECK_FLAGS AC, AC
.there:
END_CASE

ICASE "iretd-pops-three-dwords"
        mov     esp, ROM_STACK
        push    dword 0x0D7
        push    dword 0xF000
        push    dword .there
        iretd
        FAIL_HERE 1
.there:
        CHECK_FLAGS ALLF, CF|PF|AF|ZF|SF
        mov     bx, sp
        CHECK16 bx, ROM_STACK
END_CASE

ICASE "iretd-ignores-upper-cs-word"
        push    dword 2
        push    dword 0x1234F000
        push    dword .there
        iretd
.there:
        CHECK_SEG cs, 0xF000
END_CASE

ICASE "iretd-loads-ac"
        UNLESS_FAMILY 4, .end
        push    dword AC|2
        push    dword 0xF000
        push    dword .there
        iretd
.there:
        CHECK_FLAGS AC, AC
.end:
END_CASE

ICASE "iretd-beyond-limit"
        ; SDM vol. 2, IRET, real-address mode: #GP when EIP is not within the code limit
        push    dword 2
        push    dword 0xF000
        push    dword 0x10000+.there
        FAULTS  13, iretd
.there:
        mov     bx, sp
        CHECK16 bx, ROM_STACK-12
END_CASE

; --- IDTR ---------------------------------------------------------------------

ICASE "lidt-relocates-vectors"
        call    copy_vectors
        mov     word [IVT2+0x60*4], frame_handler
        TABLE_PTR IDTR_A, 0x3FF, IVT2
        lidt    [IDTR_A]
        int     0x60
.behind:
        CHECK16 word [T_COUNT], 1
        CHECK16 word [T_IP], .behind
END_CASE

ICASE "lidt-16-drops-base-byte-3"
        call    copy_vectors
        mov     word [IVT2+0x60*4], frame_handler
        TABLE_PTR IDTR_A, 0x3FF, 0xFF000000|IVT2
        lidt    [IDTR_A]
        int     0x60
        CHECK16 word [T_COUNT], 1
        o32 sidt [IDTR_B]
        CHECK   dword [IDTR_B+2], IVT2
END_CASE

ICASE "lidt-32-loads-base-byte-3"
        TABLE_PTR IDTR_A, 0x3FF, 0xFE000000|IVT2
        o32 lidt [IDTR_A]
        o32 sidt [IDTR_B]
        TABLE_PTR IDTR_A, 0x3FF, 0
        lidt    [IDTR_A]
        CHECK   dword [IDTR_B+2], 0xFE000000|IVT2
END_CASE

ICASE "sidt-stores-limit-and-base"
        mov     dword [IDTR_B], 0xFFFFFFFF
        mov     dword [IDTR_B+4], 0xFFFFFFFF
        TABLE_PTR IDTR_A, 0x312, 0x123456
        lidt    [IDTR_A]
        sidt    [IDTR_B]
        TABLE_PTR IDTR_A, 0x3FF, 0
        lidt    [IDTR_A]
        CHECK16 word [IDTR_B], 0x312
        CHECK   dword [IDTR_B+2], 0x123456
        CHECK16 word [IDTR_B+6], 0xFFFF
END_CASE

ICASE "lgdt-sgdt-in-real-mode"
        TABLE_PTR IDTR_A, 0x127, 0x87654321
        sgdt    [IDTR_B+8]
        o32 lgdt [IDTR_A]
        o32 sgdt [IDTR_B]
        lgdt    [IDTR_B+8]
        CHECK16 word [IDTR_B], 0x127
        CHECK   dword [IDTR_B+2], 0x87654321
END_CASE

ICASE "int-at-idt-limit"
        HOOK    0x60, frame_handler
        TABLE_PTR IDTR_A, 0x60*4+3, 0
        lidt    [IDTR_A]
        int     0x60
        CHECK16 word [T_COUNT], 1
END_CASE

ICASE "int-beyond-idt-limit"
        ; SDM vol. 2, INT n, real-address mode: #GP. The 386 manual has exception 8
        ; here, so this is left to later models.
        UNLESS_FAMILY 5, .end
        TABLE_PTR IDTR_A, 0x60*4+2, 0
        lidt    [IDTR_A]
        FAULTS  13, {int 0x60}
        mov     bx, sp
        CHECK16 bx, ROM_STACK
.end:
END_CASE

; --- return address and vector of faults --------------------------------------

ICASE "divide-error-points-at-div"
        mov     ax, 5
        FAULTS  0, {div bl}
        CHECK16 ax, 5
END_CASE

ICASE "divide-error-includes-prefixes"
        FAULTS  0, {db 0x26, 0x2E, 0x66, 0xF7, 0xF3}
END_CASE

ICASE "divide-overflow"
        mov     ax, 0x100
        mov     bl, 1
        FAULTS  0, {div bl}
        CHECK16 ax, 0x100
END_CASE

ICASE "idiv-overflow"
        mov     ax, 0x80
        mov     bl, 1
        FAULTS  0, {idiv bl}
END_CASE

ICASE "aam-zero"
        FAULTS  0, {db 0xD4, 0}
END_CASE

ICASE "bound-below"
        mov     dword [0x8100], 0x00100005
        mov     ax, 4
        FAULTS  5, {bound ax, [0x8100]}
END_CASE

ICASE "bound-above"
        mov     dword [0x8100], 0x00100005
        mov     ax, 0x11
        FAULTS  5, {bound ax, [0x8100]}
END_CASE

ICASE "bound-inside"
        mov     dword [0x8100], 0x00100005
        mov     ax, 5
        bound   ax, [0x8100]
        mov     ax, 0x10
        bound   ax, [0x8100]
END_CASE

ICASE "undefined-opcode"
        FAULTS  6, {db 0x0F, 0x0B}
END_CASE

ICASE "mov-cs-undefined"
        FAULTS  6, {db 0x8E, 0xC8}
END_CASE

ICASE "protected-only-undefined"
        ; ARPL, LAR, LSL, SLDT, STR, LLDT, LTR, VERR, VERW are not recognised
        FAULTS  6, {arpl ax, bx}
        FAULTS  6, {lar ax, bx}
        FAULTS  6, {lsl ax, bx}
        FAULTS  6, {sldt ax}
        FAULTS  6, {str ax}
        FAULTS  6, {lldt ax}
        FAULTS  6, {ltr ax}
        FAULTS  6, {verr ax}
        FAULTS  6, {verw ax}
END_CASE

ICASE "fault-frame-flags"
        HOOK    0, catch_handler
        mov     word [T_RESUME], .after
        push    word IF_|CF|ZF|2
        popf
        div     bl
.after:
        CHECK16 word [T_COUNT], 1
        test    word [T_FLAGS], IF_
        jnz     .if_pushed
        FAIL_HERE 1
.if_pushed:
        test    word [T_NOW], IF_|TF
        jz      .if_clear
        FAIL_HERE 2
.if_clear:
        mov     bx, [T_SP]
        CHECK16 bx, ROM_STACK-6
END_CASE

; --- single step --------------------------------------------------------------

ICASE "single-step"
        ; no trap behind the POPF which sets TF; one behind each later instruction
        HOOK    1, step_handler
        mov     word [T_STOP], 3
        push    word TF|2
        popf
        nop
.a:     mov     ax, 1
.b:     jmp     .d
.c:     FAIL_HERE 1
.d:     nop
        CHECK16 word [T_STEPS], 3
        CHECK16 word [T_LIST], .a
        CHECK16 word [T_LIST+2], .b
        CHECK16 word [T_LIST+4], .d
END_CASE

ICASE "single-step-behind-iret"
        HOOK    1, step_handler
        push    word TF|2
        push    cs
        push    word .there
        iret
.there: nop
.a:     nop
        CHECK16 word [T_STEPS], 1
        CHECK16 word [T_LIST], .a
END_CASE

ICASE "single-step-frame"
        ; the handler runs with TF=0, the frame has TF=1
        HOOK    1, frame_handler
        push    word TF|CF|2
        popf
        nop
        CHECK16 word [T_COUNT], 1
        CHECK16 word [T_FLAGS], TF|CF|2
        CHECK16 word [T_NOW], CF|2
END_CASE

ICASE "single-step-not-into-int"
        ; INT clears TF: its handler is not stepped, the frame keeps TF
        HOOK    1, step_handler
        HOOK    0x60, frame_handler
        push    word TF|2
        popf
        int     0x60
        nop
        CHECK16 word [T_COUNT], 1
        CHECK16 word [T_STEPS], 0
        CHECK16 word [T_FLAGS], TF|2
        CHECK16 word [T_NOW], 2
END_CASE

ICASE "single-step-fault-wins"
        ; the faulting instruction does not complete: no trap for it
        HOOK    1, step_handler
        HOOK    6, catch_handler
        mov     word [T_RESUME], .after
        push    word TF|2
        popf
.bad:   db      0x0F, 0x0B
.after:
        CHECK16 word [T_COUNT], 1
        CHECK16 word [T_IP], .bad
        CHECK16 word [T_STEPS], 0
        test    word [T_FLAGS], TF
        jnz     .tf_pushed
        FAIL_HERE 1
.tf_pushed:
END_CASE

ICASE "single-step-each-iteration"
        ; SDM vol. 3, RF flag: traps come also between the iterations of REP
        HOOK    1, step_handler
        mov     word [T_STOP], 3
        mov     si, 0x8100
        mov     di, 0x8180
        mov     cx, 3
        push    word TF|2
        popf
.rep:   rep movsb
.a:     nop
        CHECK16 word [T_STEPS], 3
        CHECK16 word [T_LIST], .rep
        CHECK16 word [T_LIST+2], .rep
        CHECK16 word [T_LIST+4], .a
        CHECK16 cx, 0
END_CASE

; SDM vol. 3, "Masking Exceptions and Interrupts When Switching Stacks"
ICASE "mov-ss-holds-single-step"
        HOOK    1, step_handler
        xor     ax, ax
        push    word TF|2
        popf
        mov     ss, ax
        nop
.a:     nop
        CHECK16 word [T_STEPS], 1
        CHECK16 word [T_LIST], .a
END_CASE

ICASE "pop-ss-holds-single-step"
        HOOK    1, step_handler
        push    word 0
        push    word TF|2
        popf
        pop     ss
        nop
.a:     nop
        CHECK16 word [T_STEPS], 1
        CHECK16 word [T_LIST], .a
END_CASE

ICASE "mov-ds-holds-nothing"
        HOOK    1, step_handler
        xor     ax, ax
        push    word TF|2
        popf
        mov     ds, ax
.a:     nop
        CHECK16 word [T_STEPS], 1
        CHECK16 word [T_LIST], .a
END_CASE

ICASE "mov-ss-does-not-hold-faults"
        HOOK    1, step_handler
        HOOK    6, catch_handler
        mov     word [T_RESUME], .after
        xor     ax, ax
        mov     ss, ax
.bad:   db      0x0F, 0x0B
.after:
        CHECK16 word [T_COUNT], 1
        CHECK16 word [T_IP], .bad
END_CASE

; --- hardware interrupts ------------------------------------------------------

ICASE "hlt-woken-by-timer"
        HOOK    0x20, irq_handler
        call    timer_pending           ; no HLT when the timer is missing
        jz      .missing
        call    pic_init
        call    timer_start
        sti
        hlt
.behind:
        cli
        CHECK16 word [T_COUNT], 1
        CHECK16 word [T_IP], .behind
        CHECK16 word [T_CS], 0xF000
        jmp     .end
.missing:
        FAIL_HERE 1
.end:
        call    pic_init
END_CASE

ICASE "hlt-with-pending-request"
        ; STI holds the request until HLT has completed
        HOOK    0x20, irq_handler
        call    timer_pending
        jz      .missing
        sti
        hlt
.behind:
        cli
        CHECK16 word [T_COUNT], 1
        CHECK16 word [T_IP], .behind
        jmp     .end
.missing:
        FAIL_HERE 1
.end:
        call    pic_init
END_CASE

ICASE "sti-shadow"
        ; SDM vol. 2, STI: recognised after the instruction following STI
        HOOK    0x20, irq_handler
        call    timer_pending
        jz      .missing
        sti
        nop
.a:     nop
        cli
        CHECK16 word [T_COUNT], 1
        CHECK16 word [T_IP], .a
        jmp     .end
.missing:
        FAIL_HERE 1
.end:
        call    pic_init
END_CASE

ICASE "sti-cli"
        HOOK    0x20, irq_handler
        call    timer_pending
        jz      .missing
        sti
        cli
        nop
        nop
        CHECK16 word [T_COUNT], 0
        jmp     .end
.missing:
        FAIL_HERE 1
.end:
        call    pic_init
END_CASE

ICASE "popf-has-no-shadow"
        HOOK    0x20, irq_handler
        call    timer_pending
        jz      .missing
        push    word IF_|2
        popf
.a:     nop
        nop
        cli
        CHECK16 word [T_COUNT], 1
        CHECK16 word [T_IP], .a
        jmp     .end
.missing:
        FAIL_HERE 1
.end:
        call    pic_init
END_CASE

ICASE "iret-has-no-shadow"
        HOOK    0x20, irq_handler
        call    timer_pending
        jz      .missing
        push    word IF_|2
        push    cs
        push    word .a
        iret
.a:     nop
        nop
        cli
        CHECK16 word [T_COUNT], 1
        CHECK16 word [T_IP], .a
        jmp     .end
.missing:
        FAIL_HERE 1
.end:
        call    pic_init
END_CASE

ICASE "if-clear-masks-timer"
        HOOK    0x20, irq_handler
        call    timer_pending
        jz      .missing
        mov     cx, 100
.wait:  loop    .wait
        CHECK16 word [T_COUNT], 0
        jmp     .end
.missing:
        FAIL_HERE 1
.end:
        call    pic_init
END_CASE

ICASE "interrupted-rep-resumes"
        ; registers and memory are right whatever the interrupts between iterations
        HOOK    0x20, irq_handler
        mov     ax, RAM_SEG
        mov     es, ax
        call    timer_start
        mov     eax, 0x5A5A5A5A
        xor     di, di
        mov     cx, 0x4000
        sti
        rep stosd
        mov     ecx, 0x800000
.wait:  cmp     word [T_COUNT], 0
        jne     .come
        dec     ecx
        jnz     .wait
.come:
        cli
        CHECK16 di, 0
        CHECK16 word [T_COUNT], 1
        CHECK   dword [es:0], 0x5A5A5A5A
        CHECK   dword [es:0x8000], 0x5A5A5A5A
        CHECK   dword [es:0xFFFC], 0x5A5A5A5A
        call    pic_init
END_CASE

; --- segment limits: data -----------------------------------------------------

ICASE "byte-at-limit"
        mov     ax, RAM_SEG
        mov     ds, ax
        mov     byte [0xFFFF], 0x5A
        mov     bl, [0xFFFF]
        CHECK8  bl, 0x5A
END_CASE

ICASE "word-read-beyond-limit"
        mov     ax, RAM_SEG
        mov     ds, ax
        mov     bx, 0x1234
        FAULTS  13, {mov bx, [0xFFFF]}
        CHECK16 bx, 0x1234
END_CASE

ICASE "word-write-beyond-limit"
        mov     ax, RAM_SEG
        mov     ds, ax
        mov     byte [0xFFFF], 0x5A
        FAULTS  13, {mov word [0xFFFF], 0x1234}
        CHECK8  byte [0xFFFF], 0x5A
END_CASE

ICASE "dword-at-limit"
        mov     ax, RAM_SEG
        mov     ds, ax
        mov     dword [0xFFFC], 0x12345678
        CHECK   dword [0xFFFC], 0x12345678
END_CASE

ICASE "dword-beyond-limit"
        mov     ax, RAM_SEG
        mov     ds, ax
        FAULTS  13, {mov eax, [0xFFFD]}
        FAULTS  13, {mov eax, [0xFFFE]}
        FAULTS  13, {mov eax, [0xFFFF]}
END_CASE

ICASE "read-modify-write-beyond-limit"
        mov     ax, RAM_SEG
        mov     ds, ax
        mov     byte [0xFFFF], 0xFF
        stc
        FAULTS  13, {inc word [0xFFFF]}
        FAULTS  13, {adc word [0xFFFF], 1}
        FAULTS  13, {xchg ax, [0xFFFF]}
        CHECK16 ax, RAM_SEG
        CHECK8  byte [0xFFFF], 0xFF
END_CASE

ICASE "each-segment-register"
        mov     ax, RAM_SEG
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
        FAULTS  13, {mov ax, [es:0xFFFF]}
        FAULTS  13, {mov ax, [fs:0xFFFF]}
        FAULTS  13, {mov ax, [gs:0xFFFF]}
        FAULTS  13, {mov ax, [cs:0xFFFF]}
        FAULTS  12, {mov ax, [ss:0xFFFF]}
END_CASE

ICASE "default-segment-decides-vector"
        mov     bp, 0xFFFF
        mov     bx, bp
        FAULTS  12, {mov ax, [bp]}
        FAULTS  13, {mov ax, [bx]}
        FAULTS  13, {mov ax, [ds:bp]}
        FAULTS  12, {mov ax, [ss:bx]}
END_CASE

ICASE "address16-wraps"
        mov     ax, RAM_SEG
        mov     ds, ax
        mov     byte [0x0001], 0x77
        mov     bx, 0xFFFF
        mov     si, 2
        mov     al, [bx+si]
        CHECK8  al, 0x77
        mov     al, [bx+2]
        CHECK8  al, 0x77
END_CASE

ICASE "address32-beyond-limit"
        mov     ebx, 0x10000
        FAULTS  13, {mov al, [ebx]}
        FAULTS  13, {mov byte [ebx], 1}
        mov     ebp, ebx
        FAULTS  12, {mov al, [ebp]}
        FAULTS  13, {mov al, [ds:ebp]}
        mov     ebx, 0xFFFFFFFF
        FAULTS  13, {mov al, [ebx]}
        FAULTS  13, {mov eax, [ebx]}
END_CASE

ICASE "address32-at-limit"
        mov     ax, RAM_SEG
        mov     ds, ax
        mov     byte [0xFFFF], 0x66
        mov     ebx, 0xFFFF
        mov     al, [ebx]
        CHECK8  al, 0x66
        FAULTS  13, {mov ax, [ebx]}
END_CASE

ICASE "far-pointer-beyond-limit"
        mov     ax, RAM_SEG
        mov     fs, ax
        FAULTS  13, {lds bx, [fs:0xFFFD]}
        FAULTS  13, {les bx, [fs:0xFFFD]}
        FAULTS  13, {lgs bx, [fs:0xFFFD]}
        mov     dword [fs:0xFFFC], 0x12345678
        les     bx, [fs:0xFFFC]
        CHECK16 bx, 0x5678
        CHECK_SEG es, 0x1234
END_CASE

ICASE "indirect-jump-beyond-limit"
        FAULTS  13, {jmp word [0xFFFF]}
        FAULTS  13, {call word [0xFFFF]}
        FAULTS  13, {jmp far [0xFFFD]}
        FAULTS  13, {call far [0xFFFD]}
        mov     bx, sp
        CHECK16 bx, ROM_STACK
END_CASE

ICASE "bound-beyond-limit"
        FAULTS  13, {bound ax, [0xFFFD]}
END_CASE

ICASE "push-pop-memory-beyond-limit"
        FAULTS  13, {push word [0xFFFF]}
        FAULTS  13, {pop word [0xFFFF]}
        mov     bx, sp
        CHECK16 bx, ROM_STACK
END_CASE

ICASE "string-source-beyond-limit"
        mov     si, 0xFFFF
        mov     di, 0x8100
        FAULTS  13, lodsw
        FAULTS  13, movsw
        FAULTS  13, cmpsw
        FAULTS  12, {ss lodsw}
        CHECK16 si, 0xFFFF
        CHECK16 di, 0x8100
END_CASE

ICASE "string-destination-beyond-limit"
        mov     ax, RAM_SEG
        mov     es, ax
        mov     si, 0x8100
        mov     di, 0xFFFF
        FAULTS  13, stosw
        FAULTS  13, movsw
        FAULTS  13, cmpsw
        FAULTS  13, scasw
        CHECK16 si, 0x8100
        CHECK16 di, 0xFFFF
END_CASE

ICASE "string16-wraps"
        mov     ax, RAM_SEG
        mov     es, ax
        mov     di, 0xFFFE
        mov     cx, 4
        mov     al, 0x3C
        rep stosb
        CHECK16 di, 2
        CHECK16 word [es:0xFFFE], 0x3C3C
        CHECK16 word [es:0], 0x3C3C
END_CASE

ICASE "rep-stops-at-limit"
        ; the iterations before the fault stay done
        mov     ax, RAM_SEG
        mov     es, ax
        mov     word [es:0xFFFE], 0
        mov     edi, 0xFFFE
        mov     ecx, 4
        mov     al, 0x3D
        FAULTS  13, {a32 rep stosb}
        CHECK   edi, 0x10000
        CHECK   ecx, 2
        CHECK16 word [es:0xFFFE], 0x3D3D
END_CASE

ICASE "lea-has-no-limit"
        mov     ebx, 0x12345678
        lea     eax, [ebx+1]
        CHECK   eax, 0x12345679
END_CASE

; --- segment limits: stack ----------------------------------------------------
; No push that leaves less than the frame of the fault: the processor would shut down.

%macro STACK_AT 1
        mov     ax, RAM_SEG
        mov     ss, ax
        mov     sp, %1
%endmacro

%macro SP_IS 1
        mov     bx, sp
        CHECK16 bx, %1
%endmacro

; Without the fault these pop 0002h.
%macro POP_AT_LIMIT 0
        STACK_AT 0xFFFF
        mov     ax, RAM_SEG+0x1000
        mov     gs, ax
        mov     byte [ss:0xFFFF], 2
        mov     byte [gs:0], 0
%endmacro

ICASE "pop-beyond-limit"
        POP_AT_LIMIT
        mov     dx, 0x1234
        FAULTS  12, {pop dx}
        CHECK16 dx, 0x1234
        SP_IS   0xFFFF
END_CASE

ICASE "pop-segment-beyond-limit"
        POP_AT_LIMIT
        FAULTS  12, {pop fs}
        CHECK_SEG fs, 0
        SP_IS   0xFFFF
END_CASE

ICASE "popf-beyond-limit"
        POP_AT_LIMIT
        stc
        FAULTS  12, popf
        CHECK_FLAGS CF, CF
        SP_IS   0xFFFF
END_CASE

ICASE "pop-memory-source-beyond-limit"
        POP_AT_LIMIT
        mov     word [0x8100], 0x1234
        FAULTS  12, {pop word [0x8100]}
        CHECK16 word [0x8100], 0x1234
        SP_IS   0xFFFF
END_CASE

ICASE "pop-dword-beyond-limit"
        STACK_AT 0xFFFD
        FAULTS  12, {pop edx}
        SP_IS   0xFFFD
END_CASE

ICASE "pop-at-limit-wraps-sp"
        STACK_AT 0xFFFE
        mov     word [ss:0xFFFE], 0x1234
        pop     dx
        SP_IS   0
        CHECK16 dx, 0x1234
END_CASE

ICASE "push-at-sp-zero-wraps"
        STACK_AT 0
        push    word 0x4321
        mov     bx, sp
        mov     dx, [ss:0xFFFE]
        CHECK16 bx, 0xFFFE
        CHECK16 dx, 0x4321
END_CASE

ICASE "push16-keeps-upper-esp"
        mov     esp, 0x12340000+ROM_STACK
        push    ax
        mov     ebx, esp
        mov     esp, ROM_STACK
        CHECK   ebx, 0x12340000+ROM_STACK-2
END_CASE

; Without the fault they would return to the instruction behind.
ICASE "ret-beyond-limit"
        STACK_AT 0xFFFF
        mov     ax, RAM_SEG+0x1000
        mov     gs, ax
        mov     ax, .behind
        mov     [ss:0xFFFF], al
        mov     [gs:0], ah
        EXPECT_FAULT 12, .at
.at:    ret
.behind:
        FAULTED
        SP_IS   0xFFFF
END_CASE

ICASE "retf-beyond-limit"
        STACK_AT 0xFFFD
        mov     ax, RAM_SEG+0x1000
        mov     gs, ax
        mov     word [ss:0xFFFD], .behind
        mov     byte [ss:0xFFFF], 0
        mov     byte [gs:0], 0xF0
        EXPECT_FAULT 12, .at
.at:    retf
.behind:
        FAULTED
        SP_IS   0xFFFD
END_CASE

ICASE "iret-beyond-limit"
        STACK_AT 0xFFFB
        mov     ax, RAM_SEG+0x1000
        mov     gs, ax
        mov     word [ss:0xFFFB], .behind
        mov     word [ss:0xFFFD], 0xF000
        mov     byte [ss:0xFFFF], 2
        mov     byte [gs:0], 0
        EXPECT_FAULT 12, .at
.at:    iret
.behind:
        FAULTED
        SP_IS   0xFFFB
END_CASE

ICASE "leave-beyond-limit"
        STACK_AT 0x8000
        mov     bp, 0xFFFF
        FAULTS  12, leave
        SP_IS   0x8000
        CHECK16 bp, 0xFFFF
END_CASE

ICASE "popa-beyond-limit"
        STACK_AT 0xFFF1
        FAULTS  12, popa
        SP_IS   0xFFF1
END_CASE

ICASE "enter-leave-at-sp-zero"
        STACK_AT 0
        mov     bp, 0x1234
        enter   4, 0
        mov     bx, sp
        mov     cx, bp
        leave
        CHECK16 bx, 0xFFFA
        CHECK16 cx, 0xFFFE
        CHECK16 bp, 0x1234
        SP_IS   0
END_CASE

ICASE "stack-operand-at-limit"
        mov     ax, RAM_SEG
        mov     ss, ax
        mov     bp, 0xFFFE
        mov     word [bp], 0x1122
        mov     dx, [bp]
        xor     ax, ax
        mov     ss, ax
        CHECK16 dx, 0x1122
END_CASE

; --- segment limits: code -----------------------------------------------------

; Bytes of code at RAM_SEG:address, followed by a jump there; goes on at .resume when
; vector 13 comes, and counts it.
%macro CODE_AT 2+
        HOOK    13, catch_handler
        mov     word [T_RESUME], .resume
        mov     ax, RAM_SEG
        mov     es, ax
        mov     eax, 0xCCCCCCCC
        mov     [es:0], eax                     ; where a wrapped fetch would go on
        mov     [es:4], eax
        mov     cx, RAM_SEG+0x1000
        mov     gs, cx
        mov     [gs:0], eax
        mov     eax, RAM_SEG
        mov     si, %%code
        mov     di, %1
        mov     cx, %%end-%%code
        cs rep movsb
        jmp     RAM_SEG:%1
%%code: %2
%%end:
%endmacro

ICASE "fetch-ends-at-limit"
        CODE_AT 0xFFFB, {jmp 0xF000:.there}
.resume:
        FAIL_HERE 1
.there:
        CHECK16 word [T_COUNT], 0
END_CASE

ICASE "fetch-crosses-limit"
        CODE_AT 0xFFFE, {db 0xB8, 0x34}
.resume:
        CHECK16 word [T_COUNT], 1
        CHECK16 word [T_IP], 0xFFFE
        CHECK16 word [T_CS], RAM_SEG
        CHECK16 ax, RAM_SEG
END_CASE

ICASE "fetch-last-immediate-crosses-limit"
        ; all but one byte of MOV EAX,imm32 lie within the limit
        CODE_AT 0xFFFB, {db 0x66, 0xB8, 1, 2, 3}
.resume:
        CHECK16 word [T_COUNT], 1
        CHECK16 word [T_IP], 0xFFFB
        CHECK   eax, RAM_SEG
END_CASE

ICASE "fetch-behind-limit"
        ; the NOP at the limit completes, the next fetch does not wrap to 0
        CODE_AT 0xFFFE, {db 0x42, 0x90}         ; inc dx, nop
.resume:
        CHECK16 word [T_COUNT], 1
        CHECK16 dx, 1
        CHECK16 word [T_CS], RAM_SEG
        CHECK16 ax, RAM_SEG
END_CASE

ICASE "short-jump-wraps"
        mov     ax, RAM_SEG
        mov     es, ax
        mov     byte [es:0x10], 0xEA
        mov     word [es:0x11], .there
        mov     word [es:0x13], 0xF000
        CODE_AT 0xFFF0, {db 0xEB, 0x1E}
.resume:
        FAIL_HERE 1
.there:
        CHECK16 word [T_COUNT], 0
END_CASE

ICASE "near-jump-wraps"
        mov     ax, RAM_SEG
        mov     es, ax
        mov     byte [es:0x10], 0xEA
        mov     word [es:0x11], .there
        mov     word [es:0x13], 0xF000
        CODE_AT 0xFFF0, {db 0xE9, 0x1D, 0x00}
.resume:
        FAIL_HERE 1
.there:
        CHECK16 word [T_COUNT], 0
END_CASE

ICASE "near-call-wraps"
        mov     ax, RAM_SEG
        mov     es, ax
        mov     byte [es:0x10], 0xEA
        mov     word [es:0x11], .there
        mov     word [es:0x13], 0xF000
        CODE_AT 0xFFF0, {db 0xE8, 0x1D, 0x00}
.resume:
        FAIL_HERE 1
.there:
        pop     bx
        CHECK16 bx, 0xFFF3
END_CASE

ICASE "jump32-beyond-limit"
        mov     eax, 0x10000
        FAULTS  13, {db 0x66, 0xE9, 0, 0, 1, 0}
        FAULTS  13, {jmp eax}
        cmp     al, al
        FAULTS  13, {db 0x66, 0x0F, 0x84, 0, 0, 1, 0}
        mov     dword [0x8100], 0x10000
        FAULTS  13, {jmp dword [0x8100]}
END_CASE

ICASE "call32-beyond-limit"
        mov     eax, 0x10000
        FAULTS  13, {db 0x66, 0xE8, 0, 0, 1, 0}
        FAULTS  13, {call eax}
        SP_IS   ROM_STACK
END_CASE

ICASE "far32-beyond-limit"
        FAULTS  13, {jmp dword 0xF000:0x10000}
        FAULTS  13, {call dword 0xF000:0x10000}
        SP_IS   ROM_STACK
        CHECK_SEG cs, 0xF000
END_CASE

ICASE "ret32-beyond-limit"
        push    dword 0xF000
        push    dword 0x10000
        FAULTS  13, {o32 ret}
        SP_IS   ROM_STACK-8
        FAULTS  13, {o32 retf}
        SP_IS   ROM_STACK-8
END_CASE

ICASE "jcc32-not-taken-checks-nothing"
        or      al, 1
        db      0x66, 0x0F, 0x84, 0, 0, 1, 0
END_CASE

; --- LOCK ---------------------------------------------------------------------

ICASE "lock-register-undefined"
        FAULTS  6, {db 0xF0, 0x01, 0xC0}        ; lock add ax, ax
        FAULTS  6, {db 0xF0, 0x90}
END_CASE

ROM_END
