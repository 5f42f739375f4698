; first-model: 386dx
; cases: 189
%include "rom.inc"
%include "expect.inc"

ROM_BEGIN "logic and moves: AND OR XOR NOT TEST MOV MOVZX MOVSX CBW CWD XCHG"

; AF is undefined after AND, OR, XOR and TEST.
%define LOGICF CF|PF|ZF|SF|OF

; suffix, operation, bits, a, b
%macro LOGIC 5
  %defstr %%op %2
  %defstr %%bits %3
  %strcat %%name %%op, %%bits, %1
  %ifidni %2, or
        E_SZP   %3, (%4) | (%5)
  %elifidni %2, xor
        E_SZP   %3, (%4) ^ (%5)
  %else
        E_SZP   %3, (%4) & (%5)
  %endif
        CASE %%name
        mov     eax, JUNK(%3) | (%4)
        mov     ebx, JUNK(%3) | (%5)
        SET_FLAGS E_FL ^ ALLF
        %2      ACC(%3), SRC(%3)
        CHECK_FLAGS LOGICF, E_FL
  %ifidni %2, test
        CHECK   eax, JUNK(%3) | (%4)
  %else
        CHECK   eax, JUNK(%3) | E_RES
  %endif
        END_CASE
%endmacro

%macro LOGIC_VALUES 2
        LOGIC   "-zero-zero", %1, %2, 0, 0
        LOGIC   "-zero-ones", %1, %2, 0, ONES(%2)
        LOGIC   "-ones-ones", %1, %2, ONES(%2), ONES(%2)
        LOGIC   "-sign-sign", %1, %2, MSB(%2), MSB(%2)
        LOGIC   "-sign-rest", %1, %2, MSB(%2), MAXI(%2)
        LOGIC   "-alternating", %1, %2, ONES(%2) / 3, ONES(%2) - ONES(%2) / 3
        LOGIC   "-odd-parity", %1, %2, 0x07, 0x1F
        LOGIC   "-even-parity", %1, %2, 0x33, 0x3F
%endmacro

%macro LOGIC_SIZES 1
        LOGIC_VALUES %1, 8
        LOGIC_VALUES %1, 16
        LOGIC_VALUES %1, 32
%endmacro

        LOGIC_SIZES and
        LOGIC_SIZES or
        LOGIC_SIZES xor
        LOGIC_SIZES test

; PF looks at the low byte only.
CASE "parity-of-word-is-of-its-low-byte"
        mov     ax, 0x0103
        or      ax, ax
        CHECK_FLAGS PF, PF
        mov     ax, 0x0301
        or      ax, ax
        CHECK_FLAGS PF, 0
END_CASE
CASE "parity-of-dword-is-of-its-low-byte"
        mov     eax, 0x80000001
        test    eax, eax
        CHECK_FLAGS PF, 0
        mov     eax, 0x80000000
        test    eax, eax
        CHECK_FLAGS PF, PF
END_CASE
CASE "parity-of-all-256-bytes"
        xor     ecx, ecx                ; CX: number of bytes with PF=1
        xor     ebx, ebx                ; BX: sum of these bytes
        xor     edx, edx
.next:
        test    dl, dl
        jnp     .odd
        inc     cx
        add     bx, dx
.odd:
        inc     dl
        jnz     .next
        CHECK   ecx, 128
        CHECK   ebx, 128 * 255 / 2      ; x and its complement have the same parity
END_CASE

; name, instruction, eax after, memory after, flags
%macro FORM 5
        CASE %1
        mov     eax, 0x11223344
        mov     ebx, 0x0F0F0F0F
        mov     dword [0x600], 0x95667788
        SET_FLAGS ALLF
        %2
        CHECK_FLAGS LOGICF, %5
        CHECK   eax, %3
        CHECK   dword [0x600], %4
        END_CASE
%endmacro

        E_SZP   8, 0x88 & 0x0F
        FORM    "and-byte-mem-reg", {and [0x600], bl}, 0x11223344, 0x95667708, E_FL
        E_SZP   16, 0x3344 & 0x7788
        FORM    "and-word-reg-mem", {and ax, [0x600]}, 0x11223300, 0x95667788, E_FL
        E_SZP   32, 0x95667788 & 0x0F0F0F0F
        FORM    "and-dword-mem-reg", {and [0x600], ebx}, 0x11223344, E_RES, E_FL
        E_SZP   32, 0x11223344 | 0x95667788
        FORM    "or-dword-reg-mem", {or eax, [0x600]}, E_RES, 0x95667788, E_FL
        E_SZP   16, 0x7788 | 0x0F0F
        FORM    "or-word-mem-reg", {or [0x600], bx}, 0x11223344, 0x95667F8F, E_FL
        E_SZP   8, 0x44 ^ 0x88
        FORM    "xor-byte-reg-mem", {xor al, [0x600]}, 0x112233CC, 0x95667788, E_FL
        E_SZP   32, 0x95667788 ^ 0x0F0F0F0F
        FORM    "xor-dword-mem-reg", {xor [0x600], ebx}, 0x11223344, E_RES, E_FL
        E_SZP   32, 0
        FORM    "xor-register-with-itself", {xor eax, eax}, 0, 0x95667788, E_FL
        E_SZP   8, 0x44 & 0xF0
        FORM    "and-al-imm8", {db 0x24, 0xF0}, 0x11223340, 0x95667788, E_FL
        E_SZP   16, 0x3344 & 0xF00F
        FORM    "and-ax-imm16", {db 0x25, 0x0F, 0xF0}, 0x11223004, 0x95667788, E_FL
        E_SZP   32, 0x11223344 & 0xF0000FFF
        FORM    "and-eax-imm32", {db 0x66, 0x25, 0xFF, 0x0F, 0, 0xF0}, 0x10000344, 0x95667788, E_FL
        E_SZP   16, 0x3344 & 0xFFF0
        FORM    "and-ax-imm8-sign-extended", {db 0x83, 0xE0, 0xF0}, 0x11223340, 0x95667788, E_FL
        E_SZP   32, 0x11223344 | 0xFFFFFF80
        FORM    "or-eax-imm8-sign-extended", {db 0x66, 0x83, 0xC8, 0x80}, 0xFFFFFFC4, 0x95667788, E_FL
        E_SZP   32, 0x95667788 ^ 0xFFFFFFFF
        FORM    "xor-dword-mem-imm8-sign-extended", {db 0x66, 0x83, 0x36, 0x00, 0x06, 0xFF}, 0x11223344, 0x6A998877, E_FL
        E_SZP   8, 0x33 & 0x80
        FORM    "test-ah-imm8", {test ah, 0x80}, 0x11223344, 0x95667788, E_FL
        E_SZP   8, 0x44 & 0x44
        FORM    "test-al-imm8", {db 0xA8, 0x44}, 0x11223344, 0x95667788, E_FL
        E_SZP   16, 0x3344 & 0x8000
        FORM    "test-ax-imm16", {db 0xA9, 0x00, 0x80}, 0x11223344, 0x95667788, E_FL
        E_SZP   32, 0x11223344 & 0x90000000
        FORM    "test-eax-imm32", {db 0x66, 0xA9, 0, 0, 0, 0x90}, 0x11223344, 0x95667788, E_FL
        E_SZP   32, 0x95667788 & 0x80000000
        FORM    "test-dword-mem-imm32", {test dword [0x600], 0x80000000}, 0x11223344, 0x95667788, E_FL
        E_SZP   16, 0x7788 & 0x0F0F
        FORM    "test-word-mem-reg", {test [0x600], bx}, 0x11223344, 0x95667788, E_FL

; Instructions that change no flags, run with all flags set and all flags clear
; name, instruction, eax after, ebx after, memory after
%macro QUIET 5
        CASE %1
  %assign %%round 0
  %rep 2
        mov     eax, 0x81828384
        mov     ebx, 0x0F1F2F3F
        mov     dword [0x600], 0x95667788
        SET_FLAGS %%round
        %2
        CHECK_FLAGS ALLF, %%round
        CHECK   eax, %3
        CHECK   ebx, %4
        CHECK   dword [0x600], %5
    %assign %%round ALLF
  %endrep
        END_CASE
%endmacro

        QUIET   "not8", {not al}, 0x8182837B, 0x0F1F2F3F, 0x95667788
        QUIET   "not8-high-byte", {not ah}, 0x81827C84, 0x0F1F2F3F, 0x95667788
        QUIET   "not16", {not ax}, 0x81827C7B, 0x0F1F2F3F, 0x95667788
        QUIET   "not32", {not eax}, 0x7E7D7C7B, 0x0F1F2F3F, 0x95667788
        QUIET   "not-word-mem", {not word [0x600]}, 0x81828384, 0x0F1F2F3F, 0x95668877
        QUIET   "not-dword-mem", {not dword [0x600]}, 0x81828384, 0x0F1F2F3F, 0x6A998877
        QUIET   "not-byte-mem", {not byte [0x602]}, 0x81828384, 0x0F1F2F3F, 0x95997788
        QUIET   "mov-byte-reg-reg", {mov al, bh}, 0x8182832F, 0x0F1F2F3F, 0x95667788
        QUIET   "mov-high-byte-reg", {mov ah, bl}, 0x81823F84, 0x0F1F2F3F, 0x95667788
        QUIET   "mov-word-reg-reg", {mov ax, bx}, 0x81822F3F, 0x0F1F2F3F, 0x95667788
        QUIET   "mov-byte-mem-reg", {mov [0x600], ah}, 0x81828384, 0x0F1F2F3F, 0x95667783
        QUIET   "mov-word-mem-reg", {mov [0x601], bx}, 0x81828384, 0x0F1F2F3F, 0x952F3F88
        QUIET   "mov-dword-mem-reg", {mov [0x600], ebx}, 0x81828384, 0x0F1F2F3F, 0x0F1F2F3F
        QUIET   "mov-byte-reg-imm", {mov al, 0x5A}, 0x8182835A, 0x0F1F2F3F, 0x95667788
        QUIET   "mov-byte-high-reg-imm", {mov ah, 0x5A}, 0x81825A84, 0x0F1F2F3F, 0x95667788
        QUIET   "mov-word-reg-imm", {mov ax, 0x5A5B}, 0x81825A5B, 0x0F1F2F3F, 0x95667788
        QUIET   "mov-byte-mem-imm", {mov byte [0x603], 1}, 0x81828384, 0x0F1F2F3F, 0x01667788
        QUIET   "mov-word-mem-imm", {mov word [0x602], 0x0102}, 0x81828384, 0x0F1F2F3F, 0x01027788
        QUIET   "mov-dword-mem-imm", {mov dword [0x600], 0x01020304}, 0x81828384, 0x0F1F2F3F, 0x01020304
        QUIET   "mov-al-moffs", {db 0xA0, 0x01, 0x06}, 0x81828377, 0x0F1F2F3F, 0x95667788
        QUIET   "mov-ax-moffs", {db 0xA1, 0x01, 0x06}, 0x81826677, 0x0F1F2F3F, 0x95667788
        QUIET   "mov-eax-moffs", {db 0x66, 0xA1, 0x00, 0x06}, 0x95667788, 0x0F1F2F3F, 0x95667788
        QUIET   "mov-eax-moffs32", {db 0x66, 0x67, 0xA1, 0x00, 0x06, 0, 0}, 0x95667788, 0x0F1F2F3F, 0x95667788
        QUIET   "mov-moffs-al", {db 0xA2, 0x03, 0x06}, 0x81828384, 0x0F1F2F3F, 0x84667788
        QUIET   "mov-moffs-ax", {db 0xA3, 0x02, 0x06}, 0x81828384, 0x0F1F2F3F, 0x83847788
        QUIET   "mov-moffs-eax", {db 0x66, 0xA3, 0x00, 0x06}, 0x81828384, 0x0F1F2F3F, 0x81828384
        QUIET   "movzx16-from-8", {movzx ax, bl}, 0x8182003F, 0x0F1F2F3F, 0x95667788
        QUIET   "movzx32-from-8", {movzx eax, byte [0x603]}, 0x00000095, 0x0F1F2F3F, 0x95667788
        QUIET   "movzx32-from-16", {movzx eax, word [0x602]}, 0x00009566, 0x0F1F2F3F, 0x95667788
        QUIET   "movsx16-from-8-negative", {movsx bx, al}, 0x81828384, 0x0F1FFF84, 0x95667788
        QUIET   "movsx16-from-8-positive", {movsx ax, bl}, 0x8182003F, 0x0F1F2F3F, 0x95667788
        QUIET   "movsx32-from-8-negative", {movsx ebx, al}, 0x81828384, 0xFFFFFF84, 0x95667788
        QUIET   "movsx32-from-16-negative", {movsx eax, word [0x602]}, 0xFFFF9566, 0x0F1F2F3F, 0x95667788
        QUIET   "movsx32-from-16-positive", {movsx eax, bx}, 0x00002F3F, 0x0F1F2F3F, 0x95667788
        QUIET   "cbw-negative", cbw, 0x8182FF84, 0x0F1F2F3F, 0x95667788
        QUIET   "cwde-negative", cwde, 0xFFFF8384, 0x0F1F2F3F, 0x95667788
        QUIET   "xchg8", {xchg al, bh}, 0x8182832F, 0x0F1F843F, 0x95667788
        QUIET   "xchg16", {xchg ax, bx}, 0x81822F3F, 0x0F1F8384, 0x95667788
        QUIET   "xchg32", {xchg eax, ebx}, 0x0F1F2F3F, 0x81828384, 0x95667788
        QUIET   "xchg8-mem", {xchg [0x600], ah}, 0x81828884, 0x0F1F2F3F, 0x95667783
        QUIET   "xchg16-mem", {xchg [0x601], ax}, 0x81826677, 0x0F1F2F3F, 0x95838488
        QUIET   "xchg32-mem", {xchg eax, [0x600]}, 0x95667788, 0x0F1F2F3F, 0x81828384
        QUIET   "nop-is-xchg-ax-ax", {db 0x90}, 0x81828384, 0x0F1F2F3F, 0x95667788
        QUIET   "xchg-eax-eax", {db 0x66, 0x90}, 0x81828384, 0x0F1F2F3F, 0x95667788
        QUIET   "lea-changes-no-flags", {lea eax, [ebx+1]}, 0x0F1F2F40, 0x0F1F2F3F, 0x95667788

CASE "cbw-positive"
        mov     eax, 0x8182FF7F
        cbw
        CHECK   eax, 0x8182007F
END_CASE
CASE "cwde-positive"
        mov     eax, 0xFFFF7FFF
        cwde
        CHECK   eax, 0x7FFF
END_CASE
CASE "cwd-negative"
        mov     eax, 0x00008000
        mov     edx, 0x11112222
        SET_FLAGS ALLF
        cwd
        CHECK_FLAGS ALLF, ALLF
        CHECK   edx, 0x1111FFFF
        CHECK   eax, 0x8000
END_CASE
CASE "cwd-positive"
        mov     eax, 0x80007FFF
        mov     edx, 0x1111FFFF
        cwd
        CHECK   edx, 0x11110000
END_CASE
CASE "cdq-negative"
        mov     eax, 0x80000000
        cdq
        CHECK   edx, 0xFFFFFFFF
        CHECK   eax, 0x80000000
END_CASE
CASE "cdq-positive"
        mov     eax, 0x7FFFFFFF
        mov     edx, 0xFFFFFFFF
        cdq
        CHECK   edx, 0
END_CASE

; XCHG with the register in the opcode
%macro XCHG_EACH 3
        CASE %1
        mov     eax, 0x11112222
        mov     %2, 0x33334444
        xchg    ax, %3
        CHECK   eax, 0x11114444
        CHECK   %2, 0x33332222
        xchg    eax, %2
        CHECK   eax, 0x33332222
        CHECK   %2, 0x11114444
        END_CASE
%endmacro
        XCHG_EACH "xchg-accumulator-cx", ecx, cx
        XCHG_EACH "xchg-accumulator-dx", edx, dx
        XCHG_EACH "xchg-accumulator-bx", ebx, bx
        XCHG_EACH "xchg-accumulator-bp", ebp, bp
        XCHG_EACH "xchg-accumulator-si", esi, si
        XCHG_EACH "xchg-accumulator-di", edi, di

CASE "mov-byte-registers-are-al-to-bh"
        mov     al, 0x01
        mov     cl, 0x02
        mov     dl, 0x03
        mov     bl, 0x04
        mov     ah, 0x05
        mov     ch, 0x06
        mov     dh, 0x07
        mov     bh, 0x08
        CHECK   eax, 0x0501
        CHECK   ecx, 0x0602
        CHECK   edx, 0x0703
        CHECK   ebx, 0x0804
END_CASE

CASE "mov-word-registers-keep-upper-halves"
        mov     ebp, 0x12345678
        mov     esi, 0x12345678
        mov     edi, 0x12345678
        mov     bp, 1
        mov     si, 2
        mov     di, 3
        CHECK   ebp, 0x12340001
        CHECK   esi, 0x12340002
        CHECK   edi, 0x12340003
END_CASE

; MOV from a segment register: 16-bit memory and register destinations keep what is
; behind the 16 bits.
CASE "mov-word-mem-from-segment-writes-two-bytes"
        mov     dword [0x600], 0xAAAAAAAA
        mov     ax, 0x1234
        mov     es, ax
        mov     [0x600], es
        CHECK   dword [0x600], 0xAAAA1234
        db      0x66, 0x8C, 0x06, 0x02, 0x06    ; MOV [602h], ES with operand-size prefix
        CHECK   dword [0x600], 0x12341234
        CHECK   dword [0x604], 0
END_CASE
CASE "mov-ax-from-segment-keeps-upper-half"
        mov     eax, 0xAAAABBBB
        mov     cx, 0x4321
        mov     es, cx
        mov     ax, es
        CHECK   eax, 0xAAAA4321
END_CASE
CASE "mov-segment-from-register-and-memory"
        mov     word [0x600], 0x0123
        mov     es, [0x600]
        mov     ax, 0x0456
        mov     fs, ax
        mov     gs, [0x600]
        CHECK_SEG es, 0x0123
        CHECK_SEG fs, 0x0456
        CHECK_SEG gs, 0x0123
END_CASE
CASE "xlat-adds-al-to-bx"
        mov     dword [0x680], 0x44332211
        mov     bx, 0x600
        mov     eax, 0xFFFFFF82
        SET_FLAGS ALLF
        xlatb
        CHECK_FLAGS ALLF, ALLF
        CHECK   eax, 0xFFFFFF33
END_CASE
CASE "xlat-wraps-at-64k"
        mov     byte [0x610], 0x66
        mov     byte [0x600], 0x77
        mov     bx, 0xFFF0
        mov     ax, 0x61                        ; DS base 610h: FFF0h+10h is its byte 0
        mov     ds, ax
        mov     eax, 0x10
        xlatb
        CHECK   eax, 0x66
END_CASE
CASE "xlat-with-32-bit-address-and-override"
        mov     cx, 0x0060
        mov     fs, cx
        mov     byte [0x655], 0x99
        mov     ebx, 0x50
        mov     al, 5
        fs a32 xlatb
        CHECK   eax, 0x99
END_CASE
CASE "lahf-loads-sf-zf-af-pf-cf"
        mov     eax, 0x11110022
        SET_FLAGS SF|AF|CF
        lahf
        CHECK   eax, 0x11119322
        SET_FLAGS ZF|PF|OF
        lahf
        CHECK   eax, 0x11114622
END_CASE
CASE "sahf-stores-sf-zf-af-pf-cf"
        mov     ax, 0xFF00
        SET_FLAGS 0
        sahf
        CHECK_FLAGS 0xFF, 0xD7                  ; bits 1, 3 and 5 are fixed
        CHECK_FLAGS OF, 0
        mov     ax, 0x0000
        SET_FLAGS ALLF
        sahf
        CHECK_FLAGS 0xFF, 0x02
        CHECK_FLAGS OF, OF
END_CASE
CASE "clc-stc-cmc"
        SET_FLAGS ALLF
        clc
        CHECK_FLAGS ALLF, ALLF & ~CF
        cmc
        CHECK_FLAGS ALLF, ALLF
        cmc
        CHECK_FLAGS ALLF, ALLF & ~CF
        stc
        CHECK_FLAGS ALLF, ALLF
END_CASE
CASE "cld-std"
        SET_FLAGS ALLF
        std
        CHECK_FLAGS ALLF|DF, ALLF|DF
        cld
        CHECK_FLAGS ALLF|DF, ALLF
END_CASE
CASE "cli-sti"
        SET_FLAGS ALLF
        sti
        cli
        CHECK_FLAGS ALLF|IF_, ALLF
END_CASE

ROM_END
