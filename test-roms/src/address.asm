; first-model: 386dx
; cases: 123
%include "rom.inc"
%include "expect.inc"

ROM_BEGIN "addressing forms, segments and limits"

; 16-bit forms through LEA. name, operand, expected
%macro LEA16 3
        CASE %1
        mov     ebx, 0xFFFF1111
        mov     ebp, 0xFFFF2222
        mov     esi, 0xFFFF0444
        mov     edi, 0xFFFF0888
        mov     eax, 0x12345678
        SET_FLAGS ALLF
        lea     ax, %2
        CHECK_FLAGS ALLF, ALLF
        CHECK   eax, 0x12340000 | ((%3) & 0xFFFF)
        lea     eax, %2
        CHECK   eax, (%3) & 0xFFFF              ; zero-extended
        END_CASE
%endmacro
        LEA16   "lea16-bx-si", [bx+si], 0x1555
        LEA16   "lea16-bx-di", [bx+di], 0x1999
        LEA16   "lea16-bp-si", [bp+si], 0x2666
        LEA16   "lea16-bp-di", [bp+di], 0x2AAA
        LEA16   "lea16-si", [si], 0x0444
        LEA16   "lea16-di", [di], 0x0888
        LEA16   "lea16-disp16", [0xABCD], 0xABCD
        LEA16   "lea16-bx", [bx], 0x1111
        LEA16   "lea16-bx-si-disp8", [bx+si+0x7F], 0x1555+0x7F
        LEA16   "lea16-bx-di-disp8-negative", [bx+di-0x80], 0x1999-0x80
        LEA16   "lea16-bp-si-disp8", [bp+si+1], 0x2667
        LEA16   "lea16-bp-di-disp8-negative", [bp+di-1], 0x2AA9
        LEA16   "lea16-si-disp8", [si+0x10], 0x0454
        LEA16   "lea16-di-disp8-negative", [di-0x10], 0x0878
        LEA16   "lea16-bp-disp8-0", [bp], 0x2222
        LEA16   "lea16-bp-disp8", [bp+0x7F], 0x22A1
        LEA16   "lea16-bx-disp8-negative", [bx-0x12], 0x10FF
        LEA16   "lea16-bx-si-disp16", [bx+si+0x1234], 0x1555+0x1234
        LEA16   "lea16-bx-di-disp16-wraps", [bx+di+0xF000], 0x1999+0xF000
        LEA16   "lea16-bp-si-disp16", [bp+si+0x80], 0x2666+0x80
        LEA16   "lea16-bp-di-disp16", [bp+di+0x7FFF], 0x2AAA+0x7FFF
        LEA16   "lea16-si-disp16-wraps", [si+0xFF00], 0x0444-0x100
        LEA16   "lea16-di-disp16", [di+0x4000], 0x4888
        LEA16   "lea16-bp-disp16-wraps", [bp+0xE000], 0x0222
        LEA16   "lea16-bx-disp16", [bx+0x1000], 0x2111
; A disp16 where disp8 would do is the same address.
CASE "lea16-disp16-with-a-small-value"
        mov     bx, 0x100
        db      0x8D, 0x87, 0x01, 0x00          ; LEA AX, [BX+0001h]
        CHECK   eax, 0x101
        db      0x8D, 0x87, 0xFF, 0xFF          ; LEA AX, [BX+FFFFh]
        CHECK   eax, 0x0FF
END_CASE
CASE "lea16-sum-of-registers-wraps"
        mov     bx, 0xFFFF
        mov     si, 0x0003
        lea     eax, [bx+si]
        CHECK   eax, 2
        lea     eax, [bx+si-0x80]
        CHECK   eax, 0xFF82
END_CASE

; 32-bit forms without SIB byte; the operand size is 32, then 16 bits.
%macro LEA32 3
        CASE %1
        mov     ecx, 0x01010101
        mov     edx, 0x02020202
        mov     ebx, 0x04040404
        mov     ebp, 0x10101010
        mov     esi, 0x20202020
        mov     edi, 0xF0F0F0F0
        mov     eax, 0x80808080
        SET_FLAGS ALLF
        a32 lea eax, %2
        CHECK_FLAGS ALLF, ALLF
        CHECK   eax, (%3) & 0xFFFFFFFF
        mov     eax, 0x80808080
        a32 lea ax, %2
        CHECK   eax, 0x80800000 | ((%3) & 0xFFFF)
        END_CASE
%endmacro
        LEA32   "lea32-eax", [eax], 0x80808080
        LEA32   "lea32-ecx", [ecx], 0x01010101
        LEA32   "lea32-edx", [edx], 0x02020202
        LEA32   "lea32-ebx", [ebx], 0x04040404
        LEA32   "lea32-disp32", [dword 0x12345678], 0x12345678
        LEA32   "lea32-esi", [esi], 0x20202020
        LEA32   "lea32-edi", [edi], 0xF0F0F0F0
        LEA32   "lea32-eax-disp8", [eax+0x7F], 0x808080FF
        LEA32   "lea32-ecx-disp8-negative", [ecx-0x80], 0x01010081
        LEA32   "lea32-edx-disp8", [edx+1], 0x02020203
        LEA32   "lea32-ebx-disp8-negative", [ebx-1], 0x04040403
        LEA32   "lea32-ebp-disp8-0", [ebp], 0x10101010
        LEA32   "lea32-ebp-disp8", [ebp+0x11], 0x10101021
        LEA32   "lea32-esi-disp8", [esi+0x22], 0x20202042
        LEA32   "lea32-edi-disp8-negative", [edi-0x70], 0xF0F0F080
        LEA32   "lea32-eax-disp32", [eax+0x11111111], 0x91919191
        LEA32   "lea32-ecx-disp32", [ecx+0x7FFFFFFF], 0x81010100
        LEA32   "lea32-edx-disp32-negative", [edx-0x02020203], 0xFFFFFFFF
        LEA32   "lea32-ebx-disp32", [ebx+0x1000], 0x04041404
        LEA32   "lea32-ebp-disp32", [ebp+0x1000], 0x10102010
        LEA32   "lea32-esi-disp32", [esi+0x80], 0x202020A0
        LEA32   "lea32-edi-disp32-wraps", [edi+0x20000000], 0x10F0F0F0
        LEA32   "lea32-esp-disp8", [esp+0x10], 0x7010
        LEA32   "lea32-esp-disp32", [esp+0x12340000], 0x12347000

; SIB: each base with each index and scale, computed from these register values.
%define REGISTER_0 0x00010203
%define REGISTER_1 0x10203040
%define REGISTER_2 0x01020408
%define REGISTER_3 0x7FFFFFFF
%define REGISTER_4 ROM_STACK
%define REGISTER_5 0xFFFFFF00
%define REGISTER_6 0x80000001
%define REGISTER_7 0xC3A59687

%macro REGISTER_VALUES 0
        mov     eax, REGISTER_0
        mov     ecx, REGISTER_1
        mov     edx, REGISTER_2
        mov     ebx, REGISTER_3
        mov     ebp, REGISTER_5
        mov     esi, REGISTER_6
        mov     edi, REGISTER_7
%endmacro

%macro SIB_BASE 2
        CASE %1
        REGISTER_VALUES
  %assign %%scale 0
  %rep 4
    %assign %%index 0
    %rep 8
      %if %%index == 4
        %assign %%value REGISTER_%2
      %else
        %assign %%value REGISTER_%2 + (REGISTER_%[%%index] << %%scale)
      %endif
      %if %2 == 5
        ; base 5 with mod 1: EBP and a disp8
        db      0x66, 0x67, 0x8D, 0x44, (%%scale << 6) | (%%index << 3) | 5, 0x40
        %assign %%value %%value + 0x40
      %else
        db      0x66, 0x67, 0x8D, 0x04, (%%scale << 6) | (%%index << 3) | %2
      %endif
        CHECK   eax, %%value & 0xFFFFFFFF
        mov     eax, REGISTER_0
      %assign %%index %%index + 1
    %endrep
    %assign %%scale %%scale + 1
  %endrep
        END_CASE
%endmacro
        SIB_BASE "sib-base-eax-all-indexes-and-scales", 0
        SIB_BASE "sib-base-ecx-all-indexes-and-scales", 1
        SIB_BASE "sib-base-edx-all-indexes-and-scales", 2
        SIB_BASE "sib-base-ebx-all-indexes-and-scales", 3
        SIB_BASE "sib-base-esp-all-indexes-and-scales", 4
        SIB_BASE "sib-base-ebp-disp8-all-indexes-and-scales", 5
        SIB_BASE "sib-base-esi-all-indexes-and-scales", 6
        SIB_BASE "sib-base-edi-all-indexes-and-scales", 7

; mod 0 with base 5: no base, disp32
CASE "sib-without-base-all-indexes-and-scales"
        REGISTER_VALUES
%assign sib_scale 0
%rep 4
  %assign sib_index 0
  %rep 8
    %if sib_index == 4
      %assign sib_value 0x11223344
    %else
      %assign sib_value 0x11223344 + (REGISTER_%[sib_index] << sib_scale)
    %endif
        db      0x66, 0x67, 0x8D, 0x04, (sib_scale << 6) | (sib_index << 3) | 5
        dd      0x11223344
        CHECK   eax, sib_value & 0xFFFFFFFF
        mov     eax, REGISTER_0
    %assign sib_index sib_index + 1
  %endrep
  %assign sib_scale sib_scale + 1
%endrep
END_CASE
CASE "sib-disp32-with-base-and-index"
        REGISTER_VALUES
        lea     esi, [ecx+edx*4+0x12345678]
        CHECK   esi, (REGISTER_1 + REGISTER_2 * 4 + 0x12345678) & 0xFFFFFFFF
        lea     esi, [ebp+edi*8-0x12345678]
        CHECK   esi, (REGISTER_5 + REGISTER_7 * 8 - 0x12345678) & 0xFFFFFFFF
        lea     esi, [esp+eax*2+0x7F]
        CHECK   esi, (REGISTER_4 + REGISTER_0 * 2 + 0x7F) & 0xFFFFFFFF
END_CASE
CASE "lea-register-operand-is-undefined-opcode"
        EXPECT_FAULT 6, .lea
.lea:   db      0x8D, 0xC1
        FAULTED
END_CASE

; Segments. Offset 0A00h holds a different byte in each segment:
; SS (0) 55h, DS (0900h) DDh, ES (0A00h) EEh, FS (0B00h) FFh, GS (0C00h) 66h.
EA      equ 0x0A00
%macro SEGMENTS 0
        mov     byte [EA], 0x55
        mov     byte [0x9000+EA], 0xDD
        mov     byte [0xA000+EA], 0xEE
        mov     byte [0xB000+EA], 0xFF
        mov     byte [0xC000+EA], 0x66
        mov     ax, 0x0A00
        mov     es, ax
        mov     ax, 0x0B00
        mov     fs, ax
        mov     ax, 0x0C00
        mov     gs, ax
        mov     ax, 0x0900
        mov     ds, ax
%endmacro
%define IN_SS 0x55
%define IN_DS 0xDD
%define IN_ES 0xEE
%define IN_FS 0xFF
%define IN_GS 0x66

; name, register settings, operand (offset 0A00h), byte of the default segment
%macro SEGMENT 4
        CASE %1
        xor     ax, ax
        mov     ds, ax
        SEGMENTS
        xor     eax, eax
        %2
        mov     al, %3
        CHECK   eax, %4
        END_CASE
%endmacro
%macro TWO 4
        mov     %1, %2
        mov     %3, %4
%endmacro
        SEGMENT "segment16-bx-si-is-ds", {TWO bx, EA-0x100, si, 0x100}, [bx+si], IN_DS
        SEGMENT "segment16-bx-di-is-ds", {TWO bx, EA+0x100, di, -0x100}, [bx+di], IN_DS
        SEGMENT "segment16-bp-si-is-ss", {TWO bp, EA-0x100, si, 0x100}, [bp+si], IN_SS
        SEGMENT "segment16-bp-di-is-ss", {TWO bp, EA-0x100, di, 0x100}, [bp+di], IN_SS
        SEGMENT "segment16-si-is-ds", {mov si, EA}, [si], IN_DS
        SEGMENT "segment16-di-is-ds", {mov di, EA}, [di], IN_DS
        SEGMENT "segment16-disp16-is-ds", nop, [EA], IN_DS
        SEGMENT "segment16-bx-is-ds", {mov bx, EA}, [bx], IN_DS
        SEGMENT "segment16-bp-disp8-is-ss", {mov bp, EA}, [bp], IN_SS
        SEGMENT "segment16-bp-disp16-is-ss", {mov bp, 0}, [bp+EA], IN_SS
        SEGMENT "segment16-bp-si-disp8-is-ss", {TWO bp, 0xA01, si, -2}, [bp+si+1], IN_SS
        SEGMENT "segment16-bx-si-disp8-wraps", {TWO bx, 0xFFFF, si, 0x0A00}, [bx+si+1], IN_DS
        SEGMENT "segment32-eax-is-ds", {mov eax, EA}, [eax], EA | IN_DS
        SEGMENT "segment32-ecx-is-ds", {mov ecx, EA}, [ecx], IN_DS
        SEGMENT "segment32-edx-is-ds", {mov edx, EA}, [edx], IN_DS
        SEGMENT "segment32-ebx-is-ds", {mov ebx, EA}, [ebx], IN_DS
        SEGMENT "segment32-esi-is-ds", {mov esi, EA}, [esi], IN_DS
        SEGMENT "segment32-edi-is-ds", {mov edi, EA}, [edi], IN_DS
        SEGMENT "segment32-disp32-is-ds", nop, [dword EA], IN_DS
        SEGMENT "segment32-ebp-disp8-is-ss", {mov ebp, EA}, [ebp], IN_SS
        SEGMENT "segment32-ebp-disp32-is-ss", {mov ebp, -0x1000}, [ebp+EA+0x1000], IN_SS
        SEGMENT "segment32-esp-is-ss", nop, [esp+EA-ROM_STACK], IN_SS
        SEGMENT "segment32-esp-with-index-is-ss", {mov ebx, (EA-ROM_STACK)//8}, [esp+ebx*8], IN_SS
        SEGMENT "segment32-ebp-with-index-is-ss", {TWO ebp, EA-0x40, ebx, 0x10}, [ebp+ebx*4], IN_SS
        ; The base decides, not the index.
        SEGMENT "segment32-ebp-as-index-of-ebx-is-ds", {TWO ebp, 0x10, ebx, EA-0x40}, [ebx+ebp*4], IN_DS
        SEGMENT "segment32-ebp-as-index-without-base-is-ds", {mov ebp, 0x100}, [ebp*8+EA-0x800], IN_DS
CASE "segment32-ebp-as-base-with-scale-1-index-ebx"
        SEGMENTS
        xor     eax, eax
        mov     ebp, EA-0x10
        mov     ebx, 0x10
        db      0x67, 0x8A, 0x44, 0x1D, 0x00    ; MOV AL, [EBP+EBX*1+0]
        CHECK   eax, IN_SS
        db      0x67, 0x8A, 0x04, 0x2B          ; MOV AL, [EBX+EBP*1]
        CHECK   eax, IN_DS
END_CASE
CASE "segment32-sib-without-base-and-index-is-ds"
        SEGMENTS
        xor     eax, eax
        db      0x67, 0x8A, 0x04, 0x25          ; MOV AL, [disp32] with SIB
        dd      EA
        CHECK   eax, IN_DS
END_CASE

%macro OVERRIDE 3
        CASE %1
        SEGMENTS
        xor     eax, eax
        mov     bp, EA
        mov     ebx, EA
        mov     al, [%2:bx]
        CHECK   eax, %3
        mov     al, [%2:bp]
        CHECK   eax, %3
        mov     al, [%2:ebx]
        CHECK   eax, %3
        mov     al, [%2:esp+EA-ROM_STACK]
        CHECK   eax, %3
        mov     al, [%2:EA]                     ; moffs
        CHECK   eax, %3
        mov     cl, [%2:EA]
        CHECK8  cl, %3
        END_CASE
%endmacro
        OVERRIDE "override-es", es, IN_ES
        OVERRIDE "override-fs", fs, IN_FS
        OVERRIDE "override-gs", gs, IN_GS
        OVERRIDE "override-ss", ss, IN_SS
        OVERRIDE "override-ds", ds, IN_DS
CASE "override-cs"
        mov     bx, .data
        mov     ax, [cs:bx]
        CHECK   eax, 0xBEEF
        mov     ebp, .data
        mov     ax, [cs:ebp]
        CHECK   eax, 0xBEEF
        jmp     .end
.data:  dw      0xBEEF
.end:
END_CASE
CASE "override-last-prefix-wins"
        SEGMENTS
        xor     eax, eax
        mov     bx, EA
        db      0x26, 0x64, 0x65, 0x8A, 0x07    ; ES FS GS
        CHECK   eax, IN_GS
        db      0x65, 0x26, 0x8A, 0x07          ; GS ES
        CHECK   eax, IN_ES
END_CASE
CASE "override-applies-to-stores"
        SEGMENTS
        mov     bx, EA
        mov     byte [es:bx], 1
        mov     byte [fs:bx], 2
        mov     byte [ss:bx], 3
        xor     ax, ax
        mov     ds, ax
        CHECK8  byte [0xA000+EA], 1
        CHECK8  byte [0xB000+EA], 2
        CHECK8  byte [EA], 3
        CHECK8  byte [0x9000+EA], IN_DS
END_CASE
CASE "prefixes-may-repeat"
        mov     dword [0x600], 0x11223344
        db      0x66, 0x66, 0x66, 0xA1, 0x00, 0x06
        CHECK   eax, 0x11223344
        mov     eax, 0
        db      0x67, 0x66, 0x67, 0xA1          ; MOV EAX, moffs32
        dd      0x600
        CHECK   eax, 0x11223344
END_CASE
CASE "high-byte-registers-as-operands-of-memory-forms"
        mov     dword [0x600], 0x11223344
        mov     bx, 0x600
        mov     ah, [bx+2]
        mov     dh, [bx+1]
        mov     [bx], dh
        CHECK   eax, 0x2200
        CHECK   edx, 0x3300
        CHECK   dword [0x600], 0x11223333
END_CASE
CASE "load-into-the-address-register"
        mov     word [0x600], 0x4321
        mov     dword [0x604], 0x87654321
        mov     ebx, 0xFFFF0600
        mov     bx, [bx]
        CHECK   ebx, 0xFFFF4321
        mov     ebx, 0x604
        mov     ebx, [ebx]
        CHECK   ebx, 0x87654321
END_CASE
CASE "unaligned-word-and-dword"
        mov     dword [0x600], 0x44332211
        mov     dword [0x604], 0x88776655
        mov     ax, [0x603]
        CHECK   eax, 0x5544
        mov     eax, [0x601]
        CHECK   eax, 0x55443322
        mov     eax, [0x603]
        CHECK   eax, 0x77665544
        mov     dword [0x602], 0xAABBCCDD
        CHECK   dword [0x600], 0xCCDD2211
        CHECK   dword [0x604], 0x8877AABB
END_CASE
CASE "segment-base-is-selector-times-16"
        mov     byte [0x8123], 0x5A
        mov     ax, 0x0812
        mov     es, ax
        mov     al, [es:3]
        CHECK8  al, 0x5A
        mov     ax, 0x0001
        mov     es, ax
        mov     al, [es:0x8113]
        CHECK8  al, 0x5A
END_CASE

; LDS LES LFS LGS LSS
%macro LOAD_POINTER 3
        CASE %1
        mov     dword [0x600], 0x13579BDF
        mov     word [0x604], 0x0234
        mov     ebx, 0xAAAAAAAA
        %2      bx, [0x600]
        mov     ecx, 0
        mov     cx, %3
        push    word 0
        pop     %3
        CHECK   ebx, 0xAAAA9BDF
        CHECK   ecx, 0x1357
        %2      ebx, [0x600]
        mov     cx, %3
        push    word 0
        pop     %3
        CHECK   ebx, 0x13579BDF
        CHECK   ecx, 0x0234
        END_CASE
%endmacro
        LOAD_POINTER "lds", lds, ds
        LOAD_POINTER "les", les, es
        LOAD_POINTER "lfs", lfs, fs
        LOAD_POINTER "lgs", lgs, gs
CASE "lss"
        mov     word [0x600], 0x6000
        mov     word [0x602], 0x0100
        lss     sp, [0x600]
        mov     eax, esp
        xor     ebx, ebx
        mov     bx, ss
        xor     ecx, ecx
        mov     ss, cx
        mov     esp, ROM_STACK
        CHECK   eax, 0x6000
        CHECK   ebx, 0x0100
END_CASE
CASE "lds-register-operand-is-undefined-opcode"
        EXPECT_FAULT 6, .lds
.lds:   db      0xC5, 0xC0
        FAULTED
        EXPECT_FAULT 6, .lfs
.lfs:   db      0x0F, 0xB4, 0xC0
        FAULTED
END_CASE
CASE "mov-to-cs-is-undefined-opcode"
        EXPECT_FAULT 6, .mov
.mov:   db      0x8E, 0xC8
        FAULTED
END_CASE
CASE "mov-with-segment-register-6-and-7-is-undefined-opcode"
        EXPECT_FAULT 6, .six
.six:   db      0x8C, 0xF0
        FAULTED
        EXPECT_FAULT 6, .seven
.seven: db      0x8E, 0xF8
        FAULTED
END_CASE

; Limits in real-address mode (Intel SDM Vol. 2, "Real-Address Mode Exceptions": #GP if a
; memory operand is outside of the CS, DS, ES, FS or GS segment limit, #SS for SS; Vol. 3,
; "Limit checking"). All segments end at FFFFh. QEMU (TCG) checks no segment limits.
%macro LIMIT 4
        CASE %1
        mov     ax, 0x0800
        mov     ds, ax
        mov     ebx, %3
        mov     ebp, ebx
        mov     eax, 0x12345678
        FAULTS  %2, {%4}
        CHECK   eax, 0x12345678
        END_CASE
%endmacro
        LIMIT   "limit-word-read-at-ffff", 13, 0xFFFF, {mov ax, [bx]}
        LIMIT   "limit-word-write-at-ffff", 13, 0xFFFF, {mov [bx], ax}
        LIMIT   "limit-dword-read-at-fffd", 13, 0xFFFD, {mov eax, [bx]}
        LIMIT   "limit-dword-read-modify-write-at-fffe", 13, 0xFFFE, {inc dword [bx]}
        LIMIT   "limit-stack-segment-word-at-ffff", 12, 0xFFFF, {mov ax, [bp]}
        LIMIT   "limit-32-bit-offset-10000", 13, 0x10000, {mov al, [ebx]}
        LIMIT   "limit-32-bit-offset-ffffffff", 13, 0xFFFFFFFF, {mov al, [ebx]}
        LIMIT   "limit-32-bit-stack-offset-10000", 12, 0x10000, {mov al, [ebp]}
        LIMIT   "limit-32-bit-dword-at-fffd", 13, 0xFFFD, {mov eax, [ebx]}
        LIMIT   "limit-override-decides-the-vector", 13, 0xFFFF, {mov ax, [ds:bp]}
        LIMIT   "limit-override-ss", 12, 0xFFFF, {mov ax, [ss:bx]}
CASE "limit-last-bytes-are-inside"
        mov     ax, 0x0800
        mov     ds, ax
        mov     dword [0xFFFC], 0x11223344
        mov     bx, 0xFFFE
        mov     ax, [bx]
        CHECK   eax, 0x1122
        mov     ebx, 0xFFFC
        mov     eax, [ebx]
        CHECK   eax, 0x11223344
        mov     bx, 0xFFFF
        mov     al, [bx]
        CHECK8  al, 0x11
END_CASE

ROM_END
