; first-model: 386dx
; cases: 21
;
; Descriptor caches which outlive protected mode, memory above 1 MiB, the A20 gate.
; SDM vol. 3, "Switching Back to Real-Address Mode": limits are what protected mode has
; loaded last; real-mode loads of a segment register change its base only.
%include "rom.inc"

DATA            equ 0x8000
HIGH_DATA       equ DATA+0x100000

SEL_FLAT        equ 0x08        ; base 0, 4 GiB
SEL_64K         equ 0x10        ; base 0, 64 KiB
SEL_4K          equ 0x18        ; base DATA, limit FFFh
SEL_BASE        equ 0x20        ; base 12345h, limit FFFFh

%assign CASE_N 0
; A case with 64 KiB limits everywhere and A20 on.
%macro UCASE 1
  %assign CASE_N CASE_N+1
case_ %+ CASE_N:
        call    defaults
  CASE %1
%endmacro

; Loads a segment register in protected mode; changes no other register.
%macro LOAD 2
        push    ebx
        push    eax
        lgdt    [cs:gdtr]
        mov     bx, %2
        mov     eax, cr0
        or      al, 1
        mov     cr0, eax
        jmp     short %%protected
%%protected:
        mov     %1, bx
        and     al, 0xFE
        mov     cr0, eax
        jmp     short %%real
%%real: pop     eax
        pop     ebx
%endmacro

%macro FLAT_FS 0
        LOAD    fs, SEL_FLAT
        mov     fs, cx                          ; CX is 0 at the start of a case
%endmacro

ROM_BEGIN "unreal mode and A20"
        jmp     first_case

gdtr:   dw      39
        dd      0xF0000+gdt
gdt:    dq      0
        dq      0x00CF92000000FFFF
        dq      0x000092000000FFFF
        dq      0x0000920080000FFF
        dq      0x000092012345FFFF

defaults:
        in      al, 0x92
        or      al, 2
        and     al, 0xFE
        out     0x92, al
        LOAD    ds, SEL_64K
        LOAD    es, SEL_64K
        LOAD    fs, SEL_64K
        LOAD    gs, SEL_64K
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     fs, ax
        mov     gs, ax
        ret

%macro A20_OFF 0
        in      al, 0x92
        and     al, 0xFC
        out     0x92, al
%endmacro

%macro A20_ON 0
        in      al, 0x92
        and     al, 0xFE
        or      al, 2
        out     0x92, al
%endmacro

first_case:

; --- large limits -------------------------------------------------------------

UCASE "limit-64k-before"
        mov     ebx, 0x10000
        FAULTS  13, {mov al, [fs:ebx]}
        FAULTS  13, {mov al, [gs:ebx]}
END_CASE

UCASE "limit-4g-kept"
        FLAT_FS
        mov     ax, 0x2000
        mov     es, ax
        mov     dword [es:0x10], 0x13572468
        mov     eax, [fs:dword 0x20010]
        CHECK   eax, 0x13572468
        mov     dword [fs:dword 0x20010], 0x2468ACE0
        CHECK   dword [es:0x10], 0x2468ACE0
        smsw    ax
        and     ax, 1
        CHECK16 ax, 0
END_CASE

UCASE "limit-4g-only-in-its-register"
        FLAT_FS
        mov     ebx, 0x20000
        mov     al, [fs:ebx]
        FAULTS  13, {mov al, [gs:ebx]}
        FAULTS  13, {mov al, [es:ebx]}
        FAULTS  13, {mov al, [ebx]}
        FAULTS  12, {mov al, [ss:ebx]}
END_CASE

UCASE "limit-4g-kept-by-loads"
        FLAT_FS
        mov     dword [fs:dword 0x24000], 0x10101010
        mov     dword [fs:dword 0x25000], 0x20202020
        mov     ax, 0x1400
        mov     fs, ax                          ; base 14000h
        CHECK   dword [fs:dword 0x10000], 0x10101010
        CHECK_SEG fs, 0x1400
        push    word 0x1500
        pop     fs
        CHECK   dword [fs:dword 0x10000], 0x20202020
        mov     dword [DATA], 0x14000000
        lfs     bx, [DATA]
        CHECK   dword [fs:dword 0x10000], 0x10101010
END_CASE

UCASE "limit-4g-kept-by-interrupt"
        FLAT_FS
        mov     word [0x60*4], .handler
        mov     dword [fs:dword 0x24000], 0x30303030
        int     0x60
        CHECK   eax, 0x30303030
        CHECK   dword [fs:dword 0x24000], 0x30303030
        mov     word [0x60*4], rom16_stubs+3*0x60
        jmp     .end
.handler:
        mov     eax, [fs:dword 0x24000]
        iret
.end:
END_CASE

UCASE "limit-4g-in-ds"
        LOAD    ds, SEL_FLAT
        xor     ax, ax
        mov     ds, ax
        mov     ebx, 0x24000
        mov     dword [ebx], 0x40404040
        add     dword [ebx], 1
        mov     ax, 0x2400
        mov     es, ax
        CHECK   dword [es:0], 0x40404041
        mov     esi, ebx
        a32 lodsd
        CHECK   eax, 0x40404041
        CHECK   esi, 0x24004
END_CASE

UCASE "limit-4g-address16-wraps"
        FLAT_FS
        mov     byte [DATA+1], 0x11
        mov     byte [fs:dword DATA+0x10001], 0x22
        mov     bx, DATA+2
        mov     si, 0xFFFF
        mov     al, [fs:bx+si]
        CHECK8  al, 0x11
        movzx   ebx, bx
        movzx   esi, si
        mov     al, [fs:ebx+esi]
        CHECK8  al, 0x22
END_CASE

UCASE "limit-4g-string-across-64k"
        LOAD    ds, SEL_FLAT
        LOAD    es, SEL_FLAT
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        mov     edi, 0x2FFF0
        mov     ecx, 0x20
        mov     al, 0x5C
        a32 rep stosb
        CHECK   edi, 0x30010
        CHECK   ecx, 0
        mov     esi, 0x2FFF0
        mov     edi, 0x13FFF8
        mov     ecx, 8
        a32 rep movsd
        CHECK   esi, 0x30010
        CHECK   edi, 0x140018
        mov     ebx, 0x140014
        CHECK   dword [ebx], 0x5C5C5C5C
        CHECK   dword [ebx-0x1C], 0x5C5C5C5C
END_CASE

; --- bases --------------------------------------------------------------------

UCASE "base-kept-until-load"
        LOAD    gs, SEL_BASE
        mov     eax, 0x12345
        FLAT_FS
        mov     dword [fs:eax+0x10], 0x51525354
        CHECK   dword [gs:0x10], 0x51525354
        CHECK_SEG gs, SEL_BASE
        mov     ax, 0x1235
        mov     gs, ax                          ; base 12350h
        CHECK   dword [gs:5], 0x51525354
END_CASE

; --- small limits -------------------------------------------------------------

UCASE "limit-4k-kept"
        LOAD    gs, SEL_4K
        mov     byte [DATA+0xFFF], 0x61
        mov     al, [gs:0xFFF]
        CHECK8  al, 0x61
        FAULTS  13, {mov al, [gs:0x1000]}
        FAULTS  13, {mov ax, [gs:0xFFF]}
        FAULTS  13, {mov eax, [gs:0xFFD]}
        FAULTS  13, {mov [gs:0xFFFF], al}
        mov     eax, [gs:0xFFC]
END_CASE

UCASE "limit-4k-kept-by-loads"
        LOAD    gs, SEL_4K
        xor     ax, ax
        mov     gs, ax
        mov     al, [gs:0xFFF]
        FAULTS  13, {mov al, [gs:0x1000]}
        push    word 0x100
        pop     gs
        mov     byte [0x1FFF], 0x62
        mov     al, [gs:0xFFF]
        CHECK8  al, 0x62
        FAULTS  13, {mov al, [gs:0x1000]}
        CHECK_SEG gs, 0x100
END_CASE

UCASE "limit-4k-string"
        LOAD    es, SEL_4K
        mov     di, 0xFFE
        mov     cx, 4
        mov     al, 0x63
        FAULTS  13, {rep stosb}
        CHECK16 di, 0x1000
        CHECK16 cx, 2
        CHECK16 word [DATA+0xFFE], 0x6363
END_CASE

UCASE "limit-64k-restored"
        LOAD    gs, SEL_4K
        LOAD    gs, SEL_64K
        mov     al, [gs:0xFFFF]
        FAULTS  13, {mov ax, [gs:0xFFFF]}
END_CASE

; --- above 1 MiB, A20 ---------------------------------------------------------

UCASE "memory-above-1m"
        FLAT_FS
        mov     dword [DATA], 0x71717171
        mov     dword [fs:dword HIGH_DATA], 0x72727272
        CHECK   dword [DATA], 0x71717171
        CHECK   dword [fs:dword HIGH_DATA], 0x72727272
        mov     dword [fs:dword 0x212344], 0x73737373
        CHECK   dword [fs:dword 0x212344], 0x73737373
END_CASE

UCASE "ffff-segment-reaches-above-1m"
        FLAT_FS
        mov     ax, 0xFFFF
        mov     es, ax
        mov     dword [es:DATA+0x10], 0x74747474
        CHECK   dword [fs:dword HIGH_DATA], 0x74747474
        mov     dword [fs:dword 0x10FFEC], 0x75757575
        CHECK   dword [es:0xFFFC], 0x75757575
END_CASE

UCASE "a20-off-wraps"
        FLAT_FS
        mov     dword [DATA], 0x76767676
        mov     dword [fs:dword HIGH_DATA], 0x77777777
        A20_OFF
        mov     ebx, [fs:dword HIGH_DATA]
        mov     ecx, [DATA]
        mov     dword [fs:dword HIGH_DATA+4], 0x78787878
        A20_ON
        CHECK   ebx, 0x76767676
        CHECK   ecx, 0x76767676
        CHECK   dword [DATA+4], 0x78787878
        CHECK   dword [fs:dword HIGH_DATA], 0x77777777
END_CASE

UCASE "a20-off-ffff-segment"
        mov     dword [DATA], 0x79797979
        mov     ax, 0xFFFF
        mov     es, ax
        mov     dword [es:DATA+0x10], 0x7A7A7A7A
        A20_OFF
        mov     ebx, [es:DATA+0x10]
        A20_ON
        mov     ecx, [es:DATA+0x10]
        CHECK   ebx, 0x79797979
        CHECK   ecx, 0x7A7A7A7A
END_CASE

UCASE "a20-off-only-bit-20"
        FLAT_FS
        mov     dword [fs:dword 0x208000], 0x7B7B7B7B
        mov     dword [fs:dword 0x308000], 0x7C7C7C7C
        A20_OFF
        mov     ebx, [fs:dword 0x208000]
        mov     ecx, [fs:dword 0x308000]
        A20_ON
        CHECK   ebx, 0x7B7B7B7B
        CHECK   ecx, 0x7B7B7B7B
        CHECK   dword [fs:dword 0x308000], 0x7C7C7C7C
END_CASE

UCASE "access-across-2m"
        FLAT_FS
        mov     dword [fs:dword 0x1FFFFC], 0x11223344
        mov     dword [fs:dword 0x200000], 0x55667788
        mov     ebx, [fs:dword 0x1FFFFE]
        CHECK   ebx, 0x77881122
END_CASE

UCASE "a20-off-code"
        ; FFFF:0010 + offset runs the code of the low memory
        mov     word [DATA], 0x01B0             ; mov al, 1; retf
        mov     byte [DATA+2], 0xCB
        mov     ax, 0xFFFF
        mov     es, ax
        mov     word [es:DATA+0x10], 0x02B0     ; mov al, 2; retf
        mov     byte [es:DATA+0x12], 0xCB
        call    0xFFFF:DATA+0x10
        mov     bl, al
        A20_OFF
        call    0xFFFF:DATA+0x10
        mov     bh, al
        A20_ON
        call    0xFFFF:DATA+0x10
        CHECK8  bl, 2
        CHECK8  bh, 1
        CHECK8  al, 2
END_CASE

UCASE "a20-port-reads-back"
        A20_OFF
        in      al, 0x92
        mov     bl, al
        A20_ON
        in      al, 0x92
        and     ax, 2
        and     bx, 2
        CHECK16 ax, 2
        CHECK16 bx, 0
END_CASE

        call    defaults
ROM_END
