; first-model: 386dx
; cases: 30
; CR4.PAE: page-directory-pointer table, 8-byte entries, 2 MiB pages (when CPUID reports
; PAE). Source: SDM volume 3, chapter "Paging", "PAE Paging".

%define ROM32_START 0x3000
%include "rom.inc"
%include "protected.inc"
%include "paging.inc"

; PG_PDPT: PDPTE 0 is PG_DIR, the others are not present. PG_DIR: PDE 0 is PG_PT0, which
; maps 0-1FFFFFh; PDE 2 (400000h) is PG_PT1, the table of LIN(n).
BIG     equ 0x800000            ; PDE 4: a 2 MiB page of physical address 0
%define BIG_AT(address) (BIG+(address))
%define PDPTE_AT(n) (PG_PDPT+(n)*8)
PAE_HIGH equ 0x40000000         ; linear addresses of PDPTE 1

%macro PDPTE 2
        mov     dword [PDPTE_AT(%1)], %2
        mov     dword [PDPTE_AT(%1)+4], 0
%endmacro

        ROM_BEGIN "CR4.PAE"
        ENTER_PROTECTED

CASE "baseline-4k"                              ; also on processors without PAE
        call    pg_tables
        PTE     0, PHYS(3)|7
        mov     dword [PHYS(3)], 0x11111111
        call    pg_on
        mov     eax, [LIN(0)]
        CHECK_EAX 0x11111111
        call    pg_off
END_CASE

        UNLESS_FEATURE FEATURE_PAE, no_pae

CASE "pae-bit-read-back"
        mov     eax, cr4
        or      eax, CR4_PAE
        mov     cr4, eax
        mov     eax, cr4
        mov     ebx, eax
        and     ebx, CR4_PAE
        CHECK   ebx, CR4_PAE
        and     eax, ~CR4_PAE
        mov     cr4, eax
        mov     eax, cr4
        and     eax, CR4_PAE
        CHECK_EAX 0
END_CASE

CASE "pae-translate"
        call    pae_tables
        PAE_PTE 0, PHYS(3)|7, 0
        PAE_PTE 511, PHYS(5)|7, 0
        mov     dword [PHYS(3)+0x124], 0x12345678
        call    pae_on
        mov     eax, [LIN(0)+0x124]
        CHECK_EAX 0x12345678
        mov     dword [LIN(511)+0xFFC], 0x11111111
        CHECK   dword [PHYS(5)+0xFFC], 0x11111111
        call    pae_off
END_CASE

CASE "pae-translate-other-pdptes"
        call    pae_tables
        PAE_PTE 0, PHYS(3)|7, 0
        PDPTE   1, PG_DIR|1
        PDPTE   3, PG_DIR|1
        mov     dword [PHYS(3)], 0x12345678
        call    pae_on
        mov     eax, [0x40000000+LIN(0)]
        CHECK_EAX 0x12345678
        mov     dword [0xC0000000+LIN(0)], 0x11111111
        mov     eax, [LIN(0)]
        CHECK_EAX 0x11111111
        call    pae_off
END_CASE

; PDPTEs have no accessed bit, bit 5 is reserved (SDM volume 3, "Format of a PAE
; Page-Directory-Pointer-Table Entry (PDPTE)").
CASE "pae-accessed-read"
        call    pae_tables
        PAE_PTE 0, PHYS(0)|7, 0
        call    pae_on
        mov     eax, [LIN(0)]
        CHECK   dword [PAE_PTE_AT(0)], PHYS(0)|7|PG_A
        CHECK   dword [PAE_PTE_AT(0)+4], 0
        CHECK   dword [PAE_PDE_AT(2)], PG_PT1|7|PG_A
        CHECK   dword [PDPTE_AT(0)], PG_DIR|1
        call    pae_off
END_CASE

CASE "pae-dirty-write"
        call    pae_tables
        PAE_PTE 0, PHYS(0)|7, 0
        PAE_PTE 1, PHYS(1)|7, 0
        call    pae_on
        mov     [LIN(0)], eax
        mov     eax, [LIN(1)]
        mov     [LIN(1)], eax
        CHECK   dword [PAE_PTE_AT(0)], PHYS(0)|7|PG_A|PG_D
        CHECK   dword [PAE_PTE_AT(1)], PHYS(1)|7|PG_A|PG_D
        CHECK   dword [PAE_PDE_AT(2)], PG_PT1|7|PG_A
        call    pae_off
END_CASE

CASE "pae-not-present-pte"
        call    pae_tables
        PAE_PTE 0, 0xFFFFFFFE, 0xFFFFFFFF               ; only P counts
        call    pae_on
        PAGE_FAULT 0, LIN(0)+0x123, {mov al, [LIN(0)+0x123]}
        PAGE_FAULT PF_W, LIN(0)+0x123, {mov [LIN(0)+0x123], al}
        CHECK   dword [PAE_PTE_AT(0)], 0xFFFFFFFE
        CHECK   dword [PAE_PTE_AT(0)+4], 0xFFFFFFFF
        call    pae_off
END_CASE

CASE "pae-not-present-pde"
        call    pae_tables
        PAE_PDE 2, 0xFFFFFFFE, 0xFFFFFFFF
        call    pae_on
        PAGE_FAULT 0, LIN(0)+0x123, {mov al, [LIN(0)+0x123]}
        PAGE_FAULT_R3 PF_U|PF_W, LIN(0)+0x123, {mov [LIN(0)+0x123], al}
        call    pae_off
END_CASE

CASE "pae-not-present-pdpte"
        call    pae_tables
        mov     dword [PDPTE_AT(1)], 0xFFFFFFFE         ; not checked when P = 0
        mov     dword [PDPTE_AT(1)+4], 0xFFFFFFFF
        call    pae_on
        PAGE_FAULT 0, PAE_HIGH+0x123, {mov al, [PAE_HIGH+0x123]}
        PAGE_FAULT_R3 PF_U|PF_W, PAE_HIGH+0x123, {mov [PAE_HIGH+0x123], al}
        call    pae_off
END_CASE

CASE "pae-ring3-protection"
        call    pae_tables
        PAE_PTE 0, PHYS(0)|PG_P|PG_W, 0
        PAE_PTE 1, PHYS(1)|PG_P|PG_U, 0
        PAE_PTE 2, PHYS(2)|7, 0
        call    pae_on
        PAGE_FAULT_R3 PF_U|PF_P, LIN(0), {mov eax, [LIN(0)]}
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, LIN(0), {mov [LIN(0)], eax}
        RING3_BEGIN
        mov     eax, [LIN(1)]
        mov     [LIN(2)], eax
        RING3_END
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, LIN(1), {mov [LIN(1)], eax}
        mov     [LIN(1)], eax                           ; WP = 0
        call    pae_off
END_CASE

CASE "pae-combine-directory"
        call    pae_tables
        PAE_PTE 0, PHYS(0)|7, 0
        PAE_PDE 2, PG_PT1|PG_P|PG_W, 0
        PAE_PDE 3, PG_PT1|PG_P|PG_U, 0
        call    pae_on
        PAGE_FAULT_R3 PF_U|PF_P, LIN(0), {mov eax, [LIN(0)]}
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, LIN(512), {mov [LIN(512)], eax}
        mov     eax, cr0
        or      eax, CR0_WP
        mov     cr0, eax
        PAGE_FAULT PF_P|PF_W, LIN(512), {mov [LIN(512)], eax}
        call    pae_off
END_CASE

CASE "pae-split-write"
        call    pae_tables
        PAE_PTE 0, PHYS(5)|7, 0
        mov     dword [PHYS(5)+0xFFC], 0xA5A5A5A5
        call    pae_on
        mov     eax, 0x12345678
        PAGE_FAULT PF_W, LIN(1), {mov [LIN(1)-2], eax}
        CHECK   dword [PHYS(5)+0xFFC], 0xA5A5A5A5
        PAE_PTE 1, PHYS(2)|7, 0
        mov     [LIN(1)-2], eax
        CHECK   dword [PHYS(5)+0xFFC], 0x5678A5A5
        CHECK   dword [PHYS(2)], 0x1234
        call    pae_off
END_CASE

CASE "pae-fetch-not-present"
        call    pae_tables
        call    pae_on
        mov     eax, LIN(0)+0x10
        RING3_BEGIN
        EXPECT_FAULT 14, LIN(0)+0x10
        jmp     eax
        FAULTED
        RING3_END
        CHECK   dword [X_ERROR], PF_U                   ; without NX no I/D bit
        CHECK   dword [X_CR2], LIN(0)+0x10
        call    pae_off
END_CASE

; --- 2 MiB pages; they do not depend on CR4.PSE ---

CASE "pae-big-translate"
        call    pae_tables
        PAE_PDE 4, PG_PS|7, 0
        mov     dword [PHYS(3)+8], 0x12345678
        call    pae_on
        mov     eax, [BIG_AT(PHYS(3)+8)]
        CHECK_EAX 0x12345678
        mov     dword [BIG_AT(PHYS(4)+8)], 0x11111111
        CHECK   dword [PHYS(4)+8], 0x11111111
        mov     al, [BIG_AT(0xFFFF0)]                   ; the far jump of the reset vector
        CHECK8  al, 0xEA
        call    pae_off
END_CASE

CASE "pae-big-accessed-dirty"
        call    pae_tables
        PAE_PDE 4, PG_PS|7, 0
        call    pae_on
        mov     eax, [BIG_AT(PHYS(0))]
        CHECK   dword [PAE_PDE_AT(4)], PG_PS|7|PG_A
        mov     [BIG_AT(PHYS(1))], eax
        CHECK   dword [PAE_PDE_AT(4)], PG_PS|7|PG_A|PG_D
        CHECK   dword [PAE_PDE_AT(4)+4], 0
        call    pae_off
END_CASE

CASE "pae-big-protection"
        call    pae_tables
        PAE_PDE 4, PG_PS|PG_P|PG_W, 0
        PAE_PDE 5, PG_PS|PG_P|PG_U, 0
        PAE_PDE 6, PG_PS|6, 0
        call    pae_on
        PAGE_FAULT_R3 PF_U|PF_P, BIG, {mov eax, [BIG]}
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, BIG+0x220000, {mov [BIG+0x220000], eax}
        PAGE_FAULT 0, BIG+0x400000, {mov eax, [BIG+0x400000]}
        call    pae_off
END_CASE

CASE "pae-big-and-4k-alias"
        call    pae_tables
        PAE_PDE 4, PG_PS|7, 0
        PAE_PTE 0, PHYS(3)|7, 0
        call    pae_on
        mov     dword [LIN(0)], 0x11111111
        mov     eax, [BIG_AT(PHYS(3))]
        CHECK_EAX 0x11111111
        call    pae_off
END_CASE

CASE "pae-big-with-pse"                         ; CR4.PSE changes nothing
        call    pae_tables
        PAE_PDE 4, PG_PS|7, 0
        PAE_PTE 0, PHYS(3)|7, 0
        mov     dword [PHYS(3)], 0x11111111
        mov     eax, cr4
        or      eax, CR4_PSE
        mov     cr4, eax
        call    pae_on
        mov     eax, [BIG_AT(PHYS(3))]
        CHECK_EAX 0x11111111
        mov     eax, [LIN(0)]
        CHECK_EAX 0x11111111
        call    pae_off
END_CASE

CASE "pae-big-code"
        call    pae_tables
        PAE_PDE 0, PG_PS|7|PG_A|PG_D, 0
        call    pae_on
        push    dword 0x12345678
        pop     eax
        CHECK_EAX 0x12345678
        call    pae_off
END_CASE

; --- Reserved bits ---

; RSVD comes with P: reserved bits of entries with P = 0 are not checked (SDM volume 3,
; "Page-Fault Exceptions": "bit 3 of the error code can be set only if bit 0 is also set").
; Bits 62-52 are reserved in PAE paging whatever MAXPHYADDR, bit 63 too without NX
; (SDM volume 3, "Format of a PAE Page-Table Entry that Maps a 4-KByte Page").
CASE "pae-reserved-pte"
        call    pae_tables
        PAE_PTE 0, PHYS(0)|7, 0x00100000                ; bit 52
        PAE_PTE 1, PHYS(1)|7, 0x40000000                ; bit 62
        PAE_PTE 2, PHYS(2)|7, 0x80000000                ; bit 63
        call    pae_on
        PAGE_FAULT PF_RSVD|PF_P, LIN(0), {mov eax, [LIN(0)]}
        PAGE_FAULT PF_RSVD|PF_P|PF_W, LIN(1), {mov [LIN(1)], eax}
        PAGE_FAULT PF_RSVD|PF_P, LIN(2), {mov eax, [LIN(2)]}
        PAGE_FAULT_R3 PF_RSVD|PF_P|PF_U, LIN(1), {mov eax, [LIN(1)]}
        PAGE_FAULT_R3 PF_RSVD|PF_P|PF_U|PF_W, LIN(1), {mov [LIN(1)], eax}
        call    pae_off
END_CASE

CASE "pae-reserved-pde"
        call    pae_tables
        PAE_PTE 0, PHYS(0)|7, 0
        PAE_PDE 2, PG_PT1|7, 0x40000000
        call    pae_on
        PAGE_FAULT PF_RSVD|PF_P, LIN(0), {mov eax, [LIN(0)]}
        PAGE_FAULT PF_RSVD|PF_P|PF_W, LIN(0), {mov [LIN(0)], eax}
        PAE_PDE 2, PG_PT1|7, 0
        call    pg_flush
        mov     eax, [LIN(0)]
        call    pae_off
END_CASE

; Bits 20-13 of a 2 MiB page are reserved.
CASE "pae-reserved-big-pde"
        call    pae_tables
        PAE_PDE 4, PG_PS|7|0x2000, 0
        PAE_PDE 5, PG_PS|7|0x100000, 0
        PAE_PDE 6, PG_PS|7, 0x40000000
        call    pae_on
        PAGE_FAULT PF_RSVD|PF_P, BIG, {mov eax, [BIG]}
        PAGE_FAULT PF_RSVD|PF_P|PF_W, BIG+0x200000, {mov [BIG+0x200000], eax}
        PAGE_FAULT PF_RSVD|PF_P, BIG+0x400000, {mov eax, [BIG+0x400000]}
        call    pae_off
END_CASE

; Present PDPTEs are checked when CR3 is loaded (SDM volume 3, "PDPTE Registers": "If any
; of the PDPTEs sets both the P flag (bit 0) and any reserved bit, the MOV to CR instruction
; causes a general-protection exception (#GP(0)) and the PDPTEs are not loaded").
%macro BAD_PDPTE 2
        call    pae_tables
        mov     dword [PDPTE_AT(2)], %1
        mov     dword [PDPTE_AT(2)+4], %2
        PDPTE   3, PG_DIR|1
        call    pae_on_without_2
        mov     eax, PG_PDPT
        FAULTS  13, {mov cr3, eax}
        CHECK   dword [X_ERROR], 0
        call    pae_off
%endmacro

CASE "pae-reserved-pdpte-bit-1"
        BAD_PDPTE PG_DIR|3, 0
END_CASE

CASE "pae-reserved-pdpte-bit-2"
        BAD_PDPTE PG_DIR|5, 0
END_CASE

CASE "pae-reserved-pdpte-bit-5"
        BAD_PDPTE PG_DIR|0x21, 0
END_CASE

CASE "pae-reserved-pdpte-bit-8"
        BAD_PDPTE PG_DIR|0x101, 0
END_CASE

CASE "pae-reserved-pdpte-bit-63"
        BAD_PDPTE PG_DIR|1, 0x80000000
END_CASE

; The PDPTEs are registers: a change in memory counts when CR3 is loaded (SDM volume 3,
; "PDPTE Registers").
CASE "pae-pdptes-change-with-cr3-only"
        call    pae_tables
        PAE_PTE 0, PHYS(3)|7, 0
        mov     dword [PHYS(3)], 0x12345678
        PDPTE   1, PG_DIR|1
        call    pae_on
        mov     dword [PDPTE_AT(1)], 0
        mov     eax, [0x40000000+LIN(0)]                ; not cached before
        CHECK_EAX 0x12345678
        mov     eax, cr3
        mov     cr3, eax
        PAGE_FAULT 0, 0x40000000+LIN(0), {mov eax, [0x40000000+LIN(0)]}
        mov     dword [PDPTE_AT(1)], PG_DIR|1
        PAGE_FAULT 0, 0x40000000+LIN(0), {mov eax, [0x40000000+LIN(0)]}
        mov     eax, cr3
        mov     cr3, eax
        mov     eax, [0x40000000+LIN(0)]
        CHECK_EAX 0x12345678
        call    pae_off
END_CASE

CASE "pae-cr3-32-byte-aligned"
        call    pae_tables
        PAE_PTE 0, PHYS(3)|7, 0
        mov     dword [PHYS(3)], 0x12345678
        mov     dword [PHYS(15)+0xFE0], PG_DIR|1
        mov     dword [PHYS(15)+0xFE8], PG_DIR|1
        call    pae_on
        mov     eax, PHYS(15)+0xFE0
        mov     cr3, eax
        mov     eax, [0x40000000+LIN(0)]
        CHECK_EAX 0x12345678
        mov     eax, cr3
        and     eax, 0xFFFFFFE0
        CHECK_EAX PHYS(15)+0xFE0
        call    pae_off
END_CASE

CASE "pae-mov-cr3-flushes"
        call    pae_tables
        PAE_PTE 0, PHYS(0)|7, 0
        mov     dword [PHYS(0)], 0x11111111
        mov     dword [PHYS(1)], 0x22222222
        call    pae_on
        mov     eax, [LIN(0)]
        CHECK_EAX 0x11111111
        PAE_PTE 0, PHYS(1)|7, 0
        call    pg_flush
        mov     eax, [LIN(0)]
        CHECK_EAX 0x22222222
        PAE_PTE 0, PHYS(0)|7, 0
        invlpg  [LIN(0)]
        mov     eax, [LIN(0)]
        CHECK_EAX 0x11111111
        call    pae_off
END_CASE
no_pae:
        jmp     pae_behind

pae_off:
        call    pg_off
        pushfd
        push    eax
        mov     eax, cr4
        and     eax, ~(CR4_PAE|CR4_PSE)
        mov     cr4, eax
        pop     eax
        popfd
        ret

pae_tables:
        call    pg_tables
        call    pae_off
        pushfd
        pushad
        cld
        xor     eax, eax
        mov     edi, PG_DIR
        mov     ecx, 0x5000/4
        rep     stosd
        mov     dword [PDPTE_AT(0)], PG_DIR|1
        mov     dword [PAE_PDE_AT(0)], PG_PT0|7|PG_A
        mov     dword [PAE_PDE_AT(2)], PG_PT1|7
        mov     edi, PG_PT0
        mov     ecx, 512
        mov     eax, 7|PG_A|PG_D
.page:  mov     [edi], eax
        add     eax, 0x1000
        add     edi, 8
        loop    .page
        popad
        popfd
        ret

; Paging on with PDPTE 3 in the place of 2, so that a bad PDPTE 2 waits for MOV CR3.
pae_on_without_2:
        push    dword [PDPTE_AT(2)]
        push    dword [PDPTE_AT(2)+4]
        mov     dword [PDPTE_AT(2)], 0
        mov     dword [PDPTE_AT(2)+4], 0
        call    pae_on
        pop     dword [PDPTE_AT(2)+4]
        pop     dword [PDPTE_AT(2)]
        ret

pae_on:
        pushfd
        push    eax
        mov     eax, PG_PDPT
        mov     cr3, eax
        mov     eax, cr4
        or      eax, CR4_PAE
        mov     cr4, eax
        mov     eax, cr0
        or      eax, 0x80000000
        mov     cr0, eax
        jmp     short .on
.on:
        pop     eax
        popfd
        ret
pae_behind:

PAGING_CODE
        ROM_END
