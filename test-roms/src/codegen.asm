; first-model: 386dx
; cases: 27
;
; Code written at run time: at the ends of cache lines and pages, ahead of and behind the
; running instruction, by interrupt handlers, beside data. Between a store and the new
; code there is always a jump, call, return or IRET: SDM vol. 3, "Handling Self- and
; Cross-Modifying Code". (The ROM smc has the stores themselves.)
%define ROM32_START 0x0C00
%include "rom.inc"
%include "protected.inc"

CODE            equ 0x10000     ; line- and page-aligned
DATA            equ 0x8000
SEL1            equ SEL_FREE

%assign CASE_N 0
%macro CCASE 1
  %assign CASE_N CASE_N+1
case_ %+ CASE_N:
  CASE %1
%endmacro

; Copies the code between two labels to an address; changes ECX, ESI, EDI.
%macro PLACE 3
        mov     esi, %1
        mov     edi, %3
        mov     ecx, %2-%1
        rep movsb
%endmacro

%macro RUN 1
        mov     ebx, %1
        call    ebx
%endmacro

ROM_BEGIN "code written at run time"
ENTER_PROTECTED
        jmp     first_case

section .rom16
bits 16
call16: call    SEL1+8:0
        jmp     dword SEL_CODE32:call16_back
section .rom32
bits 32

load:   mov     eax, 0x12345678
        ret
load_end:

; MOV EAX,imm32 / RET with every split at the boundary: the bytes of either side are
; changed alone, then both. EBP: boundary.
across_boundary:
        mov     edx, 1
.split: mov     edi, ebp
        sub     edi, edx
        push    edi
        mov     esi, load
        mov     ecx, load_end-load
        rep movsb
        pop     edi
        call    edi
        CHECK   eax, 0x12345678
        mov     eax, 0x12345678
        mov     ecx, 4                          ; one immediate byte after the other
.byte:  xor     byte [edi+ecx], 0xFF
        rol     eax, 8
        push    eax
        call    edi
        mov     [DATA], eax
        pop     eax
        dec     ecx
        jnz     .byte
        CHECK   dword [DATA], ~0x12345678
        not     dword [edi+1]                   ; a store across the boundary
        call    edi
        CHECK   eax, 0x12345678
        mov     word [ebp-1], 0                 ; the last byte and the first one
        mov     [DATA+4], edi
        mov     byte [edi], 0xB8
        mov     byte [edi+5], 0xC3
        call    edi
        mov     ebx, eax
        mov     edi, [DATA+4]
        CHECK8  byte [edi], 0xB8
        cmp     ebx, [edi+1]
        je      .same
        FAIL_HERE 1
.same:  inc     edx
        cmp     edx, 5
        jbe     .split
        ret

; The blobs below run at CODE; addresses in them are written as AT(blob, label).
%define AT(blob, label) (CODE + (label) - (blob))

ahead:  mov     byte [AT(ahead, .patched+1)], 7
        jmp     short .patched
.patched:
        mov     al, 1
        ret
ahead_end:

behind: xor     eax, eax
        mov     ecx, 10
.again: add     eax, 1
        inc     byte [AT(behind, .again+2)]
        dec     ecx
        jnz     .again
        ret
behind_end:

opcode: xor     eax, eax
        mov     ecx, 9
.again: inc     eax
        xor     byte [AT(opcode, .again)], 0x08 ; INC EAX and DEC EAX in turn
        dec     ecx
        jnz     .again
        ret
opcode_end:

branch: mov     eax, 1
        jmp     short .one
.one:   inc     eax
        ret
.two:   add     eax, 0x10
        ret
branch_end:

condition:
        xor     eax, eax
        cmp     eax, 0
        je      short .equal
        mov     al, 2
        ret
.equal: mov     al, 1
        ret
condition_end:

prefix: nop
        mov     eax, 0x9090FFFF
        nop
        nop
        ret
prefix_end:

beside: inc     dword [AT(beside, .counter)]
        mov     eax, [AT(beside, .counter)]
        ret
.counter:
        dd      0
beside_end:

first_case:

CCASE "boundary-16"
        mov     ebp, CODE+16
        call    across_boundary
END_CASE

CCASE "boundary-32"
        mov     ebp, CODE+32
        call    across_boundary
END_CASE

CCASE "boundary-64"
        mov     ebp, CODE+64
        call    across_boundary
END_CASE

CCASE "boundary-128"
        mov     ebp, CODE+128
        call    across_boundary
END_CASE

CCASE "boundary-page"
        mov     ebp, CODE+0x1000
        call    across_boundary
END_CASE

CCASE "boundary-64k"
        mov     ebp, CODE+0x10000
        call    across_boundary
END_CASE

CCASE "patch-ahead-behind-jump"
        PLACE   ahead, ahead_end, CODE
        xor     eax, eax
        RUN     CODE
        CHECK   eax, 7
        PLACE   ahead, ahead_end, CODE
        RUN     CODE
        CHECK   eax, 7
END_CASE

CCASE "patch-behind-in-loop"
        PLACE   behind, behind_end, CODE
        RUN     CODE
        CHECK   eax, 55
END_CASE

CCASE "patch-opcode-in-loop"
        PLACE   opcode, opcode_end, CODE
        RUN     CODE
        CHECK   eax, 1
        CHECK8  byte [AT(opcode, opcode.again)], 0x48
END_CASE

CCASE "patch-displacement"
        PLACE   branch, branch_end, CODE
        RUN     CODE
        CHECK   eax, 2
        mov     byte [AT(branch, branch.one-1)], branch.two-branch.one
        RUN     CODE
        CHECK   eax, 0x11
        mov     byte [AT(branch, branch.one-1)], 0
        RUN     CODE
        CHECK   eax, 2
END_CASE

CCASE "patch-condition"
        PLACE   condition, condition_end, CODE
        RUN     CODE
        CHECK   eax, 1
        xor     byte [AT(condition, condition+5)], 1
        RUN     CODE
        CHECK   eax, 2
END_CASE

CCASE "patch-prefix-changes-length"
        ; NOP becomes an operand-size prefix: the upper half of the immediate becomes code
        PLACE   prefix, prefix_end, CODE
        RUN     CODE
        CHECK   eax, 0x9090FFFF
        mov     byte [CODE], 0x66
        mov     eax, 0x11112222
        RUN     CODE
        CHECK   eax, 0x1111FFFF
        mov     byte [CODE], 0x90
        RUN     CODE
        CHECK   eax, 0x9090FFFF
END_CASE

CCASE "patch-ret-away"
        PLACE   load, load_end, CODE
        PLACE   load, load_end, CODE+6
        mov     dword [CODE+7], 0x55555555
        RUN     CODE
        CHECK   eax, 0x12345678
        mov     byte [CODE+5], 0x90
        RUN     CODE
        CHECK   eax, 0x55555555
        mov     byte [CODE+5], 0xC3
        RUN     CODE
        CHECK   eax, 0x12345678
END_CASE

CCASE "callee-patches-its-return"
        PLACE   .caller, .caller_end, CODE
        RUN     CODE
        CHECK   eax, 9
        jmp     .end
.caller:
        mov     edx, .callee
        call    edx
        mov     eax, 1
        ret
.caller_end:
.callee:
        mov     edx, [esp]
        mov     dword [edx+1], 9
        ret
.end:
END_CASE

CCASE "handler-patches-its-return"
        SET_GATE 0x50, SEL_CODE32, .handler, GATE_TRAP32
        PLACE   .code, .code_end, CODE
        RUN     CODE
        CHECK   eax, 0x77
        jmp     .end
.code:  int     0x50
        mov     eax, 1
        ret
.code_end:
.handler:
        mov     edx, [esp]
        mov     byte [edx+1], 0x77
        iretd
.end:
END_CASE

CCASE "fault-handler-repairs-instruction"
        ; the faulting instruction is replaced and run again
        SET_GATE 6, SEL_CODE32, .handler, GATE_INT32
        PLACE   .code, .code_end, CODE
        xor     eax, eax
        RUN     CODE
        CHECK   eax, 3
        jmp     .end
.code:  inc     eax
        db      0x0F, 0x0B
        inc     eax
        ret
.code_end:
.handler:
        mov     edx, [esp]
        mov     word [edx], 0x9040              ; inc eax, nop
        iretd
.end:
END_CASE

CCASE "generated-functions"
        ; 256 functions of 8 bytes, written twice
        xor     ebp, ebp
.write: mov     ebx, ebp
        shl     ebx, 3
        mov     dword [CODE+ebx], 0x000000B8    ; mov eax, imm32; ret
        mov     dword [CODE+ebx+4], 0x9090C300
        mov     [CODE+ebx+1], ebp
        inc     ebp
        cmp     ebp, 256
        jb      .write
        call    .sum
        CHECK   edx, 255*256/2
        xor     ebp, ebp
.again: mov     ebx, ebp
        shl     ebx, 3
        inc     dword [CODE+ebx+1]
        inc     ebp
        cmp     ebp, 256
        jb      .again
        call    .sum
        CHECK   edx, 256*257/2
        jmp     .end
.sum:   xor     ebp, ebp
        xor     edx, edx
.next:  lea     ebx, [CODE+ebp*8]
        call    ebx
        add     edx, eax
        inc     ebp
        cmp     ebp, 256
        jb      .next
        ret
.end:
END_CASE

CCASE "two-versions-in-turn"
        PLACE   load, load_end, CODE
        mov     ebp, 500
        xor     edx, edx
.next:  mov     [CODE+1], ebp
        RUN     CODE
        add     edx, eax
        dec     ebp
        jnz     .next
        CHECK   edx, 500*501/2
END_CASE

CCASE "same-bytes-written"
        PLACE   load, load_end, CODE
        mov     ebp, 100
.next:  mov     byte [CODE], 0xB8
        mov     dword [CODE+1], 0x12345678
        RUN     CODE
        CHECK   eax, 0x12345678
        dec     ebp
        jnz     .next
END_CASE

CCASE "data-in-the-line-of-code"
        PLACE   beside, beside_end, CODE
        mov     ebp, 1000
.next:  RUN     CODE
        dec     ebp
        jnz     .next
        CHECK   eax, 1000
END_CASE

CCASE "copy-is-independent"
        PLACE   load, load_end, CODE
        RUN     CODE
        mov     esi, CODE
        mov     edi, CODE+0x2000
        mov     ecx, load_end-load
        rep movsb
        RUN     CODE+0x2000
        CHECK   eax, 0x12345678
        mov     dword [CODE+1], 0x11
        RUN     CODE+0x2000
        CHECK   eax, 0x12345678
        RUN     CODE
        CHECK   eax, 0x11
END_CASE

CCASE "moved-backward-over-itself"
        ; overlapping copy with DF=1, one byte up
        PLACE   load, load_end, CODE
        RUN     CODE
        mov     esi, CODE+5
        mov     edi, CODE+6
        mov     ecx, 6
        std
        rep movsb
        cld
        mov     byte [CODE], 0x90
        xor     eax, eax
        RUN     CODE
        CHECK   eax, 0x12345678
        xor     eax, eax
        RUN     CODE+1
        CHECK   eax, 0x12345678
END_CASE

CCASE "pushad-writes-code"
        PLACE   load, load_end, CODE
        RUN     CODE
        mov     ebp, esp
        mov     eax, 0x9090C342                 ; EAX lies highest: inc edx; ret
        mov     ecx, 0x42424242                 ; then ECX: four times inc edx
        xor     edx, edx
        mov     esp, CODE+32
        pushad
        mov     esp, ebp
        RUN     CODE+24
        CHECK   edx, 5
        mov     ebp, esp
        mov     ecx, 0x90909042
        mov     eax, 0x9090C342
        xor     edx, edx
        mov     esp, CODE+32
        pushad
        mov     esp, ebp
        RUN     CODE+24
        CHECK   edx, 2
END_CASE

CCASE "call-writes-its-return-address-into-code"
        ; the stack lies in the immediate of an instruction that ran before
        PLACE   load, load_end, CODE
        RUN     CODE
        mov     ebp, esp
        mov     esp, CODE+5
        call    .there
.there: mov     esp, ebp
        RUN     CODE
        sub     eax, .there
        CHECK   eax, 0
END_CASE

CCASE "patch-through-other-base"
        SET_DESC SEL1, CODE-0x100, 0xFFFF, ACC_DATA, 4
        mov     ax, SEL1
        mov     gs, ax
        PLACE   load, load_end, CODE
        RUN     CODE
        mov     dword [gs:0x101], 0x22222222
        RUN     CODE
        CHECK   eax, 0x22222222
        lock xchg [gs:0x101], edx
        RUN     CODE
        CHECK   eax, 0
        CHECK   edx, 0x22222222
END_CASE

CCASE "run-through-other-base"
        SET_DESC SEL1, CODE, 0xFFF, ACC_CODE, 4
        PLACE   .code, .code_end, CODE
        call    SEL1:0
        CHECK   eax, 0x12345678
        mov     dword [CODE+1], 0x33333333
        call    SEL1:0
        CHECK   eax, 0x33333333
        jmp     .end
.code:  mov     eax, 0x12345678
        retf
.code_end:
.end:
END_CASE

CCASE "same-bytes-16-and-32"
        ; B8 78 56 34 12 ... : MOV AX,5678h / XOR AL,12h in 16-bit code
        SET_DESC SEL1, CODE, 0xFFF, ACC_CODE, 4
        SET_DESC SEL1+8, CODE, 0xFFF, ACC_CODE, 0
        PLACE   same_code, same_code_end, CODE
        mov     ebp, 20
same_next:  call    SEL1:0
        CHECK   eax, 0x12345678
        mov     eax, 0xAAAAAAAA
        jmp     SEL_CODE16:call16
call16_back:
        CHECK   eax, 0xAAAA566A
        dec     ebp
        jnz     same_next
        jmp     same_end
same_code:  mov     eax, 0x12345678
        retf
same_code_end:
same_end:
END_CASE

ROM_END
