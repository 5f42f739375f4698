; first-model: 386dx
; cases: 90
; 386 paging: translation, accessed and dirty bits, protection, page faults, TLB.
; Sources: 80386 Programmer's Reference Manual, chapters 5.2 (Page Translation),
; 6.4 (Page-Level Protection), 9.8.14 (Page Fault); SDM volume 3, chapter "Paging".

%define ROM32_START 0x3000
%include "rom.inc"
%include "protected.inc"
%include "paging.inc"

        ROM_BEGIN "paging"
        ENTER_PROTECTED

; --- Translation ---

CASE "translate-read"
        call    pg_tables
        PTE     0, PHYS(3)|7
        PTE     1023, PHYS(5)|7
        mov     dword [PHYS(3)+0x124], 0x12345678
        mov     dword [PHYS(5)+0xFFC], 0x9ABCDEF0
        call    pg_on
        mov     eax, [LIN(0)+0x124]
        mov     ebx, [LIN(1023)+0xFFC]
        CHECK   eax, 0x12345678
        CHECK   ebx, 0x9ABCDEF0
        call    pg_off
END_CASE

CASE "translate-write"
        call    pg_tables
        PTE     0, PHYS(3)|7
        PTE     1, PHYS(2)|7
        call    pg_on
        mov     dword [LIN(0)+0x10], 0x11111111
        mov     dword [LIN(1)+0x10], 0x22222222
        CHECK   dword [PHYS(3)+0x10], 0x11111111
        CHECK   dword [PHYS(2)+0x10], 0x22222222
        CHECK   dword [PHYS(0)+0x10], 0
        CHECK   dword [PHYS(1)+0x10], 0
        call    pg_off
END_CASE

CASE "translate-aliases"
        call    pg_tables
        PTE     0, PHYS(3)|7
        PTE     7, PHYS(3)|7
        PDE     2, PG_PT1|7                     ; the same table 4 MiB above
        PDE     1023, PG_PT1|7
        call    pg_on
        mov     dword [LIN(0)+8], 0x11111111
        mov     eax, [LIN(7)+8]
        CHECK_EAX 0x11111111
        mov     dword [LIN(7)+8], 0x22222222
        mov     eax, [LIN(0)+8]
        CHECK_EAX 0x22222222
        mov     eax, [LIN(0)+0x400000+8]
        CHECK_EAX 0x22222222
        mov     eax, [0xFFC00000+8]
        CHECK_EAX 0x22222222
        call    pg_off
END_CASE

CASE "translate-self-map"                       ; a page directory is its own page table
        call    pg_tables
        PTE     5, PHYS(4)|7
        PDE     1023, PG_DIR|7
        mov     dword [PHYS(4)+4], 0x55667788
        call    pg_on
        mov     eax, [0xFFFFF000+4]             ; PDE 1
        and     eax, 0xFFFFF000
        CHECK_EAX PG_PT1
        mov     eax, [0xFFC00000+0x1000+5*4]    ; PTE 5 of LIN
        and     eax, 0xFFFFF000
        CHECK_EAX PHYS(4)
        call    pg_off
END_CASE

CASE "translate-segment-base"
        call    pg_tables
        PTE     0, PHYS(6)|7
        mov     dword [PHYS(6)+0x20], 0xCAFEF00D
        SET_DESC SEL_FREE, LIN(0), 0xFFF, ACC_DATA, 4
        call    pg_on
        mov     ax, SEL_FREE
        mov     fs, ax
        mov     eax, [fs:0x20]
        CHECK_EAX 0xCAFEF00D
        call    pg_off
END_CASE

CASE "cr2-read-write"
        mov     eax, 0xA5A55A5A
        mov     cr2, eax
        mov     ebx, cr2
        CHECK   ebx, 0xA5A55A5A
END_CASE

CASE "cr3-read-write"
        mov     eax, 0x12345000
        mov     cr3, eax
        mov     ebx, cr3
        and     ebx, 0xFFFFF000
        CHECK   ebx, 0x12345000
END_CASE

; SDM volume 3, "Control Registers": PG set with PE clear is #GP. The second write
; leaves that state at once where the processor does not fault.
CASE "pg-without-pe"
        call    pg_tables
        mov     eax, PG_DIR
        mov     cr3, eax
        mov     eax, cr0
        mov     ebx, eax
        and     eax, ~1
        or      eax, 0x80000000
        EXPECT_FAULT 13, pg_without_pe
pg_without_pe:
        mov     cr0, eax
        mov     cr0, ebx
        FAULTED
        CHECK   dword [X_ERROR], 0
        mov     ecx, cr0
        xor     ecx, ebx
        CHECK   ecx, 0
        call    pg_off
END_CASE

; --- Accessed and dirty bits ---

CASE "accessed-read"
        call    pg_tables
        PTE     0, PHYS(0)|7
        PTE     1, PHYS(1)|7
        call    pg_on
        mov     eax, [LIN(0)]
        CHECK   dword [PTE_AT(0)], PHYS(0)|7|PG_A
        CHECK   dword [PDE_AT(1)], PG_PT1|7|PG_A
        CHECK   dword [PTE_AT(1)], PHYS(1)|7
        call    pg_off
END_CASE

CASE "dirty-write"
        call    pg_tables
        PTE     0, PHYS(0)|7
        call    pg_on
        mov     [LIN(0)], eax
        CHECK   dword [PTE_AT(0)], PHYS(0)|7|PG_A|PG_D
        CHECK   dword [PDE_AT(1)], PG_PT1|7|PG_A
        call    pg_off
END_CASE

CASE "dirty-write-after-read"                   ; the translation is cached without D
        call    pg_tables
        PTE     0, PHYS(0)|7
        call    pg_on
        mov     eax, [LIN(0)]
        mov     [LIN(0)+4], eax
        CHECK   dword [PTE_AT(0)], PHYS(0)|7|PG_A|PG_D
        call    pg_off
END_CASE

CASE "dirty-read-modify-write"
        call    pg_tables
        PTE     0, PHYS(0)|7
        PTE     1, PHYS(1)|7
        PTE     2, PHYS(2)|7
        PTE     3, PHYS(3)|7
        call    pg_on
        inc     byte [LIN(0)]
        xchg    eax, [LIN(1)]
        lock or dword [LIN(2)], 0
        bts     dword [LIN(3)], 1
        CHECK   dword [PTE_AT(0)], PHYS(0)|7|PG_A|PG_D
        CHECK   dword [PTE_AT(1)], PHYS(1)|7|PG_A|PG_D
        CHECK   dword [PTE_AT(2)], PHYS(2)|7|PG_A|PG_D
        CHECK   dword [PTE_AT(3)], PHYS(3)|7|PG_A|PG_D
        call    pg_off
END_CASE

CASE "dirty-not-by-compare"
        call    pg_tables
        PTE     0, PHYS(0)|7
        call    pg_on
        cmp     dword [LIN(0)], 1
        test    dword [LIN(0)], 1
        bt      dword [LIN(0)], 1
        push    dword [LIN(0)]
        CHECK   dword [PTE_AT(0)], PHYS(0)|7|PG_A
        call    pg_off
END_CASE

CASE "dirty-string"
        call    pg_tables
        PTE     0, PHYS(0)|7
        PTE     1, PHYS(1)|7
        call    pg_on
        mov     esi, LIN(0)
        mov     edi, LIN(1)
        mov     ecx, 4
        rep movsd
        CHECK   dword [PTE_AT(0)], PHYS(0)|7|PG_A
        CHECK   dword [PTE_AT(1)], PHYS(1)|7|PG_A|PG_D
        call    pg_off
END_CASE

CASE "accessed-split"
        call    pg_tables
        PTE     0, PHYS(0)|7
        PTE     1, PHYS(1)|7
        PTE     2, PHYS(2)|7
        PTE     3, PHYS(3)|7
        call    pg_on
        mov     eax, [LIN(1)-2]
        mov     [LIN(3)-2], eax
        CHECK   dword [PTE_AT(0)], PHYS(0)|7|PG_A
        CHECK   dword [PTE_AT(1)], PHYS(1)|7|PG_A
        CHECK   dword [PTE_AT(2)], PHYS(2)|7|PG_A|PG_D
        CHECK   dword [PTE_AT(3)], PHYS(3)|7|PG_A|PG_D
        call    pg_off
END_CASE

CASE "accessed-fetch"
        call    pg_tables
        PTE     0, PHYS(0)|7
        mov     byte [PHYS(0)+8], 0xC3          ; ret
        call    pg_on
        mov     eax, LIN(0)+8
        call    eax
        CHECK   dword [PTE_AT(0)], PHYS(0)|7|PG_A
        CHECK   dword [PDE_AT(1)], PG_PT1|7|PG_A
        call    pg_off
END_CASE

CASE "accessed-ring3"
        call    pg_tables
        PTE     0, PHYS(0)|7
        PTE     1, PHYS(1)|7
        call    pg_on
        RING3_BEGIN
        mov     eax, [LIN(0)]
        mov     [LIN(1)], eax
        RING3_END
        CHECK   dword [PTE_AT(0)], PHYS(0)|7|PG_A
        CHECK   dword [PTE_AT(1)], PHYS(1)|7|PG_A|PG_D
        call    pg_off
END_CASE

CASE "accessed-set-again"                       ; software clears A and D, then flushes
        call    pg_tables
        PTE     0, PHYS(0)|7
        call    pg_on
        mov     [LIN(0)], eax
        PTE     0, PHYS(0)|7
        call    pg_flush
        mov     eax, [LIN(0)]
        CHECK   dword [PTE_AT(0)], PHYS(0)|7|PG_A
        mov     [LIN(0)], eax
        CHECK   dword [PTE_AT(0)], PHYS(0)|7|PG_A|PG_D
        call    pg_off
END_CASE

CASE "accessed-available-bits"                  ; bits 9-11 belong to software
        call    pg_tables
        PTE     0, PHYS(0)|0xE07
        call    pg_on
        mov     [LIN(0)], eax
        CHECK   dword [PTE_AT(0)], PHYS(0)|0xE07|PG_A|PG_D
        call    pg_off
END_CASE

CASE "descriptor-accessed-bit-sets-dirty"       ; loading FS writes the descriptor
        call    pg_tables
        PTE     0, PM_GDT & 0xFFFFF000 | 7
        SET_DESC SEL_FREE, 0, 0xFFFFF, ACC_DATA, 12
        sub     esp, 8
        mov     word [esp], 0x7FF
        mov     dword [esp+2], LIN(0)+(PM_GDT & 0xFFF)
        call    pg_on
        lgdt    [esp]
        mov     ax, SEL_DATA32                  ; A is clear: sets it
        mov     byte [PM_GDT+SEL_DATA32+5], ACC_DATA
        PTE     0, PM_GDT & 0xFFFFF000 | 7
        call    pg_flush
        mov     ax, SEL_FREE
        mov     fs, ax
        CHECK   dword [PTE_AT(0)], (PM_GDT & 0xFFFFF000)|7|PG_A|PG_D
        CHECK8  byte [PM_GDT+SEL_FREE+5], ACC_DATA|1
        call    pg_off
END_CASE

; --- Page faults: error code and CR2 ---

CASE "fault-not-present-read"
        call    pg_tables
        PTE     0, 0xFFFFFFFE                   ; only P counts
        call    pg_on
        PAGE_FAULT 0, LIN(0)+0x123, {mov eax, [LIN(0)+0x123]}
        CHECK   dword [PTE_AT(0)], 0xFFFFFFFE
        CHECK   dword [X_CS], SEL_CODE32
        call    pg_off
END_CASE

CASE "fault-not-present-write"
        call    pg_tables
        PTE     0, 0xFFFFFFFE
        call    pg_on
        PAGE_FAULT PF_W, LIN(0)+0xFFF, {mov [LIN(0)+0xFFF], al}
        CHECK   dword [PTE_AT(0)], 0xFFFFFFFE
        call    pg_off
END_CASE

CASE "fault-directory-not-present-read"
        call    pg_tables
        PTE     0, PHYS(0)|7
        PDE     1, PG_PT1|6
        call    pg_on
        PAGE_FAULT 0, LIN(0)+4, {mov eax, [LIN(0)+4]}
        CHECK   dword [PDE_AT(1)], PG_PT1|6
        CHECK   dword [PTE_AT(0)], PHYS(0)|7
        call    pg_off
END_CASE

CASE "fault-directory-not-present-write"
        call    pg_tables
        PTE     0, PHYS(0)|7
        PDE     1, PG_PT1|6
        call    pg_on
        PAGE_FAULT PF_W, LIN(0)+4, {mov [LIN(0)+4], eax}
        CHECK   dword [PDE_AT(1)], PG_PT1|6
        CHECK   dword [PTE_AT(0)], PHYS(0)|7
        call    pg_off
END_CASE

CASE "fault-ring3-not-present-read"
        call    pg_tables
        call    pg_on
        PAGE_FAULT_R3 PF_U, LIN(0)+0x123, {mov al, [LIN(0)+0x123]}
        call    pg_off
END_CASE

CASE "fault-ring3-not-present-write"
        call    pg_tables
        call    pg_on
        PAGE_FAULT_R3 PF_U|PF_W, LIN(0)+0x123, {mov [LIN(0)+0x123], al}
        call    pg_off
END_CASE

CASE "fault-ring3-directory-not-present"
        call    pg_tables
        PDE     1, 0
        call    pg_on
        PAGE_FAULT_R3 PF_U, LIN(1023)+0x123, {mov al, [LIN(1023)+0x123]}
        PAGE_FAULT_R3 PF_U|PF_W, LIN(0)+0x123, {mov [LIN(0)+0x123], al}
        call    pg_off
END_CASE

CASE "fault-ring3-supervisor-page"
        call    pg_tables
        PTE     0, PHYS(0)|PG_P|PG_W
        call    pg_on
        PAGE_FAULT_R3 PF_U|PF_P, LIN(0)+8, {mov eax, [LIN(0)+8]}
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, LIN(0)+8, {mov [LIN(0)+8], eax}
        mov     eax, [PTE_AT(0)]
        and     eax, PG_D
        CHECK_EAX 0
        call    pg_off
END_CASE

CASE "fault-ring3-read-only-page"
        call    pg_tables
        PTE     0, PHYS(0)|PG_P|PG_U
        mov     dword [PHYS(0)+8], 0x13572468
        call    pg_on
        xor     ebx, ebx
        RING3_BEGIN
        mov     ebx, [LIN(0)+8]
        RING3_END
        CHECK   ebx, 0x13572468
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, LIN(0)+8, {mov [LIN(0)+8], eax}
        CHECK   dword [PHYS(0)+8], 0x13572468
        CHECK   dword [PTE_AT(0)], PHYS(0)|PG_P|PG_U|PG_A
        call    pg_off
END_CASE

; The more restrictive of directory and table counts for user accesses.
CASE "combine-directory-supervisor"
        call    pg_tables
        PDE     1, PG_PT1|PG_P|PG_W
        PTE     0, PHYS(0)|PG_P|PG_W|PG_U
        call    pg_on
        PAGE_FAULT_R3 PF_U|PF_P, LIN(0), {mov eax, [LIN(0)]}
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, LIN(0), {mov [LIN(0)], eax}
        mov     [LIN(0)], eax
        call    pg_off
END_CASE

CASE "combine-directory-read-only"
        call    pg_tables
        PDE     1, PG_PT1|PG_P|PG_U
        PTE     0, PHYS(0)|PG_P|PG_W|PG_U
        call    pg_on
        RING3_BEGIN
        mov     eax, [LIN(0)]
        RING3_END
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, LIN(0), {mov [LIN(0)], eax}
        mov     [LIN(0)], eax
        call    pg_off
END_CASE

CASE "combine-both-user-writable"
        call    pg_tables
        PTE     0, PHYS(0)|7
        call    pg_on
        mov     eax, 0x600DF00D
        RING3_BEGIN
        mov     [LIN(0)], eax
        mov     ebx, [LIN(0)]
        RING3_END
        CHECK   ebx, 0x600DF00D
        CHECK   dword [PHYS(0)], 0x600DF00D
        call    pg_off
END_CASE

CASE "supervisor-write-read-only"               ; CR0.WP = 0
        call    pg_tables
        PTE     0, PHYS(0)|PG_P|PG_U
        PTE     1, PHYS(1)|PG_P
        PDE     1, PG_PT1|PG_P
        call    pg_on
        mov     dword [LIN(0)], 0x11111111
        mov     dword [LIN(1)], 0x22222222
        CHECK   dword [PHYS(0)], 0x11111111
        CHECK   dword [PHYS(1)], 0x22222222
        CHECK   dword [PTE_AT(0)], PHYS(0)|PG_P|PG_U|PG_A|PG_D
        CHECK   dword [PTE_AT(1)], PHYS(1)|PG_P|PG_A|PG_D
        call    pg_off
END_CASE

; A supervisor write to a read-only page must not open the page for ring 3.
CASE "read-only-stays-for-ring3"
        call    pg_tables
        PTE     0, PHYS(0)|PG_P|PG_U
        call    pg_on
        mov     dword [LIN(0)], 0x11111111
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, LIN(0), {mov [LIN(0)], eax}
        mov     dword [LIN(0)], 0x22222222
        CHECK   dword [PHYS(0)], 0x22222222
        call    pg_off
END_CASE

CASE "supervisor-page-stays-for-ring3"
        call    pg_tables
        PTE     0, PHYS(0)|PG_P|PG_W
        call    pg_on
        mov     eax, [LIN(0)]
        PAGE_FAULT_R3 PF_U|PF_P, LIN(0), {mov eax, [LIN(0)]}
        mov     [LIN(0)], eax
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, LIN(0), {mov [LIN(0)], eax}
        call    pg_off
END_CASE

; #GP of the segment limit comes before paging (SDM volume 3, "Priority Among
; Simultaneous Exceptions"; "Limit Checking").
CASE "limit-before-page"
        call    pg_tables
        SET_DESC SEL_FREE, LIN(0), 0xFFF, ACC_DATA, 4
        call    pg_on
        mov     ax, SEL_FREE
        mov     fs, ax
        FAULTS  13, {mov eax, [fs:0x1000]}
        CHECK   dword [X_ERROR], 0
        mov     ax, SEL_FREE
        mov     fs, ax
        PAGE_FAULT 0, LIN(0)+0xFFC, {mov eax, [fs:0xFFC]}
        call    pg_off
END_CASE

CASE "fault-keeps-registers"
        call    pg_tables
        call    pg_on
        mov     eax, 0x11111111
        mov     ebx, 0x22222222
        stc
        PAGE_FAULT 0, LIN(0), {adc eax, [LIN(0)]}
        CHECK_FLAGS CF, CF
        CHECK   eax, 0x11111111
        PAGE_FAULT 0, LIN(0), {cmp ebx, [LIN(0)]}
        CHECK   ebx, 0x22222222
        call    pg_off
END_CASE

CASE "lea-does-not-fault"
        call    pg_tables
        call    pg_on
        NO_FAULT {lea eax, [LIN(0)]}
        CHECK_EAX LIN(0)
        call    pg_off
END_CASE

CASE "read-modify-write-read-only"              ; nothing changes, not even flags
        call    pg_tables
        PTE     0, PHYS(0)|PG_P|PG_U
        mov     dword [PHYS(0)], 0x7FFFFFFF
        call    pg_on
        mov     eax, 1
        cmp     eax, eax
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, LIN(0), {add [LIN(0)], eax}
        CHECK_FLAGS ALLF, ZF|PF
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, LIN(0), {xchg [LIN(0)], eax}
        CHECK_EAX 1
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, LIN(0), {sar dword [LIN(0)], 1}
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, LIN(0), {bts dword [LIN(0)], 31}
        CHECK   dword [PHYS(0)], 0x7FFFFFFF
        mov     eax, [PTE_AT(0)]
        and     eax, PG_D
        CHECK_EAX 0
        call    pg_off
END_CASE

        UNLESS_FAMILY 4, no_cmpxchg
; CMPXCHG writes the destination back when the comparison fails (SDM volume 2,
; CMPXCHG, "the destination operand receives a write cycle without regard to the
; result of the comparison").
CASE "cmpxchg-read-only"
        call    pg_tables
        PTE     0, PHYS(0)|PG_P|PG_U
        mov     dword [PHYS(0)], 5
        call    pg_on
        mov     eax, 6
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, LIN(0), {cmpxchg [LIN(0)], ebx}
        CHECK_EAX 6
        CHECK   dword [PHYS(0)], 5
        call    pg_off
END_CASE
no_cmpxchg:

; --- Accesses across a page border ---

CASE "split-read-data"
        call    pg_tables
        PTE     0, PHYS(5)|7
        PTE     1, PHYS(2)|7
        mov     dword [PHYS(5)+0xFFC], 0x44332211
        mov     dword [PHYS(2)], 0x88776655
        call    pg_on
        mov     eax, [LIN(1)-1]
        CHECK_EAX 0x77665544
        mov     eax, [LIN(1)-3]
        CHECK_EAX 0x55443322
        mov     ax, [LIN(1)-1]
        CHECK16 ax, 0x5544
        call    pg_off
END_CASE

CASE "split-write-data"
        call    pg_tables
        PTE     0, PHYS(5)|7
        PTE     1, PHYS(2)|7
        call    pg_on
        mov     dword [LIN(1)-3], 0x44332211
        CHECK   dword [PHYS(5)+0xFFC], 0x33221100
        CHECK   dword [PHYS(2)], 0x00000044
        CHECK   dword [PHYS(6)], 0
        mov     word [LIN(1)-1], 0xBBAA
        CHECK   dword [PHYS(5)+0xFFC], 0xAA221100
        CHECK   dword [PHYS(2)], 0x000000BB
        call    pg_off
END_CASE

CASE "split-read-second-not-present"
        call    pg_tables
        PTE     0, PHYS(0)|7
        call    pg_on
        mov     eax, 0x12345678
        PAGE_FAULT 0, LIN(1), {mov eax, [LIN(1)-2]}
        CHECK_EAX 0x12345678
        PAGE_FAULT 0, LIN(1), {mov ax, [LIN(1)-1]}
        CHECK_EAX 0x12345678
        call    pg_off
END_CASE

CASE "split-read-first-not-present"
        call    pg_tables
        PTE     1, PHYS(0)|7
        call    pg_on
        PAGE_FAULT 0, LIN(1)-3, {mov eax, [LIN(1)-3]}
        call    pg_off
END_CASE

CASE "split-write-second-not-present"
        call    pg_tables
        PTE     0, PHYS(0)|7
        mov     dword [PHYS(0)+0xFFC], 0xA5A5A5A5
        call    pg_on
        mov     eax, 0x12345678
        PAGE_FAULT PF_W, LIN(1), {mov [LIN(1)-2], eax}
        PAGE_FAULT PF_W, LIN(1), {mov [LIN(1)-1], ax}
        CHECK   dword [PHYS(0)+0xFFC], 0xA5A5A5A5
        call    pg_off
END_CASE

CASE "split-write-first-not-present"
        call    pg_tables
        PTE     1, PHYS(1)|7
        mov     dword [PHYS(1)], 0xA5A5A5A5
        call    pg_on
        mov     eax, 0x12345678
        PAGE_FAULT PF_W, LIN(1)-1, {mov [LIN(1)-1], eax}
        CHECK   dword [PHYS(1)], 0xA5A5A5A5
        CHECK   dword [PTE_AT(1)], PHYS(1)|7
        call    pg_off
END_CASE

CASE "split-write-second-read-only-ring3"
        call    pg_tables
        PTE     0, PHYS(0)|7
        PTE     1, PHYS(1)|PG_P|PG_U
        mov     dword [PHYS(0)+0xFFC], 0xA5A5A5A5
        mov     dword [PHYS(1)], 0xA5A5A5A5
        call    pg_on
        mov     eax, 0x12345678
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, LIN(1), {mov [LIN(1)-2], eax}
        CHECK   dword [PHYS(0)+0xFFC], 0xA5A5A5A5
        CHECK   dword [PHYS(1)], 0xA5A5A5A5
        call    pg_off
END_CASE

CASE "split-read-second-supervisor-ring3"
        call    pg_tables
        PTE     0, PHYS(0)|7
        PTE     1, PHYS(1)|PG_P|PG_W
        call    pg_on
        PAGE_FAULT_R3 PF_U|PF_P, LIN(1), {mov eax, [LIN(1)-2]}
        call    pg_off
END_CASE

CASE "split-read-modify-write"
        call    pg_tables
        PTE     0, PHYS(5)|7
        PTE     1, PHYS(2)|7
        mov     dword [PHYS(5)+0xFFC], 0xFF000000
        mov     dword [PHYS(2)], 0x00FFFFFF
        call    pg_on
        inc     dword [LIN(1)-1]
        CHECK_FLAGS ZF, ZF
        CHECK   dword [PHYS(5)+0xFFC], 0
        CHECK   dword [PHYS(2)], 0
        PTE     1, PHYS(2)|PG_P|PG_U
        call    pg_flush
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, LIN(1), {inc dword [LIN(1)-1]}
        CHECK   dword [PHYS(5)+0xFFC], 0
        CHECK   dword [PHYS(2)], 0
        call    pg_off
END_CASE

; --- TLB ---

CASE "tlb-mov-cr3-flushes"
        call    pg_tables
        PTE     0, PHYS(0)|7
        mov     dword [PHYS(0)], 0x11111111
        mov     dword [PHYS(1)], 0x22222222
        call    pg_on
        mov     eax, [LIN(0)]
        CHECK_EAX 0x11111111
        PTE     0, PHYS(1)|7
        mov     eax, cr3
        mov     cr3, eax
        mov     eax, [LIN(0)]
        CHECK_EAX 0x22222222
        PTE     0, 0
        mov     eax, cr3
        mov     cr3, eax
        PAGE_FAULT 0, LIN(0), {mov eax, [LIN(0)]}
        call    pg_off
END_CASE

CASE "tlb-write-after-flush"
        call    pg_tables
        PTE     0, PHYS(0)|7
        call    pg_on
        mov     dword [LIN(0)], 0x11111111
        PTE     0, PHYS(1)|7
        call    pg_flush
        mov     dword [LIN(0)], 0x22222222
        CHECK   dword [PHYS(0)], 0x11111111
        CHECK   dword [PHYS(1)], 0x22222222
        PTE     0, PHYS(1)|PG_P|PG_U
        call    pg_flush
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, LIN(0), {mov [LIN(0)], eax}
        call    pg_off
END_CASE

CASE "tlb-other-directory"
        call    pg_tables
        PTE     0, PHYS(0)|7
        mov     dword [PHYS(0)], 0x11111111
        mov     dword [PHYS(1)], 0x22222222
        mov     dword [PHYS(15)], PHYS(1)|7             ; another page table
        mov     dword [PG_DIR1], PG_PT0|7
        mov     dword [PG_DIR1+4], PHYS(15)|7
        call    pg_on
        mov     eax, [LIN(0)]
        CHECK_EAX 0x11111111
        mov     ebx, PG_DIR1
        mov     cr3, ebx
        mov     eax, [LIN(0)]
        CHECK_EAX 0x22222222
        mov     ebx, PG_DIR
        mov     cr3, ebx
        mov     eax, [LIN(0)]
        CHECK_EAX 0x11111111
        call    pg_off
END_CASE

; SDM volume 3, "Optional Invalidation": not-present entries are never cached.
CASE "tlb-not-present-not-cached"
        call    pg_tables
        mov     dword [PHYS(0)], 0x11111111
        call    pg_on
        PAGE_FAULT 0, LIN(0), {mov eax, [LIN(0)]}
        PTE     0, PHYS(0)|7
        mov     eax, [LIN(0)]
        CHECK_EAX 0x11111111
        call    pg_off
END_CASE

CASE "tlb-paging-off-and-on"
        call    pg_tables
        PTE     0, PHYS(0)|7
        mov     dword [PHYS(0)], 0x11111111
        mov     dword [PHYS(1)], 0x22222222
        call    pg_on
        mov     eax, [LIN(0)]
        CHECK_EAX 0x11111111
        call    pg_off
        PTE     0, PHYS(1)|7
        call    pg_on
        mov     eax, [LIN(0)]
        CHECK_EAX 0x22222222
        call    pg_off
END_CASE

CASE "tlb-code-page"                            ; fetches see the new page too
        call    pg_tables
        PTE     0, PHYS(0)|7
        mov     word [PHYS(0)], 0x01B0          ; mov al, 1 / ret
        mov     byte [PHYS(0)+2], 0xC3
        mov     word [PHYS(1)], 0x02B0          ; mov al, 2 / ret
        mov     byte [PHYS(1)+2], 0xC3
        call    pg_on
        mov     ebx, LIN(0)
        call    ebx
        CHECK8  al, 1
        PTE     0, PHYS(1)|7
        call    pg_flush
        call    ebx
        CHECK8  al, 2
        call    pg_off
END_CASE

        UNLESS_FAMILY 4, no_invlpg
CASE "invlpg"
        call    pg_tables
        PTE     0, PHYS(0)|7
        PTE     1, PHYS(2)|7
        mov     dword [PHYS(0)], 0x11111111
        mov     dword [PHYS(1)], 0x22222222
        mov     dword [PHYS(2)], 0x33333333
        call    pg_on
        mov     eax, [LIN(0)]
        CHECK_EAX 0x11111111
        PTE     0, PHYS(1)|7
        invlpg  [LIN(0)+0x123]                  ; any address of the page
        mov     eax, [LIN(0)]
        CHECK_EAX 0x22222222
        mov     eax, [LIN(1)]
        CHECK_EAX 0x33333333
        PTE     0, 0
        invlpg  [LIN(0)]
        PAGE_FAULT 0, LIN(0), {mov eax, [LIN(0)]}
        call    pg_off
END_CASE

CASE "invlpg-not-present"
        call    pg_tables
        PDE     1, 0
        call    pg_on
        NO_FAULT {invlpg [LIN(0)]}
        call    pg_off
END_CASE

CASE "invlpg-ring3"
        call    pg_tables
        call    pg_on
        RING3_BEGIN
        FAULTS  13, {invlpg [LIN(0)]}
        RING3_END
        CHECK   dword [X_ERROR], 0
        call    pg_off
END_CASE
no_invlpg:

; --- Instruction fetch ---

CASE "fetch-not-present"
        call    pg_tables
        call    pg_on
        mov     eax, LIN(0)+0x10
        EXPECT_FAULT 14, LIN(0)+0x10
        jmp     eax
        FAULTED
        CHECK   dword [X_ERROR], 0
        CHECK   dword [X_CR2], LIN(0)+0x10
        call    pg_off
END_CASE

CASE "fetch-ring3-supervisor-page"
        call    pg_tables
        PTE     0, PHYS(0)|PG_P|PG_W
        mov     byte [PHYS(0)+0x10], 0x90
        call    pg_on
        mov     eax, LIN(0)+0x10
        RING3_BEGIN
        EXPECT_FAULT 14, LIN(0)+0x10
        jmp     eax
        FAULTED
        RING3_END
        CHECK   dword [X_ERROR], PF_U|PF_P
        CHECK   dword [X_CR2], LIN(0)+0x10
        CHECK   dword [X_CS], SEL_CODE32_R3
        call    pg_off
END_CASE

CASE "fetch-ring3-not-present"
        call    pg_tables
        call    pg_on
        mov     eax, LIN(0)+0x10
        RING3_BEGIN
        EXPECT_FAULT 14, LIN(0)+0x10
        jmp     eax
        FAULTED
        RING3_END
        CHECK   dword [X_ERROR], PF_U
        CHECK   dword [X_CR2], LIN(0)+0x10
        call    pg_off
END_CASE

; The call has been done when the fetch of its target faults.
CASE "fetch-fault-after-call"
        call    pg_tables
        call    pg_on
        mov     eax, LIN(0)+0x10
        RING3_BEGIN
        EXPECT_FAULT 14, LIN(0)+0x10
        call    eax
behind_call:
        FAULTED
        RING3_END
        CHECK   dword [X_ESP], PM_STACK3-4
        CHECK   dword [PM_STACK3-4], behind_call
        call    pg_off
END_CASE

CASE "fetch-across-border-not-present"
        call    pg_tables
        PTE     0, PHYS(0)|7
        mov     byte [PHYS(0)+0xFFD], 0xB8      ; mov eax, imm32, two bytes of it
        mov     word [PHYS(0)+0xFFE], 0x5678
        mov     word [PHYS(1)], 0x1234
        mov     byte [PHYS(1)+2], 0xC3
        call    pg_on
        mov     ebx, LIN(1)-3
        EXPECT_FAULT 14, LIN(1)-3
        jmp     ebx
        FAULTED
        CHECK   dword [X_ERROR], 0
        CHECK   dword [X_CR2], LIN(1)
        PTE     1, PHYS(1)|7
        xor     eax, eax
        call    ebx
        CHECK_EAX 0x12345678
        CHECK   dword [PTE_AT(0)], PHYS(0)|7|PG_A
        CHECK   dword [PTE_AT(1)], PHYS(1)|7|PG_A
        call    pg_off
END_CASE

CASE "fetch-across-border-ring3"
        call    pg_tables
        PTE     0, PHYS(0)|7
        PTE     1, PHYS(1)|PG_P|PG_W
        mov     byte [PHYS(0)+0xFFE], 0xB8      ; mov eax, imm32
        call    pg_on
        mov     ebx, LIN(1)-2
        RING3_BEGIN
        EXPECT_FAULT 14, LIN(1)-2
        jmp     ebx
        FAULTED
        RING3_END
        CHECK   dword [X_ERROR], PF_U|PF_P
        CHECK   dword [X_CR2], LIN(1)
        call    pg_off
END_CASE

; An instruction at the very end of a page does not need the next page.
CASE "fetch-end-of-page"
        call    pg_tables
        PTE     0, PHYS(0)|7
        mov     dword [PHYS(0)+0xFFC], 0xC3424242       ; inc edx three times, ret
        call    pg_on
        mov     ebx, LIN(1)-4
        xor     edx, edx
        call    ebx
        CHECK   edx, 3
        call    pg_off
END_CASE

CASE "fetch-runs-into-not-present"
        call    pg_tables
        PTE     0, PHYS(0)|7
        mov     dword [PHYS(0)+0xFFC], 0x42424242       ; inc edx four times
        call    pg_on
        mov     ebx, LIN(1)-4
        xor     edx, edx
        EXPECT_FAULT 14, LIN(1)
        jmp     ebx
        FAULTED
        CHECK   dword [X_CR2], LIN(1)
        CHECK   edx, 4
        call    pg_off
END_CASE

CASE "fetch-across-border-data"                 ; scattered frames, all border positions
        call    pg_tables
        PTE     0, PHYS(5)|7
        PTE     1, PHYS(2)|7
        call    pg_on
        mov     ecx, 5                          ; bytes in front of the border
.position:
        mov     edi, LIN(1)
        sub     edi, ecx
        mov     ebx, edi
        mov     byte [edi], 0xB8
        mov     dword [edi+1], 0x12345678
        mov     byte [edi+5], 0xC3
        xor     eax, eax
        jmp     short $+2
        call    ebx
        CHECK_EAX 0x12345678
        dec     ecx
        jnz     .position
        call    pg_off
END_CASE

; --- Stack instructions: ESP stays when they fault ---

; Runs one instruction in ring 3 with ESP = %2; it must fault at address %3, code %1.
%macro STACK_FAULT 4
        RING3_BEGIN
        EXPECT_FAULT 14, %%at
        mov     esp, %2
%%at:   %4
        FAULTED
        RING3_END
        CHECK   dword [X_ERROR], %1
        CHECK   dword [X_CR2], %3
        CHECK   dword [X_ESP], %2
%endmacro

CASE "push-not-present"
        call    pg_tables
        PTE     1, PHYS(1)|7
        call    pg_on
        STACK_FAULT PF_U|PF_W, LIN(1), LIN(1)-4, {push eax}
        STACK_FAULT PF_U|PF_W, LIN(1), LIN(1)-2, {push ax}
        STACK_FAULT PF_U|PF_W, LIN(1), LIN(1)-4, {push dword 5}
        STACK_FAULT PF_U|PF_W, LIN(1), LIN(1)-4, {pushfd}
        STACK_FAULT PF_U|PF_W, LIN(1), LIN(1)-4, {push dword [LIN(1)]}
        call    pg_off
END_CASE

CASE "push-split-not-present"
        call    pg_tables
        PTE     0, PHYS(0)|7
        mov     dword [PHYS(0)+0xFFC], 0xA5A5A5A5
        call    pg_on
        STACK_FAULT PF_U|PF_W, LIN(1)+2, LIN(1), {push eax}
        CHECK   dword [PHYS(0)+0xFFC], 0xA5A5A5A5
        call    pg_off
END_CASE

CASE "call-not-present-stack"
        call    pg_tables
        PTE     1, PHYS(1)|7
        call    pg_on
        STACK_FAULT PF_U|PF_W, LIN(1), LIN(1)-4, {call pg_on}
        mov     ebx, pg_on
        STACK_FAULT PF_U|PF_W, LIN(1), LIN(1)-4, {call ebx}
        call    pg_off
END_CASE

CASE "pop-not-present-stack"
        call    pg_tables
        PTE     0, PHYS(0)|7
        call    pg_on
        mov     eax, 0x12345678
        STACK_FAULT PF_U, LIN(1), LIN(1), {pop eax}
        CHECK_EAX 0x12345678
        STACK_FAULT PF_U, LIN(1), LIN(1), {popfd}
        STACK_FAULT PF_U, LIN(1), LIN(1), {ret}
        STACK_FAULT PF_U, LIN(1)-2, LIN(1), {ret}
        call    pg_off
END_CASE

CASE "pop-memory-not-present"
        call    pg_tables
        PTE     1, PHYS(1)|7
        call    pg_on
        STACK_FAULT PF_U|PF_W, LIN(1), LIN(0), {pop dword [LIN(0)]}
        call    pg_off
END_CASE

; POPAD must not lose the ESP when a later value is not readable.
CASE "popad-across-border"
        call    pg_tables
        PTE     0, PHYS(0)|7
        call    pg_on
        RING3_BEGIN
        EXPECT_FAULT 14, .popad
        mov     esp, LIN(1)-12
.popad: popad
        FAULTED
        RING3_END
        CHECK   dword [X_ERROR], PF_U
        CHECK   dword [X_ESP], LIN(1)-12
        call    pg_off
END_CASE

CASE "pushad-across-border"
        call    pg_tables
        PTE     1, PHYS(1)|7
        call    pg_on
        RING3_BEGIN
        EXPECT_FAULT 14, .pushad
        mov     esp, LIN(1)+12
.pushad:
        pushad
        FAULTED
        RING3_END
        CHECK   dword [X_ERROR], PF_U|PF_W
        CHECK   dword [X_ESP], LIN(1)+12
        mov     eax, [X_CR2]
        and     eax, 0xFFFFF000
        CHECK_EAX LIN(0)
        call    pg_off
END_CASE

CASE "enter-not-present-stack"
        call    pg_tables
        PTE     1, PHYS(1)|7
        call    pg_on
        mov     ebp, 0x12345678
        STACK_FAULT PF_U|PF_W, LIN(1), LIN(1)-4, {enter 8, 0}
        CHECK   ebp, 0x12345678
        call    pg_off
END_CASE

CASE "leave-not-present-stack"
        call    pg_tables
        call    pg_on
        mov     ebp, LIN(0)+8
        STACK_FAULT PF_U, PM_STACK3, LIN(0)+8, {leave}
        CHECK   ebp, LIN(0)+8
        call    pg_off
END_CASE

; --- String instructions ---

CASE "movs-not-present"                         ; without REP: no register changes
        call    pg_tables
        PTE     0, PHYS(0)|7
        call    pg_on
        mov     esi, LIN(0)
        mov     edi, LIN(1)
        PAGE_FAULT PF_W, LIN(1), {movsd}
        CHECK   esi, LIN(0)
        CHECK   edi, LIN(1)
        mov     esi, LIN(1)
        mov     edi, LIN(0)
        PAGE_FAULT 0, LIN(1), {movsb}
        CHECK   esi, LIN(1)
        CHECK   edi, LIN(0)
        call    pg_off
END_CASE

CASE "rep-movs-source-faults"
        call    pg_tables
        PTE     0, PHYS(0)|7
        PTE     8, PHYS(3)|7
        mov     dword [PHYS(0)+0xFF8], 0x11111111
        mov     dword [PHYS(0)+0xFFC], 0x22222222
        mov     dword [PHYS(1)], 0x33333333
        mov     dword [PHYS(1)+4], 0x44444444
        call    pg_on
        mov     esi, LIN(1)-8
        mov     edi, LIN(8)
        mov     ecx, 4
        PAGE_FAULT 0, LIN(1), {rep movsd}
        CHECK   ecx, 2
        CHECK   esi, LIN(1)
        CHECK   edi, LIN(8)+8
        CHECK   dword [PHYS(3)+4], 0x22222222
        CHECK   dword [PHYS(3)+8], 0
        PTE     1, PHYS(1)|7
        rep movsd                               ; resumed
        CHECK   ecx, 0
        CHECK   esi, LIN(1)+8
        CHECK   edi, LIN(8)+16
        CHECK   dword [PHYS(3)], 0x11111111
        CHECK   dword [PHYS(3)+4], 0x22222222
        CHECK   dword [PHYS(3)+8], 0x33333333
        CHECK   dword [PHYS(3)+12], 0x44444444
        call    pg_off
END_CASE

CASE "rep-movs-destination-faults"
        call    pg_tables
        PTE     0, PHYS(0)|7
        PTE     8, PHYS(3)|7
        mov     dword [PHYS(3)], 0x44332211
        mov     dword [PHYS(3)+4], 0x88776655
        call    pg_on
        mov     esi, LIN(8)
        mov     edi, LIN(1)-3
        mov     ecx, 8
        PAGE_FAULT PF_W, LIN(1), {rep movsb}
        CHECK   ecx, 5
        CHECK   esi, LIN(8)+3
        CHECK   edi, LIN(1)
        PTE     1, PHYS(1)|7
        rep movsb
        CHECK   ecx, 0
        CHECK   dword [PHYS(0)+0xFFC], 0x33221100
        CHECK   dword [PHYS(1)], 0x77665544
        CHECK   dword [PHYS(1)+4], 0x00000088
        call    pg_off
END_CASE

CASE "rep-movs-backwards-faults"
        call    pg_tables
        PTE     1, PHYS(1)|7
        PTE     8, PHYS(3)|7
        mov     dword [PHYS(1)], 0x11111111
        mov     dword [PHYS(1)+4], 0x22222222
        mov     dword [PHYS(0)+0xFFC], 0x33333333
        call    pg_on
        mov     esi, LIN(1)+4
        mov     edi, LIN(8)+0x100
        mov     ecx, 3
        std
        PAGE_FAULT 0, LIN(1)-4, {rep movsd}
        CHECK_FLAGS DF, DF
        CHECK   ecx, 1
        CHECK   esi, LIN(1)-4
        CHECK   edi, LIN(8)+0xF8
        PTE     0, PHYS(0)|7
        rep movsd
        cld
        CHECK   ecx, 0
        CHECK   dword [PHYS(3)+0xF8], 0x33333333
        CHECK   dword [PHYS(3)+0xFC], 0x11111111
        CHECK   dword [PHYS(3)+0x100], 0x22222222
        call    pg_off
END_CASE

CASE "rep-movs-split-element-faults"            ; the element across the border is not moved
        call    pg_tables
        PTE     0, PHYS(0)|7
        PTE     8, PHYS(3)|7
        mov     dword [PHYS(0)+0xFFC], 0xA5A5A5A5
        call    pg_on
        mov     esi, LIN(8)
        mov     edi, LIN(1)-6
        mov     ecx, 4
        PAGE_FAULT PF_W, LIN(1), {rep movsd}
        CHECK   ecx, 3
        CHECK   esi, LIN(8)+4
        CHECK   edi, LIN(1)-2
        CHECK   dword [PHYS(0)+0xFFC], 0xA5A50000
        call    pg_off
END_CASE

CASE "rep-stos-faults"
        call    pg_tables
        PTE     0, PHYS(0)|7
        call    pg_on
        mov     eax, 0x5A5A5A5A
        mov     edi, LIN(0)
        mov     ecx, 0x1001
        PAGE_FAULT PF_W, LIN(1), {rep stosb}
        CHECK   ecx, 1
        CHECK   edi, LIN(1)
        CHECK   dword [PHYS(0)], 0x5A5A5A5A
        CHECK   dword [PHYS(0)+0xFFC], 0x5A5A5A5A
        call    pg_off
END_CASE

CASE "rep-lods-cmps-scas-faults"
        call    pg_tables
        PTE     0, PHYS(0)|7
        PTE     8, PHYS(0)|7
        PTE     9, PHYS(1)|7
        mov     dword [PHYS(0)+0xFFC], 0x44332211
        call    pg_on
        mov     esi, LIN(1)-4
        mov     ecx, 6
        PAGE_FAULT 0, LIN(1), {rep lodsb}
        CHECK   ecx, 2
        CHECK   esi, LIN(1)
        CHECK8  al, 0x44
        mov     esi, LIN(1)-4
        mov     edi, LIN(9)-4
        mov     ecx, 6
        PAGE_FAULT 0, LIN(1), {repe cmpsb}
        CHECK   ecx, 2
        CHECK   esi, LIN(1)
        CHECK   edi, LIN(9)
        mov     edi, LIN(1)-4
        mov     ecx, 6
        mov     al, 0x99
        PAGE_FAULT 0, LIN(1), {repne scasb}
        CHECK   ecx, 2
        CHECK   edi, LIN(1)
        call    pg_off
END_CASE

CASE "rep-count-zero"                           ; no access, no fault
        call    pg_tables
        call    pg_on
        mov     esi, LIN(0)
        mov     edi, LIN(0)
        xor     ecx, ecx
        NO_FAULT {rep movsd}
        NO_FAULT {rep stosb}
        NO_FAULT {repe cmpsb}
        CHECK   esi, LIN(0)
        CHECK   edi, LIN(0)
        call    pg_off
END_CASE

; --- Descriptor tables, interrupt delivery ---

; Copies the default IDT so that vectors 0-3Fh end with the page LIN(0).
CASE "idt-not-present"
        call    pg_tables
        PTE     0, PHYS(0)|7
        mov     esi, PM_IDT
        mov     edi, PHYS(0)+0xE00
        mov     ecx, 0x200/4
        rep movsd
        sub     esp, 8
        mov     word [esp], 0x7FF
        mov     dword [esp+2], LIN(1)-0x200
        call    pg_on
        lidt    [esp]
        PAGE_FAULT 0, LIN(1), {int 0x40}
        call    pg_off
END_CASE

; The gate is read as supervisor whatever the CPL: U/S is 0.
CASE "idt-not-present-ring3"
        call    pg_tables
        PTE     0, PHYS(0)|7
        mov     esi, PM_IDT
        mov     edi, PHYS(0)+0xE00
        mov     ecx, 0x200/4
        rep movsd
        sub     esp, 8
        mov     word [esp], 0x7FF
        mov     dword [esp+2], LIN(1)-0x200
        call    pg_on
        lidt    [esp]
        PAGE_FAULT_R3 0, LIN(1)+8, {int 0x41}
        call    pg_off
END_CASE

CASE "idt-supervisor-page-ring3"
        call    pg_tables
        PTE     0, PM_IDT|PG_P                  ; read-only for the supervisor
        sub     esp, 8
        mov     word [esp], 0x7FF
        mov     dword [esp+2], LIN(0)
        call    pg_on
        lidt    [esp]
        mov     eax, 5
        RING3_BEGIN
        add     eax, eax
        RING3_END                               ; INT 30h
        CHECK_EAX 10
        call    pg_off
END_CASE

%macro GDT_IN_TWO_PAGES 0                       ; selectors from 200h are in page LIN(1)
        mov     esi, PM_GDT
        mov     edi, PHYS(0)+0xE00
        mov     ecx, 0x200/4
        rep movsd
        sub     esp, 8
        mov     word [esp], 0x7FF
        mov     dword [esp+2], LIN(1)-0x200
%endmacro

CASE "gdt-not-present"
        call    pg_tables
        PTE     0, PHYS(0)|7
        GDT_IN_TWO_PAGES
        call    pg_on
        lgdt    [esp]
        mov     ax, 0x208
        PAGE_FAULT 0, LIN(1)+8, {mov fs, ax}
        CHECK_SEG fs, SEL_DATA32
        call    pg_off
END_CASE

CASE "gdt-not-present-ring3"                    ; an access as supervisor: U/S is 0
        call    pg_tables
        PTE     0, PHYS(0)|7
        GDT_IN_TWO_PAGES
        call    pg_on
        lgdt    [esp]
        mov     ax, 0x208
        PAGE_FAULT_R3 0, LIN(1)+8, {mov fs, ax}
        call    pg_off
END_CASE

CASE "interrupt-stack-not-present-ring3"        ; the stack in use in ring 3 does not matter
        call    pg_tables
        call    pg_on
        mov     eax, 1
        RING3_BEGIN
        mov     esp, LIN(1)
        inc     eax
        RING3_END
        CHECK_EAX 2
        call    pg_off
END_CASE

PAGING_CODE
        ROM_END
