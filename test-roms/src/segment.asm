; first-model: 386dx
; cases: 88
;
; Segment registers and segment limits in protected mode. Every error code is checked:
; SDM vol. 3, "Protection", and the operation sections of vol. 2.
%define ROM32_START 0x0C00
%include "rom.inc"
%include "protected.inc"

DATA            equ 0x8000      ; scratch data of a case
LDT             equ 0x9000
POINTER         equ 0x9800
SEL1            equ SEL_FREE
SEL2            equ SEL_FREE+8
SEL3            equ SEL_FREE+16
CODE32          equ 12          ; flags of flat segments: G, D/B
SMALL32         equ 4           ; D/B only
SMALL16         equ 0
LIM4G           equ 0xFFFFF

%assign CASE_N 0
%macro SCASE 1
  %assign CASE_N CASE_N+1
case_ %+ CASE_N:
  CASE %1
%endmacro

; The instruction must fault with this vector and error code.
; (A word: the 486 leaves the upper half of the pushed error code as it was.)
%macro FAULT_CODE 3
        FAULTS  %1, {%3}
        CHECK16 word [X_ERROR], %2
%endmacro

; The access byte of a descriptor
%macro ACCESS_IS 2
        CHECK8  byte [PM_GDT+(%1)+5], %2
%endmacro

%macro ESP_IS 1
        mov     ebx, esp
        CHECK   ebx, %1
%endmacro

; Flat 32-bit code with a label as its byte limit; changes EAX
%macro SET_LIMIT 2
        SET_DESC %1, 0, 0, ACC_CODE, SMALL32
        mov     eax, %2
        mov     [PM_GDT+(%1)], ax
        shr     eax, 16
        or      [PM_GDT+(%1)+6], al
%endmacro

; Far pointer in memory
%macro FAR_PTR 2
        mov     dword [POINTER], %2
        mov     word [POINTER+4], %1
%endmacro

ROM_BEGIN "protected mode: segment checks"
ENTER_PROTECTED
        jmp     first_case

; Where transfers lead which must not happen
escaped:
        jmp     SEL_CODE32:.flat
.flat:  FAIL_HERE 0xEEEE
        jmp     dword [cs:ROM_RECOVER]

first_case:

; --- null selectors -----------------------------------------------------------

SCASE "null-data-loads"
        xor     eax, eax
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
        CHECK_SEG es, 0
        inc     eax
        mov     es, ax
        inc     eax
        mov     fs, ax
        inc     eax
        mov     gs, ax
        CHECK_SEG es, 1
        CHECK_SEG fs, 2
        CHECK_SEG gs, 3
END_CASE

SCASE "null-data-use-faults"
        ; SDM vol. 3, "Null Segment Selector Checking"
        xor     eax, eax
        mov     ds, ax
        FAULT_CODE 13, 0, {mov ebx, [DATA]}
        mov     ds, ax
        FAULT_CODE 13, 0, {mov [DATA], ebx}
        mov     es, ax
        FAULT_CODE 13, 0, {mov bl, [es:DATA]}
        mov     fs, ax
        FAULT_CODE 13, 0, {mov bl, [fs:DATA]}
        mov     gs, ax
        FAULT_CODE 13, 0, {mov bl, [gs:DATA]}
        mov     ax, 3
        mov     es, ax
        mov     edi, DATA
        FAULT_CODE 13, 0, stosb
        CHECK   edi, DATA
END_CASE

SCASE "null-data-rep-zero-count"
        mov     es, ax
        mov     edi, DATA
        rep stosb
        CHECK   edi, DATA
END_CASE

SCASE "null-ss"
        FAULT_CODE 13, 0, {mov ss, ax}
        mov     al, 3
        FAULT_CODE 13, 0, {mov ss, ax}
        CHECK   dword [X_SS], SEL_DATA32
END_CASE

; --- tables -------------------------------------------------------------------

SCASE "selector-beyond-gdt"
        mov     eax, 0x800
        FAULT_CODE 13, 0x800, {mov es, ax}
        mov     al, 3
        FAULT_CODE 13, 0x800, {mov fs, ax}      ; RPL is not in the error code
        mov     ax, 0xFFF8
        FAULT_CODE 13, 0xFFF8, {mov gs, ax}
        mov     ax, 0x800
        FAULT_CODE 13, 0x800, {mov ss, ax}
        FAULT_CODE 13, 0x800, {mov ds, ax}
END_CASE

SCASE "gdt-limit-is-the-last-byte"
        SET_DESC SEL1, 0, LIM4G, ACC_DATA, CODE32
        mov     eax, SEL1
        mov     word [POINTER], SEL1+7
        mov     dword [POINTER+2], PM_GDT
        lgdt    [POINTER]
        mov     es, ax
        CHECK_SEG es, SEL1
        dec     word [POINTER]
        lgdt    [POINTER]
        FAULT_CODE 13, SEL1, {mov es, ax}
        CHECK   dword [X_ES], SEL1
END_CASE

SCASE "ldt-null"
        mov     eax, 0x0C
        FAULT_CODE 13, 0x0C, {mov es, ax}
        mov     al, 4                           ; TI=1, index 0: not a null selector
        FAULT_CODE 13, 4, {mov es, ax}
END_CASE

%macro WITH_LDT 0
        SET_DESC SEL1, LDT, 0x17, ACC_LDT, 0
        mov     dword [LDT], 0x8000FFFF         ; base 8000h, limit FFFFh, data
        mov     dword [LDT+4], 0x00409200
        mov     dword [LDT+8], 0x90001000       ; base 9000h, limit 1000h, data
        mov     dword [LDT+12], 0x00409200
        mov     dword [LDT+16], 0
        mov     dword [LDT+20], 0
        mov     eax, SEL1
        lldt    ax
        xor     eax, eax
%endmacro

SCASE "ldt-loads"
        WITH_LDT
        mov     dword [DATA+0x10], 0x12345678
        mov     al, 4
        mov     es, ax
        CHECK   dword [es:0x10], 0x12345678
        CHECK_SEG es, 4
        mov     al, 0x0C
        mov     fs, ax
        CHECK   dword [fs:0], 0x8000FFFF
        CHECK8  byte [LDT+5], 0x93
END_CASE

SCASE "ldt-limit"
        WITH_LDT
        mov     al, 0x1C
        FAULT_CODE 13, 0x1C, {mov es, ax}
        mov     al, 0x14                        ; a zero descriptor is a system descriptor
        FAULT_CODE 13, 0x14, {mov es, ax}
END_CASE

SCASE "ldt-keeps-cache"
        ; LDTR holds the table, not its descriptor
        WITH_LDT
        SET_DESC SEL1, 0, 0, 0, 0
        mov     al, 0x0C
        mov     es, ax
        CHECK_SEG es, 0x0C
END_CASE

SCASE "lldt-null"
        WITH_LDT
        lldt    ax
        sldt    bx
        CHECK16 bx, 0
        mov     al, 4
        FAULT_CODE 13, 4, {mov es, ax}
END_CASE

SCASE "sldt-str"
        WITH_LDT
        sldt    bx
        CHECK16 bx, SEL1
        str     bx
        CHECK16 bx, SEL_TSS
        mov     dword [DATA], 0xFFFFFFFF
        sldt    [DATA]
        CHECK   dword [DATA], 0xFFFF0000|SEL1
END_CASE

SCASE "lldt-checks"
        mov     eax, SEL_DATA32
        FAULT_CODE 13, SEL_DATA32, {lldt ax}
        mov     al, SEL_TSS
        FAULT_CODE 13, SEL_TSS, {lldt ax}
        mov     al, 0x0C
        FAULT_CODE 13, 0x0C, {lldt ax}          ; an LDT is never in the LDT
        mov     ax, 0x800
        FAULT_CODE 13, 0x800, {lldt ax}
        SET_DESC SEL1, LDT, 0x17, ACC_LDT^ACC_NOT_PRESENT, 0
        mov     ax, SEL1
        FAULT_CODE 11, SEL1, {lldt ax}
        sldt    bx
        CHECK16 bx, 0
END_CASE

SCASE "ltr-checks"
        ; SDM vol. 2, LTR: a null selector is #GP(0)
        xor     eax, eax
        FAULT_CODE 13, 0, {ltr ax}
        mov     al, SEL_TSS                     ; busy already
        FAULT_CODE 13, SEL_TSS, {ltr ax}
        mov     al, SEL_DATA32
        FAULT_CODE 13, SEL_DATA32, {ltr ax}
        mov     ax, 0x800
        FAULT_CODE 13, 0x800, {ltr ax}
        mov     ax, 0x0C
        FAULT_CODE 13, 0x0C, {ltr ax}
        SET_DESC SEL1, PM_TSS2, 0x67, ACC_TSS32^ACC_NOT_PRESENT, 0
        mov     ax, SEL1
        FAULT_CODE 11, SEL1, {ltr ax}
        str     bx
        CHECK16 bx, SEL_TSS
END_CASE

SCASE "ltr-sets-busy"
        ACCESS_IS SEL_TSS, ACC_TSS32_BUSY
        ACCESS_IS SEL_TSS2, ACC_TSS32
        mov     ax, SEL_TSS2
        ltr     ax
        ACCESS_IS SEL_TSS2, ACC_TSS32_BUSY
        ACCESS_IS SEL_TSS, ACC_TSS32_BUSY
        str     bx
        CHECK16 bx, SEL_TSS2
END_CASE

; --- type ---------------------------------------------------------------------

SCASE "type-execute-only"
        SET_DESC SEL1, 0, LIM4G, ACC_CODE_X, CODE32
        mov     eax, SEL1
        FAULT_CODE 13, SEL1, {mov ds, ax}
        FAULT_CODE 13, SEL1, {mov es, ax}
        FAULT_CODE 13, SEL1, {mov ss, ax}
        CHECK   dword [X_DS], SEL_DATA32
        ACCESS_IS SEL1, ACC_CODE_X
END_CASE

SCASE "type-readable-code"
        ; SDM vol. 3, "Type Checking": code is never writable
        SET_DESC SEL1, 0, LIM4G, ACC_CODE, CODE32
        mov     dword [DATA], 0x13572468
        mov     eax, SEL1
        mov     es, ax
        mov     ebx, [es:DATA]
        CHECK   ebx, 0x13572468
        FAULT_CODE 13, 0, {mov [es:DATA], eax}
        CHECK   dword [DATA], 0x13572468
        FAULT_CODE 13, SEL1, {mov ss, ax}
END_CASE

SCASE "type-read-only-data"
        ; SDM vol. 3, "Type Checking"
        SET_DESC SEL1, 0, LIM4G, ACC_DATA_RO, CODE32
        mov     dword [DATA], 0x13572468
        mov     eax, SEL1
        mov     es, ax
        mov     ebx, [es:DATA]
        CHECK   ebx, 0x13572468
        FAULT_CODE 13, 0, {mov [es:DATA], eax}
        mov     es, ax
        FAULT_CODE 13, 0, {inc dword [es:DATA]}
        mov     es, ax
        FAULT_CODE 13, 0, {xchg ebx, [es:DATA]}
        mov     es, ax
        mov     edi, DATA
        FAULT_CODE 13, 0, stosd
        CHECK   dword [DATA], 0x13572468
        CHECK   ebx, 0x13572468
        CHECK   edi, DATA
        FAULT_CODE 13, SEL1, {mov ss, ax}
END_CASE

SCASE "type-read-only-comparisons-pass"
        ; CMP, TEST and BT only read
        SET_DESC SEL1, 0, LIM4G, ACC_DATA_RO, CODE32
        mov     eax, SEL1
        mov     es, ax
        cmp     [es:DATA], eax
        test    [es:DATA], eax
        bt      [es:DATA], eax
END_CASE

SCASE "type-system-descriptors"
        mov     eax, SEL_TSS
        FAULT_CODE 13, SEL_TSS, {mov ds, ax}
        FAULT_CODE 13, SEL_TSS, {mov ss, ax}
        SET_DESC SEL1, LDT, 0x17, ACC_LDT, 0
        mov     al, SEL1
        FAULT_CODE 13, SEL1, {mov es, ax}
        SET_DESC SEL1, 0, 0, GATE_CALL32, 0
        FAULT_CODE 13, SEL1, {mov es, ax}
        SET_DESC SEL1, 0, 0, 0x80, 0
        FAULT_CODE 13, SEL1, {mov es, ax}
END_CASE

SCASE "write-through-cs"
        mov     dword [DATA], 0x13572468
        FAULT_CODE 13, 0, {mov [cs:DATA], eax}
        FAULT_CODE 13, 0, {inc byte [cs:DATA]}
        mov     ebx, [cs:DATA]
        CHECK   ebx, 0x13572468
END_CASE

SCASE "read-through-execute-only-cs"
        ; SDM vol. 3, "Type Checking"
        SET_DESC SEL1, 0, LIM4G, ACC_CODE_X, CODE32
        EXPECT_FAULT 13, .read
        jmp     SEL1:.read
.read:  mov     eax, [cs:DATA]
        jmp     SEL_CODE32:.back
.back:
        FAULTED
        CHECK16 word [X_ERROR], 0
        CHECK   dword [X_CS], SEL1
END_CASE

; --- privilege ----------------------------------------------------------------

SCASE "data-rpl"
        ; SEL_DATA32 has DPL 0
        mov     eax, SEL_DATA32|1
        FAULT_CODE 13, SEL_DATA32, {mov es, ax}
        mov     al, SEL_DATA32|3
        FAULT_CODE 13, SEL_DATA32, {mov ds, ax}
        mov     al, SEL_DATA32_R3
        mov     es, ax
        CHECK_SEG es, SEL_DATA32_R3
        mov     al, SEL_DATA32_R3&~3
        mov     es, ax
        CHECK_SEG es, SEL_DATA32_R3&~3
        SET_DESC SEL1, 0, LIM4G, ACC_DATA|ACC_DPL2, CODE32
        mov     al, SEL1|3
        FAULT_CODE 13, SEL1, {mov fs, ax}
        mov     al, SEL1|2
        mov     fs, ax
        CHECK_SEG fs, SEL1|2
END_CASE

SCASE "data-cpl"
        RING3_BEGIN
        mov     eax, SEL_DATA32
        FAULT_CODE 13, SEL_DATA32, {mov es, ax}
        RING3_END
        CHECK   dword [X_CS], SEL_CODE32_R3
        CHECK   dword [X_ES], SEL_DATA32_R3
        RING3_BEGIN
        mov     eax, SEL_DATA32|3
        FAULT_CODE 13, SEL_DATA32, {mov fs, ax}
        RING3_END
        RING3_BEGIN
        mov     eax, SEL_CODE32                 ; readable, but not conforming
        FAULT_CODE 13, SEL_CODE32, {mov gs, ax}
        RING3_END
END_CASE

SCASE "data-rpl-0-at-cpl-3"
        ; only DPL >= max(CPL, RPL) counts
        RING3_BEGIN
        mov     eax, SEL_DATA32_R3&~3
        mov     es, ax
        mov     ebx, es
        RING3_END
        CHECK16 bx, SEL_DATA32_R3&~3
END_CASE

SCASE "conforming-code-as-data"
        SET_DESC SEL1, 0, LIM4G, ACC_CODE_C, CODE32
        mov     eax, SEL1|3
        mov     es, ax
        CHECK_SEG es, SEL1|3
        RING3_BEGIN
        mov     eax, SEL1
        mov     es, ax
        mov     ebx, [es:DATA]
        mov     edx, es
        RING3_END
        CHECK16 dx, SEL1
END_CASE

SCASE "stack-privilege"
        mov     eax, SEL_DATA32|3               ; RPL
        FAULT_CODE 13, SEL_DATA32, {mov ss, ax}
        mov     eax, SEL_DATA32_R3              ; DPL and RPL
        FAULT_CODE 13, SEL_DATA32_R3&~3, {mov ss, ax}
        mov     eax, SEL_DATA32_R3&~3           ; DPL
        FAULT_CODE 13, SEL_DATA32_R3&~3, {mov ss, ax}
        RING3_BEGIN
        mov     eax, SEL_DATA32_R3&~3
        FAULT_CODE 13, SEL_DATA32_R3&~3, {mov ss, ax}
        RING3_END
        RING3_BEGIN
        mov     eax, SEL_DATA32
        FAULT_CODE 13, SEL_DATA32, {mov ss, ax}
        RING3_END
        RING3_BEGIN
        xor     eax, eax
        FAULT_CODE 13, 0, {mov ss, ax}
        RING3_END
END_CASE

; --- present ------------------------------------------------------------------

SCASE "not-present-data"
        SET_DESC SEL1, 0, LIM4G, ACC_DATA^ACC_NOT_PRESENT, CODE32
        mov     eax, SEL1
        FAULT_CODE 11, SEL1, {mov ds, ax}
        FAULT_CODE 11, SEL1, {mov es, ax}
        FAULT_CODE 11, SEL1, {mov fs, ax}
        FAULT_CODE 11, SEL1, {mov gs, ax}
        CHECK   dword [X_GS], SEL_DATA32
        ACCESS_IS SEL1, ACC_DATA^ACC_NOT_PRESENT
END_CASE

SCASE "not-present-stack"
        SET_DESC SEL1, 0, LIM4G, ACC_DATA^ACC_NOT_PRESENT, CODE32
        mov     eax, SEL1
        FAULT_CODE 12, SEL1, {mov ss, ax}
        CHECK   dword [X_SS], SEL_DATA32
        push    eax
        FAULT_CODE 12, SEL1, {pop ss}
        ESP_IS  PM_STACK-4
END_CASE

SCASE "checks-before-present"
        ; SDM vol. 2, MOV: type and privilege before the P bit
        SET_DESC SEL1, 0, LIM4G, ACC_DATA^ACC_NOT_PRESENT, CODE32
        mov     eax, SEL1|3
        FAULT_CODE 13, SEL1, {mov es, ax}
        SET_DESC SEL1, 0, LIM4G, ACC_CODE_X^ACC_NOT_PRESENT, CODE32
        mov     eax, SEL1
        FAULT_CODE 13, SEL1, {mov es, ax}
        SET_DESC SEL1, 0, LIM4G, ACC_DATA_RO^ACC_NOT_PRESENT, CODE32
        FAULT_CODE 13, SEL1, {mov ss, ax}
        SET_DESC SEL1, 0, LIM4G, (ACC_DATA|ACC_DPL3)^ACC_NOT_PRESENT, CODE32
        FAULT_CODE 13, SEL1, {mov ss, ax}
END_CASE

; --- accessed bit and caches --------------------------------------------------

SCASE "accessed-bit-data"
        SET_DESC SEL1, 0, LIM4G, ACC_DATA, CODE32
        mov     eax, SEL1
        mov     es, ax
        ACCESS_IS SEL1, ACC_DATA|1
        SET_DESC SEL1, 0, LIM4G, ACC_DATA_RO, CODE32
        push    eax
        pop     fs
        ACCESS_IS SEL1, ACC_DATA_RO|1
        SET_DESC SEL1, 0, LIM4G, ACC_DATA, CODE32
        mov     ss, ax
        ACCESS_IS SEL1, ACC_DATA|1
END_CASE

SCASE "accessed-bit-code"
        ; SDM vol. 3, "Code- and Data-Segment Descriptor Types"
        SET_DESC SEL1, 0, LIM4G, ACC_CODE, CODE32
        jmp     SEL1:.there
.there: jmp     SEL_CODE32:.back
.back:
        ACCESS_IS SEL1, ACC_CODE|1
END_CASE

SCASE "accessed-bit-keeps-rest"
        SET_DESC SEL1, 0x12345678, 0x9ABCD, ACC_DATA, 5
        mov     ax, SEL1
        mov     es, ax
        CHECK   dword [PM_GDT+SEL1], 0x5678ABCD
        CHECK   dword [PM_GDT+SEL1+4], 0x12599334
END_CASE

SCASE "accessed-bit-not-by-fault"
        SET_DESC SEL1, 0, LIM4G, ACC_DATA, CODE32
        mov     eax, SEL1|3
        FAULT_CODE 13, SEL1, {mov es, ax}
        ACCESS_IS SEL1, ACC_DATA
END_CASE

SCASE "cache-outlives-descriptor"
        mov     dword [DATA+0x20], 0xCAFE0001
        SET_DESC SEL1, DATA, 0xFFF, ACC_DATA, SMALL32
        mov     eax, SEL1
        mov     es, ax
        SET_DESC SEL1, 0, 0, 0, 0
        mov     ebx, [es:0x20]
        CHECK   ebx, 0xCAFE0001
        FAULT_CODE 13, 0, {mov ebx, [es:0x1000]}
END_CASE

; --- limits -------------------------------------------------------------------

; SDM vol. 3, "Limit Checking"

SCASE "limit-bytes"
        SET_DESC SEL1, DATA, 0xFF, ACC_DATA, SMALL32
        mov     eax, SEL1
        mov     es, ax
        mov     byte [es:0xFF], 0x5A
        mov     dword [es:0xFC], 0x12345678
        mov     ebx, [es:0xFC]
        CHECK   ebx, 0x12345678
        CHECK   dword [DATA+0xFC], 0x12345678
        FAULT_CODE 13, 0, {mov bl, [es:0x100]}
        mov     es, ax
        FAULT_CODE 13, 0, {mov bx, [es:0xFF]}
        mov     es, ax
        FAULT_CODE 13, 0, {mov ebx, [es:0xFD]}
        mov     es, ax
        FAULT_CODE 13, 0, {mov [es:0xFE], eax}
        mov     es, ax
        FAULT_CODE 13, 0, {mov bl, [es:0xFFFFFFFF]}
        CHECK   dword [DATA+0xFC], 0x12345678
        CHECK   ebx, 0x12345678
END_CASE

SCASE "limit-zero"
        SET_DESC SEL1, DATA, 0, ACC_DATA, SMALL32
        mov     byte [DATA], 0x42
        mov     eax, SEL1
        mov     es, ax
        mov     bl, [es:0]
        CHECK8  bl, 0x42
        FAULT_CODE 13, 0, {mov bl, [es:1]}
        mov     es, ax
        FAULT_CODE 13, 0, {mov bx, [es:0]}
END_CASE

SCASE "limit-below-access-size"
        ; offset + size - 1 must not be computed as limit - size + 1
        SET_DESC SEL1, DATA, 1, ACC_DATA, SMALL32
        mov     eax, SEL1
        mov     es, ax
        FAULT_CODE 13, 0, {mov ebx, [es:0]}
        mov     es, ax
        FAULT_CODE 13, 0, {mov [es:0], ebx}
        SET_DESC SEL1, DATA, 2, ACC_DATA, SMALL32
        mov     es, ax
        FAULT_CODE 13, 0, {mov ebx, [es:0]}
        mov     es, ax
        mov     bx, [es:1]
END_CASE

SCASE "limit-pages"
        SET_DESC SEL1, DATA, 0, ACC_DATA, CODE32
        mov     eax, SEL1
        mov     es, ax
        mov     dword [es:0xFFC], 0x12345678
        CHECK   dword [DATA+0xFFC], 0x12345678
        FAULT_CODE 13, 0, {mov bl, [es:0x1000]}
        mov     es, ax
        FAULT_CODE 13, 0, {mov bx, [es:0xFFF]}
        SET_DESC SEL1, DATA, 1, ACC_DATA, CODE32
        mov     es, ax
        mov     ebx, [es:0x1FFC]
        FAULT_CODE 13, 0, {mov bl, [es:0x2000]}
END_CASE

SCASE "limit-20-bits"
        ; bits 19:16 come from byte 6
        SET_DESC SEL1, 0, 0x8FFFF, ACC_DATA, SMALL32
        mov     eax, SEL1
        mov     es, ax
        mov     bl, [es:0x8FFFF]
        FAULT_CODE 13, 0, {mov bl, [es:0x90000]}
END_CASE

SCASE "base-32-bits"
        SET_DESC SEL1, 0xFF008000, LIM4G, ACC_DATA, CODE32
        mov     dword [DATA], 0x2468ACE0
        mov     eax, SEL1
        mov     es, ax
        ; base + offset wraps at 4 GiB
        mov     ebx, [es:0x01000000]
        CHECK   ebx, 0x2468ACE0
END_CASE

SCASE "expand-down-32"
        SET_DESC SEL1, 0, 0x8FFF, ACC_DATA_DOWN, SMALL32
        mov     eax, SEL1
        mov     es, ax
        mov     dword [es:0x9000], 0x12345678
        mov     ebx, [es:0x9000]
        CHECK   ebx, 0x12345678
        mov     bl, [es:0x12345]
        FAULT_CODE 13, 0, {mov bl, [es:0x8FFF]}
        mov     es, ax
        FAULT_CODE 13, 0, {mov ebx, [es:0x8FFD]}
        mov     es, ax
        FAULT_CODE 13, 0, {mov [es:0], al}
END_CASE

SCASE "expand-down-16"
        SET_DESC SEL1, 0, 0x8FFF, ACC_DATA_DOWN, SMALL16
        mov     eax, SEL1
        mov     es, ax
        mov     dword [es:0xFFFC], 0x12345678
        mov     bl, [es:0x9000]
        mov     ebx, [es:0xFFFC]
        CHECK   ebx, 0x12345678
        FAULT_CODE 13, 0, {mov bl, [es:0x8FFF]}
        mov     es, ax
        FAULT_CODE 13, 0, {mov bl, [es:0x10000]}
        mov     es, ax
        FAULT_CODE 13, 0, {mov bx, [es:0xFFFF]}
        mov     es, ax
        FAULT_CODE 13, 0, {mov ebx, [es:0xFFFD]}
END_CASE

SCASE "expand-down-pages"
        SET_DESC SEL1, 0, 8, ACC_DATA_DOWN, CODE32
        mov     eax, SEL1
        mov     es, ax
        mov     bl, [es:0x9000]
        FAULT_CODE 13, 0, {mov bl, [es:0x8FFF]}
END_CASE

SCASE "expand-down-limit-zero"
        SET_DESC SEL1, DATA, 0, ACC_DATA_DOWN, SMALL32
        mov     eax, SEL1
        mov     es, ax
        mov     bl, [es:1]
        FAULT_CODE 13, 0, {mov bl, [es:0]}
END_CASE

SCASE "expand-down-nothing-valid"
        SET_DESC SEL1, 0, 0xFFFF, ACC_DATA_DOWN, SMALL16
        mov     eax, SEL1
        mov     es, ax
        FAULT_CODE 13, 0, {mov bl, [es:0xFFFF]}
        mov     es, ax
        FAULT_CODE 13, 0, {mov bl, [es:0]}
END_CASE

SCASE "stack-limit-is-12"
        SET_DESC SEL1, 0, 0x8FFF, ACC_DATA, SMALL32
        mov     eax, SEL1
        mov     ss, ax
        mov     ebx, [ss:0x8FFC]
        FAULT_CODE 12, 0, {mov ebx, [ss:0x8FFD]}
        mov     ss, ax
        mov     ebp, 0x9000
        FAULT_CODE 12, 0, {mov bl, [ebp]}
        mov     ss, ax
        FAULT_CODE 12, 0, {inc byte [ebp+4]}
        CHECK   dword [X_SS], SEL1
END_CASE

SCASE "stack-limit-ring3"
        SET_DESC SEL1, 0, PM_STACK3-1, ACC_DATA|ACC_DPL3, SMALL32
        RING3_BEGIN
        EXPECT_FAULT 12, .push
        mov     eax, SEL1|3
        mov     ss, ax
        mov     esp, PM_STACK3+2
.push:  push    eax
        FAULTED
        CHECK16 word [X_ERROR], 0
        RING3_END
        CHECK   dword [X_ESP], PM_STACK3+2
        CHECK   dword [X_SS], SEL1|3
        RING3_BEGIN
        EXPECT_FAULT 12, .pop
        mov     eax, SEL1|3
        mov     ss, ax
        mov     esp, PM_STACK3-2
.pop:   pop     ebx
        FAULTED
        RING3_END
        CHECK16 word [X_ERROR], 0
        CHECK   dword [X_ESP], PM_STACK3-2
END_CASE

SCASE "stack-limit-expand-down"
        SET_DESC SEL1, 0, 0x5FFF, ACC_DATA_DOWN|ACC_DPL3, SMALL32
        RING3_BEGIN
        EXPECT_FAULT 12, .push
        mov     eax, SEL1|3
        mov     ss, ax
        mov     esp, 0x6004
        push    eax
.push:  push    eax
        FAULTED
        CHECK16 word [X_ERROR], 0
        RING3_END
        CHECK   dword [X_ESP], 0x6000
END_CASE

; --- far pointers, POP --------------------------------------------------------

SCASE "les-loads"
        FAR_PTR SEL_DATA32_R3, 0x12345678
        les     eax, [POINTER]
        CHECK   eax, 0x12345678
        CHECK_SEG es, SEL_DATA32_R3
        lfs     ebx, [POINTER]
        CHECK_SEG fs, SEL_DATA32_R3
        lgs     ecx, [POINTER]
        CHECK_SEG gs, SEL_DATA32_R3
        CHECK   ecx, 0x12345678
        lds     edx, [POINTER]
        mov     eax, ds
        CHECK16 ax, SEL_DATA32_R3
        CHECK   edx, 0x12345678
END_CASE

SCASE "les-16"
        mov     dword [POINTER], (SEL_DATA32_R3 << 16)|0x5678
        mov     eax, 0xAAAAAAAA
        o16 les ax, [POINTER]
        CHECK   eax, 0xAAAA5678
        CHECK_SEG es, SEL_DATA32_R3
END_CASE

SCASE "les-null"
        FAR_PTR 0, 0x12345678
        les     eax, [POINTER]
        CHECK   eax, 0x12345678
        CHECK_SEG es, 0
END_CASE

SCASE "les-faults-change-nothing"
        FAR_PTR 0x800, 0x12345678
        mov     eax, 0xAAAAAAAA
        FAULT_CODE 13, 0x800, {les eax, [POINTER]}
        FAULT_CODE 13, 0x800, {lds eax, [POINTER]}
        FAULT_CODE 13, 0x800, {lfs eax, [POINTER]}
        FAULT_CODE 13, 0x800, {lgs eax, [POINTER]}
        FAULT_CODE 13, 0x800, {lss eax, [POINTER]}
        CHECK   eax, 0xAAAAAAAA
        SET_DESC SEL1, 0, LIM4G, ACC_DATA^ACC_NOT_PRESENT, CODE32
        mov     word [POINTER+4], SEL1
        FAULT_CODE 11, SEL1, {les eax, [POINTER]}
        FAULT_CODE 12, SEL1, {lss eax, [POINTER]}
        mov     word [POINTER+4], 0
        FAULT_CODE 13, 0, {lss eax, [POINTER]}
        CHECK   eax, 0xAAAAAAAA
        CHECK   dword [X_ES], SEL_DATA32
END_CASE

SCASE "lss-loads-both"
        SET_DESC SEL1, 0, LIM4G, ACC_DATA, CODE32
        FAR_PTR SEL1, 0x6F00
        lss     esp, [POINTER]
        mov     eax, ss
        mov     ebx, esp
        CHECK16 ax, SEL1
        CHECK   ebx, 0x6F00
END_CASE

SCASE "les-beyond-limit"
        SET_DESC SEL1, POINTER, 4, ACC_DATA, SMALL32
        mov     eax, SEL1
        mov     fs, ax
        FAULT_CODE 13, 0, {les ebx, [fs:0]}
        SET_DESC SEL1, POINTER, 5, ACC_DATA, SMALL32
        FAR_PTR SEL_DATA32, 0x5555
        mov     fs, ax
        les     ebx, [fs:0]
        CHECK   ebx, 0x5555
END_CASE

SCASE "les-register-undefined"
        FAULTS  6, {db 0xC4, 0xC0}
        FAULTS  6, {db 0xC5, 0xC0}
        FAULTS  6, {db 0x0F, 0xB2, 0xC0}
        FAULTS  6, {db 0x0F, 0xB4, 0xC0}
        FAULTS  6, {db 0x0F, 0xB5, 0xC0}
END_CASE

SCASE "pop-sreg"
        push    dword 0xFFFF0000|SEL_DATA32_R3
        pop     es
        CHECK_SEG es, SEL_DATA32_R3
        push    dword SEL_DATA32_R3
        pop     fs
        push    dword SEL_DATA32_R3
        pop     gs
        CHECK_SEG fs, SEL_DATA32_R3
        CHECK_SEG gs, SEL_DATA32_R3
        ESP_IS  PM_STACK
        push    word SEL_DATA32
        o16 pop es
        CHECK_SEG es, SEL_DATA32
        ESP_IS  PM_STACK
END_CASE

SCASE "pop-sreg-fault-keeps-esp"
        push    dword 0x800
        FAULT_CODE 13, 0x800, {pop es}
        ESP_IS  PM_STACK-4
        FAULT_CODE 13, 0x800, {pop ds}
        FAULT_CODE 13, 0x800, {pop fs}
        FAULT_CODE 13, 0x800, {pop gs}
        FAULT_CODE 13, 0x800, {pop ss}
        ESP_IS  PM_STACK-4
END_CASE

SCASE "push-sreg-size"
        mov     ax, SEL_DATA32_R3
        mov     es, ax
        push    es
        CHECK16 word [PM_STACK-4], SEL_DATA32_R3
        ESP_IS  PM_STACK-4
        o16 push es
        CHECK16 word [PM_STACK-6], SEL_DATA32_R3
        ESP_IS  PM_STACK-6
END_CASE

SCASE "mov-sreg-memory-is-16-bits"
        mov     dword [DATA], 0xFFFFFFFF
        mov     [DATA], ds
        CHECK   dword [DATA], 0xFFFF0000|SEL_DATA32
        mov     dword [DATA], 0x12340000|SEL_DATA32_R3
        mov     es, [DATA]
        CHECK_SEG es, SEL_DATA32_R3
END_CASE

SCASE "mov-cs-undefined"
        mov     eax, SEL_CODE32
        FAULTS  6, {db 0x8E, 0xC8}
        FAULTS  6, {db 0x8E, 0xF0}
        FAULTS  6, {db 0x8E, 0xF8}
        FAULTS  6, {db 0x8C, 0xF0}
        FAULTS  6, {db 0x8C, 0xF8}
END_CASE

; --- far JMP ------------------------------------------------------------------

; SEL1: code with this access byte and limit
%macro CODE_SEG 1-2 LIM4G
        SET_DESC SEL1, 0, %2, %1, CODE32
%endmacro

SCASE "jmp-far"
        CODE_SEG ACC_CODE
        jmp     SEL1:.there
.there: mov     ebx, cs
        jmp     SEL_CODE32:.back
.back:  CHECK16 bx, SEL1
END_CASE

SCASE "jmp-far-memory"
        CODE_SEG ACC_CODE
        FAR_PTR SEL1, .there
        jmp     far [POINTER]
.there: mov     ebx, cs
        FAR_PTR SEL_CODE32, .back
        jmp     far [POINTER]
.back:  CHECK16 bx, SEL1
END_CASE

SCASE "jmp-far-16-bit-offset"
        ; base such that the target lies below 64 KiB
        SET_DESC SEL1, 0xF0000, 0xFFFF, ACC_CODE, SMALL32
        db      0x66, 0xEA
        dw      .there-0xF0000, SEL1
.there: mov     ebx, cs
        jmp     SEL_CODE32:.back
.back:  CHECK16 bx, SEL1
END_CASE

SCASE "jmp-far-checks"
        FAULT_CODE 13, 0, {jmp 0:escaped}
        FAULT_CODE 13, 0, {jmp 3:escaped}
        FAULT_CODE 13, 0x800, {jmp 0x800:escaped}
        FAULT_CODE 13, SEL_DATA32, {jmp SEL_DATA32:escaped}
        FAULT_CODE 13, 0x0C, {jmp 0x0C:escaped}
        CODE_SEG ACC_CODE^ACC_NOT_PRESENT
        FAULT_CODE 11, SEL1, {jmp SEL1:escaped}
        CODE_SEG ACC_CODE, 0xF
        FAULT_CODE 13, 0, {jmp SEL1:escaped}
        SET_DESC SEL1, LDT, 0x17, ACC_LDT, 0
        FAULT_CODE 13, SEL1, {jmp SEL1:escaped}
        CHECK   dword [X_CS], SEL_CODE32
END_CASE

SCASE "jmp-far-privilege"
        CODE_SEG ACC_CODE
        FAULT_CODE 13, SEL1, {jmp SEL1|3:escaped}          ; RPL > CPL
        FAULT_CODE 13, SEL1, {jmp SEL1|1:escaped}
        CODE_SEG ACC_CODE|ACC_DPL3
        FAULT_CODE 13, SEL1, {jmp SEL1:escaped}            ; DPL != CPL
        FAULT_CODE 13, SEL1, {jmp SEL1|3:escaped}
        CODE_SEG ACC_CODE_C|ACC_DPL3
        FAULT_CODE 13, SEL1, {jmp SEL1:escaped}            ; conforming: DPL > CPL
        CODE_SEG (ACC_CODE|ACC_DPL3)^ACC_NOT_PRESENT
        FAULT_CODE 13, SEL1, {jmp SEL1:escaped}            ; before the P bit
END_CASE

SCASE "jmp-far-limit-is-exact"
        SET_LIMIT SEL1, .there
        SET_LIMIT SEL2, .there-1
        FAULT_CODE 13, 0, {jmp SEL2:.there}
        EXPECT_FAULT 3, .behind
        jmp     SEL1:.there
.there: int3
.behind:
        FAULTED
        CHECK   dword [X_CS], SEL1
END_CASE

SCASE "jmp-far-conforming-keeps-cpl"
        ; RPL of the selector is not checked; CS gets RPL = CPL
        CODE_SEG ACC_CODE_C
        jmp     SEL1|3:.there
.there: mov     ebx, cs
        jmp     SEL_CODE32:.back
.back:  CHECK16 bx, SEL1
        RING3_BEGIN
        jmp     SEL1:.there3
.there3:
        mov     ebx, cs
        jmp     SEL_CODE32_R3:.back3
.back3:
        RING3_END
        CHECK16 bx, SEL1|3
END_CASE

SCASE "jmp-far-ring3"
        CODE_SEG ACC_CODE|ACC_DPL3
        RING3_BEGIN
        jmp     SEL1:.there                     ; RPL 0 <= CPL: allowed, CS.RPL = 3
.there: mov     ebx, cs
        RING3_END
        CHECK16 bx, SEL1|3
        RING3_BEGIN
        FAULT_CODE 13, SEL_CODE32, {jmp SEL_CODE32:escaped}
        RING3_END
        RING3_BEGIN
        FAULT_CODE 13, SEL_CODE32, {jmp SEL_CODE32|3:escaped}
        RING3_END
END_CASE

SCASE "jmp-far-register-undefined"
        FAULTS  6, {db 0xFF, 0xE8}
        FAULTS  6, {db 0xFF, 0xD8}
END_CASE

; --- far CALL -----------------------------------------------------------------

SCASE "call-far"
        CODE_SEG ACC_CODE
        call    SEL1:.there
.behind:
        CHECK   edx, SEL1
        CHECK   eax, .behind
        CHECK   ebx, SEL_CODE32
        CHECK   ecx, PM_STACK-8
        ESP_IS  PM_STACK
        jmp     .end
.there: movzx   edx, word [cs:.sel1]
        mov     eax, [esp]
        movzx   ebx, word [esp+4]
        mov     ecx, esp
        retf
.sel1:  dw      SEL1
.end:
END_CASE

SCASE "call-far-memory-retf-n"
        CODE_SEG ACC_CODE
        FAR_PTR SEL1, .there
        push    dword 1
        push    dword 2
        call    far [POINTER]
        CHECK16 bx, SEL1
        ESP_IS  PM_STACK
        jmp     .end
.there: mov     ebx, cs
        retf    8
.end:
END_CASE

SCASE "call-far-checks"
        ; SDM vol. 2, CALL: an offset beyond the limit is #GP(0), not #GP(selector)
        FAULT_CODE 13, 0, {call 0:escaped}
        FAULT_CODE 13, 0x800, {call 0x800:escaped}
        FAULT_CODE 13, SEL_DATA32, {call SEL_DATA32:escaped}
        CODE_SEG ACC_CODE^ACC_NOT_PRESENT
        FAULT_CODE 11, SEL1, {call SEL1:escaped}
        CODE_SEG ACC_CODE, 0xF
        FAULT_CODE 13, 0, {call SEL1:escaped}
        CODE_SEG ACC_CODE|ACC_DPL3
        FAULT_CODE 13, SEL1, {call SEL1:escaped}
        CODE_SEG ACC_CODE
        FAULT_CODE 13, SEL1, {call SEL1|3:escaped}
        CODE_SEG ACC_CODE_C|ACC_DPL3
        FAULT_CODE 13, SEL1, {call SEL1:escaped}
        ESP_IS  PM_STACK
        CHECK   dword [X_ESP], PM_STACK
END_CASE

SCASE "call-far-conforming-from-ring3"
        CODE_SEG ACC_CODE_C
        RING3_BEGIN
        call    SEL1:.there
        RING3_END
        CHECK16 bx, SEL1|3
        CHECK16 cx, SEL_DATA32_R3
        CHECK   edx, PM_STACK3-8
        jmp     .end
.there: mov     ebx, cs
        mov     ecx, ss
        mov     edx, esp
        retf
.end:
END_CASE

; --- far RET ------------------------------------------------------------------

%macro PUSH_FAR 2
        push    dword %1
        push    dword %2
%endmacro

SCASE "retf-same-privilege"
        CODE_SEG ACC_CODE
        PUSH_FAR 0xABCD0000|SEL1, .there
        retf
.there: mov     ebx, cs
        jmp     SEL_CODE32:.back
.back:  CHECK16 bx, SEL1
        ESP_IS  PM_STACK
END_CASE

SCASE "retf-checks"
        ; SDM vol. 2, RET, "RETURN-TO-SAME-PRIVILEGE-LEVEL"
        PUSH_FAR 0, escaped
        FAULT_CODE 13, 0, retf
        ESP_IS  PM_STACK-8
        mov     word [PM_STACK-4], 0x800
        FAULT_CODE 13, 0x800, retf
        mov     word [PM_STACK-4], SEL_DATA32
        FAULT_CODE 13, SEL_DATA32, retf
        mov     word [PM_STACK-4], SEL_TSS
        FAULT_CODE 13, SEL_TSS, retf
        mov     word [PM_STACK-4], SEL1
        CODE_SEG ACC_CODE^ACC_NOT_PRESENT
        FAULT_CODE 11, SEL1, retf
        CODE_SEG ACC_CODE, 0xF
        FAULT_CODE 13, 0, retf
        CODE_SEG ACC_CODE|ACC_DPL3
        FAULT_CODE 13, SEL1, retf                       ; DPL != RPL
        CODE_SEG ACC_CODE_C|ACC_DPL3
        FAULT_CODE 13, SEL1, retf                       ; conforming: DPL > RPL
        ESP_IS  PM_STACK-8
END_CASE

SCASE "retf-inward"
        RING3_BEGIN
        PUSH_FAR SEL_CODE32, escaped
        EXPECT_FAULT 13, .retf
.retf:  retf
        FAULTED
        CHECK16 word [X_ERROR], SEL_CODE32
        RING3_END
        CHECK   dword [X_ESP], PM_STACK3-8
END_CASE

SCASE "retf-outward"
        SET_DESC SEL1, 0, LIM4G, ACC_CODE_C, CODE32
        mov     eax, SEL_DATA32_R3
        mov     ds, ax
        mov     eax, SEL1
        mov     gs, ax
        EXPECT_FAULT 13, .hlt
        PUSH_FAR SEL_DATA32_R3, PM_STACK3-0x20
        PUSH_FAR SEL_CODE32_R3, .hlt
        retf
.hlt:   hlt
        FAULTED
        CHECK   dword [X_CS], SEL_CODE32_R3
        CHECK   dword [X_SS], SEL_DATA32_R3
        CHECK   dword [X_ESP], PM_STACK3-0x20
        ; SDM vol. 3, "Returning from a Called Procedure": segments which the outer
        ; ring may not use become null; conforming code stays
        CHECK   dword [X_ES], 0
        CHECK   dword [X_FS], 0
        CHECK   dword [X_DS], SEL_DATA32_R3
        CHECK   dword [X_GS], SEL1
END_CASE

SCASE "retf-n-outward"
        ; the immediate releases parameters from both stacks
        EXPECT_FAULT 13, .hlt
        PUSH_FAR SEL_DATA32_R3, PM_STACK3-0x20
        push    dword 0
        push    dword 0
        PUSH_FAR SEL_CODE32_R3, .hlt
        retf    8
.hlt:   hlt
        FAULTED
        CHECK   dword [X_ESP], PM_STACK3-0x18
        CHECK   dword [X_SS], SEL_DATA32_R3
END_CASE

SCASE "retf-outward-stack-checks"
        ; SDM vol. 2, RET: a stack segment which is not present is #SS(selector)
        PUSH_FAR 0, PM_STACK3
        PUSH_FAR SEL_CODE32_R3, escaped
        FAULT_CODE 13, 0, retf
        mov     word [PM_STACK-4], SEL_DATA32
        FAULT_CODE 13, SEL_DATA32, retf                 ; RPL != the new CPL
        mov     word [PM_STACK-4], SEL_DATA32|3
        FAULT_CODE 13, SEL_DATA32, retf                 ; DPL != the new CPL
        mov     word [PM_STACK-4], SEL_CODE32_R3
        FAULT_CODE 13, SEL_CODE32_R3&~3, retf           ; not writable data
        SET_DESC SEL1, 0, LIM4G, (ACC_DATA|ACC_DPL3)^ACC_NOT_PRESENT, CODE32
        mov     word [PM_STACK-4], SEL1|3
        FAULT_CODE 12, SEL1, retf
        mov     word [PM_STACK-4], 0x803
        FAULT_CODE 13, 0x800, retf
        ESP_IS  PM_STACK-16
END_CASE

; --- LAR, LSL, VERR, VERW, ARPL -----------------------------------------------

SCASE "lar-data"
        SET_DESC SEL1, 0x12345678, 0x9ABCD, ACC_DATA, 5
        mov     ecx, SEL1
        lar     eax, ecx
        CHECK_FLAGS ZF, ZF
        and     eax, 0x00F0FF00                 ; bits 19:16 are undefined
        CHECK   eax, 0x00509200
        mov     eax, 0xAAAAAAAA
        o16 lar ax, cx
        CHECK   eax, 0xAAAA9200
        ACCESS_IS SEL1, ACC_DATA
END_CASE

SCASE "lar-rejects"
        mov     eax, 0xAAAAAAAA
        xor     ecx, ecx
        cmp     al, al
        lar     eax, ecx                        ; null
        CHECK_FLAGS ZF, 0
        mov     cx, 0x800
        cmp     al, al
        lar     eax, ecx                        ; beyond the table
        CHECK_FLAGS ZF, 0
        mov     cx, SEL_DATA32|3
        cmp     al, al
        lar     eax, ecx                        ; RPL > DPL
        CHECK_FLAGS ZF, 0
        SET_DESC SEL1, 0, 0, GATE_INT32, 0
        mov     cx, SEL1
        cmp     al, al
        lar     eax, ecx                        ; type invalid for LAR
        CHECK_FLAGS ZF, 0
        CHECK   eax, 0xAAAAAAAA
END_CASE

SCASE "lar-system-types"
        mov     ecx, SEL_TSS
        lar     eax, ecx
        CHECK_FLAGS ZF, ZF
        and     eax, 0xFF00
        CHECK   eax, ACC_TSS32_BUSY << 8
        SET_DESC SEL1, 0, 0, GATE_CALL32, 0
        mov     cx, SEL1
        lar     eax, ecx
        CHECK_FLAGS ZF, ZF
        SET_DESC SEL1, 0, LIM4G, ACC_DATA^ACC_NOT_PRESENT, CODE32
        lar     eax, ecx                        ; P is not checked
        CHECK_FLAGS ZF, ZF
END_CASE

SCASE "lsl"
        SET_DESC SEL1, 0, 0x9ABCD, ACC_DATA, SMALL32
        mov     ecx, SEL1
        lsl     eax, ecx
        CHECK_FLAGS ZF, ZF
        CHECK   eax, 0x9ABCD
        SET_DESC SEL1, 0, 0x9ABCD, ACC_DATA, CODE32
        lsl     eax, ecx
        CHECK   eax, 0x9ABCDFFF
        mov     eax, 0xAAAAAAAA
        o16 lsl ax, cx
        CHECK   eax, 0xAAAADFFF
        mov     cx, SEL_TSS
        lsl     eax, ecx
        CHECK   eax, 0x67
END_CASE

SCASE "lsl-rejects-gates"
        SET_DESC SEL1, 0, 0, GATE_CALL32, 0
        mov     ecx, SEL1
        mov     eax, 0xAAAAAAAA
        cmp     al, al
        lsl     eax, ecx
        CHECK_FLAGS ZF, 0
        xor     ecx, ecx
        cmp     al, al
        lsl     eax, ecx
        CHECK_FLAGS ZF, 0
        CHECK   eax, 0xAAAAAAAA
END_CASE

SCASE "verr"
        mov     ecx, SEL_DATA32
        verr    cx
        CHECK_FLAGS ZF, ZF
        mov     cx, SEL_CODE32
        verr    cx
        CHECK_FLAGS ZF, ZF
        SET_DESC SEL1, 0, LIM4G, ACC_CODE_X, CODE32
        mov     cx, SEL1
        verr    cx
        CHECK_FLAGS ZF, 0
        mov     cx, SEL_DATA32|3
        cmp     al, al
        verr    cx
        CHECK_FLAGS ZF, 0
        SET_DESC SEL1, 0, LIM4G, ACC_CODE_C, CODE32
        mov     cx, SEL1|3
        verr    cx
        CHECK_FLAGS ZF, ZF
        xor     ecx, ecx
        verr    cx
        CHECK_FLAGS ZF, 0
        mov     cx, SEL_TSS
        cmp     al, al
        verr    cx
        CHECK_FLAGS ZF, 0
END_CASE

SCASE "verw"
        mov     ecx, SEL_DATA32
        verw    cx
        CHECK_FLAGS ZF, ZF
        mov     cx, SEL_CODE32
        verw    cx
        CHECK_FLAGS ZF, 0
        SET_DESC SEL1, 0, LIM4G, ACC_DATA_RO, CODE32
        mov     cx, SEL1
        cmp     al, al
        verw    cx
        CHECK_FLAGS ZF, 0
        mov     cx, SEL_DATA32_R3
        verw    cx
        CHECK_FLAGS ZF, ZF
END_CASE

SCASE "arpl"
        mov     eax, 0xAAAA0010
        mov     ebx, 3
        arpl    ax, bx
        CHECK_FLAGS ZF, ZF
        CHECK   eax, 0xAAAA0013
        mov     bl, 1
        arpl    ax, bx
        CHECK_FLAGS ZF, 0
        CHECK   eax, 0xAAAA0013
        mov     bl, 3
        cmp     al, al
        arpl    ax, bx
        CHECK_FLAGS ZF, 0
        mov     word [DATA], 0x21
        mov     bl, 2
        arpl    [DATA], bx
        CHECK_FLAGS ZF, ZF
        CHECK16 word [DATA], 0x22
END_CASE

ROM_END
