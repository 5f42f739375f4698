; first-model: 386dx
; cases: 44
;
; Instruction fetch in protected mode: length, prefixes, page and segment ends, LOCK.
%define ROM32_START 0x0C00
%include "rom.inc"
%include "protected.inc"

DATA            equ 0x8000
PAGES           equ 0x20000     ; page directory, page table of the first 4 MiB
CODE_RAM        equ 0x30000     ; two pages for code at a page end
SEL1            equ SEL_FREE
LIM4G           equ 0xFFFFF

; Identity-mapped 4 MiB, paging on; changes EAX, ECX, EDI
%macro PAGING_ON 0
        mov     edi, PAGES
        mov     ecx, 1024
        xor     eax, eax
        rep stosd
        mov     dword [PAGES], PAGES+0x1000+7
        mov     ecx, 1024
        mov     eax, 7
%%next: stosd
        add     eax, 0x1000
        loop    %%next
        mov     eax, PAGES
        mov     cr3, eax
        mov     eax, cr0
        or      eax, 0x80000000
        mov     cr0, eax
        jmp     short %%on
%%on:
%endmacro

%macro PAGING_OFF 0
        mov     eax, cr0
        and     eax, 0x7FFFFFFF
        mov     cr0, eax
        jmp     short %%off
%%off:
%endmacro

%assign CASE_N 0
; A case with paging off, whatever became of the case before
%macro FCASE 1
  %assign CASE_N CASE_N+1
case_ %+ CASE_N:
        PAGING_OFF
  CASE %1
%endmacro

; The same prefix n times
%macro PREFIXES 2
        times %2 db %1
%endmacro

; Flat 32-bit code segment SEL1 with a label as its byte limit; changes EAX
%macro CODE_LIMIT 1
        SET_DESC SEL1, 0, 0, ACC_CODE, 4
        mov     eax, %1
        mov     [PM_GDT+SEL1], ax
        shr     eax, 16
        or      [PM_GDT+SEL1+6], al
%endmacro

; Copies the code between the two labels to an address in CODE_RAM
%macro COPY_CODE 3
        mov     esi, %1
        mov     edi, %3
        mov     ecx, %2-%1
        rep movsb
%endmacro

ROM_BEGIN "instruction fetch and prefixes"
ENTER_PROTECTED
        jmp     first_case

escaped:
        jmp     SEL_CODE32:.flat
.flat:  FAIL_HERE 0xEEEE
        jmp     dword [cs:ROM_RECOVER]

blob:                                           ; mov eax, 12345678h; ret
        db      0xB8, 0x78, 0x56, 0x34, 0x12, 0xC3
blob_end:

first_case:

; --- length: SDM vol. 2, "Instruction Format"; vol. 3, #GP --------------------

FCASE "length-15-prefixes-and-nop"
        PREFIXES 0x3E, 14
        nop
        PREFIXES 0x66, 14
        nop
        PREFIXES 0x67, 14
        nop
END_CASE

FCASE "length-15-with-immediate"
        PREFIXES 0x26, 10
        mov     eax, 0x12345678
        CHECK   eax, 0x12345678
END_CASE

FCASE "length-15-with-memory"
        mov     ebx, DATA/4
        mov     dword [DATA], 0x11111111
        PREFIXES 0x3E, 4
        db      0x81, 0x04, 0x9D                ; add dword [ebx*4+0], imm32
        dd      0, 0x01010101
        CHECK   dword [DATA], 0x12121212
END_CASE

FCASE "length-16-faults"
        FAULTS  13, {db 0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0x3E,0x90}
        CHECK16 word [X_ERROR], 0
        FAULTS  13, {db 0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x66,0x90}
        CHECK16 word [X_ERROR], 0
END_CASE

FCASE "length-16-with-immediate"
        mov     eax, 0xAAAAAAAA
        FAULTS  13, {db 0x26,0x26,0x26,0x26,0x26,0x26,0x26,0x26,0x26,0x26,0x26,0xB8,1,2,3,4}
        CHECK16 word [X_ERROR], 0
        CHECK   eax, 0xAAAAAAAA
END_CASE

FCASE "length-16-with-memory"
        mov     dword [DATA], 0x11111111
        mov     ebx, DATA/4
        EXPECT_FAULT 13, .at
.at:    PREFIXES 0x3E, 5
        db      0x81, 0x04, 0x9D
        dd      0, 0x01010101
        FAULTED
        CHECK16 word [X_ERROR], 0
        CHECK   dword [DATA], 0x11111111
END_CASE

FCASE "length-20-prefixes"
        EXPECT_FAULT 13, .at
.at:    PREFIXES 0x2E, 20
        nop
        FAULTED
        CHECK16 word [X_ERROR], 0
END_CASE

FCASE "length-16-jump-not-taken"
        ; the length counts, not what the instruction would do
        or      al, 1
        EXPECT_FAULT 13, .at
.at:    PREFIXES 0x3E, 10
        db      0x0F, 0x84
        dd      0
        FAULTED
END_CASE

; --- prefixes -----------------------------------------------------------------

FCASE "prefix-order"
        mov     dword [DATA], 0x12345678
        mov     ebx, DATA
        mov     eax, 0
        db      0x66, 0x67, 0x3E, 0x8B, 0x07    ; mov ax, [ds:bx]
        CHECK   eax, 0x5678
        xor     eax, eax
        db      0x3E, 0x67, 0x66, 0x8B, 0x07
        CHECK   eax, 0x5678
        xor     eax, eax
        db      0x67, 0x3E, 0x66, 0x8B, 0x07
        CHECK   eax, 0x5678
END_CASE

FCASE "prefix-order-rep"
        mov     dword [DATA], 0x12345678
        mov     dword [DATA+4], 0x9ABCDEF0
        mov     esi, DATA
        mov     edi, DATA+0x20
        mov     ecx, 2
        db      0xF3, 0x66, 0xA5                ; rep movsw
        mov     ecx, 2
        db      0x66, 0xF3, 0xA5
        CHECK   dword [DATA+0x20], 0x12345678
        CHECK   dword [DATA+0x24], 0x9ABCDEF0
        CHECK   esi, DATA+8
        CHECK   ecx, 0
END_CASE

FCASE "prefix-segment-repeated"
        SET_DESC SEL1, DATA, 0xFFF, ACC_DATA, 4
        mov     ax, SEL1
        mov     fs, ax
        mov     dword [DATA+0x10], 0x13572468
        db      0x64, 0x64, 0x64
        mov     eax, [0x10]
        CHECK   eax, 0x13572468
END_CASE

FCASE "prefix-segment-ignored-for-registers"
        xor     eax, eax
        mov     fs, ax                          ; null: any use would fault
        mov     eax, 0x1234
        fs mov  ebx, eax
        fs lea  ecx, [eax+1]
        CHECK   ebx, 0x1234
        CHECK   ecx, 0x1235
END_CASE

FCASE "prefix-segment-not-for-string-destination"
        xor     eax, eax
        mov     fs, ax
        mov     edi, DATA
        mov     al, 0x77
        fs stosb
        CHECK8  byte [DATA], 0x77
        mov     edi, DATA
        fs scasb
        CHECK_FLAGS ZF, ZF
        mov     esi, DATA
        FAULTS  13, {fs lodsb}
END_CASE

; --- end of the code segment --------------------------------------------------

; SDM vol. 3, "Limit Checking"
FCASE "limit-last-byte-inside"
        CODE_LIMIT .end-1
        jmp     SEL1:.there
.there: inc     ebx
        jmp     SEL_CODE32:.end
.end:   CHECK   ebx, 1
END_CASE

FCASE "limit-last-byte-outside"
        CODE_LIMIT .end-2
        EXPECT_FAULT 13, .at
        jmp     SEL1:.there
.there: inc     ebx
.at:    jmp     SEL_CODE32:.end
.end:   FAULTED
        CHECK   ebx, 1
        CHECK16 word [X_ERROR], 0
        CHECK   dword [X_CS], SEL1
END_CASE

FCASE "limit-first-byte-outside"
        CODE_LIMIT .at-1
        EXPECT_FAULT 13, .at
        jmp     SEL1:.there
.there: inc     ebx
.at:    inc     ebx
        jmp     SEL_CODE32:.end
.end:   FAULTED
        CHECK   ebx, 1
        CHECK16 word [X_ERROR], 0
END_CASE

FCASE "limit-between-prefix-and-opcode"
        CODE_LIMIT .at
        EXPECT_FAULT 13, .at
        jmp     SEL1:.at
.at:    db      0x66
        nop
        jmp     SEL_CODE32:.end
.end:   FAULTED
        CHECK16 word [X_ERROR], 0
END_CASE

FCASE "limit-in-immediate"
        mov     edx, 0xAAAAAAAA
        CODE_LIMIT .at+3
        EXPECT_FAULT 13, .at
        jmp     SEL1:.at
.at:    mov     edx, 0x12345678
        jmp     SEL_CODE32:.end
.end:   FAULTED
        CHECK   edx, 0xAAAAAAAA
        CHECK16 word [X_ERROR], 0
END_CASE

; Code in SEL1 with its limit at .last; the jump at .at must fault itself.
%macro JUMP_FAULTS 0
        CHECK16 word [X_ERROR], 0
        CHECK   dword [X_CS], SEL1
        CHECK   dword [X_ESP], PM_STACK
%endmacro

; SDM vol. 2, JMP, Jcc, LOOP, CALL, RET: #GP(0), by the transfer itself
FCASE "jump-near-beyond-limit"
        CODE_LIMIT .last
        EXPECT_FAULT 13, .at
        jmp     SEL1:.at
.at:    jmp     near .beyond
.last:  nop
.beyond:
        jmp     SEL_CODE32:.end
.end:   FAULTED
        JUMP_FAULTS
END_CASE

FCASE "jump-short-beyond-limit"
        CODE_LIMIT .last
        EXPECT_FAULT 13, .at
        jmp     SEL1:.at
.at:    jmp     short .beyond
.last:  nop
.beyond:
        jmp     SEL_CODE32:.end
.end:   FAULTED
        JUMP_FAULTS
END_CASE

FCASE "jump-to-last-byte"
        ; a one-byte instruction at the limit
        CODE_LIMIT .last
        EXPECT_FAULT 13, .beyond
        jmp     SEL1:.at
.at:    jmp     short .last
        nop
.last:  inc     ebx
.beyond:
        jmp     SEL_CODE32:.end
.end:   FAULTED
        CHECK   ebx, 1
END_CASE

FCASE "jump-register-beyond-limit"
        CODE_LIMIT .last
        mov     ebx, .beyond
        EXPECT_FAULT 13, .at
        jmp     SEL1:.at
.at:    jmp     ebx
.last:  nop
.beyond:
        jmp     SEL_CODE32:.end
.end:   FAULTED
        JUMP_FAULTS
END_CASE

FCASE "jump-memory-beyond-limit"
        CODE_LIMIT .last
        mov     dword [DATA], .beyond
        EXPECT_FAULT 13, .at
        jmp     SEL1:.at
.at:    jmp     [DATA]
.last:  nop
.beyond:
        jmp     SEL_CODE32:.end
.end:   FAULTED
        JUMP_FAULTS
END_CASE

FCASE "jump-conditional-beyond-limit"
        CODE_LIMIT .last
        EXPECT_FAULT 13, .at
        jmp     SEL1:.first
.first: cmp     eax, eax
        jne     near .beyond                    ; not taken: not checked
.at:    je      short .beyond
.last:  nop
.beyond:
        jmp     SEL_CODE32:.end
.end:   FAULTED
        JUMP_FAULTS
END_CASE

FCASE "jump-backward-beyond-limit"
        ; a negative target is a large unsigned offset
        CODE_LIMIT .last
        EXPECT_FAULT 13, .at
        jmp     SEL1:.at
.at:    db      0xE9
        dd      -0x100000
.last:  nop
        FAULTED
        JUMP_FAULTS
END_CASE

FCASE "loop-beyond-limit"
        CODE_LIMIT .last
        mov     ecx, 2
        EXPECT_FAULT 13, .at
        jmp     SEL1:.at
.at:    loop    .beyond
.last:  nop
.beyond:
        jmp     SEL_CODE32:.end
.end:   FAULTED
        JUMP_FAULTS
END_CASE

FCASE "jecxz-beyond-limit"
        CODE_LIMIT .last
        xor     ecx, ecx
        EXPECT_FAULT 13, .at
        jmp     SEL1:.at
.at:    jecxz   .beyond
.last:  nop
.beyond:
        jmp     SEL_CODE32:.end
.end:   FAULTED
        JUMP_FAULTS
END_CASE

FCASE "call-beyond-limit"
        CODE_LIMIT .last
        EXPECT_FAULT 13, .at
        jmp     SEL1:.at
.at:    call    .beyond
.last:  nop
.beyond:
        jmp     SEL_CODE32:.end
.end:   FAULTED
        JUMP_FAULTS
        mov     ebx, .beyond2
        EXPECT_FAULT 13, .at2
        CODE_LIMIT .last2
        jmp     SEL1:.at2
.at2:   call    ebx
.last2: nop
.beyond2:
        jmp     SEL_CODE32:.end2
.end2:  FAULTED
        JUMP_FAULTS
END_CASE

FCASE "ret-beyond-limit"
        CODE_LIMIT .last
        push    dword escaped_far
        EXPECT_FAULT 13, .at
        jmp     SEL1:.at
.at:    ret
.last:  nop
        FAULTED
        CHECK16 word [X_ERROR], 0
        CHECK   dword [X_ESP], PM_STACK-4
        EXPECT_FAULT 13, .at2
        CODE_LIMIT .last2
        jmp     SEL1:.at2
.at2:   ret     4
.last2: nop
        FAULTED
        CHECK16 word [X_ERROR], 0
        CHECK   dword [X_ESP], PM_STACK-4
END_CASE

FCASE "return-address-beyond-limit"
        ; CALL as the last instruction: to push an address outside is no fault, to return
        ; there is one, of RET
        CODE_LIMIT .beyond-1
        EXPECT_FAULT 13, .ret
        jmp     SEL1:.at
.sub:   inc     ebx
.ret:   ret
.at:    db      0xE8
        dd      .sub-.beyond
.beyond:
        jmp     SEL_CODE32:.end
.end:   FAULTED
        CHECK   ebx, 1
        CHECK   dword [X_ESP], PM_STACK-4
        CHECK16 word [X_ERROR], 0
END_CASE

; --- page ends ----------------------------------------------------------------

; Page table entry of a linear address
%macro SET_PTE 2
        mov     dword [PAGES+0x1000+((%1) >> 12)*4], %2
        mov     eax, cr3
        mov     cr3, eax
%endmacro

FCASE "page-crossing-each-byte"
        ; the instruction starts 1 to 5 bytes before the end of the page
  %assign BYTES_N 1
  %rep 5
        COPY_CODE blob, blob_end, CODE_RAM+0x1000-BYTES_N
        xor     eax, eax
        mov     ebx, CODE_RAM+0x1000-BYTES_N
        call    ebx
        CHECK   eax, 0x12345678
    %assign BYTES_N BYTES_N+1
  %endrep
END_CASE

FCASE "page-crossing-linear-order"
        ; the second page is mapped to another frame, not to the next one
        PAGING_ON
        COPY_CODE blob, blob_end, CODE_RAM+0xFFE
        mov     dword [CODE_RAM+0x1000], 0
        COPY_CODE blob+2, blob_end, CODE_RAM+0x5000
        SET_PTE CODE_RAM+0x1000, CODE_RAM+0x5000+7
        mov     ebx, CODE_RAM+0xFFE
        call    ebx
        mov     ebx, eax
        PAGING_OFF
        CHECK   ebx, 0x12345678
END_CASE

FCASE "page-end-next-not-present"
        ; nothing behind the last instruction is needed
        PAGING_ON
        COPY_CODE blob, blob_end, CODE_RAM+0x1000-6
        SET_PTE CODE_RAM+0x1000, 0
        mov     ebx, CODE_RAM+0x1000-6
        call    ebx
        mov     ebx, eax
        PAGING_OFF
        CHECK   ebx, 0x12345678
END_CASE

FCASE "page-crossing-not-present"
        ; #PF with the address of the second page and the EIP of the instruction
        PAGING_ON
        COPY_CODE blob, blob_end, CODE_RAM+0x1000-3
        SET_PTE CODE_RAM+0x1000, 0
        mov     dword [DATA], 0
        mov     ebx, CODE_RAM+0x1000-3
        mov     eax, 0xAAAAAAAA
        EXPECT_FAULT 14, CODE_RAM+0x1000-3
        call    ebx
        FAULTED
        mov     ebx, eax
        PAGING_OFF
        CHECK   ebx, 0xAAAAAAAA
        CHECK   dword [X_CR2], CODE_RAM+0x1000
        mov     eax, [X_ERROR]
        and     eax, 7                          ; the 386 leaves the upper bits undefined
        CHECK   eax, 0
END_CASE

FCASE "page-not-present-after-jump"
        PAGING_ON
        SET_PTE CODE_RAM+0x1000, 0
        mov     ebx, CODE_RAM+0x1004
        EXPECT_FAULT 14, CODE_RAM+0x1004
        jmp     ebx
        FAULTED
        PAGING_OFF
        CHECK   dword [X_CR2], CODE_RAM+0x1004
END_CASE

FCASE "page-crossing-user"
        ; ring 3 may not fetch the second page, a supervisor page
        PAGING_ON
        COPY_CODE blob, blob_end, CODE_RAM+0x1000-3
        SET_PTE CODE_RAM+0x1000, CODE_RAM+0x1000+3
        RING3_BEGIN
        mov     ebx, CODE_RAM+0x1000-3
        EXPECT_FAULT 14, CODE_RAM+0x1000-3
        jmp     ebx
        FAULTED
        RING3_END
        PAGING_OFF
        CHECK   dword [X_CR2], CODE_RAM+0x1000
        mov     eax, [X_ERROR]
        and     eax, 7
        CHECK   eax, 5
END_CASE

; --- LOCK: SDM vol. 2, LOCK ---------------------------------------------------

FCASE "lock-legal"
        mov     dword [DATA], 5
        mov     eax, 1
        lock add [DATA], eax
        lock add dword [DATA], 2
        lock or [DATA], eax
        lock and dword [DATA], 0xFF
        lock sub dword [DATA], 1
        lock xor dword [DATA], 0x10
        stc
        lock adc dword [DATA], 0
        lock sbb byte [DATA], 0
        lock inc byte [DATA]
        lock dec dword [DATA]
        lock not dword [DATA]
        lock neg dword [DATA]
        lock xchg [DATA], eax
        CHECK   eax, 0x1A
        lock bts dword [DATA], 8
        lock btc dword [DATA], 9
        lock btr dword [DATA], 0
        CHECK   dword [DATA], 0x300
        lock bts [DATA], ebx
        CHECK   dword [DATA], 0x301
END_CASE

FCASE "lock-legal-ring3"
        mov     dword [DATA], 5
        RING3_BEGIN
        lock inc dword [DATA]
        RING3_END
        CHECK   dword [DATA], 6
END_CASE

FCASE "lock-register-destination"
        FAULTS  6, {db 0xF0, 0x01, 0xC0}        ; add eax, eax
        FAULTS  6, {db 0xF0, 0x40}              ; inc eax
        FAULTS  6, {db 0xF0, 0xFF, 0xC0}
        FAULTS  6, {db 0xF0, 0xF7, 0xD8}        ; neg eax
        FAULTS  6, {db 0xF0, 0x87, 0xD8}        ; xchg eax, ebx
        FAULTS  6, {db 0xF0, 0x04, 0x01}        ; add al, 1
        mov     ebx, DATA
        FAULTS  6, {db 0xF0, 0x03, 0x03}        ; add eax, [ebx]
        FAULTS  6, {db 0xF0, 0x0A, 0x03}        ; or al, [ebx]
END_CASE

FCASE "lock-other-instructions"
        mov     ebx, DATA
        mov     dword [ebx], 0x11111111
        FAULTS  6, {db 0xF0, 0x90}              ; nop
        FAULTS  6, {db 0xF0, 0x89, 0x03}        ; mov [ebx], eax
        FAULTS  6, {db 0xF0, 0x8B, 0x03}        ; mov eax, [ebx]
        FAULTS  6, {db 0xF0, 0x39, 0x03}        ; cmp [ebx], eax
        FAULTS  6, {db 0xF0, 0x83, 0x3B, 0x01}  ; cmp dword [ebx], 1
        FAULTS  6, {db 0xF0, 0x85, 0x03}        ; test [ebx], eax
        FAULTS  6, {db 0xF0, 0xD1, 0x23}        ; shl dword [ebx], 1
        FAULTS  6, {db 0xF0, 0xD3, 0x03}        ; rol dword [ebx], cl
        FAULTS  6, {db 0xF0, 0xF7, 0x23}        ; mul dword [ebx]
        FAULTS  6, {db 0xF0, 0xFF, 0x33}        ; push dword [ebx]
        FAULTS  6, {db 0xF0, 0x8F, 0x03}        ; pop dword [ebx]
        FAULTS  6, {db 0xF0, 0xA4}              ; movsb
        FAULTS  6, {db 0xF0, 0xAA}              ; stosb
        FAULTS  6, {db 0xF0, 0x8D, 0x03}        ; lea eax, [ebx]
        FAULTS  6, {db 0xF0, 0x0F, 0xA4, 0x03, 0x04}    ; shld [ebx], eax, 4
        FAULTS  6, {db 0xF0, 0xEB, 0x00}        ; jmp
        CHECK   dword [DATA], 0x11111111
END_CASE

FCASE "lock-with-other-prefixes"
        SET_DESC SEL1, DATA, 0xFFF, ACC_DATA, 4
        mov     ax, SEL1
        mov     fs, ax
        mov     dword [DATA], 0x0001FFFF
        db      0x66, 0xF0, 0x64, 0xFF, 0x05    ; lock inc word [fs:0]
        dd      0
        db      0x64, 0xF0, 0xF0, 0xFF, 0x05    ; lock inc dword [fs:0]
        dd      0
        CHECK   dword [DATA], 0x00010001
END_CASE

        UNLESS_FAMILY 4, no_486
FCASE "lock-legal-486"
        mov     dword [DATA], 5
        mov     eax, 5
        mov     ebx, 7
        lock cmpxchg [DATA], ebx
        CHECK   dword [DATA], 7
        lock xadd [DATA], ebx
        CHECK   dword [DATA], 14
        CHECK   ebx, 7
        FAULTS  6, {db 0xF0, 0x0F, 0xC1, 0xC3}  ; xadd ebx, eax
        FAULTS  6, {db 0xF0, 0x0F, 0xB1, 0xC3}  ; cmpxchg ebx, eax
        FAULTS  6, {db 0xF0, 0x0F, 0xC8}        ; bswap
END_CASE
no_486:
        UNLESS_FEATURE FEATURE_CX8, no_cx8
FCASE "lock-cmpxchg8b"
        mov     ebx, 1
        mov     ecx, 2
        mov     dword [DATA], 0
        mov     dword [DATA+4], 0
        lock cmpxchg8b [DATA]
        CHECK   dword [DATA], 1
        CHECK   dword [DATA+4], 2
END_CASE
no_cx8:

; --- undefined members of groups ----------------------------------------------

FCASE "undefined-group-members"
        ; SDM vol. 2, "Opcode Extensions for One-Byte and Two-Byte Opcodes": reserved
        FAULTS  6, {db 0xFE, 0xD0}              ; FE /2
        FAULTS  6, {db 0xFE, 0xF8}              ; FE /7
        FAULTS  6, {db 0xFF, 0xF8}              ; FF /7
        FAULTS  6, {db 0xC6, 0xC8, 0x00}        ; C6 /1
        FAULTS  6, {db 0xC7, 0xC8, 0, 0, 0, 0}  ; C7 /1
        FAULTS  6, {db 0x8D, 0xC0}              ; LEA of a register
        FAULTS  6, {db 0x62, 0xC0}              ; BOUND of a register
        FAULTS  6, {db 0x0F, 0xBA, 0xC0, 0}     ; BA /0
END_CASE

ROM_END

section .rom32
bits 32
escaped_far:                                    ; beyond every limit of a case
        jmp     escaped
section .rom16
