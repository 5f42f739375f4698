; first-model: 386dx
; cases: 48
;
; Entering and leaving protected mode, control registers, 16-bit and 32-bit code and
; stack segments, descriptor-table registers: SDM vol. 3, "Processor Management and
; Initialization" and "System Architecture Overview".
%define ROM32_START 0x3000
%include "rom.inc"
%include "protected.inc"
%include "apic.inc"

DATA            equ 0x8000
LOW_CODE        equ 0x9000      ; code below 64 KiB
PAGES           equ 0x20000     ; page directory and table
SEL1            equ SEL_FREE
LIM4G           equ 0xFFFFF
CR0_PE          equ 1
CR0_MP          equ 2
CR0_EM          equ 4
CR0_TS          equ 8
CR0_ET          equ 0x10
CR0_WP          equ 0x10000
CR0_AM          equ 0x40000
CR0_NW          equ 0x20000000
CR0_CD          equ 0x40000000
CR0_PG          equ 0x80000000

%assign CASE_N 0
%macro PCASE 1
  %assign CASE_N CASE_N+1
case_ %+ CASE_N:
  CASE %1
%endmacro

; 16-bit protected mode with the real-mode descriptor caches, and back. Changes EAX; no
; exceptions in between, because the IDTR still holds the real-mode table.
%macro PM16_BEGIN 0
        lgdt    [cs:rom_boot_gdtr]
        mov     eax, cr0
        or      al, CR0_PE
        mov     cr0, eax
        jmp     SEL_CODE16:%%in
%%in:
%endmacro

%macro PM16_END 0
        mov     eax, cr0
        and     al, ~CR0_PE
        mov     cr0, eax
        jmp     0xF000:%%out
%%out:
%endmacro

ROM_BEGIN "protected mode: entry, exit and sizes"
        APIC_PASS_INTR
        mov     al, 0x11
        out     0x20, al
        mov     al, 0x70
        out     0x21, al
        mov     al, 4
        out     0x21, al
        mov     al, 1
        out     0x21, al
        mov     al, 0xFF
        out     0x21, al
        out     0xA1, al
        call    identity_pages
        jmp     real_cases

; Should a processor set CR0.PG where it must not: 4 MiB mapped to themselves.
identity_pages:
        mov     ax, PAGES >> 4
        mov     es, ax
        xor     di, di
        mov     dword [es:0], PAGES+0x1000+7
        mov     di, 0x1000
        mov     cx, 1024
        mov     eax, 7
.next:  stosd
        add     eax, 0x1000
        loop    .next
        mov     eax, PAGES
        mov     cr3, eax
        ret

real_cases:

; --- real mode ----------------------------------------------------------------

PCASE "smsw-in-real-mode"
        smsw    bx
        mov     eax, cr0
        xor     eax, ebx
        and     eax, 0x7FFF
        CHECK   eax, 0
        and     bx, CR0_PE
        CHECK16 bx, 0
END_CASE

PCASE "smsw-memory-is-16-bits"
        mov     dword [DATA], 0xFFFFFFFF
        o32 smsw [DATA]
        CHECK16 word [DATA+2], 0xFFFF
        mov     ax, [DATA]
        and     ax, CR0_PE
        CHECK16 ax, 0
END_CASE

PCASE "mov-cr0-sets-pe"
        PM16_BEGIN
        smsw    bx
        mov     ecx, cr0
        mov     dx, cs
        PM16_END
        and     bx, CR0_PE
        CHECK16 bx, CR0_PE
        and     ecx, CR0_PE
        CHECK   ecx, CR0_PE
        CHECK16 dx, SEL_CODE16
        CHECK_SEG cs, 0xF000
        smsw    bx
        and     bx, CR0_PE
        CHECK16 bx, 0
END_CASE

PCASE "lmsw-sets-pe"
        lgdt    [cs:rom_boot_gdtr]
        smsw    ax
        or      al, CR0_PE
        lmsw    ax
        jmp     SEL_CODE16:.in
.in:    mov     ecx, cr0
        mov     dx, cs
        PM16_END
        and     ecx, CR0_PE
        CHECK   ecx, CR0_PE
        CHECK16 dx, SEL_CODE16
END_CASE

PCASE "lmsw-cannot-clear-pe"
        PM16_BEGIN
        smsw    ax
        and     al, ~CR0_PE
        lmsw    ax
        mov     ecx, cr0
        PM16_END
        and     ecx, CR0_PE
        CHECK   ecx, CR0_PE
END_CASE

PCASE "lmsw-loads-four-bits"
        mov     ebx, cr0
        mov     ax, CR0_MP|CR0_EM|CR0_TS
        lmsw    ax
        mov     ecx, cr0
        xor     ax, ax
        lmsw    ax
        mov     edx, cr0
        mov     cr0, ebx
        xor     ecx, ebx
        xor     edx, ebx
        mov     esi, ebx
        and     esi, CR0_MP|CR0_EM|CR0_TS
        xor     edx, esi
        CHECK   edx, 0
        xor     ecx, esi
        CHECK   ecx, CR0_MP|CR0_EM|CR0_TS
END_CASE

PCASE "clts"
        mov     ebx, cr0
        mov     eax, ebx
        or      al, CR0_TS|CR0_MP
        mov     cr0, eax
        clts
        mov     ecx, cr0
        mov     cr0, ebx
        and     ecx, CR0_TS|CR0_MP
        CHECK   ecx, CR0_MP
END_CASE

PCASE "entry-keeps-segments"
        ; the caches of real mode stay until the registers are loaded
        mov     ax, 0x0801
        mov     es, ax
        mov     dword [DATA+0x20], 0x13572468
        PM16_BEGIN
        mov     ebx, [es:0x10]
        mov     cx, es
        push    ebx
        pop     edx
        PM16_END
        CHECK   ebx, 0x13572468
        CHECK   edx, 0x13572468
        CHECK16 cx, 0x0801
END_CASE

PCASE "entry-loads-descriptor"
        mov     dword [DATA+0x20], 0x13572468
        PM16_BEGIN
        mov     ax, SEL_DATA16
        mov     es, ax
        mov     ebx, [es:DATA+0x20]
        PM16_END
        xor     ax, ax
        mov     es, ax
        CHECK   ebx, 0x13572468
END_CASE

PCASE "exit-keeps-base"
        ; and back in real mode the base of the descriptor stays until the next load
        mov     byte [0xF0], 0x5A
        PM16_BEGIN
        mov     ax, SEL_DATA16
        mov     es, ax
        PM16_END
        mov     dword [DATA+4], 0x2468ACE0
        mov     ebx, [es:DATA+4]
        mov     cx, es
        xor     ax, ax
        mov     es, ax
        CHECK   ebx, 0x2468ACE0
        CHECK16 cx, SEL_DATA16
END_CASE

PCASE "mov-cr-register-only"
        ; SDM vol. 2, MOV CR: the mod field is ignored
        mov     ebx, cr0
        db      0x0F, 0x20, 0x00                ; mov eax, cr0 with mod=0
        xor     eax, ebx
        CHECK   eax, 0
END_CASE

PCASE "mov-cr2-cr3"
        mov     eax, 0x12345678
        mov     cr2, eax
        mov     ebx, cr2
        CHECK   ebx, 0x12345678
        mov     ebx, cr3
        and     ebx, 0xFFFFF000
        CHECK   ebx, PAGES
END_CASE

PCASE "mov-cr-undefined"
        FAULTS  6, {db 0x0F, 0x20, 0xC8}        ; cr1
        FAULTS  6, {db 0x0F, 0x22, 0xC8}
        FAULTS  6, {db 0x0F, 0x20, 0xE8}        ; cr5
        FAULTS  6, {db 0x0F, 0x20, 0xF0}
        FAULTS  6, {db 0x0F, 0x20, 0xF8}
        FAULTS  6, {db 0x0F, 0x22, 0xF8}
END_CASE

        UNLESS_FAMILY 4, no_486_real
PCASE "cr0-486-bits"
        mov     ebx, cr0
        mov     eax, ebx
        or      eax, CR0_WP|CR0_AM
        mov     cr0, eax
        mov     ecx, cr0
        and     eax, ~(CR0_WP|CR0_AM)
        mov     cr0, eax
        mov     edx, cr0
        mov     cr0, ebx
        and     ecx, CR0_WP|CR0_AM
        and     edx, CR0_WP|CR0_AM
        CHECK   ecx, CR0_WP|CR0_AM
        CHECK   edx, 0
END_CASE

PCASE "pg-without-pe"
        ; SDM vol. 2, MOV CR, real-address mode: #GP
        mov     ebx, cr0
        mov     eax, ebx
        or      eax, CR0_PG
        FAULTS  13, {mov cr0, eax}
        mov     ecx, cr0
        mov     cr0, ebx
        xor     ecx, ebx
        CHECK   ecx, 0
END_CASE

PCASE "nw-without-cd"
        ; SDM vol. 2, MOV CR
        mov     ebx, cr0
        mov     eax, ebx
        and     eax, ~CR0_CD
        or      eax, CR0_NW
        FAULTS  13, {mov cr0, eax}
        mov     ecx, cr0
        mov     cr0, ebx
        xor     ecx, ebx
        CHECK   ecx, 0
END_CASE
no_486_real:

ENTER_PROTECTED

; --- operand and address size, D=1 --------------------------------------------

PCASE "code32-operand-size"
        mov     eax, 0xAAAAAAAA
        db      0x66, 0xB8, 0x34, 0x12          ; mov ax, 1234h
        CHECK   eax, 0xAAAA1234
        db      0xB8, 0x78, 0x56, 0x34, 0x12    ; mov eax, 12345678h
        CHECK   eax, 0x12345678
        db      0x66, 0x66, 0xB8, 0x21, 0x43    ; a second prefix changes nothing
        CHECK   eax, 0x12344321
END_CASE

PCASE "code32-address-size"
        mov     byte [DATA+5], 0x77
        mov     byte [DATA+1], 0x88
        mov     ebx, 0x12340000|DATA
        mov     esi, 0x43210005
        a16 mov al, [bx+si]
        CHECK8  al, 0x77
        mov     bx, 0xFFFF
        mov     si, DATA+2
        a16 mov al, [bx+si]                     ; wraps at 64 KiB
        CHECK8  al, 0x88
        db      0x67, 0xA0                      ; mov al, [moffs16]
        dw      DATA+5
        CHECK8  al, 0x77
        a16 lea eax, [bx+si+3]
        CHECK   eax, DATA+4
        o16 lea ax, [esi+ebx]
        CHECK   eax, DATA+1
END_CASE

PCASE "code32-address16-counter"
        mov     ecx, 0x00050003
        xor     eax, eax
.again: inc     eax
        a16 loop .again
        CHECK   eax, 3
        CHECK   ecx, 0x00050000
        jcxz    .taken
        FAIL_HERE 1
.taken: jecxz   .wrong
        jmp     .end
.wrong: FAIL_HERE 2
.end:
END_CASE

PCASE "code32-address16-strings"
        mov     dword [DATA], 0x12345678
        mov     dword [DATA+0x10], 0
        mov     esi, 0x11110000|DATA
        mov     edi, 0x22220000|(DATA+0x10)
        mov     ecx, 0x33330003
        a16 rep movsb
        CHECK   dword [DATA+0x10], 0x00345678
        CHECK   esi, 0x11110000|(DATA+3)
        CHECK   edi, 0x22220000|(DATA+0x13)
        CHECK   ecx, 0x33330000
END_CASE

PCASE "code32-stack-operand-size"
        mov     eax, 0x12345678
        push    ax
        mov     ebx, esp
        o16 push byte -2
        mov     ecx, esp
        push    byte -2
        mov     edx, esp
        CHECK   ebx, PM_STACK-2
        CHECK   ecx, PM_STACK-4
        CHECK   edx, PM_STACK-8
        CHECK   dword [PM_STACK-8], 0xFFFFFFFE
        CHECK16 word [PM_STACK-4], 0xFFFE
        CHECK16 word [PM_STACK-2], 0x5678
        pushfw
        mov     ebx, esp
        CHECK   ebx, PM_STACK-10
END_CASE

PCASE "code32-jump16-truncates-eip"
        ; E9 rel16 and E8 rel16: EIP := EIP AND FFFFh
        mov     byte [LOW_CODE], 0x68           ; push dword .back; ret
        mov     dword [LOW_CODE+1], .back
        mov     byte [LOW_CODE+5], 0xC3
        db      0x66, 0xE9
        dw      (LOW_CODE-(ROM32_START+($-$$)+2)) & 0xFFFF
        jmp     .wrong
.back:  mov     byte [LOW_CODE], 0x68
        mov     dword [LOW_CODE+1], .back2
        db      0x66, 0xE8
        dw      (LOW_CODE-(ROM32_START+($-$$)+2)) & 0xFFFF
.behind:
.wrong: FAIL_HERE 1
.back2: mov     ebx, esp
        CHECK   ebx, PM_STACK-2                 ; a 16-bit return address
        mov     eax, .behind
        xor     ax, [PM_STACK-2]
        CHECK16 ax, 0
END_CASE

PCASE "code32-ret16-truncates-eip"
        mov     byte [LOW_CODE], 0x68
        mov     dword [LOW_CODE+1], .back
        mov     byte [LOW_CODE+5], 0xC3
        push    word LOW_CODE
        o16 ret
        FAIL_HERE 1
.back:  mov     ebx, esp
        CHECK   ebx, PM_STACK
END_CASE

; --- D=0 ----------------------------------------------------------------------

%macro CODE16_BEGIN 1
        jmp     SEL_CODE16:%1
section .rom16
bits 16
%1:
%endmacro

%macro CODE16_END 1
        jmp     dword SEL_CODE32:%1
section .rom32
bits 32
%1:
%endmacro

PCASE "code16-operand-size"
        mov     eax, 0xAAAAAAAA
        mov     ebx, eax
        CODE16_BEGIN c16_operand
        db      0xB8, 0x34, 0x12
        db      0x66, 0xBB, 0x78, 0x56, 0x34, 0x12
        CODE16_END c16_operand_back
        CHECK   eax, 0xAAAA1234
        CHECK   ebx, 0x12345678
END_CASE

PCASE "code16-address-size"
        mov     byte [DATA+5], 0x77
        mov     byte [0x12345], 0x88
        mov     ebx, 0x12345-0x10
        mov     esi, 0x10
        CODE16_BEGIN c16_address
        mov     al, [ebx+esi]
        mov     bx, DATA
        mov     si, 5
        mov     ah, [bx+si]
        CODE16_END c16_address_back
        CHECK16 ax, 0x7788
END_CASE

PCASE "code16-strings"
        mov     dword [DATA], 0x12345678
        mov     dword [DATA+0x10], 0
        mov     esi, 0x11110000|DATA
        mov     edi, 0x22220000|(DATA+0x10)
        mov     ecx, 0x33330003
        CODE16_BEGIN c16_strings
        rep movsb
        CODE16_END c16_strings_back
        CHECK   dword [DATA+0x10], 0x00345678
        CHECK   esi, 0x11110000|(DATA+3)
        CHECK   ecx, 0x33330000
        mov     esi, DATA
        mov     edi, DATA+0x20
        mov     ecx, 4
        CODE16_BEGIN c16_strings2
        a32 rep movsb
        CODE16_END c16_strings2_back
        CHECK   dword [DATA+0x20], 0x12345678
        CHECK   ecx, 0
END_CASE

PCASE "code16-far-call"
        CODE16_BEGIN c16_call
        call    SEL_CODE16:c16_callee
        mov     ecx, ebx
        call    dword SEL_CODE16:c16_callee32
        CODE16_END c16_call_back
        CHECK   ecx, PM_STACK-4
        CHECK   ebx, PM_STACK-8
        mov     ebx, esp
        CHECK   ebx, PM_STACK
END_CASE
section .rom16
bits 16
c16_callee:
        mov     ebx, esp
        retf
c16_callee32:
        mov     ebx, esp
        o32 retf
section .rom32
bits 32

; --- stack size ---------------------------------------------------------------

PCASE "stack16-under-32-bit-code"
        mov     ax, SEL_DATA16
        mov     ss, ax
        mov     esp, 0x12340000|DATA
        mov     eax, 0xCAFE0001
        push    eax
        mov     ebx, esp
        pop     ecx
        mov     edx, esp
        call    .sub
.behind:
        mov     edi, esp
        mov     ax, SEL_DATA32
        mov     ss, ax
        mov     esp, PM_STACK
        CHECK   ebx, 0x12340000|(DATA-4)
        CHECK   ecx, 0xCAFE0001
        CHECK   edx, 0x12340000|DATA
        CHECK   esi, 0x12340000|(DATA-4)
        CHECK   edi, 0x12340000|DATA
        CHECK   dword [DATA-4], .behind
        jmp     .end
.sub:   mov     esi, esp
        ret
.end:
END_CASE

PCASE "stack16-wraps"
        mov     ax, SEL_DATA16
        mov     ss, ax
        mov     esp, 0x12340000
        push    dword 0xCAFE0002
        mov     ebx, esp
        pop     ecx
        mov     edx, esp
        mov     ax, SEL_DATA32
        mov     ss, ax
        mov     esp, PM_STACK
        CHECK   ebx, 0x1234FFFC
        CHECK   ecx, 0xCAFE0002
        CHECK   edx, 0x12340000
        CHECK   dword [0xFFFC], 0xCAFE0002
END_CASE

PCASE "stack16-enter-leave"
        mov     ax, SEL_DATA16
        mov     ss, ax
        mov     esp, 0x12340000|DATA
        mov     ebp, 0x56780000|0x1111
        enter   8, 0
        mov     ebx, esp
        mov     ecx, ebp
        leave
        mov     edx, esp
        mov     ax, SEL_DATA32
        mov     ss, ax
        mov     esp, PM_STACK
        CHECK   ebx, 0x12340000|(DATA-12)
        CHECK16 cx, DATA-4
        CHECK   edx, 0x12340000|DATA
        CHECK   ebp, 0x56781111
END_CASE

PCASE "stack16-pusha-popa"
        mov     ax, SEL_DATA16
        mov     ss, ax
        mov     esp, 0x12340000|DATA
        mov     ecx, 0xCAFE0003
        pushad
        mov     ebx, esp
        xor     ecx, ecx
        mov     [DATA+0x40], ebx
        popad
        mov     edx, esp
        mov     ax, SEL_DATA32
        mov     ss, ax
        mov     esp, PM_STACK
        CHECK   dword [DATA+0x40], 0x12340000|(DATA-32)
        CHECK   ecx, 0xCAFE0003
        CHECK   edx, 0x12340000|DATA
        CHECK   dword [DATA-8], 0xCAFE0003
END_CASE

PCASE "stack32-under-16-bit-code"
        mov     esp, 0x10000
        CODE16_BEGIN c16_stack
        push    word 0x1234
        mov     ebx, esp
        push    dword 0x56789ABC
        mov     ecx, esp
        pop     eax
        pop     dx
        mov     esi, esp
        call    c16_near
        mov     ebp, esp
        mov     esp, PM_STACK
        CODE16_END c16_stack_back
        CHECK   ebx, 0xFFFE
        CHECK   ecx, 0xFFFA
        CHECK   eax, 0x56789ABC
        CHECK16 dx, 0x1234
        CHECK   esi, 0x10000
        CHECK   edi, 0xFFFE
        CHECK   ebp, 0x10000
END_CASE
section .rom16
bits 16
c16_near:
        mov     edi, esp
        ret
section .rom32
bits 32

PCASE "stack32-leave16"
        ; 16-bit LEAVE with a 32-bit stack: ESP := EBP, then BP is popped
        mov     dword [0x10000], 0x99990000|0x7777
        mov     ebp, 0x10000
        o16 leave
        mov     ebx, esp
        mov     esp, PM_STACK
        CHECK   ebx, 0x10002
        CHECK   ebp, 0x17777
END_CASE

; --- descriptor-table registers -----------------------------------------------

PCASE "sgdt-sidt"
        mov     dword [DATA+4], 0xFFFFFFFF
        mov     dword [DATA+12], 0xFFFFFFFF
        sgdt    [DATA]
        sidt    [DATA+8]
        CHECK16 word [DATA], 0x7FF
        CHECK   dword [DATA+2], PM_GDT
        CHECK16 word [DATA+6], 0xFFFF
        CHECK16 word [DATA+8], 0x7FF
        CHECK   dword [DATA+10], PM_IDT
        CHECK16 word [DATA+14], 0xFFFF
END_CASE

PCASE "sgdt-sidt-16"
        ; byte 5 is zero; with a base below 16 MiB the manuals agree
        mov     dword [DATA+4], 0xFFFFFFFF
        o16 sgdt [DATA]
        CHECK   dword [DATA+2], PM_GDT
        CHECK16 word [DATA+6], 0xFFFF
        o16 sidt [DATA]
        CHECK   dword [DATA+2], PM_IDT
END_CASE

PCASE "lgdt-16-loads-24-bits"
        mov     word [DATA], 0x7FF
        mov     dword [DATA+2], 0xFF000000|PM_GDT
        o16 lgdt [DATA]
        sgdt    [DATA+8]
        CHECK   dword [DATA+10], PM_GDT
        mov     ax, SEL_DATA32_R3
        mov     es, ax
        CHECK_SEG es, SEL_DATA32_R3
END_CASE

PCASE "lgdt-32-loads-32-bits"
        mov     word [DATA], 0x123
        mov     dword [DATA+2], 0xFE123456
        lgdt    [DATA]
        sgdt    [DATA+8]
        mov     word [DATA], 0x7FF
        mov     dword [DATA+2], PM_GDT
        lgdt    [DATA]
        CHECK16 word [DATA+8], 0x123
        CHECK   dword [DATA+10], 0xFE123456
END_CASE

PCASE "lidt-16-loads-24-bits"
        mov     word [DATA], 0x7FF
        mov     dword [DATA+2], 0xFF000000|PM_IDT
        o16 lidt [DATA]
        sidt    [DATA+8]
        CHECK   dword [DATA+10], PM_IDT
        FAULTS  6, {db 0x0F, 0x0B}
END_CASE

PCASE "lgdt-register-undefined"
        FAULTS  6, {db 0x0F, 0x01, 0xD0}        ; lgdt eax
        FAULTS  6, {db 0x0F, 0x01, 0xDF}        ; lidt edi
END_CASE

; --- control --------------------------------------------------------------

PCASE "smsw-lmsw"
        mov     ebx, cr0
        smsw    ax
        xor     eax, ebx
        and     eax, 0x7FFF
        CHECK   eax, 0
        mov     dword [DATA], 0xFFFFFFFF
        smsw    [DATA]
        CHECK16 word [DATA+2], 0xFFFF
        mov     ax, CR0_TS                      ; without PE
        lmsw    ax
        mov     ecx, cr0
        mov     cr0, ebx
        and     ecx, 15
        CHECK   ecx, CR0_TS|CR0_PE
        mov     dword [DATA], CR0_MP|CR0_PE
        lmsw    [DATA]
        mov     ecx, cr0
        mov     cr0, ebx
        and     ecx, 15
        CHECK   ecx, CR0_MP|CR0_PE
END_CASE

PCASE "clts-pm"
        mov     ebx, cr0
        mov     eax, ebx
        or      al, CR0_TS
        mov     cr0, eax
        mov     ecx, cr0
        clts
        mov     edx, cr0
        mov     cr0, ebx
        and     ecx, CR0_TS
        CHECK   ecx, CR0_TS
        and     edx, CR0_TS
        CHECK   edx, 0
END_CASE

PCASE "cli-sti-at-cpl-0"
        ; CPL <= IOPL always holds
        sti
        pushfd
        pop     ebx
        cli
        pushfd
        pop     ecx
        CHECK   ebx, IF_|2
        CHECK   ecx, 2
END_CASE

PCASE "hlt-woken-by-timer"
        SET_GATE 0x70, SEL_CODE32, .handler, GATE_INT32
        mov     al, 0x30
        out     0x43, al
        mov     al, 0
        out     0x40, al
        mov     al, 2
        out     0x40, al
        mov     al, 0xFE
        out     0x21, al
        mov     al, 0x0A                ; no HLT when the timer is missing
        out     0x20, al
        mov     ecx, 0x800000
.poll:  in      al, 0x20
        test    al, 1
        jnz     .works
        dec     ecx
        jnz     .poll
        FAIL_HERE 1
        jmp     .end
.works: mov     al, 0xFF
        out     0x21, al
        mov     al, 0x20
        out     0x40, al
        mov     al, 2
        out     0x40, al
        mov     al, 0xFE
        out     0x21, al
        xor     ecx, ecx
        sti
        hlt
.behind:
        cli
        mov     al, 0xFF
        out     0x21, al
        CHECK   ecx, 1
        CHECK   edx, .behind
        CHECK16 bx, SEL_CODE32
        jmp     .end
.handler:
        inc     ecx
        mov     edx, [esp]
        mov     ebx, [esp+4]
        mov     al, 0x20
        out     0x20, al
        iretd
.end:
END_CASE

PCASE "mov-cr-undefined-pm"
        FAULTS  6, {db 0x0F, 0x20, 0xC8}
        FAULTS  6, {db 0x0F, 0x22, 0xF8}
END_CASE

        UNLESS_FAMILY 4, no_486
PCASE "pg-without-pe-pm"
        ; SDM vol. 2, MOV CR, protected mode: #GP(0)
        mov     eax, PAGES
        mov     cr3, eax
        mov     ebx, cr0
        mov     eax, ebx
        and     al, ~CR0_PE
        or      eax, CR0_PG
        EXPECT_FAULT 13, .at
.at:    mov     cr0, eax
        mov     cr0, ebx
        FAULTED
        mov     ecx, cr0
        mov     cr0, ebx
        CHECK16 word [X_ERROR], 0
        xor     ecx, ebx
        CHECK   ecx, 0
END_CASE

PCASE "nw-without-cd-pm"
        ; SDM vol. 2, MOV CR, protected mode: #GP(0)
        mov     ebx, cr0
        mov     eax, ebx
        and     eax, ~CR0_CD
        or      eax, CR0_NW
        EXPECT_FAULT 13, .at
.at:    mov     cr0, eax
        mov     cr0, ebx
        FAULTED
        mov     ecx, cr0
        mov     cr0, ebx
        CHECK16 word [X_ERROR], 0
        xor     ecx, ebx
        CHECK   ecx, 0
END_CASE

no_486:
        UNLESS_FAMILY 6, no_p6
PCASE "cr0-et-is-fixed"
        ; SDM vol. 3, "Control Registers": hardcoded to 1 from the P6 family on
        mov     ebx, cr0
        mov     eax, ebx
        and     al, ~CR0_ET
        mov     cr0, eax
        mov     ecx, cr0
        mov     cr0, ebx
        and     ecx, CR0_ET
        CHECK   ecx, CR0_ET
END_CASE
no_p6:

        LEAVE_PROTECTED real_again
section .rom16
bits 16
real_again:

PCASE "real-mode-again"
        mov     ebx, cr0
        and     ebx, CR0_PE
        CHECK   ebx, 0
        CHECK_SEG cs, 0xF000
        mov     ax, 0x0801
        mov     ds, ax
        mov     dword [0x10], 0x11223344
        xor     ax, ax
        mov     ds, ax
        CHECK   dword [DATA+0x20], 0x11223344
        FAULTS  0, {div bl}
END_CASE

ROM_END
