; first-model: 386dx
; cases: 15
; CR0.WP: supervisor writes to read-only pages fault (486 and later).
; Sources: i486 Programmer's Reference Manual, "Page-Level Protection"; SDM volume 3,
; chapter "Paging", "Determination of Access Rights".

%define ROM32_START 0x3000
%include "rom.inc"
%include "protected.inc"
%include "paging.inc"

%macro WP_ON 0
        push    eax
        mov     eax, cr0
        or      eax, CR0_WP
        mov     cr0, eax
        pop     eax
%endmacro

%macro WP_OFF 0
        push    eax
        mov     eax, cr0
        and     eax, ~CR0_WP
        mov     cr0, eax
        pop     eax
%endmacro

        ROM_BEGIN "CR0.WP"
        ENTER_PROTECTED

CASE "wp-off-write-read-only"
        call    pg_tables
        PTE     0, PHYS(0)|PG_P|PG_U
        call    pg_on
        mov     dword [LIN(0)], 0x11111111
        CHECK   dword [PHYS(0)], 0x11111111
        call    pg_off
END_CASE

        UNLESS_FAMILY 4, no_wp

CASE "wp-bit-read-back"
        mov     eax, cr0
        or      eax, CR0_WP
        mov     cr0, eax
        mov     ebx, cr0
        and     ebx, CR0_WP
        CHECK   ebx, CR0_WP
        and     eax, ~CR0_WP
        mov     cr0, eax
        mov     ebx, cr0
        and     ebx, CR0_WP
        CHECK   ebx, 0
END_CASE

CASE "wp-write-user-read-only"
        call    pg_tables
        PTE     0, PHYS(0)|PG_P|PG_U
        mov     dword [PHYS(0)+8], 0x13572468
        call    pg_on
        WP_ON
        PAGE_FAULT PF_P|PF_W, LIN(0)+8, {mov [LIN(0)+8], eax}
        CHECK   dword [X_CS], SEL_CODE32
        CHECK   dword [PHYS(0)+8], 0x13572468
        mov     ebx, [PTE_AT(0)]
        and     ebx, PG_D
        CHECK   ebx, 0
        call    pg_off
END_CASE

CASE "wp-write-supervisor-read-only"
        call    pg_tables
        PTE     0, PHYS(0)|PG_P
        call    pg_on
        WP_ON
        PAGE_FAULT PF_P|PF_W, LIN(0)+0xFFF, {mov [LIN(0)+0xFFF], al}
        call    pg_off
END_CASE

CASE "wp-write-directory-read-only"
        call    pg_tables
        PDE     1, PG_PT1|PG_P|PG_U
        PTE     0, PHYS(0)|7
        call    pg_on
        WP_ON
        PAGE_FAULT PF_P|PF_W, LIN(0)+8, {mov [LIN(0)+8], eax}
        call    pg_off
END_CASE

CASE "wp-write-directory-supervisor-read-only"
        call    pg_tables
        PDE     1, PG_PT1|PG_P
        PTE     0, PHYS(0)|7
        call    pg_on
        WP_ON
        PAGE_FAULT PF_P|PF_W, LIN(0)+8, {mov [LIN(0)+8], eax}
        call    pg_off
END_CASE

CASE "wp-write-writable"
        call    pg_tables
        PTE     0, PHYS(0)|PG_P|PG_W
        PTE     1, PHYS(1)|PG_P|PG_W|PG_U
        call    pg_on
        WP_ON
        mov     dword [LIN(0)], 0x11111111
        mov     dword [LIN(1)], 0x22222222
        CHECK   dword [PHYS(0)], 0x11111111
        CHECK   dword [PHYS(1)], 0x22222222
        CHECK   dword [PTE_AT(0)], PHYS(0)|PG_P|PG_W|PG_A|PG_D
        call    pg_off
END_CASE

CASE "wp-read-read-only"
        call    pg_tables
        PTE     0, PHYS(0)|PG_P|PG_U
        mov     dword [PHYS(0)], 0x13572468
        call    pg_on
        WP_ON
        mov     eax, [LIN(0)]
        cmp     dword [LIN(0)], 5
        CHECK_EAX 0x13572468
        CHECK   dword [PTE_AT(0)], PHYS(0)|PG_P|PG_U|PG_A
        call    pg_off
END_CASE

CASE "wp-not-present-write"
        call    pg_tables
        call    pg_on
        WP_ON
        PAGE_FAULT PF_W, LIN(0), {mov [LIN(0)], eax}
        call    pg_off
END_CASE

CASE "wp-ring3"
        call    pg_tables
        PTE     0, PHYS(0)|PG_P|PG_U
        call    pg_on
        WP_ON
        PAGE_FAULT_R3 PF_P|PF_W|PF_U, LIN(0), {mov [LIN(0)], eax}
        call    pg_off
END_CASE

; WP is no part of a cached translation: a change counts at once.
CASE "wp-change-counts-at-once"
        call    pg_tables
        PTE     0, PHYS(0)|PG_P|PG_U
        call    pg_on
        mov     dword [LIN(0)], 0x11111111
        WP_ON
        PAGE_FAULT PF_P|PF_W, LIN(0), {mov dword [LIN(0)], 0x22222222}
        CHECK   dword [PHYS(0)], 0x11111111
        WP_OFF
        mov     dword [LIN(0)], 0x33333333
        CHECK   dword [PHYS(0)], 0x33333333
        call    pg_off
END_CASE

CASE "wp-read-modify-write"
        call    pg_tables
        PTE     0, PHYS(0)|PG_P|PG_U
        mov     dword [PHYS(0)], 0x7FFFFFFF
        call    pg_on
        WP_ON
        mov     eax, 1
        cmp     eax, eax
        PAGE_FAULT PF_P|PF_W, LIN(0), {add [LIN(0)], eax}
        CHECK_FLAGS ALLF, ZF|PF
        PAGE_FAULT PF_P|PF_W, LIN(0), {xadd [LIN(0)], eax}
        CHECK_EAX 1
        PAGE_FAULT PF_P|PF_W, LIN(0), {lock dec dword [LIN(0)]}
        PAGE_FAULT PF_P|PF_W, LIN(0), {cmpxchg [LIN(0)], ebx}
        CHECK_EAX 1
        CHECK   dword [PHYS(0)], 0x7FFFFFFF
        call    pg_off
END_CASE

CASE "wp-split-write"
        call    pg_tables
        PTE     0, PHYS(0)|7
        PTE     1, PHYS(1)|PG_P|PG_U
        mov     dword [PHYS(0)+0xFFC], 0xA5A5A5A5
        call    pg_on
        WP_ON
        mov     eax, 0x12345678
        PAGE_FAULT PF_P|PF_W, LIN(1), {mov [LIN(1)-2], eax}
        CHECK   dword [PHYS(0)+0xFFC], 0xA5A5A5A5
        call    pg_off
END_CASE

CASE "wp-rep-stos"
        call    pg_tables
        PTE     0, PHYS(0)|7
        PTE     1, PHYS(1)|PG_P|PG_U
        call    pg_on
        WP_ON
        mov     edi, LIN(1)-8
        mov     ecx, 4
        mov     eax, 0x5A5A5A5A
        PAGE_FAULT PF_P|PF_W, LIN(1), {rep stosd}
        CHECK   ecx, 2
        CHECK   edi, LIN(1)
        CHECK   dword [PHYS(1)], 0
        call    pg_off
END_CASE

; The processor sets the accessed bit of a descriptor as supervisor (U/S = 0), also for
; ring-3 code.
CASE "wp-descriptor-accessed-bit"
        call    pg_tables
        PTE     0, (PM_GDT & 0xFFFFF000)|PG_P|PG_U
        SET_DESC SEL_FREE, 0, 0xFFFFF, ACC_DATA|ACC_DPL3, 12
        sub     esp, 8
        mov     word [esp], 0x7FF
        mov     dword [esp+2], LIN(0)+(PM_GDT & 0xFFF)
; Everything that the handler loads is accessed already.
        or      byte [PM_GDT+SEL_DATA32+5], 1
        or      byte [PM_GDT+SEL_CODE32+5], 1
        or      byte [PM_GDT+(SEL_DATA32_R3 & 0xF8)+5], 1
        or      byte [PM_GDT+(SEL_CODE32_R3 & 0xF8)+5], 1
        call    pg_on
        lgdt    [esp]
        WP_ON
        mov     ax, SEL_FREE|3
        RING3_BEGIN
        mov     ax, SEL_FREE|3
        FAULTS  14, {mov fs, ax}
        RING3_END
        CHECK   dword [X_ERROR], PF_P|PF_W
        mov     eax, [X_CR2]
        and     eax, 0xFFFFF000
        CHECK_EAX LIN(0)
        CHECK8  byte [PM_GDT+SEL_FREE+5], ACC_DATA|ACC_DPL3
        call    pg_off
END_CASE

no_wp:

PAGING_CODE
        ROM_END
