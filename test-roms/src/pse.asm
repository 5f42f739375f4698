; first-model: 386dx
; cases: 19
; CR4.PSE: 4 MiB pages (when CPUID reports PSE).
; Source: SDM volume 3, chapter "Paging", "32-Bit Paging".

%define ROM32_START 0x3000
%include "rom.inc"
%include "protected.inc"
%include "paging.inc"

BIG     equ 0x800000            ; PDE 2: a 4 MiB page of physical address 0
%define BIG_AT(address) (BIG+(address))

%macro PSE_ON 0
        push    eax
        mov     eax, cr4
        or      eax, CR4_PSE
        mov     cr4, eax
        pop     eax
%endmacro

%macro PSE_OFF 0
        push    eax
        mov     eax, cr4
        and     eax, ~CR4_PSE
        mov     cr4, eax
        pop     eax
%endmacro

; Default tables with PDE 2 = %1, paging on.
%macro PSE_TABLES 1
        call    pg_tables
        PSE_ON
        PDE     2, %1
%endmacro

        ROM_BEGIN "CR4.PSE, 4 MiB pages"

        ENTER_PROTECTED

CASE "baseline-4k"                              ; also on processors without PSE
        call    pg_tables
        PTE     0, PHYS(3)|7
        mov     dword [PHYS(3)], 0x11111111
        call    pg_on
        mov     eax, [LIN(0)]
        CHECK_EAX 0x11111111
        call    pg_off
END_CASE

        UNLESS_FEATURE FEATURE_PSE, no_pse

CASE "pse-bit-read-back"
        PSE_ON
        mov     eax, cr4
        and     eax, CR4_PSE
        CHECK_EAX CR4_PSE
        PSE_OFF
        mov     eax, cr4
        and     eax, CR4_PSE
        CHECK_EAX 0
END_CASE

CASE "pse-translate-read"
        PSE_TABLES PG_PS|7
        mov     dword [PHYS(0)], 0x11111111
        mov     dword [PHYS(15)+0xFFC], 0x22222222
        call    pg_on
        mov     eax, [BIG_AT(PHYS(0))]
        CHECK_EAX 0x11111111
        mov     eax, [BIG_AT(PHYS(15)+0xFFC)]
        CHECK_EAX 0x22222222
        mov     al, [BIG_AT(0xFFFF0)]           ; the far jump of the reset vector
        CHECK8  al, 0xEA
        call    pg_off
END_CASE

CASE "pse-translate-write"
        PSE_TABLES PG_PS|7
        call    pg_on
        mov     dword [BIG_AT(PHYS(3)+8)], 0x12345678
        CHECK   dword [PHYS(3)+8], 0x12345678
        call    pg_off
END_CASE

CASE "pse-accessed-read"
        PSE_TABLES PG_PS|7
        call    pg_on
        mov     eax, [BIG_AT(PHYS(0))]
        CHECK   dword [PDE_AT(2)], PG_PS|7|PG_A
        call    pg_off
END_CASE

CASE "pse-dirty-write"
        PSE_TABLES PG_PS|7
        call    pg_on
        mov     [BIG_AT(PHYS(0))], eax
        CHECK   dword [PDE_AT(2)], PG_PS|7|PG_A|PG_D
        call    pg_off
END_CASE

CASE "pse-dirty-write-after-read"
        PSE_TABLES PG_PS|7
        call    pg_on
        mov     eax, [BIG_AT(PHYS(0))]
        mov     [BIG_AT(PHYS(0))], eax
        CHECK   dword [PDE_AT(2)], PG_PS|7|PG_A|PG_D
        call    pg_off
END_CASE

CASE "pse-dirty-write-elsewhere"                ; one D bit for the whole page
        PSE_TABLES PG_PS|7
        call    pg_on
        mov     eax, [BIG_AT(PHYS(0))]
        mov     [BIG_AT(PHYS(9))], eax
        CHECK   dword [PDE_AT(2)], PG_PS|7|PG_A|PG_D
        call    pg_off
END_CASE

CASE "pse-not-present"
        PSE_TABLES PG_PS|6
        call    pg_on
        PAGE_FAULT 0, BIG_AT(0x1234), {mov eax, [BIG_AT(0x1234)]}
        PAGE_FAULT PF_W, BIG_AT(0x3FFFFF), {mov [BIG_AT(0x3FFFFF)], al}
        CHECK   dword [PDE_AT(2)], PG_PS|6
        call    pg_off
END_CASE

CASE "pse-ring3-supervisor"
        PSE_TABLES PG_PS|PG_P|PG_W
        call    pg_on
        PAGE_FAULT_R3 PF_U|PF_P, BIG_AT(PHYS(0)), {mov eax, [BIG_AT(PHYS(0))]}
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, BIG_AT(PHYS(0)), {mov [BIG_AT(PHYS(0))], eax}
        mov     [BIG_AT(PHYS(0))], eax
        call    pg_off
END_CASE

CASE "pse-ring3-read-only"
        PSE_TABLES PG_PS|PG_P|PG_U
        call    pg_on
        RING3_BEGIN
        mov     eax, [BIG_AT(PHYS(0))]
        RING3_END
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, BIG_AT(PHYS(0)), {mov [BIG_AT(PHYS(0))], eax}
        mov     dword [BIG_AT(PHYS(0))], 0x11111111     ; WP = 0
        CHECK   dword [PHYS(0)], 0x11111111
        call    pg_off
END_CASE

CASE "pse-ring3-writable"
        PSE_TABLES PG_PS|7
        call    pg_on
        mov     eax, 0x600DF00D
        RING3_BEGIN
        mov     [BIG_AT(PHYS(0))], eax
        RING3_END
        CHECK   dword [PHYS(0)], 0x600DF00D
        call    pg_off
END_CASE

CASE "pse-wp"
        PSE_TABLES PG_PS|PG_P|PG_U
        call    pg_on
        mov     eax, cr0
        or      eax, CR0_WP
        mov     cr0, eax
        PAGE_FAULT PF_P|PF_W, BIG_AT(PHYS(0)), {mov [BIG_AT(PHYS(0))], eax}
        call    pg_off
END_CASE

CASE "pse-and-4k-alias"
        PSE_TABLES PG_PS|7
        PTE     0, PHYS(3)|7
        call    pg_on
        mov     dword [LIN(0)], 0x11111111
        mov     eax, [BIG_AT(PHYS(3))]
        CHECK_EAX 0x11111111
        mov     dword [BIG_AT(PHYS(3))], 0x22222222
        mov     eax, [LIN(0)]
        CHECK_EAX 0x22222222
        CHECK   dword [PTE_AT(0)], PHYS(3)|7|PG_A|PG_D
        call    pg_off
END_CASE

; A 4 KiB page in front of the 4 MiB page.
CASE "pse-split-with-4k"
        PSE_TABLES PG_PS|PG_P|PG_U
        PTE     1023, PHYS(3)|7
        mov     dword [PHYS(3)+0xFFC], 0x44332211
        call    pg_on
        mov     eax, [BIG-2]
        and     eax, 0xFFFF
        CHECK_EAX 0x4433
        PAGE_FAULT_R3 PF_U|PF_P|PF_W, BIG, {mov [BIG-2], eax}
        CHECK   dword [PHYS(3)+0xFFC], 0x44332211
        PDE     2, 0
        call    pg_flush
        PAGE_FAULT 0, BIG, {mov eax, [BIG-2]}
        call    pg_off
END_CASE

CASE "pse-fetch"
        PSE_TABLES PG_PS|7
        mov     dword [PHYS(3)+8], 0xC34243B0   ; mov al, 43h / inc edx / ret
        call    pg_on
        mov     ebx, BIG_AT(PHYS(3)+8)
        xor     edx, edx
        call    ebx
        CHECK8  al, 0x43
        CHECK   edx, 1
        CHECK   dword [PDE_AT(2)], PG_PS|7|PG_A
        call    pg_off
END_CASE

; With CR4.PSE = 0 the PS bit means nothing: the entry points to a page table.
CASE "pse-off-ignores-ps"
        PSE_TABLES PG_PT1|PG_PS|7
        PSE_OFF
        PTE     0, PHYS(3)|7
        mov     dword [PHYS(3)], 0x11111111
        call    pg_on
        mov     eax, [BIG]
        CHECK_EAX 0x11111111
        mov     [BIG], eax
        CHECK   dword [PTE_AT(0)], PHYS(3)|7|PG_A|PG_D
        CHECK   dword [PDE_AT(2)], PG_PT1|PG_PS|7|PG_A
        call    pg_off
END_CASE

CASE "pse-flush-to-4k"                          ; MOV CR3 and INVLPG drop a 4 MiB translation
        PSE_TABLES PG_PS|7
        PTE     PHYS(0)>>12, PHYS(3)|7
        mov     dword [PHYS(0)], 0x11111111
        mov     dword [PHYS(3)], 0x22222222
        call    pg_on
        mov     eax, [BIG_AT(PHYS(0))]
        CHECK_EAX 0x11111111
        PDE     2, PG_PT1|7
        call    pg_flush
        mov     eax, [BIG_AT(PHYS(0))]
        CHECK_EAX 0x22222222
        PDE     2, PG_PS|7
        invlpg  [BIG_AT(PHYS(0)+0x800)]
        mov     eax, [BIG_AT(PHYS(0))]
        CHECK_EAX 0x11111111
        PDE     2, PG_PT1|7
        invlpg  [BIG_AT(PHYS(0)+0x800)]
        mov     eax, [BIG_AT(PHYS(0))]
        CHECK_EAX 0x22222222
        call    pg_off
END_CASE

CASE "pse-code-and-stack"                       ; everything in one 4 MiB identity page
        call    pg_tables
        PSE_ON
        PDE     0, PG_PS|7|PG_A|PG_D
        call    pg_on
        push    dword 0x12345678
        pop     eax
        CHECK_EAX 0x12345678
        RING3_BEGIN
        push    dword 0x13572468
        pop     eax
        RING3_END
        CHECK_EAX 0x13572468
        call    pg_off
END_CASE
no_pse:
        UNLESS_FEATURE FEATURE_PSE, pse_end
        PSE_OFF
pse_end:

PAGING_CODE
        ROM_END
