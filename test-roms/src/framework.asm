; first-model: 386dx
; cases: 3
%include "rom.inc"
ROM_BEGIN "framework sample, real mode"
CASE "add-one"
        mov     eax, 1
        add     eax, 1
        CHECK_FLAGS ALLF, 0
        CHECK   eax, 2
END_CASE
CASE "divide-by-zero-faults"
        FAULTS  0, {div bl}
        CHECK_EAX 0
        CHECK   dword [X_VECTOR], 0
END_CASE
CASE "int-traps"
        TRAPS   0x21, {int 0x21}
END_CASE
ROM_END
