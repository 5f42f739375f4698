; first-model: 386dx
; cases: 32
%define ROM32_START 0x4000
%include "rom.inc"
%include "protected.inc"

ROM_BEGIN "code that changes: self-modifying code, copies, aliases, hot loops"

; Between a store to code and its execution is a jump or another branch, as Intel SDM Vol. 3,
; "Handling Self- and Cross-Modifying Code", asks for (option 1), so that all processors of
; the family run the new code.

CODE    equ 0x8000                      ; linear address of the code area
CODESEG equ CODE >> 4

; Copies ROM code (label to label) to the start of the area or to an offset in it.
%macro PLACE 3
        mov     si, %1
        mov     di, CODE + (%3)
        mov     cx, %2 - %1
        call    place
%endmacro

; The routine that most cases change: MOV AX, 1234h / RETF; many runs make it hot.
%macro RUN_MANY 1
        mov     bp, 3000
%%run:
        call    CODESEG:%1
        dec     bp
        jnz     %%run
%endmacro

CASE "immediate-changed-after-many-runs"
        PLACE   load, load_end, 0
        RUN_MANY 0
        CHECK   eax, 0x1234
        mov     word [CODE+1], 0x5678
        call    CODESEG:0
        CHECK   eax, 0x5678
END_CASE
CASE "immediate-changed-in-each-run"
        PLACE   load, load_end, 0
        xor     edx, edx
        mov     bp, 3000
change_each:
        mov     [CODE+1], bp
        call    CODESEG:0
        movzx   eax, ax
        add     edx, eax
        dec     bp
        jnz     change_each
        CHECK   edx, 3000 * 3001 / 2
END_CASE
CASE "opcode-changed"
        PLACE   load, load_end, 0
        RUN_MANY 0
        mov     byte [CODE], 0xBB               ; MOV BX
        xor     ax, ax
        call    CODESEG:0
        CHECK   eax, 0
        CHECK   ebx, 0x1234
END_CASE
CASE "length-of-instruction-changed"
        PLACE   load, load_end, 0
        RUN_MANY 0
        ; B8 34 12 CB -> 40 40 40 CB
        mov     byte [CODE], 0x40
        mov     word [CODE+1], 0x4040
        xor     ax, ax
        call    CODESEG:0
        CHECK   eax, 3
END_CASE
changed_to_undefined_opcode_and_back:
CASE "changed-to-undefined-opcode-and-back"
        PLACE   load, load_end, 0
        RUN_MANY 0
        mov     word [CODE], 0x0B0F             ; UD2
        mov     word [6*4], .undefined
        xor     ax, ax
        call    CODESEG:0
        CHECK   eax, 0x0D0D
        mov     word [CODE], 0x34B8
        call    CODESEG:0
        mov     word [6*4], rom16_stubs + 6*3
        CHECK   eax, 0x1234
        jmp     .end
.undefined:
        add     sp, 6
        mov     ax, 0x0D0D
        retf
.end:
END_CASE
CASE "changed-through-another-segment"
        PLACE   load, load_end, 0
        RUN_MANY 0
        mov     ax, CODESEG - 0x123
        mov     es, ax
        mov     word [es:0x1231], 0xABCD
        call    CODESEG:0
        CHECK   eax, 0xABCD
END_CASE
CASE "run-through-another-segment"
        PLACE   load, load_end, 0
        RUN_MANY 0
        mov     word [CODE+1], 0x4321
        call    CODESEG-0x100:0x1000
        CHECK   eax, 0x4321
        mov     word [CODE+1], 0x8765
        call    CODESEG:0
        CHECK   eax, 0x8765
END_CASE
CASE "changed-by-byte-stores"
        PLACE   load, load_end, 0
        RUN_MANY 0
        mov     byte [CODE+2], 0x99
        call    CODESEG:0
        CHECK   eax, 0x9934
        mov     byte [CODE+1], 0x77
        call    CODESEG:0
        CHECK   eax, 0x9977
END_CASE
CASE "changed-by-an-overlapping-dword-store"
        PLACE   load, load_end, 0
        RUN_MANY 0
        mov     dword [CODE-2], 0x66B80000      ; the first two bytes are in front
        call    CODESEG:0
        CHECK   eax, 0x1266
END_CASE
CASE "changed-by-rep-movsb"
        PLACE   load, load_end, 0
        RUN_MANY 0
        mov     dword [0x600], 0xCB2211B8
        mov     si, 0x600
        mov     di, CODE
        mov     cx, 4
        rep     movsb
        call    CODESEG:0
        CHECK   eax, 0x2211
END_CASE
CASE "changed-by-rep-stosd"
        PLACE   load, load_end, 0
        RUN_MANY 0
        mov     eax, 0x40404040                 ; INC AX
        mov     di, CODE
        mov     cx, 4
        rep     stosd
        mov     byte [CODE+16], 0xCB
        xor     eax, eax
        call    CODESEG:0
        CHECK   eax, 16
END_CASE
CASE "changed-by-push"
        PLACE   load, load_end, 0
        RUN_MANY 0
        mov     bx, sp
        mov     sp, CODE + 3
        push    word 0xBEEF
        mov     sp, bx
        call    CODESEG:0
        CHECK   eax, 0xBEEF
END_CASE
CASE "changed-by-read-modify-write"
        PLACE   load, load_end, 0
        RUN_MANY 0
        inc     word [CODE+1]
        call    CODESEG:0
        CHECK   eax, 0x1235
        xor     byte [CODE], 0xB8 ^ 0xBA        ; MOV DX
        call    CODESEG:0
        CHECK   edx, 0x1235
        mov     cx, 0xB8
        xchg    [CODE], cl
        call    CODESEG:0
        CHECK   eax, 0x1235
        bts     word [CODE+1], byte 15
        call    CODESEG:0
        CHECK   eax, 0x9235
END_CASE
; An instruction over the end of a 4 KiB page: only the part in the second page changes.
CASE "instruction-over-a-page-boundary"
        PLACE   load, load_end, 0xFFE
        RUN_MANY 0xFFE
        CHECK   eax, 0x1234
        mov     byte [CODE+0x1000], 0x56
        call    CODESEG:0xFFE
        CHECK   eax, 0x5634
        mov     byte [CODE+0xFFF], 0x78
        call    CODESEG:0xFFE
        CHECK   eax, 0x5678
        mov     byte [CODE+0x1001], 0x40        ; RETF becomes INC AX
        mov     byte [CODE+0x1002], 0xCB
        call    CODESEG:0xFFE
        CHECK   eax, 0x5679
END_CASE
; The code of a loop changes itself in each iteration.
CASE "loop-changes-its-own-immediate"
        PLACE   own, own_end, 0
        xor     eax, eax
        mov     cx, 100
        call    CODESEG:0
        CHECK   eax, 100 * 101 / 2
END_CASE
CASE "code-changes-the-target-of-its-next-jump"
        PLACE   ahead, ahead_end, 0
        xor     eax, eax
        call    CODESEG:0
        CHECK   eax, 0x0102
        ; now the changed code once more
        xor     eax, eax
        mov     byte [CODE+ahead_imm-ahead], 1
        call    CODESEG:0
        CHECK   eax, 0x0102
END_CASE
CASE "other-code-at-the-same-place"
        PLACE   load, load_end, 0
        RUN_MANY 0
        PLACE   own, own_end, 0
        xor     eax, eax
        mov     cx, 10
        call    CODESEG:0
        CHECK   eax, 55
        PLACE   load, load_end, 0
        call    CODESEG:0
        CHECK16 ax, 0x1234
END_CASE
CASE "jump-into-the-middle-of-an-instruction"
        mov     dword [CODE], 0x4040B990        ; NOP / MOV CX, 4040h / RETF
        mov     byte [CODE+4], 0xCB
        RUN_MANY 0
        CHECK   ecx, 0x4040
        xor     eax, eax
        call    CODESEG:2                       ; INC AX / INC AX / RETF
        CHECK   eax, 2
        call    CODESEG:3
        CHECK   eax, 3
END_CASE
CASE "data-next-to-hot-code"
        PLACE   load, load_end, 0
        mov     dword [CODE+0x40], 0
        mov     bp, 3000
beside: call    CODESEG:0
        inc     dword [CODE+0x40]
        dec     bp
        jnz     beside
        CHECK   dword [CODE+0x40], 3000
        CHECK   eax, 0x1234
END_CASE
; RET takes the address that is on the stack, not the one that CALL pushed.
return_address_changed_on_the_stack:
CASE "return-address-changed-on-the-stack"
        mov     bp, 500
        xor     eax, eax
.again:
        call    .routine
        jmp     .wrong
.other:
        inc     eax
        dec     bp
        jnz     .again
        CHECK   eax, 500
        jmp     .end
.routine:
        pop     bx
        push    word .other
        ret
.wrong:
        FAIL_HERE 1
.end:
END_CASE

; Hot loops that end in an exception: all registers are those of the faulting instruction.
hot_loop_ends_in_a_divide_error:
CASE "hot-loop-ends-in-a-divide-error"
        mov     ecx, 5000
        mov     edi, 1
        EXPECT_FAULT 0, .divide
.loop:
        inc     esi
        mov     eax, 100
        xor     edx, edx
        add     edi, 3
.divide:
        div     ecx
        dec     ecx
        jmp     .loop
        FAULTED
        CHECK   ecx, 0
        CHECK   esi, 5001
        CHECK   edi, 1 + 3 * 5001
        CHECK   eax, 100
END_CASE
hot_loop_ends_in_into:
CASE "hot-loop-ends-in-into"
        xor     eax, eax
        mov     al, 0x7F - 100
        EXPECT_FAULT 4, .behind
.loop:
        inc     esi
        add     al, 1
        into
.behind:
        jmp     .loop
        FAULTED
        CHECK   eax, 0x80
        CHECK   esi, 101
        CHECK_FLAGS ALLF, OF|SF|AF
END_CASE
hot_loop_with_changing_branches:
CASE "hot-loop-with-changing-branches"
        ; x odd: x = 3x + 1, else x = x / 2, from 27: 111 steps
        mov     eax, 27
.step:
        cmp     eax, 1
        je      .end
        inc     ecx
        test    al, 1
        jz      .even
        lea     eax, [eax+eax*2+1]
        jmp     .step
.even:
        shr     eax, 1
        jmp     .step
.end:
        CHECK   ecx, 111
        CHECK   eax, 1
END_CASE
hot_indirect_calls_to_changing_targets:
CASE "hot-indirect-calls-to-changing-targets"
        mov     word [0x600], .one
        mov     word [0x602], .two
        mov     word [0x604], .three
        mov     word [0x606], .one
        mov     cx, 4000
        xor     bx, bx
.call:
        call    word [bx+0x600]
        add     bx, 2
        and     bx, 6
        loop    .call
        CHECK   eax, 1000 * (1 + 2 + 3 + 1)
        jmp     .end
.one:   add     eax, 1
        ret
.two:   add     eax, 2
        ret
.three: add     eax, 3
        ret
.end:
END_CASE

ENTER_PROTECTED

; The same bytes as 16-bit and as 32-bit code: B8 01 00 40 90 CB is
;   16-bit: MOV AX, 0001h / INC AX / NOP / RETF
;   32-bit: MOV EAX, 90400001h / RETF
same_bytes_as_16_bit_and_32_bit_code:
CASE "same-bytes-as-16-bit-and-32-bit-code"
        mov     dword [CODE], 0x400001B8
        mov     word [CODE+4], 0xCB90
        SET_DESC SEL_FREE, CODE, 0xFFFF, ACC_CODE, 0
        SET_DESC SEL_FREE+8, CODE, 0xFFFF, ACC_CODE, 4
        mov     ebp, 1000
.run:
        call    SEL_FREE+8:0
        cmp     eax, 0x90400001
        jne     .wrong
        mov     eax, 0x77770000
        ; the 16-bit code returns through SEL_CODE16
        push    dword SEL_CODE32
        push    dword .return32
        push    word SEL_CODE16
        push    word return16
        jmp     SEL_FREE:0
.return32:
        cmp     eax, 0x77770002
        jne     .wrong
        dec     ebp
        jnz     .run
        jmp     .end
.wrong:
        CHECK   eax, 0
.end:
END_CASE

; Paging: tables at 10000h (directory) and 11000h; 4 KiB pages, identity except where noted.
PAGE_DIRECTORY  equ 0x10000
PAGE_TABLE      equ 0x11000
%macro PAGING_ON 0
        call    paging_on
%endmacro
%macro PAGING_OFF 0
        mov     eax, cr0
        and     eax, 0x7FFFFFFF
        mov     cr0, eax
        jmp     short %%next
%%next:
%endmacro

; Code at linear 20000h; 21000h is another page. B8 imm32 C3.
%macro CODE32 2
        mov     byte [%1], 0xB8
        mov     dword [(%1)+1], %2
        mov     byte [(%1)+5], 0xC3
%endmacro
%macro RUN32 1
        mov     ebp, 3000
        mov     ebx, %1
%%run:
        call    ebx
        dec     ebp
        jnz     %%run
%endmacro

CASE "changed-through-another-linear-address"
        CODE32  0x20000, 0x11111111
        PAGING_ON
        mov     dword [PAGE_TABLE+0x30*4], 0x20003      ; 30000h is an alias
        call    flush
        RUN32   0x20000
        mov     dword [0x30001], 0x22222222
        call    ebx
        mov     esi, eax
        RUN32   0x30000
        mov     edi, eax
        mov     dword [0x20001], 0x33333333
        call    ebx
        mov     edx, eax
        PAGING_OFF
        CHECK   esi, 0x22222222
        CHECK   edi, 0x22222222
        CHECK   edx, 0x33333333
END_CASE
CASE "page-mapped-to-other-code"
        CODE32  0x20000, 0x11111111
        CODE32  0x21000, 0x44444444
        PAGING_ON
        RUN32   0x20000
        mov     esi, eax
        mov     dword [PAGE_TABLE+0x20*4], 0x21003
        call    flush
        call    ebx
        mov     edi, eax
        mov     dword [PAGE_TABLE+0x20*4], 0x20003
        call    flush
        call    ebx
        mov     edx, eax
        PAGING_OFF
        CHECK   esi, 0x11111111
        CHECK   edi, 0x44444444
        CHECK   edx, 0x11111111
END_CASE
CASE "second-page-of-an-instruction-mapped-to-other-bytes"
        ; MOV EAX, imm32 from 20FFEh: opcode and one byte in the first page
        mov     word [0x20FFE], 0x11B8
        mov     dword [0x21000], 0xC3222222
        mov     dword [0x22000], 0xC3333333
        PAGING_ON
        RUN32   0x20FFE
        mov     esi, eax
        mov     dword [PAGE_TABLE+0x21*4], 0x22003
        call    flush
        call    ebx
        mov     edi, eax
        PAGING_OFF
        CHECK   esi, 0x22222211
        CHECK   edi, 0x33333311
END_CASE
CASE "hot-code-page-becomes-not-present"
        CODE32  0x20000, 0x11111111
        PAGING_ON
        RUN32   0x20000
        mov     dword [PAGE_TABLE+0x20*4], 0x20002
        call    flush
        EXPECT_FAULT 14, 0x20000
        call    ebx
        FAULTED
        mov     esi, [X_CR2]
        mov     edi, [X_ERROR]
        mov     dword [PAGE_TABLE+0x20*4], 0x20003
        call    flush
        mov     eax, 0
        call    ebx
        mov     edx, eax
        PAGING_OFF
        CHECK   esi, 0x20000
        CHECK   edi, 0                          ; not present, read, supervisor
        CHECK   edx, 0x11111111
END_CASE
CASE "second-page-of-an-instruction-not-present"
        ; the fault address is in the second page, EIP is the start of the instruction
        mov     word [0x20FFE], 0x11B8
        mov     dword [0x21000], 0xC3222222
        PAGING_ON
        RUN32   0x20FFE
        mov     dword [PAGE_TABLE+0x21*4], 0x21002
        call    flush
        EXPECT_FAULT 14, 0x20FFE
        call    ebx
        FAULTED
        mov     esi, [X_CR2]
        mov     edi, [X_ERROR]
        PAGING_OFF
        CHECK   esi, 0x21000
        CHECK   edi, 0
END_CASE
hot_store_loop_faults_at_the_page:
CASE "hot-store-loop-faults-at-the-page"
        PAGING_ON
        mov     dword [PAGE_TABLE+0x28*4], 0x28002      ; 28000h not present
        call    flush
        mov     edi, 0x26000
        xor     ecx, ecx
        EXPECT_FAULT 14, .store
.loop:
        inc     ecx
.store:
        mov     [edi], ecx
        add     edi, 4
        jmp     .loop
        FAULTED
        mov     esi, [X_CR2]
        mov     edx, [X_ERROR]
        PAGING_OFF
        CHECK   edi, 0x28000
        CHECK   ecx, 0x2000 / 4 + 1
        CHECK   esi, 0x28000
        CHECK   edx, 2                          ; not present, write, supervisor
END_CASE
CASE "hot-code-as-supervisor-then-as-user"
        ; CLI runs in ring 0 and faults in ring 3
        mov     dword [0x20000], 0x90C3FA90     ; NOP / CLI / RET
        RUN32   0x20000
        RING3_BEGIN
        EXPECT_FAULT 13, 0x20001
        call    ebx
        FAULTED
        RING3_END
        CHECK   dword [X_CS], SEL_CODE32_R3
        CHECK   dword [X_ERROR], 0
END_CASE

ROM_END

section .rom16
bits 16
return16:
        o32 retf

load:
        mov     ax, 0x1234
        retf
load_end:

; EAX += 1, 2, 3, ... CX times: the immediate of ADD grows by 1 in each iteration.
own:
        db      0x66, 0x05                      ; ADD EAX, imm32
own_imm:
        dd      1
        inc     byte [cs:own_imm-own]
        loop    own
        retf
own_end:

ahead:
        mov     byte [cs:ahead_imm-ahead], 2
        jmp     short ahead_target
        nop
        nop
ahead_target:
        mov     ah, 1
        db      0xB0                            ; MOV AL, imm8
ahead_imm:
        db      1
        retf
ahead_end:

place:
        mov     al, [cs:si]
        mov     [di], al
        inc     si
        inc     di
        loop    place
        xor     eax, eax
        ret

section .rom32
bits 32
; Identity mapping of the first 4 MiB, all pages present, writable.
paging_on:
        mov     edi, PAGE_DIRECTORY
        xor     eax, eax
        mov     ecx, 1024
        rep     stosd
        mov     dword [PAGE_DIRECTORY], PAGE_TABLE|3
        mov     edi, PAGE_TABLE
        mov     eax, 3
.page:
        mov     [edi], eax
        add     edi, 4
        add     eax, 0x1000
        cmp     edi, PAGE_TABLE+0x1000
        jb      .page
        mov     eax, PAGE_DIRECTORY
        mov     cr3, eax
        mov     eax, cr0
        or      eax, 0x80000000
        mov     cr0, eax
        jmp     short .next
.next:
        ret

flush:
        mov     edx, cr3
        mov     cr3, edx
        ret
