; first-model: 386dx
; cases: 89
%include "rom.inc"
%include "expect.inc"

ROM_BEGIN "string instructions: MOVS CMPS SCAS LODS STOS INS OUTS and REP"

SOURCE  equ 0x8000
TARGET  equ 0x9000

; 64 bytes at SOURCE: 81h, 82h, ...; 64 bytes of EEh at TARGET. SI and DI point to both.
; The upper halves of ESI and EDI are not 0: 16-bit addresses must ignore and keep them.
%macro PREPARE 0
        call    prepare
%endmacro

; One element, both directions. name, instruction, size, direction flag
%macro MOVE_ONE 4
        CASE %1
        PREPARE
        add     si, 8
        add     di, 8
        mov     ecx, 0x55555555
        SET_FLAGS ALLF | (%4) * DF
        %2
        CHECK_FLAGS ALLF|DF, ALLF | (%4) * DF
        CHECK   ecx, 0x55555555
  %if %4
        CHECK   esi, 0x33330000 + SOURCE + 8 - %3
        CHECK   edi, 0x44440000 + TARGET + 8 - %3
  %else
        CHECK   esi, 0x33330000 + SOURCE + 8 + %3
        CHECK   edi, 0x44440000 + TARGET + 8 + %3
  %endif
        CHECK   dword [TARGET+4], 0xEEEEEEEE
  %if %3 == 1
        CHECK   dword [TARGET+8], 0xEEEEEE89
  %elif %3 == 2
        CHECK   dword [TARGET+8], 0xEEEE8A89
  %else
        CHECK   dword [TARGET+8], 0x8C8B8A89
  %endif
        CHECK   dword [TARGET+12], 0xEEEEEEEE
        END_CASE
%endmacro
        MOVE_ONE "movsb-up", movsb, 1, 0
        MOVE_ONE "movsw-up", movsw, 2, 0
        MOVE_ONE "movsd-up", movsd, 4, 0
        MOVE_ONE "movsb-down", movsb, 1, 1
        MOVE_ONE "movsw-down", movsw, 2, 1
        MOVE_ONE "movsd-down", movsd, 4, 1

%macro STORE_ONE 5
        CASE %1
        PREPARE
        add     di, 8
        mov     eax, 0x31323334
        SET_FLAGS ALLF | (%4) * DF
        %2
        CHECK_FLAGS ALLF|DF, ALLF | (%4) * DF
        CHECK   esi, 0x33330000 + SOURCE
        CHECK   edi, 0x44440000 + TARGET + 8 + (1 - 2 * (%4)) * (%3)
        CHECK   dword [TARGET+8], %5
        CHECK   dword [TARGET+4], 0xEEEEEEEE
        CHECK   dword [TARGET+12], 0xEEEEEEEE
        END_CASE
%endmacro
        STORE_ONE "stosb-up", stosb, 1, 0, 0xEEEEEE34
        STORE_ONE "stosw-up", stosw, 2, 0, 0xEEEE3334
        STORE_ONE "stosd-up", stosd, 4, 0, 0x31323334
        STORE_ONE "stosb-down", stosb, 1, 1, 0xEEEEEE34
        STORE_ONE "stosw-down", stosw, 2, 1, 0xEEEE3334
        STORE_ONE "stosd-down", stosd, 4, 1, 0x31323334

%macro LOAD_ONE 5
        CASE %1
        PREPARE
        add     si, 8
        mov     eax, 0x31323334
        SET_FLAGS ALLF | (%4) * DF
        %2
        CHECK_FLAGS ALLF|DF, ALLF | (%4) * DF
        CHECK   eax, %5
        CHECK   esi, 0x33330000 + SOURCE + 8 + (1 - 2 * (%4)) * (%3)
        CHECK   edi, 0x44440000 + TARGET
        END_CASE
%endmacro
        LOAD_ONE "lodsb-up", lodsb, 1, 0, 0x31323389
        LOAD_ONE "lodsw-up", lodsw, 2, 0, 0x31328A89
        LOAD_ONE "lodsd-up", lodsd, 4, 0, 0x8C8B8A89
        LOAD_ONE "lodsb-down", lodsb, 1, 1, 0x31323389
        LOAD_ONE "lodsw-down", lodsw, 2, 1, 0x31328A89
        LOAD_ONE "lodsd-down", lodsd, 4, 1, 0x8C8B8A89

; CMPS compares [SI] - [DI], SCAS the accumulator - [DI]; flags of CMP.
; name, instruction, bytes, direction flag, source, target (32-bit patterns)
%macro COMPARE_ONE 6
        E_SUB   (%3) * 8, (%5) & ONES((%3) * 8), (%6) & ONES((%3) * 8), 0
        CASE %1
        PREPARE
        mov     dword [SOURCE+8], %5
        mov     dword [TARGET+8], %6
        add     si, 8
        add     di, 8
        mov     eax, %5
        SET_FLAGS (E_FL ^ ALLF) | (%4) * DF
        %2
        CHECK_FLAGS ALLF|DF, E_FL | (%4) * DF
        CHECK   edi, 0x44440000 + TARGET + 8 + (1 - 2 * (%4)) * (%3)
  %ifidni %2, cmpsb
        CHECK   esi, 0x33330000 + SOURCE + 8 + (1 - 2 * (%4)) * (%3)
  %elifidni %2, cmpsw
        CHECK   esi, 0x33330000 + SOURCE + 8 + (1 - 2 * (%4)) * (%3)
  %elifidni %2, cmpsd
        CHECK   esi, 0x33330000 + SOURCE + 8 + (1 - 2 * (%4)) * (%3)
  %else
        CHECK   esi, 0x33330000 + SOURCE + 8
  %endif
        CHECK   eax, %5
        CHECK   dword [TARGET+8], %6
        END_CASE
%endmacro
        COMPARE_ONE "cmpsb-equal-up", cmpsb, 1, 0, 0x11223344, 0x55667744
        COMPARE_ONE "cmpsb-source-is-first-operand", cmpsb, 1, 0, 0x01, 0x02
        COMPARE_ONE "cmpsb-overflow-down", cmpsb, 1, 1, 0x80, 0x01
        COMPARE_ONE "cmpsw-below-up", cmpsw, 2, 0, 0x99991234, 0x99994321
        COMPARE_ONE "cmpsw-equal-down", cmpsw, 2, 1, 0x1234ABCD, 0x4321ABCD
        COMPARE_ONE "cmpsd-greater-up", cmpsd, 4, 0, 0x7FFFFFFF, 0x80000000
        COMPARE_ONE "cmpsd-equal-down", cmpsd, 4, 1, 0x12345678, 0x12345678
        COMPARE_ONE "scasb-equal-up", scasb, 1, 0, 0x11223344, 0x55667744
        COMPARE_ONE "scasb-below-down", scasb, 1, 1, 0x00, 0xFF
        COMPARE_ONE "scasw-equal-up", scasw, 2, 0, 0x1234ABCD, 0x4321ABCD
        COMPARE_ONE "scasw-overflow-down", scasw, 2, 1, 0x8000, 0x0001
        COMPARE_ONE "scasd-below-up", scasd, 4, 0, 0x00000001, 0x80000000
        COMPARE_ONE "scasd-equal-down", scasd, 4, 1, 0xFFFFFFFF, 0xFFFFFFFF

; REP: name, instruction, bytes, count, direction
%macro MOVE_MANY 5
        CASE %1
        PREPARE
  %if %5
        add     si, 32
        add     di, 32
  %endif
        mov     ecx, 0x77770000 | (%4)
        SET_FLAGS ALLF | (%5) * DF
        rep     %2
        CHECK_FLAGS ALLF|DF, ALLF | (%5) * DF
        CHECK   ecx, 0x77770000
  %if %5
        CHECK   esi, 0x33330000 + SOURCE + 32 - (%3) * (%4)
        CHECK   edi, 0x44440000 + TARGET + 32 - (%3) * (%4)
  %else
        CHECK   esi, 0x33330000 + SOURCE + (%3) * (%4)
        CHECK   edi, 0x44440000 + TARGET + (%3) * (%4)
  %endif
        ; number and sum of the bytes copied
        xor     eax, eax
        xor     ebx, ebx
        xor     ecx, ecx
        mov     edi, TARGET
%%byte:
        mov     al, [di]
        cmp     al, 0xEE
        je      %%skip
        inc     cx
        add     bx, ax
%%skip:
        inc     di
        cmp     di, TARGET+64
        jb      %%byte
        CHECK   ecx, (%3) * (%4)
  %if %5
    %assign %%first 0x81 + 32 - (%3) * ((%4) - 1)
  %else
    %assign %%first 0x81
  %endif
        CHECK   ebx, ((%3) * (%4)) * (2 * %%first + (%3) * (%4) - 1) / 2
        END_CASE
%endmacro
        MOVE_MANY "rep-movsb-up", movsb, 1, 13, 0
        MOVE_MANY "rep-movsw-up", movsw, 2, 7, 0
        MOVE_MANY "rep-movsd-up", movsd, 4, 6, 0
        MOVE_MANY "rep-movsb-down", movsb, 1, 13, 1
        MOVE_MANY "rep-movsw-down", movsw, 2, 7, 1
        MOVE_MANY "rep-movsd-down", movsd, 4, 6, 1
        MOVE_MANY "rep-movsb-one", movsb, 1, 1, 0
        MOVE_MANY "rep-movsd-one-down", movsd, 4, 1, 1

; CX=0: no access, no change, also not of the flags.
%macro NOTHING 2
        CASE %1
        PREPARE
        mov     eax, 0x12345678
        mov     ecx, 0x77770000
        SET_FLAGS ALLF
        %2
        CHECK_FLAGS ALLF, ALLF
        SET_FLAGS 0
        %2
        CHECK_FLAGS ALLF, 0
        CHECK   eax, 0x12345678
        CHECK   ecx, 0x77770000
        CHECK   esi, 0x33330000 + SOURCE
        CHECK   edi, 0x44440000 + TARGET
        CHECK   dword [TARGET], 0xEEEEEEEE
        END_CASE
%endmacro
        NOTHING "rep-movsb-cx-0", {rep movsb}
        NOTHING "rep-movsd-cx-0", {rep movsd}
        NOTHING "rep-stosw-cx-0", {rep stosw}
        NOTHING "rep-lodsd-cx-0", {rep lodsd}
        NOTHING "repe-cmpsb-cx-0-keeps-flags", {repe cmpsb}
        NOTHING "repne-cmpsw-cx-0-keeps-flags", {repne cmpsw}
        NOTHING "repe-scasd-cx-0-keeps-flags", {repe scasd}
        NOTHING "repne-scasb-cx-0-keeps-flags", {repne scasb}
        NOTHING "rep-outsb-cx-0", {rep outsb}
        NOTHING "rep-insb-cx-0", {rep insb}

; Overlapping moves: each element is read after the writes of those before it.
CASE "rep-movsb-overlap-up-by-one-fills"
        PREPARE
        mov     di, SOURCE + 1
        mov     cx, 15
        rep     movsb
        CHECK   dword [SOURCE], 0x81818181
        CHECK   dword [SOURCE+12], 0x81818181
        CHECK8  byte [SOURCE+16], 0x91
END_CASE
CASE "rep-movsb-overlap-down-moves"
        PREPARE
        mov     si, SOURCE + 14
        mov     di, SOURCE + 15
        mov     cx, 15
        std
        rep     movsb
        cld
        CHECK   dword [SOURCE], 0x83828181
        CHECK   dword [SOURCE+12], 0x8F8E8D8C
END_CASE
CASE "rep-movsd-overlap-by-two-bytes"
        PREPARE
        mov     di, SOURCE + 2
        mov     cx, 3
        rep     movsd
        ; 81 82 | 81 82 83 84 | then bytes 4-7 are 83 84 87 88 -> ...
        CHECK   dword [SOURCE], 0x82818281
        CHECK   dword [SOURCE+4], 0x84838483
        CHECK   dword [SOURCE+8], 0x88878887
        CHECK   dword [SOURCE+12], 0x908F8C8B
END_CASE
CASE "rep-movsw-overlap-by-one-byte"
        PREPARE
        mov     di, SOURCE + 1
        mov     cx, 4
        rep     movsw
        ; 81 | 81 82 | then word 82 84 to 3, 84 86 to 5, 86 88 to 7
        CHECK   dword [SOURCE], 0x82828181
        CHECK   dword [SOURCE+4], 0x86868484
        CHECK   dword [SOURCE+8], 0x8C8B8A88
END_CASE

; REPE, REPNE: the loop ends behind the first element that decides.
CASE "repe-cmpsb-stops-at-difference"
        PREPARE
        call    copy
        mov     byte [TARGET+5], 0x10
        mov     ecx, 0x77770010
        repe    cmpsb
        E_SUB   8, 0x86, 0x10, 0
        CHECK_FLAGS ALLF, E_FL
        CHECK   ecx, 0x7777000A
        CHECK   esi, 0x33330000 + SOURCE + 6
        CHECK   edi, 0x44440000 + TARGET + 6
END_CASE
CASE "repe-cmpsb-all-equal"
        PREPARE
        call    copy
        mov     cx, 16
        SET_FLAGS ALLF ^ ZF
        repe    cmpsb
        CHECK_FLAGS ALLF, ZF|PF
        CHECK16 cx, 0
        CHECK16 si, SOURCE + 16
        CHECK16 di, TARGET + 16
END_CASE
CASE "repe-cmpsw-difference-in-the-last-element"
        PREPARE
        call    copy
        mov     word [TARGET+14], 0xFFFF
        mov     cx, 8
        repe    cmpsw
        E_SUB   16, 0x908F, 0xFFFF, 0
        CHECK_FLAGS ALLF, E_FL
        CHECK16 cx, 0
        CHECK16 si, SOURCE + 16
END_CASE
CASE "repe-cmpsd-down"
        PREPARE
        call    copy
        mov     byte [TARGET+4], 0
        add     si, 16
        add     di, 16
        mov     cx, 5
        SET_FLAGS DF
        repe    cmpsd
        E_SUB   32, 0x88878685, 0x88878600, 0
        CHECK_FLAGS ALLF|DF, E_FL|DF
        CHECK16 cx, 1
        CHECK16 si, SOURCE
        CHECK16 di, TARGET
END_CASE
CASE "repne-cmpsb-stops-at-equality"
        PREPARE
        mov     byte [TARGET+3], 0x84
        mov     cx, 16
        repne   cmpsb
        CHECK_FLAGS ZF, ZF
        CHECK16 cx, 12
        CHECK16 si, SOURCE + 4
        CHECK16 di, TARGET + 4
END_CASE
CASE "repne-cmpsw-none-equal"
        PREPARE
        mov     cx, 8
        SET_FLAGS ZF
        repne   cmpsw
        CHECK_FLAGS ZF, 0
        CHECK16 cx, 0
        CHECK16 si, SOURCE + 16
END_CASE
CASE "repne-scasb-finds"
        PREPARE
        mov     byte [TARGET+9], 0x42
        mov     al, 0x42
        mov     ecx, 0x77770040
        repne   scasb
        CHECK_FLAGS ZF, ZF
        CHECK   ecx, 0x77770036
        CHECK   edi, 0x44440000 + TARGET + 10
END_CASE
CASE "repne-scasb-strlen"
        PREPARE
        mov     byte [TARGET+20], 0
        xor     al, al
        mov     cx, 0xFFFF
        repne   scasb
        not     cx
        dec     cx
        CHECK16 cx, 20
END_CASE
CASE "repe-scasw-skips"
        PREPARE
        mov     word [TARGET+10], 0x1234
        mov     ax, 0xEEEE
        mov     cx, 20
        repe    scasw
        E_SUB   16, 0xEEEE, 0x1234, 0
        CHECK_FLAGS ALLF, E_FL
        CHECK16 cx, 14
        CHECK16 di, TARGET + 12
END_CASE
CASE "repne-scasd-down"
        PREPARE
        mov     dword [TARGET], 0x12345678
        add     di, 16
        mov     eax, 0x12345678
        mov     cx, 9
        SET_FLAGS DF
        repne   scasd
        CHECK_FLAGS ALLF|DF, ZF|PF|DF
        CHECK16 cx, 4
        CHECK16 di, TARGET - 4
END_CASE

CASE "rep-stosb"
        PREPARE
        mov     eax, 0x11223344
        mov     ecx, 0x77770005
        SET_FLAGS ALLF
        rep     stosb
        CHECK_FLAGS ALLF, ALLF
        CHECK   dword [TARGET], 0x44444444
        CHECK   dword [TARGET+4], 0xEEEEEE44
        CHECK   ecx, 0x77770000
        CHECK   edi, 0x44440000 + TARGET + 5
END_CASE
CASE "rep-stosw-down"
        PREPARE
        mov     eax, 0x11223344
        add     di, 8
        mov     cx, 3
        std
        rep     stosw
        cld
        CHECK   dword [TARGET], 0xEEEEEEEE
        CHECK   dword [TARGET+4], 0x33443344
        CHECK   dword [TARGET+8], 0xEEEE3344
        CHECK16 di, TARGET + 2
END_CASE
CASE "rep-stosd"
        PREPARE
        mov     eax, 0x11223344
        mov     cx, 2
        rep     stosd
        CHECK   dword [TARGET+4], 0x11223344
        CHECK   dword [TARGET+8], 0xEEEEEEEE
        CHECK16 di, TARGET + 8
END_CASE
CASE "rep-lodsb-leaves-the-last"
        PREPARE
        mov     cx, 5
        rep     lodsb
        CHECK   eax, 0x85
        CHECK16 si, SOURCE + 5
        CHECK16 cx, 0
END_CASE
CASE "rep-lodsd-down"
        PREPARE
        add     si, 12
        mov     cx, 4
        std
        rep     lodsd
        cld
        CHECK   eax, 0x84838281
        CHECK16 si, SOURCE - 4
END_CASE
; F2h before MOVS, STOS, LODS repeats like F3h on all processors of this family.
CASE "repne-prefix-on-stosb-repeats"
        PREPARE
        mov     al, 0
        mov     cx, 3
        repne   stosb
        CHECK   dword [TARGET], 0xEE000000
        CHECK16 cx, 0
END_CASE

; Segments: the source has DS or an override, the destination always ES.
CASE "movsb-source-override"
        PREPARE
        mov     ax, 0x0500
        mov     fs, ax
        mov     esi, SOURCE - 0x5000
        mov     di, TARGET
        fs movsb
        CHECK8  byte [TARGET], 0x81
END_CASE
CASE "movsb-destination-is-es"
        PREPARE
        mov     ax, 0x0900
        mov     es, ax
        xor     di, di
        db      0x3E                            ; DS does not replace ES
        movsb
        CHECK8  byte [TARGET], 0x81
END_CASE
CASE "rep-movsb-source-override-with-rep"
        PREPARE
        mov     ax, 0x0800
        mov     gs, ax
        mov     esi, 0
        mov     cx, 4
        gs rep movsb
        CHECK   dword [TARGET], 0x84838281
        CHECK16 si, 4
END_CASE
CASE "rep-movsb-prefix-order-rep-then-override"
        PREPARE
        mov     ax, 0x0800
        mov     gs, ax
        mov     esi, 0
        mov     cx, 4
        db      0xF3, 0x65, 0xA4
        CHECK   dword [TARGET], 0x84838281
        CHECK16 cx, 0
END_CASE
CASE "lodsw-override-ss"
        PREPARE
        mov     ax, 0x1000
        mov     ds, ax
        xor     eax, eax
        ss lodsw
        CHECK   eax, 0x8281
END_CASE
CASE "cmpsb-source-override"
        PREPARE
        mov     ax, 0x0800
        mov     fs, ax
        mov     si, 4
        mov     byte [TARGET], 0x85
        fs cmpsb
        CHECK_FLAGS ZF, ZF
END_CASE
CASE "stosb-and-scasb-ignore-overrides"
        PREPARE
        mov     ax, 0x0800
        mov     fs, ax
        mov     al, 0x7A
        db      0x64
        stosb
        CHECK8  byte [TARGET], 0x7A
        dec     di
        db      0x64
        scasb
        CHECK_FLAGS ZF, ZF
END_CASE

; 32-bit addresses: ESI, EDI and ECX in full.
CASE "rep-movsb-32-bit-address"
        PREPARE
        movzx   esi, si
        movzx   edi, di
        mov     ecx, 5
        a32 rep movsb
        CHECK   dword [TARGET], 0x84838281
        CHECK   dword [TARGET+4], 0xEEEEEE85
        CHECK   ecx, 0
        CHECK   esi, SOURCE + 5
        CHECK   edi, TARGET + 5
END_CASE
CASE "rep-movsd-32-bit-address-down"
        PREPARE
        mov     esi, SOURCE + 12
        mov     edi, TARGET + 12
        mov     ecx, 2
        std
        a32 rep movsd
        cld
        CHECK   dword [TARGET+8], 0x8C8B8A89
        CHECK   dword [TARGET+12], 0x908F8E8D
        CHECK   dword [TARGET+4], 0xEEEEEEEE
        CHECK   esi, SOURCE + 4
        CHECK   edi, TARGET + 4
END_CASE
CASE "rep-stosb-32-bit-count-0-with-cx-not-0"
        ; ECX is the counter with 32-bit addresses, CX with 16-bit addresses.
        PREPARE
        movzx   edi, di
        mov     ecx, 0x00010000
        rep     stosb
        CHECK   ecx, 0x00010000
        CHECK   dword [TARGET], 0xEEEEEEEE
        xor     ecx, ecx
        a32 rep stosb
        CHECK   edi, TARGET
END_CASE
CASE "a32-lodsd-increments-esi-across-64k"
        ; read below 64 KiB, then ESI counts on to 10000h
        mov     ax, 0x0800
        mov     ds, ax
        mov     esi, 0xFFFC
        mov     edx, esi
        a32 lodsd
        CHECK   esi, 0x10000
END_CASE
CASE "lodsb-si-wraps"
        mov     esi, 0x1234FFFF
        lodsb
        CHECK   esi, 0x12340000
        mov     esi, 0x12340000
        std
        lodsb
        cld
        CHECK   esi, 0x1234FFFF
END_CASE
CASE "rep-movsb-si-wraps"
        mov     ax, 0x0800
        mov     ds, ax
        mov     ax, 0x1900
        mov     es, ax
        mov     byte [0xFFFE], 0x11
        mov     byte [0xFFFF], 0x22
        mov     byte [0x0000], 0x33
        mov     byte [0x0001], 0x44
        mov     si, 0xFFFE
        xor     di, di
        mov     cx, 4
        rep     movsb
        CHECK   dword [es:0], 0x44332211
        CHECK   esi, 2
END_CASE
CASE "rep-stosw-65535-words-through-the-whole-segment"
        ; CX is unsigned
        mov     ax, 0x2000
        mov     es, ax
        mov     ecx, 0xFFFF
        mov     ax, 0x1234
        xor     di, di
        mov     word [es:0xFFFE], 0x5678
        rep     stosw
        CHECK16 cx, 0
        CHECK   edi, 0xFFFE
        CHECK16 word [es:0xFFFE], 0x1234
END_CASE

; "MOVS" etc., real-address mode: #GP for an operand beyond the segment limit. The REP
; registers are those of the elements already done (Vol. 2, "REP": a suspended repetition is
; restarted from its registers); the saved IP is that of the first prefix. QEMU (TCG) checks
; no segment limits.
CASE "rep-movsw-limit-fault-keeps-progress"
        mov     ax, 0x0800
        mov     ds, ax
        mov     ax, 0x1900
        mov     es, ax
        mov     si, 0xFFFB
        xor     di, di
        mov     cx, 9
        EXPECT_FAULT 13, .move
.move:  rep     movsw
        FAULTED
        CHECK   ecx, 7
        CHECK   esi, 0xFFFF
        CHECK   edi, 4
END_CASE
CASE "rep-stosd-limit-fault-keeps-progress"
        mov     ax, 0x1900
        mov     es, ax
        mov     di, 0xFFF6
        mov     cx, 9
        mov     eax, 0xCAFEBABE
        EXPECT_FAULT 13, .store
.store: rep     stosd
        FAULTED
        CHECK   ecx, 7
        CHECK   edi, 0xFFFE
        CHECK   dword [es:0xFFFA], 0xCAFEBABE
END_CASE

; INS and OUTS: port 80h has no side effects that a program can see.
CASE "outsb-up-and-down"
        PREPARE
        mov     dx, 0x80
        SET_FLAGS ALLF
        outsb
        CHECK_FLAGS ALLF, ALLF
        CHECK   esi, 0x33330000 + SOURCE + 1
        std
        outsb
        outsw
        outsd
        cld
        CHECK   esi, 0x33330000 + SOURCE - 6
        CHECK   edi, 0x44440000 + TARGET
END_CASE
CASE "rep-outsb-counts"
        PREPARE
        mov     dx, 0x80
        mov     ecx, 0x77770006
        rep     outsb
        CHECK   ecx, 0x77770000
        CHECK   esi, 0x33330000 + SOURCE + 6
END_CASE
CASE "insb-insw-insd-addresses"
        PREPARE
        mov     dx, 0x80
        SET_FLAGS ALLF
        insb
        insw
        insd
        CHECK_FLAGS ALLF, ALLF
        CHECK   edi, 0x44440000 + TARGET + 7
        CHECK   esi, 0x33330000 + SOURCE
        CHECK8  byte [TARGET+7], 0xEE
END_CASE
CASE "rep-insb-counts"
        PREPARE
        mov     dx, 0x80
        mov     cx, 3
        rep     insb
        CHECK16 cx, 0
        CHECK   edi, 0x44440000 + TARGET + 3
        CHECK8  byte [TARGET+3], 0xEE
END_CASE

        jmp     routines_end

prepare:
        push    ax
        mov     ax, 0
        mov     es, ax
        pop     ax
        mov     di, SOURCE
        mov     al, 0x81
.source:
        mov     [di], al
        inc     al
        inc     di
        cmp     di, SOURCE + 64
        jb      .source
        mov     di, TARGET - 16
.target:
        mov     byte [di], 0xEE
        inc     di
        cmp     di, TARGET + 64
        jb      .target
        mov     esi, 0x33330000 + SOURCE
        mov     edi, 0x44440000 + TARGET
        xor     eax, eax
        ret

; Copies SOURCE to TARGET without string instructions.
copy:
        xor     bx, bx
.byte:
        mov     al, [bx+SOURCE]
        mov     [bx+TARGET], al
        inc     bx
        cmp     bx, 64
        jb      .byte
        ret
routines_end:

ROM_END
