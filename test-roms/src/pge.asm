; first-model: 386dx
; cases: 15
; CR4.PGE: global pages (when CPUID reports PGE).
; Source: SDM volume 3, chapter "Paging", "Global Pages" and "Operations that Invalidate
; TLBs and Paging-Structure Caches". That a global translation survives MOV CR3 is
; permitted, not required: the cases accept both where it matters.

%define ROM32_START 0x3000
%include "rom.inc"
%include "protected.inc"
%include "paging.inc"

%macro PGE_ON 0
        push    eax
        mov     eax, cr4
        or      eax, CR4_PGE
        mov     cr4, eax
        pop     eax
%endmacro

%macro PGE_OFF 0
        push    eax
        mov     eax, cr4
        and     eax, ~CR4_PGE
        mov     cr4, eax
        pop     eax
%endmacro

; Default tables, LIN(0) = PHYS(0) with the flags %1, paging on, then PGE on.
%macro PGE_TABLES 1
        call    pg_tables
        PGE_OFF
        PTE     0, PHYS(0)|(%1)
        mov     dword [PHYS(0)], 0x11111111
        mov     dword [PHYS(1)], 0x22222222
        call    pg_on
        PGE_ON
%endmacro

        ROM_BEGIN "CR4.PGE, global pages"
        ENTER_PROTECTED

CASE "baseline-4k"                              ; also on processors without PGE
        call    pg_tables
        PTE     0, PHYS(3)|7
        mov     dword [PHYS(3)], 0x11111111
        call    pg_on
        mov     eax, [LIN(0)]
        CHECK_EAX 0x11111111
        call    pg_off
END_CASE

        UNLESS_FEATURE FEATURE_PGE, no_pge

CASE "pge-bit-read-back"
        PGE_ON
        mov     eax, cr4
        and     eax, CR4_PGE
        CHECK_EAX CR4_PGE
        PGE_OFF
        mov     eax, cr4
        and     eax, CR4_PGE
        CHECK_EAX 0
END_CASE

CASE "pge-global-after-mov-cr3"                 ; unchanged tables: the same page
        PGE_TABLES 7|PG_G
        mov     eax, [LIN(0)]
        CHECK_EAX 0x11111111
        call    pg_flush
        mov     eax, [LIN(0)]
        CHECK_EAX 0x11111111
        mov     dword [LIN(0)], 0x33333333
        call    pg_flush
        mov     eax, [LIN(0)]
        CHECK_EAX 0x33333333
        CHECK   dword [PHYS(0)], 0x33333333
        call    pg_off
END_CASE

CASE "pge-global-in-other-directory"
        PGE_TABLES 7|PG_G
        mov     dword [PG_DIR1], PG_PT0|7
        mov     dword [PG_DIR1+4], PG_PT1|7
        mov     eax, [LIN(0)]
        mov     ebx, PG_DIR1
        mov     cr3, ebx
        mov     eax, [LIN(0)]
        CHECK_EAX 0x11111111
        call    pg_off
END_CASE

CASE "pge-changed-global-after-mov-cr3"         ; the old or the new page, nothing else
        PGE_TABLES 7|PG_G
        mov     eax, [LIN(0)]
        PTE     0, PHYS(1)|7|PG_G
        call    pg_flush
        mov     eax, [LIN(0)]
        cmp     eax, 0x11111111
        je      .old
        CHECK_EAX 0x22222222
.old:
        call    pg_off
END_CASE

CASE "pge-changed-global-after-invlpg"
        PGE_TABLES 7|PG_G
        mov     eax, [LIN(0)]
        PTE     0, PHYS(1)|7|PG_G
        invlpg  [LIN(0)+0x800]
        mov     eax, [LIN(0)]
        CHECK_EAX 0x22222222
        PTE     0, 0
        invlpg  [LIN(0)]
        PAGE_FAULT 0, LIN(0), {mov eax, [LIN(0)]}
        call    pg_off
END_CASE

CASE "pge-changed-global-after-pge-off"
        PGE_TABLES 7|PG_G
        mov     eax, [LIN(0)]
        PTE     0, PHYS(1)|7|PG_G
        PGE_OFF
        mov     eax, [LIN(0)]
        CHECK_EAX 0x22222222
        call    pg_off
END_CASE

CASE "pge-changed-global-after-pge-off-on"
        PGE_TABLES 7|PG_G
        mov     eax, [LIN(0)]
        PTE     0, PHYS(1)|7|PG_G
        PGE_OFF
        PGE_ON
        mov     eax, [LIN(0)]
        CHECK_EAX 0x22222222
        call    pg_off
END_CASE

CASE "pge-changed-global-after-paging-off"
        PGE_TABLES 7|PG_G
        mov     eax, [LIN(0)]
        call    pg_off
        PTE     0, PHYS(1)|7|PG_G
        call    pg_on
        mov     eax, [LIN(0)]
        CHECK_EAX 0x22222222
        call    pg_off
END_CASE

CASE "pge-changed-local-after-mov-cr3"
        PGE_TABLES 7
        PTE     1, PHYS(2)|7|PG_G
        mov     eax, [LIN(0)]
        mov     eax, [LIN(1)]
        PTE     0, PHYS(1)|7
        call    pg_flush
        mov     eax, [LIN(0)]
        CHECK_EAX 0x22222222
        call    pg_off
END_CASE

CASE "pge-off-ignores-global"
        PGE_TABLES 7|PG_G
        PGE_OFF
        mov     eax, [LIN(0)]
        PTE     0, PHYS(1)|7|PG_G
        call    pg_flush
        mov     eax, [LIN(0)]
        CHECK_EAX 0x22222222
        call    pg_off
END_CASE

CASE "pge-directory-bit-ignored"                ; G of a PDE that points to a table
        PGE_TABLES 7
        PDE     1, PG_PT1|7|PG_G
        call    pg_flush
        mov     eax, [LIN(0)]
        PTE     0, PHYS(1)|7
        call    pg_flush
        mov     eax, [LIN(0)]
        CHECK_EAX 0x22222222
        call    pg_off
END_CASE

CASE "pge-global-accessed-dirty"
        PGE_TABLES 7|PG_G
        mov     eax, [LIN(0)]
        CHECK   dword [PTE_AT(0)], PHYS(0)|7|PG_G|PG_A
        call    pg_flush
        mov     [LIN(0)], eax
        CHECK   dword [PTE_AT(0)], PHYS(0)|7|PG_G|PG_A|PG_D
        call    pg_off
END_CASE

CASE "pge-global-protection"
        PGE_TABLES PG_P|PG_W|PG_G
        mov     eax, [LIN(0)]
        call    pg_flush
        PAGE_FAULT_R3 PF_U|PF_P, LIN(0), {mov eax, [LIN(0)]}
        mov     [LIN(0)], eax
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, LIN(0), {mov [LIN(0)], eax}
        call    pg_off
END_CASE

        UNLESS_FEATURE FEATURE_PSE, no_big
CASE "pge-global-4m-page"
        call    pg_tables
        mov     eax, cr4
        or      eax, CR4_PSE|CR4_PGE
        mov     cr4, eax
        PTE     PHYS(0)>>12, PHYS(1)|7
        PDE     2, PG_PS|7|PG_G
        mov     dword [PHYS(0)], 0x11111111
        mov     dword [PHYS(1)], 0x22222222
        call    pg_on
        mov     eax, [0x800000+PHYS(0)]
        call    pg_flush
        mov     eax, [0x800000+PHYS(0)]
        CHECK_EAX 0x11111111
        PDE     2, PG_PT1|7
        invlpg  [0x800000+PHYS(0)]
        mov     eax, [0x800000+PHYS(0)]
        CHECK_EAX 0x22222222
        call    pg_off
        mov     eax, cr4
        and     eax, ~(CR4_PSE|CR4_PGE)
        mov     cr4, eax
END_CASE
no_big:
        UNLESS_FEATURE FEATURE_PGE, no_pge
        PGE_OFF
no_pge:

PAGING_CODE
        ROM_END
