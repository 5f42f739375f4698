; The harness of `turtle86 conformance peers --blocks`: the last 64 KiB of a BIOS image, in front of which lies a table of cases.
;
; Each case is a state of user mode: CPL 3 with paging on, 16- or 32-bit code in segments of an LDT. The harness loads the state and
; catches the exception in which the case ends. It writes lines to port E9h, numbers in hexadecimal without leading zeros:
;
;   B number                 a case begins
;   R vector error cr2 eax ecx edx ebx esp ebp esi edi eip eflags es cs ss ds fs gs
;   K vector error eip       instead of R: the state could not be loaded
;   M line bytes             64 bytes of the arena that are not as in the table, one line for each such line of memory
;   E                        the case is done
;   DONE                     no more cases
;
; A case that runs for LONGEST ticks of the timer is cut off, with vector 100h. The harness leaves through port F4h (10h) and, for
; emulators without it, through the word Shutdown on port 8900h.
;
; The table: entries of the arena's page table without addresses (a doubleword for each page), the LDT, the arena's bytes, the number
; of cases, then the cases. A case is the bytes that it has, EDI to EAX as POPAD takes them, EIP, CS, EFLAGS, ESP, SS, then ES, DS, FS,
; GS, the number of pieces of memory, and of each piece its offset in the arena, its length and its bytes, filled up to doublewords.

SYSTEM          equ 0xDE800000          ; where the system sees physical memory, out of the user's reach
IMAGE           equ 0xDEC00000          ; where it sees the last 4 MiB of physical memory
ROM             equ SYSTEM + 0xF0000
ARENA           equ 0x00100000
PAGES           equ 17
SEGMENTS        equ 128
LONGEST         equ 8                   ; ticks of 55 ms

; Physical memory
DIRECTORY       equ 0x1000
ARENA_TABLE     equ 0x2000
SYSTEM_TABLE    equ 0x3000
IMAGE_TABLE     equ 0x4000
GDT             equ 0x5000
IDT             equ 0x5800
TSS             equ 0x6000
LDT             equ 0x7000
STACK_TOP       equ 0x9000
FRAME           equ 0x9800              ; what POPAD and IRETD take
TICKS           equ 0xA000
NUMBER          equ 0xA004
CASE            equ 0xA008
CASES           equ 0xA00C
POINTER         equ 0xA010
LIVE            equ 0x20000             ; the arena
PRISTINE        equ 0x40000             ; and as it was

; Selectors
CODE            equ 0x08
DATA            equ 0x18
TSS_SELECTOR    equ 0x40
LDT_SELECTOR    equ 0x50
FRAME_SELECTOR  equ 0x60                ; a stack whose base makes up for the upper half of ESP

cpu p6
org ROM

base:
        db      "T86BLOCK"
table:  dd      0                       ; physical address of the table, put in by whoever makes the image
        align   16

; As 64-bit Linux has it, which hosts run the same cases under: LAR and LSL can see it.
gdt:    dq      0, 0x00CF9B000000FFFF, 0x00AF9B000000FFFF, 0x00CF93000000FFFF
        dq      0x00CFFB000000FFFF, 0x00CFF3000000FFFF, 0x00AF7B000000FFFF, 0
        dw      0x0067, (SYSTEM + TSS) & 0xFFFF
        db      (SYSTEM + TSS) >> 16 & 0xFF, 0x89, 0, (SYSTEM + TSS) >> 24
        dq      0
        dw      SEGMENTS * 8 - 1, (SYSTEM + LDT) & 0xFFFF
        db      (SYSTEM + LDT) >> 16 & 0xFF, 0x82, 0, (SYSTEM + LDT) >> 24
        dq      0, 0, 0, 0
        dq      0x0040F50000000000
gdt_end:
boot_gdtr:
        dw      gdt_end - gdt - 1
        dd      gdt - SYSTEM
gdtr:   dw      gdt_end - gdt - 1
        dd      SYSTEM + GDT
idtr:   dw      0x7FF
        dd      SYSTEM + IDT

bits 16
entry:  cli
        cld
        mov     al, 2                   ; A20
        out     0x92, al
o32     lgdt    [cs:boot_gdtr - base]
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     dword CODE:start - SYSTEM

bits 32
start:  mov     eax, DATA
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     esp, STACK_TOP
        xor     eax, eax
        mov     edi, DIRECTORY
        mov     ecx, (LIVE - DIRECTORY) / 4
        rep     stosd
        mov     esi, gdt - SYSTEM
        mov     edi, GDT
        mov     ecx, (gdt_end - gdt) / 4
        rep     movsd

        mov     dword [DIRECTORY + (ARENA >> 22) * 4], ARENA_TABLE | 0x27
        mov     dword [DIRECTORY + (SYSTEM >> 22) * 4], SYSTEM_TABLE | 0x23
        mov     dword [DIRECTORY + (IMAGE >> 22) * 4], IMAGE_TABLE | 0x23
        mov     edi, SYSTEM_TABLE
        mov     eax, 0x63
        call    fill_table
        mov     edi, IMAGE_TABLE
        mov     eax, 0xFFC00063
        call    fill_table

        ; The table of the image: rights, LDT, arena.
        mov     esi, [table - SYSTEM]
        mov     edi, ARENA_TABLE + (ARENA >> 12 & 0x3FF) * 4
        mov     ebx, LIVE
        mov     ecx, PAGES
.page:  lodsd
        test    eax, eax
        jz      .missing
        or      eax, ebx
.missing:
        stosd
        add     ebx, 0x1000
        loop    .page
        mov     edi, LDT
        mov     ecx, SEGMENTS * 2
        rep     movsd
        mov     edi, PRISTINE
        mov     ecx, PAGES * 0x400
        push    esi
        rep     movsd
        mov     eax, esi
        pop     esi
        mov     edi, LIVE
        mov     ecx, PAGES * 0x400
        rep     movsd
        sub     eax, 0xFFC00000 - IMAGE
        mov     [CASE], eax

        ; A gate for each vector; breakpoints and INTO are open to the user.
        mov     edi, IDT
        mov     eax, stubs
        xor     ecx, ecx
.gate:  mov     edx, eax
        and     edx, 0xFFFF
        or      edx, CODE << 16
        mov     [edi], edx
        mov     edx, eax
        and     edx, 0xFFFF0000
        or      edx, 0x8E00
        cmp     ecx, 3
        je      .open
        cmp     ecx, 4
        jne     .closed
.open:  or      edx, 0x6000
.closed:
        mov     [edi + 4], edx
        add     edi, 8
        add     eax, 16
        inc     ecx
        cmp     ecx, 256
        jb      .gate

        mov     dword [TSS + 4], SYSTEM + STACK_TOP
        mov     dword [TSS + 8], DATA
        mov     word [TSS + 0x66], 0x68 ; no I/O bitmap

        ; This page where it is, for as long as paging begins.
        mov     edi, ARENA_TABLE + 0xF0 * 4
        mov     eax, 0xF0063
        mov     ecx, 16
.same:  stosd
        add     eax, 0x1000
        loop    .same
        mov     eax, DIRECTORY
        mov     cr3, eax
        mov     eax, cr0
        or      eax, 0x80050005         ; PG, AM, WP, EM (no x87), PE
        and     eax, 0x9FFFFFFF         ; caches on
        mov     cr0, eax
        mov     eax, .high
        jmp     eax
.high:  mov     esp, SYSTEM + STACK_TOP
        xor     eax, eax
        mov     edi, SYSTEM + ARENA_TABLE + 0xF0 * 4
        mov     ecx, 16
        rep     stosd
        mov     eax, cr3
        mov     cr3, eax
        lgdt    [gdtr]
        lidt    [idtr]
        mov     ax, LDT_SELECTOR
        lldt    ax
        mov     ax, TSS_SELECTOR
        ltr     ax

        ; The timer alone interrupts, with vector 20h.
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
        mov     al, 0xFE
        out     0x21, al
        mov     al, 0xFF
        out     0xA1, al
        mov     al, 0x34                ; a tick every 65,536 periods
        out     0x43, al
        xor     eax, eax
        out     0x40, al
        out     0x40, al

        mov     esi, [SYSTEM + CASE]
        lodsd
        mov     [SYSTEM + CASE], esi
        mov     [SYSTEM + CASES], eax
        mov     dword [SYSTEM + NUMBER], 0
        call    newline                 ; behind whatever the emulator wrote
        jmp     next

; EDI: a table. EAX: its first entry.
fill_table:
        mov     ecx, 1024
.entry: stosd
        add     eax, 0x1000
        loop    .entry
        ret

; The next case, if there is one.
next:   mov     eax, DATA
        mov     ss, eax
        mov     esp, SYSTEM + STACK_TOP
        mov     eax, [SYSTEM + NUMBER]
        cmp     eax, [SYSTEM + CASES]
        jae     finish
        push    eax
        mov     al, 'B'
        out     0xE9, al
        pop     eax
        call    number
        call    newline
        inc     dword [SYSTEM + NUMBER]
        mov     dword [SYSTEM + TICKS], 0

        mov     ebx, [SYSTEM + CASE]
        mov     eax, [ebx]
        add     [SYSTEM + CASE], eax
        lea     esi, [ebx + 4 + 17 * 4]
        lodsd
        mov     edx, eax
.piece: test    edx, edx
        jz      .placed
        lodsd
        lea     edi, [eax + SYSTEM + LIVE]
        lodsd
        mov     ecx, eax
        rep     movsb
        add     esi, 3
        and     esi, ~3
        dec     edx
        jmp     .piece
.placed:
        mov     ecx, [ebx + 4 + 11 * 4]
        call    upper_half
        lea     esi, [ebx + 4]
        mov     edi, SYSTEM + FRAME
        mov     ecx, 13
        rep     movsd
        mov     word [SYSTEM + POINTER], FRAME
        lss     esp, [SYSTEM + POINTER]
        mov     es, [esi]
        mov     fs, [esi + 8]
        mov     gs, [esi + 12]
        mov     ds, [esi + 4]
        popad
        iretd

; IRETD to a 16-bit stack leaves the upper half of ESP as it is: it must be the case's before. Makes a segment in which the stack
; has that address, and POINTER to it but for its lower half. ECX: the case's ESP. Changes EAX, ECX, EDX.
upper_half:
        and     ecx, 0xFFFF0000
        mov     [ss:SYSTEM + POINTER], ecx
        mov     word [ss:SYSTEM + POINTER + 4], FRAME_SELECTOR
        mov     eax, SYSTEM             ; base
        sub     eax, ecx
        mov     edx, eax
        shl     eax, 16
        mov     ax, 0xFFFF
        mov     [ss:SYSTEM + GDT + FRAME_SELECTOR], eax
        mov     eax, edx
        shr     eax, 16
        movzx   eax, al
        and     edx, 0xFF000000
        lea     eax, [eax + edx + 0x00CF9300]
        mov     [ss:SYSTEM + GDT + FRAME_SELECTOR + 4], eax
        ret

; Below the frame of an exception: vector and error code, or 0.
caught: pushad
        sub     esp, 16
        mov     [esp], es
        mov     [esp + 4], ds
        mov     [esp + 8], fs
        mov     [esp + 12], gs
        cld
        mov     eax, DATA
        mov     ds, eax
        mov     es, eax
        mov     ebp, esp
        test    byte [ss:ebp + 16 + 44], 3
        jz      failed
        mov     al, 'R'
        out     0xE9, al
        mov     eax, [ebp + 16 + 32]    ; vector
        call    number
        mov     eax, [ebp + 16 + 36]    ; error code
        call    number
        mov     eax, cr2
        call    number
        mov     eax, [ebp + 16 + 28]
        call    number
        mov     eax, [ebp + 16 + 24]
        call    number
        mov     eax, [ebp + 16 + 20]
        call    number
        mov     eax, [ebp + 16 + 16]
        call    number
        mov     eax, [ebp + 16 + 52]    ; the user's ESP
        call    number
        mov     eax, [ebp + 16 + 8]
        call    number
        mov     eax, [ebp + 16 + 4]
        call    number
        mov     eax, [ebp + 16 + 0]
        call    number
        mov     eax, [ebp + 16 + 40]    ; EIP
        call    number
        mov     eax, [ebp + 16 + 48]    ; EFLAGS
        call    number
        movzx   eax, word [ebp]
        call    number
        movzx   eax, word [ebp + 16 + 44]
        call    number
        movzx   eax, word [ebp + 16 + 56]
        call    number
        movzx   eax, word [ebp + 4]
        call    number
        movzx   eax, word [ebp + 8]
        call    number
        movzx   eax, word [ebp + 12]
        call    number
        call    newline
        jmp     memory

failed: mov     al, 'K'
        out     0xE9, al
        mov     eax, [ss:ebp + 16 + 32]
        mov     ebx, [ss:ebp + 16 + 36]
        mov     esi, [ss:ebp + 16 + 40]
        mov     edx, DATA
        mov     ss, edx
        mov     esp, SYSTEM + STACK_TOP
        call    number
        mov     eax, ebx
        call    number
        mov     eax, esi
        call    number
        call    newline

; Writes the lines of the arena that have changed and makes them what they were.
memory: xor     ebx, ebx
.page:  test    byte [SYSTEM + ARENA_TABLE + (ARENA >> 12 & 0x3FF) * 4 + ebx * 4], 2
        jz      .done
        mov     esi, ebx
        shl     esi, 12
        lea     edi, [esi + SYSTEM + LIVE]
        add     esi, SYSTEM + PRISTINE
        mov     ecx, 0x400
.scan:  repe    cmpsd
        je      .done
        sub     esi, 4
        and     esi, ~63
        sub     edi, 4
        and     edi, ~63
        mov     al, 'M'
        out     0xE9, al
        mov     eax, esi
        sub     eax, SYSTEM + PRISTINE
        shr     eax, 6
        call    number
        mov     al, ' '
        out     0xE9, al
        xor     ecx, ecx
.byte:  mov     al, [edi + ecx]
        push    eax
        shr     al, 4
        call    digit
        pop     eax
        and     al, 15
        call    digit
        inc     ecx
        cmp     ecx, 64
        jb      .byte
        call    newline
        mov     ecx, 16
        rep     movsd
        mov     ecx, esi
        neg     ecx
        and     ecx, 0xFFF
        jz      .done
        shr     ecx, 2
        jmp     .scan
.done:  inc     ebx
        cmp     ebx, PAGES
        jb      .page
        mov     al, 'E'
        out     0xE9, al
        call    newline
        jmp     next

finish: mov     esi, farewell
.text:  lodsb
        test    al, al
        jz      .leave
        out     0xE9, al
        jmp     .text
.leave: mov     al, 0x10
        out     0xF4, al
        mov     dx, 0x8900
        mov     esi, shutdown
.word:  lodsb
        out     dx, al
        test    al, al
        jnz     .word
.halt:  cli
        hlt
        jmp     .halt
farewell:
        db      "DONE", 10, 0
shutdown:
        db      "Shutdown", 0

; A space, then EAX in hexadecimal. Changes EAX, ECX, EDX.
number: mov     edx, eax
        mov     al, ' '
        out     0xE9, al
        mov     ecx, 28
.skip:  mov     eax, edx
        shr     eax, cl
        jnz     .digit
        sub     ecx, 4
        ja      .skip
        xor     ecx, ecx
.digit: mov     eax, edx
        shr     eax, cl
        and     al, 15
        call    digit
        sub     ecx, 4
        jns     .digit
        ret
; AL, 0 to 15.
digit:  add     al, '0'
        cmp     al, '9'
        jbe     .write
        add     al, 'a' - '0' - 10
.write: out     0xE9, al
        ret
newline:
        mov     al, 10
        out     0xE9, al
        ret

; A tick of the timer, in a case.
tick:   pushad
        mov     al, 0x20
        out     0x20, al
        inc     dword [ss:SYSTEM + TICKS]
        cmp     dword [ss:SYSTEM + TICKS], LONGEST
        jae     .endless
        mov     ecx, [esp + 32 + 12]    ; the case's ESP
        call    upper_half
        popad
        mov     word [ss:SYSTEM + POINTER], (STACK_TOP - 20) & 0xFFFF
        lss     esp, [ss:SYSTEM + POINTER]
        iretd
.endless:
        popad
        push    dword 0
        push    dword 0x100
        jmp     caught

        align   16
stubs:
%assign vector 0
%rep 256
  %if vector = 0x20
        jmp     near tick
  %elif vector = 0x27
        iretd                           ; no interrupt after all
  %else
    %if vector = 8 || (vector >= 10 && vector <= 14) || vector = 17
    %else
        push    byte 0
    %endif
        push    dword vector
        jmp     near caught
  %endif
        align   16
  %assign vector vector + 1
%endrep

        times   0xFFF0 - ($ - $$) db 0
bits 16
        jmp     0xF000:entry - base
        times   0x10000 - ($ - $$) db 0
