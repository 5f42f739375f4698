; first-model: 386dx
; cases: 74
;
; Interrupt and trap gates, transitions between rings 0 and 3, IRET, IOPL and the
; privileged instructions: SDM vol. 3, "Interrupt and Exception Handling" and
; "Protection", vol. 2 INT n and IRET.
%define ROM32_START 0x1000
%include "rom.inc"
%include "protected.inc"
%include "apic.inc"

; What the handlers record, cleared before each case
T_COUNT         equ 0x8000      ; entries
T_EIP           equ 0x8004      ; the frame
T_CS            equ 0x8008
T_EFLAGS        equ 0x800C
T_ESP           equ 0x8010      ; only from an outer ring
T_SS            equ 0x8014
T_NOW           equ 0x8018      ; EFLAGS, stack and CS in the handler
T_FRAME         equ 0x801C
T_SS_NOW        equ 0x8020
T_CS_NOW        equ 0x8024
T_ERROR         equ 0x8028
T_RESUME        equ 0x802C
T_END           equ 0x8040
POINTER         equ 0x8100
SEL1            equ SEL_FREE
SEL2            equ SEL_FREE+8
LIM4G           equ 0xFFFFF
FLAT            equ 12
IOPL3           equ 0x3000
VECTOR          equ 0x50        ; free vector for gates of the tests

%assign CASE_N 0
%macro GCASE 1
  %assign CASE_N CASE_N+1
case_ %+ CASE_N:
        call    clear
  CASE %1
%endmacro

; (A word: the 486 leaves the upper half of the pushed error code as it was.)
%macro FAULT_CODE 3
        FAULTS  %1, {%3}
        CHECK16 word [X_ERROR], %2
%endmacro

%macro SET_EFLAGS 1
        push    dword (%1)|2
        popfd
%endmacro

%macro ESP_IS 1
        mov     ebx, esp
        CHECK   ebx, %1
%endmacro

; Frame of an IRETD within the ring
%macro IRET_FRAME 3
        push    dword %1
        push    dword %2
        push    dword %3
%endmacro

; Frame of an IRETD to ring 3: SS, ESP, EFLAGS, CS, EIP
%macro IRET_FRAME_OUT 5
        push    dword %1
        push    dword %2
        push    dword %3
        push    dword %4
        push    dword %5
%endmacro

ROM_BEGIN "protected mode: gates and privilege"
        APIC_PASS_INTR
        mov     al, 0xFF
        out     0x21, al
        out     0xA1, al
ENTER_PROTECTED
        jmp     first_case

clear:
        mov     edi, T_COUNT
        mov     ecx, (T_END-T_COUNT)/4
        xor     eax, eax
        cld
        rep     stosd
        ret

escaped:
        FAIL_HERE 0xEEEE
        jmp     dword [cs:ROM_RECOVER]

; Records the frame of a 32-bit gate and returns. DS is flat, of any ring.
handler32:
        pushfd
        pushad
        mov     ebp, esp
        mov     eax, [ebp+32]
        mov     [T_NOW], eax
        lea     esi, [ebp+36]
        mov     edi, T_EIP
        mov     ecx, 5
.next:  mov     eax, [ss:esi]
        mov     [edi], eax
        add     esi, 4
        add     edi, 4
        loop    .next
        lea     eax, [ebp+36]
        mov     [T_FRAME], eax
        mov     [T_SS_NOW], ss
        mov     [T_CS_NOW], cs
        inc     dword [T_COUNT]
        popad
        popfd
        iretd

; Another exception than the expected one: spoils T_COUNT.
wrong_handler32:
        mov     dword [T_COUNT], 0xFF
        jmp     error_handler32

; With an error code: records it and the frame, then goes on at T_RESUME. The first
; stack of the TSS is repaired, so that ring 3 can return by INT 30h.
error_handler32:
        pop     dword [T_ERROR]
        pop     dword [T_EIP]
        pop     dword [T_CS]
        pop     dword [T_EFLAGS]
        mov     [T_CS_NOW], cs
        mov     [T_SS_NOW], ss
        inc     dword [T_COUNT]
        mov     dword [PM_TSS+8], SEL_DATA32
        mov     dword [PM_TSS+4], PM_STACK0
        jmp     [T_RESUME]

section .rom16
bits 16
; The same for 16-bit gates, at SEL_CODE16.
handler16:
        pushf
        pushad
        mov     ebp, esp
        movzx   eax, word [ebp+32]
        mov     [T_NOW], eax
        lea     esi, [ebp+34]
        mov     edi, T_EIP
        mov     cx, 5
.next:  movzx   eax, word [ss:esi]
        mov     [edi], eax
        add     esi, 2
        add     edi, 4
        loop    .next
        lea     eax, [ebp+34]
        mov     [T_FRAME], eax
        mov     [T_SS_NOW], ss
        mov     [T_CS_NOW], cs
        inc     dword [T_COUNT]
        popad
        popf
        iret

error_handler16:
        mov     ebp, esp
        movzx   eax, word [ebp]
        mov     [T_ERROR], eax
        movzx   eax, word [ebp+2]
        mov     [T_EIP], eax
        movzx   eax, word [ebp+4]
        mov     [T_CS], eax
        mov     [T_FRAME], esp
        inc     dword [T_COUNT]
        add     esp, 8
        jmp     dword SEL_CODE32:error16_back
section .rom32
bits 32

first_case:

; --- the same ring ------------------------------------------------------------

GCASE "interrupt-gate"
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_INT32
        SET_EFLAGS IF_|CF|OF
        int     VECTOR
.behind:
        CHECK_FLAGS IF_|CF|OF, IF_|CF|OF
        cli
        CHECK   dword [T_COUNT], 1
        CHECK   dword [T_EIP], .behind
        CHECK16 word [T_CS], SEL_CODE32
        CHECK   dword [T_EFLAGS], IF_|CF|OF|2
        CHECK   dword [T_NOW], CF|OF|2
        CHECK   dword [T_FRAME], PM_STACK-12
        CHECK   dword [T_CS_NOW], SEL_CODE32
        ESP_IS  PM_STACK
END_CASE

GCASE "trap-gate-keeps-if"
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_TRAP32
        SET_EFLAGS IF_|CF
        int     VECTOR
.behind:
        cli
        CHECK   dword [T_EIP], .behind
        CHECK   dword [T_EFLAGS], IF_|CF|2
        CHECK   dword [T_NOW], IF_|CF|2
END_CASE

GCASE "trap-gate-keeps-if-clear"
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_TRAP32
        int     VECTOR
        CHECK   dword [T_COUNT], 1
        CHECK   dword [T_NOW], 2
END_CASE

GCASE "gate-clears-nt"
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_TRAP32
        SET_EFLAGS NT
        int     VECTOR
        pushfd
        pop     ebx
        SET_EFLAGS 0
        CHECK   ebx, NT|2
        CHECK   dword [T_EFLAGS], NT|2
        CHECK   dword [T_NOW], 2
END_CASE

GCASE "gate-keeps-iopl"
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_INT32
        SET_EFLAGS IOPL3
        int     VECTOR
        SET_EFLAGS 0
        CHECK   dword [T_NOW], IOPL3|2
END_CASE

GCASE "gate-clears-tf"
        ; also no single step into the handler
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_TRAP32
        EXPECT_FAULT 1, .b
        SET_EFLAGS TF
        int     VECTOR
.a:     nop
.b:     nop
        FAULTED
        CHECK   dword [T_COUNT], 1
        CHECK   dword [T_EFLAGS], TF|2
        CHECK   dword [T_NOW], 2
        CHECK   dword [X_EIP], .b
END_CASE

GCASE "int3-through-gate"
        SET_GATE 3, SEL_CODE32, handler32, GATE_TRAP32
        int3
.behind:
        CHECK   dword [T_COUNT], 1
        CHECK   dword [T_EIP], .behind
END_CASE

GCASE "into-through-gate"
        SET_GATE 4, SEL_CODE32, handler32, GATE_TRAP32
        into
        CHECK   dword [T_COUNT], 0
        SET_EFLAGS OF
        into
.behind:
        CHECK   dword [T_COUNT], 1
        CHECK   dword [T_EIP], .behind
END_CASE

GCASE "gate-to-other-code-segment"
        SET_DESC SEL1, 0, LIM4G, ACC_CODE, FLAT
        SET_GATE VECTOR, SEL1|3, handler32, GATE_INT32  ; RPL is not checked
        int     VECTOR
        CHECK   dword [T_COUNT], 1
        CHECK   dword [T_CS_NOW], SEL1
        CHECK_SEG cs, SEL_CODE32
END_CASE

GCASE "gate16"
        SET_GATE VECTOR, SEL_CODE16, handler16, GATE_INT16
        SET_GATE VECTOR+1, SEL_CODE16, handler16, GATE_TRAP16
        jmp     SEL_CODE16:gate16_code
gate16_back:
        cli
        CHECK   dword [T_COUNT], 2
        CHECK   dword [T_EIP], gate16_behind2
        CHECK   dword [T_CS], SEL_CODE16
        CHECK   dword [T_EFLAGS], IF_|CF|2
        CHECK   dword [T_NOW], IF_|CF|2
        CHECK   dword [T_FRAME], PM_STACK-6
        CHECK   eax, gate16_behind1
        CHECK   ebx, CF|2
        ESP_IS  PM_STACK
END_CASE
section .rom16
bits 16
gate16_code:
        push    word IF_|CF|2
        popf
        int     VECTOR
gate16_behind1:
        mov     eax, [T_EIP]
        mov     ebx, [T_NOW]
        int     VECTOR+1
gate16_behind2:
        jmp     dword SEL_CODE32:gate16_back
section .rom32
bits 32

GCASE "gate16-error-code"
        ; a word
        SET_GATE 13, SEL_CODE16, error_handler16, GATE_INT16
        jmp     SEL_CODE16:error16_code
error16_back:
        CHECK   dword [T_COUNT], 1
        CHECK16 word [T_ERROR], 0x0800
        CHECK   dword [T_EIP], error16_at
        CHECK   dword [T_CS], SEL_CODE16
        CHECK   dword [T_FRAME], PM_STACK-8
END_CASE
section .rom16
bits 16
error16_code:
        mov     ax, 0x800
error16_at:
        mov     es, ax
        jmp     dword SEL_CODE32:escaped
section .rom32
bits 32

GCASE "gate32-from-16-bit-code"
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_INT32
        jmp     SEL_CODE16:gate32_code
gate32_back:
        CHECK   dword [T_EIP], gate32_behind
        CHECK16 word [T_CS], SEL_CODE16
        CHECK   dword [T_FRAME], PM_STACK-12
END_CASE
section .rom16
bits 16
gate32_code:
        int     VECTOR
gate32_behind:
        jmp     dword SEL_CODE32:gate32_back
section .rom32
bits 32

; --- faults push what the manual says -----------------------------------------

GCASE "fault-without-error-code"
        SET_GATE 6, SEL_CODE32, .handler, GATE_INT32
.at:    db      0x0F, 0x0B
        jmp     escaped
.handler:
        ESP_IS  PM_STACK-12
        CHECK   dword [ss:PM_STACK-12], .at
        CHECK16 word [ss:PM_STACK-8], SEL_CODE32
        mov     esp, PM_STACK
END_CASE

GCASE "fault-with-error-code"
        SET_GATE 13, SEL_CODE32, .handler, GATE_INT32
        mov     eax, 0x1234
.at:    mov     es, ax
        jmp     escaped
.handler:
        ESP_IS  PM_STACK-16
        CHECK16 word [ss:PM_STACK-16], 0x1234
        CHECK   dword [ss:PM_STACK-12], .at
        CHECK16 word [ss:PM_STACK-8], SEL_CODE32
        mov     esp, PM_STACK
END_CASE

GCASE "fault-image-has-rf"
        ; SDM vol. 3, "Instruction-Breakpoint Exception Condition": faults push RF=1
        FAULTS  6, {db 0x0F, 0x0B}
        test    dword [X_EFLAGS], RF
        jnz     .set
        FAIL_HERE 1
.set:
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_INT32
        int     VECTOR
        test    dword [T_EFLAGS], RF
        jz      .clear
        FAIL_HERE 2
.clear:
END_CASE

; --- checks of the gate -------------------------------------------------------

GCASE "vector-beyond-idt-limit"
        mov     word [POINTER], VECTOR*8+6
        mov     dword [POINTER+2], PM_IDT
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_INT32
        lidt    [POINTER]
        FAULT_CODE 13, VECTOR*8+2, {int VECTOR}
        inc     word [POINTER]
        lidt    [POINTER]
        int     VECTOR
        CHECK   dword [T_COUNT], 1
END_CASE

GCASE "gate-not-present"
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_INT32^ACC_NOT_PRESENT
        FAULT_CODE 11, VECTOR*8+2, {int VECTOR}
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_TRAP16^ACC_NOT_PRESENT
        FAULT_CODE 11, VECTOR*8+2, {int VECTOR}
        ESP_IS  PM_STACK
END_CASE

GCASE "gate-type"
        FAULT_CODE 13, VECTOR*8+2, {int VECTOR}         ; type 0
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_CALL32
        FAULT_CODE 13, VECTOR*8+2, {int VECTOR}
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_CALL16
        FAULT_CODE 13, VECTOR*8+2, {int VECTOR}
        SET_GATE VECTOR, SEL_CODE32, handler32, ACC_LDT
        FAULT_CODE 13, VECTOR*8+2, {int VECTOR}
        SET_GATE VECTOR, SEL_CODE32, handler32, ACC_DATA
        FAULT_CODE 13, VECTOR*8+2, {int VECTOR}
        SET_GATE VECTOR, SEL_CODE32, handler32, ACC_CODE_C
        FAULT_CODE 13, VECTOR*8+2, {int VECTOR}
END_CASE

GCASE "gate-dpl-software"
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_INT32
        RING3_BEGIN
        FAULT_CODE 13, VECTOR*8+2, {int VECTOR}
        RING3_END
        CHECK   dword [X_CS], SEL_CODE32_R3
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_INT32|ACC_DPL2
        RING3_BEGIN
        FAULT_CODE 13, VECTOR*8+2, {int VECTOR}
        RING3_END
        SET_GATE 3, SEL_CODE32, handler32, GATE_INT32
        RING3_BEGIN
        FAULT_CODE 13, 3*8+2, int3
        RING3_END
        SET_GATE 4, SEL_CODE32, handler32, GATE_INT32
        RING3_BEGIN
        mov     al, 0x7F
        inc     al
        FAULT_CODE 13, 4*8+2, into
        RING3_END
        CHECK   dword [T_COUNT], 0
END_CASE

GCASE "gate-dpl-before-present"
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_INT32^ACC_NOT_PRESENT
        RING3_BEGIN
        FAULT_CODE 13, VECTOR*8+2, {int VECTOR}
        RING3_END
END_CASE

GCASE "gate-dpl-not-for-exceptions"
        RING3_BEGIN
        FAULTS  0, {div ebx}
        RING3_END
        CHECK   dword [X_CS], SEL_CODE32_R3
        RING3_BEGIN
        FAULTS  6, {db 0x0F, 0x0B}
        RING3_END
        CHECK   dword [X_CS], SEL_CODE32_R3
END_CASE

GCASE "gate-code-segment-checks"
        SET_GATE VECTOR, 0, handler32, GATE_INT32
        FAULT_CODE 13, 0, {int VECTOR}
        SET_GATE VECTOR, 0x800, handler32, GATE_INT32
        FAULT_CODE 13, 0x800, {int VECTOR}
        SET_GATE VECTOR, SEL_DATA32, handler32, GATE_INT32
        FAULT_CODE 13, SEL_DATA32, {int VECTOR}
        SET_GATE VECTOR, SEL_TSS, handler32, GATE_INT32
        FAULT_CODE 13, SEL_TSS, {int VECTOR}
        SET_DESC SEL1, 0, LIM4G, ACC_CODE^ACC_NOT_PRESENT, FLAT
        SET_GATE VECTOR, SEL1, handler32, GATE_INT32
        FAULT_CODE 11, SEL1, {int VECTOR}
        SET_GATE VECTOR, SEL_CODE32_R3, handler32, GATE_INT32
        FAULT_CODE 13, SEL_CODE32_R3&~3, {int VECTOR}   ; outward
        SET_DESC SEL1, 0, LIM4G, ACC_CODE_C|ACC_DPL3, FLAT
        SET_GATE VECTOR, SEL1, handler32, GATE_INT32
        FAULT_CODE 13, SEL1, {int VECTOR}
        ESP_IS  PM_STACK
        CHECK   dword [T_COUNT], 0
END_CASE

GCASE "gate-offset-beyond-limit"
        ; SDM vol. 2, INT n: #GP(EXT), with EXT=0 for INT n
        SET_DESC SEL1, 0, 0xFFF, ACC_CODE, 4
        SET_GATE VECTOR, SEL1, handler32, GATE_INT32
        FAULT_CODE 13, 0, {int VECTOR}
        ESP_IS  PM_STACK
END_CASE

GCASE "ext-bit"
        ; the fault of delivering an exception has EXT=1, that of INT n not
        SET_GATE 6, SEL_CODE32, handler32, GATE_INT32^ACC_NOT_PRESENT
        FAULT_CODE 11, 6*8+3, {db 0x0F, 0x0B}
        FAULT_CODE 11, 6*8+2, {int 6}
        SET_GATE 6, 0x800, handler32, GATE_INT32
        FAULT_CODE 13, 0x801, {db 0x0F, 0x0B}
        FAULT_CODE 13, 0x800, {int 6}
        SET_GATE 6, 0, handler32, GATE_INT32
        FAULT_CODE 13, 1, {db 0x0F, 0x0B}
END_CASE

GCASE "double-fault"
        ; SDM vol. 3, "Double Fault Exception": #DE, then #NP: both contributory. The
        ; saved address is undefined.
        SET_GATE 0, SEL_CODE32, handler32, GATE_INT32^ACC_NOT_PRESENT
        SET_GATE 8, SEL_CODE32, error_handler32, GATE_INT32
        mov     dword [T_RESUME], .caught
        mov     dword [T_ERROR], -1
        div     ebx
        jmp     escaped
.caught:
        CHECK   dword [T_COUNT], 1
        CHECK16 word [T_ERROR], 0
        ESP_IS  PM_STACK
END_CASE

GCASE "benign-then-contributory-is-serial"
        SET_GATE 8, SEL_CODE32, error_handler32, GATE_INT32
        mov     dword [T_RESUME], escaped
        SET_GATE 6, SEL_DATA32, handler32, GATE_INT32
        FAULT_CODE 13, SEL_DATA32+1, {db 0x0F, 0x0B}
END_CASE

; --- ring 3 to ring 0 and back ------------------------------------------------

GCASE "ring3-interrupt-gate"
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_INT32|ACC_DPL3
        SET_EFLAGS IF_|CF
        RING3_BEGIN
        int     VECTOR
.behind:
        pushfd
        pop     ebx
        mov     ecx, esp
        mov     edx, ss
        mov     esi, cs
        RING3_END
        CHECK   dword [T_COUNT], 1
        CHECK   dword [T_EIP], .behind
        CHECK16 word [T_CS], SEL_CODE32_R3
        CHECK   dword [T_EFLAGS], IF_|CF|2
        CHECK   dword [T_ESP], PM_STACK3
        CHECK16 word [T_SS], SEL_DATA32_R3
        CHECK   dword [T_NOW], CF|2
        CHECK   dword [T_FRAME], PM_STACK0-20
        CHECK   dword [T_SS_NOW], SEL_DATA32
        CHECK   dword [T_CS_NOW], SEL_CODE32
        CHECK   ebx, IF_|CF|2
        CHECK   ecx, PM_STACK3
        CHECK16 dx, SEL_DATA32_R3
        CHECK16 si, SEL_CODE32_R3
END_CASE

GCASE "ring3-trap-gate"
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_TRAP32|ACC_DPL3
        SET_EFLAGS IF_
        RING3_BEGIN
        int     VECTOR
        RING3_END
        CHECK   dword [T_NOW], IF_|2
        CHECK   dword [T_FRAME], PM_STACK0-20
END_CASE

GCASE "ring3-data-segments-stay"
        SET_GATE VECTOR, SEL_CODE32, .handler, GATE_TRAP32|ACC_DPL3
        RING3_BEGIN
        int     VECTOR
        mov     ebx, ds
        RING3_END
        CHECK16 bx, SEL_DATA32_R3
        CHECK16 cx, SEL_DATA32_R3
        CHECK16 dx, SEL_DATA32_R3
        jmp     .end
.handler:
        mov     ecx, ds
        mov     edx, gs
        iretd
.end:
END_CASE

GCASE "ring3-fault-error-code"
        SET_GATE 13, SEL_CODE32, .handler, GATE_INT32
        RING3_BEGIN
        mov     eax, 0x1234
.at:    mov     es, ax
.handler:
        mov     eax, esp
        mov     edx, ss
        CHECK   eax, PM_STACK0-24
        CHECK16 word [ss:eax], 0x1234
        CHECK   dword [ss:eax+4], .at
        CHECK16 word [ss:eax+8], SEL_CODE32_R3
        CHECK   dword [ss:eax+16], PM_STACK3
        CHECK16 word [ss:eax+20], SEL_DATA32_R3
        CHECK16 dx, SEL_DATA32
        RING3_END
END_CASE

GCASE "ring3-gate16"
        SET_GATE VECTOR, SEL_CODE16, handler16, GATE_INT16|ACC_DPL3
        RING3_BEGIN
        jmp     SEL_CODE16_R3:ring3_gate16_code
ring3_gate16_back:
        RING3_END
        CHECK   dword [T_COUNT], 1
        CHECK   dword [T_EIP], ring3_gate16_behind
        CHECK   dword [T_CS], SEL_CODE16_R3
        CHECK   dword [T_ESP], PM_STACK3
        CHECK   dword [T_SS], SEL_DATA32_R3
        CHECK   dword [T_FRAME], PM_STACK0-10
        CHECK   dword [T_CS_NOW], SEL_CODE16
END_CASE
section .rom16
bits 16
ring3_gate16_code:
        int     VECTOR
ring3_gate16_behind:
        jmp     dword SEL_CODE32_R3:ring3_gate16_back
section .rom32
bits 32

GCASE "ring3-handler-in-ring3"
        ; no stack switch when the handler's segment has DPL 3
        SET_GATE VECTOR, SEL_CODE32_R3, handler32, GATE_INT32|ACC_DPL3
        RING3_BEGIN
        int     VECTOR
.behind:
        RING3_END
        CHECK   dword [T_COUNT], 1
        CHECK   dword [T_EIP], .behind
        CHECK   dword [T_FRAME], PM_STACK3-12
        CHECK   dword [T_CS_NOW], SEL_CODE32_R3
        CHECK   dword [T_SS_NOW], SEL_DATA32_R3
END_CASE

GCASE "ring3-conforming-handler"
        SET_DESC SEL1, 0, LIM4G, ACC_CODE_C, FLAT
        SET_GATE VECTOR, SEL1, handler32, GATE_INT32|ACC_DPL3
        RING3_BEGIN
        int     VECTOR
        mov     ebx, cs
        RING3_END
        CHECK   dword [T_COUNT], 1
        CHECK   dword [T_FRAME], PM_STACK3-12
        CHECK   dword [T_CS_NOW], SEL1|3
        CHECK16 bx, SEL_CODE32_R3
END_CASE

GCASE "ring3-other-esp0"
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_INT32|ACC_DPL3
        SET_DESC SEL1, 0, LIM4G, ACC_DATA, FLAT
        mov     dword [PM_TSS+4], PM_STACK0-0x100       ; read at each transition
        mov     dword [PM_TSS+8], SEL1
        RING3_BEGIN
        int     VECTOR
        RING3_END
        CHECK   dword [T_FRAME], PM_STACK0-0x100-20
        CHECK   dword [T_SS_NOW], SEL1
END_CASE

GCASE "ring3-irq-ignores-dpl"
        SET_GATE 0x70, SEL_CODE32, .handler, GATE_INT32
        mov     al, 0x11
        out     0x20, al
        mov     al, 0x70
        out     0x21, al
        mov     al, 4
        out     0x21, al
        mov     al, 1
        out     0x21, al
        mov     al, 0x30
        out     0x43, al
        mov     al, 0
        out     0x40, al
        mov     al, 0x20
        out     0x40, al
        mov     al, 0xFE
        out     0x21, al
        mov     ecx, 0x2000000
        SET_EFLAGS IF_
        RING3_BEGIN
.wait:  cmp     dword [T_COUNT], 0
        jne     .come
        dec     ecx
        jnz     .wait
.come:
        RING3_END
        cli
        mov     al, 0xFF
        out     0x21, al
        CHECK   dword [T_COUNT], 1
        CHECK16 word [T_CS], SEL_CODE32_R3
        CHECK   dword [T_CS_NOW], SEL_CODE32
        jmp     .end
.handler:
        push    eax
        inc     dword [T_COUNT]
        mov     [T_CS_NOW], cs
        mov     eax, [esp+8]
        mov     [T_CS], eax
        mov     al, 0x20
        out     0x20, al
        pop     eax
        iretd
.end:
END_CASE

; --- faults of the stack switch -----------------------------------------------
; Their handler is conforming: it runs in ring 3 and needs no stack of the TSS.

; new SS0, vector, error code
%macro BAD_STACK 3
        SET_DESC SEL2, 0, LIM4G, ACC_CODE_C, FLAT
        SET_GATE 8, SEL2, wrong_handler32, GATE_INT32
        SET_GATE 10, SEL2, wrong_handler32, GATE_INT32
        SET_GATE 11, SEL2, wrong_handler32, GATE_INT32
        SET_GATE 12, SEL2, wrong_handler32, GATE_INT32
        SET_GATE 13, SEL2, wrong_handler32, GATE_INT32
        SET_GATE %2, SEL2, error_handler32, GATE_INT32
        SET_GATE VECTOR, SEL_CODE32, handler32, GATE_INT32|ACC_DPL3
        mov     dword [T_COUNT], 0
        mov     dword [T_ERROR], -1
        mov     dword [T_RESUME], %%end
        mov     dword [PM_TSS+8], %1
        RING3_BEGIN
%%at:   int     VECTOR
%%end:
        RING3_END
        CHECK   dword [T_COUNT], 1
        CHECK16 word [T_ERROR], %3
        CHECK   dword [T_EIP], %%at
        CHECK16 word [T_CS], SEL_CODE32_R3
        CHECK   dword [T_CS_NOW], SEL2|3
        mov     dword [PM_TSS+8], SEL_DATA32
%endmacro

GCASE "stack-switch-null"
        BAD_STACK 0, 10, 0
END_CASE

GCASE "stack-switch-beyond-table"
        BAD_STACK 0x800, 10, 0x800
END_CASE

GCASE "stack-switch-rpl"
        BAD_STACK SEL_DATA32|3, 10, SEL_DATA32
END_CASE

GCASE "stack-switch-dpl"
        BAD_STACK SEL_DATA32_R3&~3, 10, SEL_DATA32_R3&~3
END_CASE

GCASE "stack-switch-not-writable"
        SET_DESC SEL1, 0, LIM4G, ACC_DATA_RO, FLAT
        BAD_STACK SEL1, 10, SEL1
        BAD_STACK SEL_CODE32, 10, SEL_CODE32
END_CASE

GCASE "stack-switch-not-present"
        ; SDM vol. 2, INT n: #SS(new SS), not #TS
        SET_DESC SEL1, 0, LIM4G, ACC_DATA^ACC_NOT_PRESENT, FLAT
        BAD_STACK SEL1, 12, SEL1
END_CASE

        UNLESS_FAMILY 5, no_p5
GCASE "stack-switch-no-room"
        ; SDM vol. 2, INT n: a new stack without room for the frame is #SS(new SS); the
        ; 386 manual has #SS(0)
        SET_DESC SEL1, 0, 0x5FFF, ACC_DATA, 4
        BAD_STACK SEL1, 12, SEL1
END_CASE

no_p5:

; --- IRET ---------------------------------------------------------------------

GCASE "iret-same-ring"
        IRET_FRAME IF_|IOPL3|CF|ZF, SEL_CODE32, .there
        iretd
        FAIL_HERE 1
.there:
        pushfd
        pop     ebx
        SET_EFLAGS 0
        CHECK   ebx, IF_|IOPL3|CF|ZF|2
        ESP_IS  PM_STACK
END_CASE

GCASE "iret-conforming"
        SET_DESC SEL1, 0, LIM4G, ACC_CODE_C, FLAT
        IRET_FRAME 2, SEL1, .there
        iretd
.there: mov     ebx, cs
        jmp     SEL_CODE32:.back
.back:  CHECK16 bx, SEL1
END_CASE

GCASE "iret-code-segment-checks"
        IRET_FRAME 2, 0, escaped
        FAULT_CODE 13, 0, iretd
        mov     word [PM_STACK-8], 0x800
        FAULT_CODE 13, 0x800, iretd
        mov     word [PM_STACK-8], SEL_DATA32
        FAULT_CODE 13, SEL_DATA32, iretd
        mov     word [PM_STACK-8], SEL_TSS
        FAULT_CODE 13, SEL_TSS, iretd
        mov     word [PM_STACK-8], SEL_CODE32_R3&~3
        FAULT_CODE 13, SEL_CODE32_R3&~3, iretd          ; DPL != RPL
        SET_DESC SEL1, 0, LIM4G, ACC_CODE^ACC_NOT_PRESENT, FLAT
        mov     word [PM_STACK-8], SEL1
        FAULT_CODE 11, SEL1, iretd
        SET_DESC SEL1, 0, LIM4G, ACC_CODE_C|ACC_DPL3, FLAT
        FAULT_CODE 13, SEL1, iretd
        ESP_IS  PM_STACK-12
END_CASE

GCASE "iret-offset-beyond-limit"
        ; SDM vol. 2, IRET: #GP(0)
        SET_DESC SEL1, 0, 0xFFF, ACC_CODE, 4
        IRET_FRAME 2, SEL1, escaped
        FAULT_CODE 13, 0, iretd
        ESP_IS  PM_STACK-12
END_CASE

GCASE "iret-outward"
        SET_DESC SEL1, 0, LIM4G, ACC_CODE_C, FLAT
        mov     ax, SEL_DATA32_R3
        mov     ds, ax
        mov     ax, SEL1
        mov     gs, ax
        EXPECT_FAULT 13, .hlt
        IRET_FRAME_OUT SEL_DATA32_R3, PM_STACK3-0x40, IF_|IOPL3|CF|2, SEL_CODE32_R3, .hlt
        iretd
        FAIL_HERE 1
.hlt:   hlt
        FAULTED
        CHECK   dword [X_CS], SEL_CODE32_R3
        CHECK   dword [X_SS], SEL_DATA32_R3
        CHECK   dword [X_ESP], PM_STACK3-0x40
        mov     ebx, [X_EFLAGS]
        and     ebx, ~RF
        CHECK   ebx, IF_|IOPL3|CF|2
        CHECK   dword [X_ES], 0                         ; DPL below the new CPL
        CHECK   dword [X_FS], 0
        CHECK   dword [X_DS], SEL_DATA32_R3
        CHECK   dword [X_GS], SEL1
END_CASE

GCASE "iret-outward-stack-checks"
        IRET_FRAME_OUT 0, PM_STACK3, 2, SEL_CODE32_R3, escaped
        FAULT_CODE 13, 0, iretd
        mov     word [PM_STACK-4], 0x803
        FAULT_CODE 13, 0x800, iretd
        mov     word [PM_STACK-4], SEL_DATA32_R3&~3
        FAULT_CODE 13, SEL_DATA32_R3&~3, iretd          ; RPL
        mov     word [PM_STACK-4], SEL_DATA32|3
        FAULT_CODE 13, SEL_DATA32, iretd                ; DPL
        mov     word [PM_STACK-4], SEL_CODE32_R3
        FAULT_CODE 13, SEL_CODE32_R3&~3, iretd          ; type
        ; not present: #SS in the SDM, #NP in older manuals
        ESP_IS  PM_STACK-20
END_CASE

GCASE "iret-outward-code-checks"
        SET_DESC SEL1, 0, LIM4G, (ACC_CODE|ACC_DPL3)^ACC_NOT_PRESENT, FLAT
        IRET_FRAME_OUT SEL_DATA32_R3, PM_STACK3, 2, SEL1|3, escaped
        FAULT_CODE 11, SEL1, iretd
        mov     word [PM_STACK-16], SEL_CODE32|3
        FAULT_CODE 13, SEL_CODE32, iretd                ; DPL != RPL
        SET_DESC SEL1, 0, 0xFFF, ACC_CODE|ACC_DPL3, 4
        mov     word [PM_STACK-16], SEL1|3
        FAULT_CODE 13, 0, iretd
        ESP_IS  PM_STACK-20
END_CASE

GCASE "iret-inward"
        RING3_BEGIN
        IRET_FRAME 2, SEL_CODE32, escaped
        EXPECT_FAULT 13, .iret
.iret:  iretd
        FAULTED
        RING3_END
        CHECK16 word [X_ERROR], SEL_CODE32
        CHECK   dword [X_CS], SEL_CODE32_R3
        CHECK   dword [X_ESP], PM_STACK3-12
END_CASE

GCASE "iret-ring3-keeps-if-iopl"
        ; CPL 3 > IOPL 0: IF and IOPL of the image are ignored, without a fault
        RING3_BEGIN
        IRET_FRAME IF_|IOPL3|CF|2, SEL_CODE32_R3, .there
        iretd
.there: pushfd
        pop     ebx
        RING3_END
        CHECK   ebx, CF|2
        SET_EFLAGS IF_
        RING3_BEGIN
        IRET_FRAME IOPL3|CF|2, SEL_CODE32_R3, .there2
        iretd
.there2:
        pushfd
        pop     ebx
        RING3_END
        CHECK   ebx, IF_|CF|2
END_CASE

GCASE "iret-ring3-iopl-3"
        SET_EFLAGS IOPL3
        RING3_BEGIN
        IRET_FRAME IF_|CF|2, SEL_CODE32_R3, .there
        iretd
.there: pushfd
        pop     ebx
        RING3_END
        CHECK   ebx, IOPL3|IF_|CF|2
END_CASE

GCASE "iret16-keeps-upper-eflags"
        UNLESS_FAMILY 4, iret16_end
        SET_EFLAGS AC
        jmp     SEL_CODE16:iret16_code
iret16_back:
        pushfd
        pop     ebx
        SET_EFLAGS 0
        CHECK   ebx, AC|CF|2
iret16_end:
END_CASE
section .rom16
bits 16
iret16_code:
        push    word CF|2
        push    word SEL_CODE16
        push    word .there
        iret
.there: jmp     dword SEL_CODE32:iret16_back
section .rom32
bits 32

; --- POPF, IOPL ---------------------------------------------------------------

GCASE "popf-ring0"
        SET_EFLAGS IF_|IOPL3|NT|CF
        pushfd
        pop     ebx
        SET_EFLAGS 0
        CHECK   ebx, IF_|IOPL3|NT|CF|2
END_CASE

GCASE "popf-ring3-iopl-0"
        RING3_BEGIN
        SET_EFLAGS IF_|IOPL3|NT|CF
        pushfd
        pop     ebx
        SET_EFLAGS 0
        RING3_END
        CHECK   ebx, NT|CF|2
        SET_EFLAGS IF_
        RING3_BEGIN
        SET_EFLAGS CF
        pushfd
        pop     ebx
        RING3_END
        CHECK   ebx, IF_|CF|2
END_CASE

GCASE "popf-ring3-iopl-3"
        SET_EFLAGS IOPL3
        RING3_BEGIN
        SET_EFLAGS IF_|CF
        pushfd
        pop     ebx
        SET_EFLAGS 0
        pushfd
        pop     ecx
        RING3_END
        CHECK   ebx, IF_|IOPL3|CF|2
        CHECK   ecx, IOPL3|2
END_CASE

GCASE "popf16-ring3-iopl-0"
        RING3_BEGIN
        push    word IF_|IOPL3|CF|2
        popfw
        pushfd
        pop     ebx
        RING3_END
        CHECK   ebx, CF|2
END_CASE

GCASE "iopl-0-refuses"
        RING3_BEGIN
        FAULT_CODE 13, 0, cli
        RING3_END
        RING3_BEGIN
        FAULT_CODE 13, 0, sti
        RING3_END
        RING3_BEGIN
        FAULT_CODE 13, 0, {in al, 0x80}
        RING3_END
        RING3_BEGIN
        FAULT_CODE 13, 0, {out 0x80, al}
        RING3_END
        RING3_BEGIN
        mov     dx, 0x80
        FAULT_CODE 13, 0, {in eax, dx}
        RING3_END
        RING3_BEGIN
        mov     dx, 0x80
        FAULT_CODE 13, 0, {out dx, ax}
        RING3_END
        RING3_BEGIN
        mov     dx, 0x80
        mov     edi, POINTER
        FAULT_CODE 13, 0, insb
        RING3_END
        CHECK   edi, POINTER
        RING3_BEGIN
        mov     dx, 0x80
        mov     esi, POINTER
        mov     ecx, 2
        FAULT_CODE 13, 0, {rep outsb}
        RING3_END
        CHECK   esi, POINTER
        CHECK   ecx, 2
        CHECK   dword [X_CS], SEL_CODE32_R3
END_CASE

GCASE "iopl-2-refuses"
        SET_EFLAGS 0x2000
        RING3_BEGIN
        FAULT_CODE 13, 0, cli
        RING3_END
        SET_EFLAGS 0x2000
        RING3_BEGIN
        FAULT_CODE 13, 0, {in al, 0x80}
        RING3_END
END_CASE

GCASE "iopl-3-allows"
        SET_EFLAGS IOPL3
        RING3_BEGIN
        sti
        pushfd
        pop     ebx
        cli
        pushfd
        pop     ecx
        in      al, 0x80
        out     0x80, al
        RING3_END
        CHECK   ebx, IOPL3|IF_|2
        CHECK   ecx, IOPL3|2
END_CASE

; TSS2 with a bitmap at 68h for the ports 0 to 8Fh
%macro IO_BITMAP 0
        mov     dword [PM_TSS2+4], PM_STACK0
        mov     dword [PM_TSS2+8], SEL_DATA32
        mov     word [PM_TSS2+0x66], 0x68
        mov     byte [PM_TSS2+0x68+0x90/8], 0xFF
        SET_DESC SEL_TSS2, PM_TSS2, 0x68+0x90/8, ACC_TSS32, 0
        mov     ax, SEL_TSS2
        ltr     ax
%endmacro

GCASE "io-bitmap-allows"
        IO_BITMAP
        RING3_BEGIN
        in      al, 0x80
        out     0x80, al
        in      ax, 0x80
        in      eax, 0x84
        RING3_END
END_CASE

GCASE "io-bitmap-refuses"
        IO_BITMAP
        mov     byte [PM_TSS2+0x68+0x80/8], 0x10        ; port 84h
        RING3_BEGIN
        in      al, 0x83
        in      al, 0x85
        FAULT_CODE 13, 0, {in al, 0x84}
        RING3_END
        RING3_BEGIN
        FAULT_CODE 13, 0, {out 0x84, al}
        RING3_END
END_CASE

GCASE "io-bitmap-every-port-of-the-access"
        IO_BITMAP
        mov     byte [PM_TSS2+0x68+0x80/8], 0x10        ; port 84h
        RING3_BEGIN
        in      ax, 0x82
        in      eax, 0x80
        FAULT_CODE 13, 0, {in ax, 0x83}
        RING3_END
        RING3_BEGIN
        FAULT_CODE 13, 0, {in eax, 0x81}
        RING3_END
        mov     byte [PM_TSS2+0x68+0x80/8], 0
        mov     byte [PM_TSS2+0x68+0x88/8], 1           ; across two bytes of the bitmap
        RING3_BEGIN
        in      al, 0x87
        FAULT_CODE 13, 0, {in ax, 0x87}
        RING3_END
END_CASE

GCASE "io-bitmap-beyond-limit"
        IO_BITMAP
        RING3_BEGIN
        FAULT_CODE 13, 0, {in al, 0xA0}
        RING3_END
        RING3_BEGIN
        mov     dx, 0x8000
        FAULT_CODE 13, 0, {in al, dx}
        RING3_END
END_CASE

GCASE "io-bitmap-base-beyond-limit"
        IO_BITMAP
        mov     word [PM_TSS2+0x66], 0x1000
        RING3_BEGIN
        FAULT_CODE 13, 0, {in al, 0x80}
        RING3_END
END_CASE

GCASE "io-bitmap-not-for-cli"
        IO_BITMAP
        RING3_BEGIN
        FAULT_CODE 13, 0, cli
        RING3_END
END_CASE

GCASE "io-bitmap-not-in-ring0"
        IO_BITMAP
        mov     dword [PM_TSS2+0x68+0x80/8], 0xFFFFFFFF
        in      al, 0x80
        in      eax, 0x84
END_CASE

; --- privileged instructions --------------------------------------------------

%macro PRIVILEGED 1
        RING3_BEGIN
        mov     edi, POINTER
        FAULT_CODE 13, 0, {%1}
        RING3_END
        CHECK   dword [X_CS], SEL_CODE32_R3
%endmacro

GCASE "privileged-hlt"
        PRIVILEGED hlt
END_CASE

GCASE "privileged-tables"
        PRIVILEGED {lgdt [edi]}
        PRIVILEGED {lidt [edi]}
        PRIVILEGED {lldt ax}
        PRIVILEGED {ltr ax}
END_CASE

GCASE "privileged-control-registers"
        PRIVILEGED {mov eax, cr0}
        PRIVILEGED {mov cr0, eax}
        PRIVILEGED {mov eax, cr2}
        PRIVILEGED {mov cr2, eax}
        PRIVILEGED {mov eax, cr3}
        PRIVILEGED {mov cr3, eax}
        PRIVILEGED clts
        PRIVILEGED {lmsw ax}
END_CASE

        UNLESS_FAMILY 4, no_486
GCASE "privileged-486"
        PRIVILEGED invd
        PRIVILEGED wbinvd
        PRIVILEGED {invlpg [edi]}
END_CASE
no_486:
        UNLESS_FEATURE FEATURE_MSR, no_msr
GCASE "privileged-msr"
        PRIVILEGED rdmsr
        PRIVILEGED wrmsr
END_CASE

GCASE "privileged-cr4"
        PRIVILEGED {mov eax, cr4}
        PRIVILEGED {mov cr4, eax}
END_CASE
no_msr:

GCASE "unprivileged-in-ring3"
        RING3_BEGIN
        mov     edi, POINTER
        smsw    ax
        sgdt    [edi]
        sidt    [edi+8]
        sldt    bx
        str     cx
        RING3_END
        and     eax, 1
        CHECK   eax, 1
        CHECK16 bx, 0
        CHECK16 cx, SEL_TSS
        CHECK16 word [POINTER], 0x7FF
        CHECK   dword [POINTER+2], PM_GDT
        CHECK   dword [POINTER+10], PM_IDT
END_CASE

ROM_END
