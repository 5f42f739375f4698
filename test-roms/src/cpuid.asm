; first-model: 386dx
; cases: 28
; CPUID, time-stamp counter, model-specific registers, CR4. Source: SDM volume 2, CPUID,
; RDTSC, RDMSR, WRMSR, "MOV - Move to/from Control Registers"; volume 3, "Control
; Registers". On processors without a feature its instructions are undefined.

%define ROM32_START 0x3000
%include "rom.inc"
%include "protected.inc"

CPUID_OK        equ 0x8000      ; byte: EFLAGS.ID can be changed
TEMP            equ 0x8010

CR4_TSD         equ 4
MSR_TSC         equ 0x10
MSR_NONE        equ 0x400000F0  ; SDM volume 4: never implemented by a processor

        ROM_BEGIN "CPUID, TSC, MSR, CR4"
        ENTER_PROTECTED

; EFLAGS.ID
        pushfd
        pop     eax
        mov     ecx, eax
        xor     eax, 0x200000
        push    eax
        popfd
        pushfd
        pop     eax
        push    ecx
        popfd
        xor     eax, ecx
        shr     eax, 21
        and     al, 1
        mov     [CPUID_OK], al

CASE "ud2"                                      ; undefined on every processor
        FAULTS  6, ud2
END_CASE

CASE "eflags-bits-of-the-family"                ; AC from the 486 on
        pushfd
        pop     eax
        mov     ebx, eax
        xor     eax, AC
        push    eax
        popfd
        pushfd
        pop     eax
        push    ebx
        popfd
        xor     eax, ebx
        cmp     dword [CPU_FAMILY], 4
        jae     eflags_486
        and     eax, AC
        CHECK_EAX 0
        jmp     eflags_known
eflags_486:
        and     eax, AC
        CHECK_EAX AC
eflags_known:
END_CASE

        cmp     byte [CPUID_OK], 0
        jne     near have_cpuid

CASE "cpuid-undefined"
        FAULTS  6, cpuid
END_CASE

CASE "cr4-undefined"
        FAULTS  6, {mov eax, cr4}
        FAULTS  6, {mov cr4, eax}
END_CASE

        jmp     no_cpuid
have_cpuid:

CASE "id-flag"
        push    dword 0x200002
        popfd
        pushfd
        pop     eax
        and     eax, 0x200000
        CHECK_EAX 0x200000
        push    dword 2
        popfd
        pushfd
        pop     eax
        and     eax, 0x200000
        CHECK_EAX 0
END_CASE

CASE "leaf-0-maximum"
        cpuid
        cmp     eax, 1
        jae     leaf_0_good
        FAIL_HERE 0xFFFFFFFF
leaf_0_good:
        cmp     eax, 0x1000
        jb      leaf_0_end
        FAIL_HERE eax
leaf_0_end:
END_CASE

CASE "leaf-0-vendor"                            ; GenuineIntel
        cpuid
        CHECK   ebx, 0x756E6547
        CHECK   edx, 0x49656E69
        CHECK   ecx, 0x6C65746E
END_CASE

CASE "leaf-1-signature"
        mov     eax, 1
        cpuid
        mov     ebx, eax
        shr     eax, 8
        and     eax, 15
        cmp     eax, 6                          ; CPU_FAMILY reports more as 6
        jbe     leaf_1_family
        mov     eax, 6
leaf_1_family:
        sub     eax, [CPU_FAMILY]
        CHECK_EAX 0
        mov     eax, ebx
        shr     eax, 12
        and     eax, 3
        cmp     eax, 3                          ; reserved type
        jne     leaf_1_type
        FAIL_HERE ebx
leaf_1_type:
        shr     ebx, 28                         ; reserved
        CHECK   ebx, 0
END_CASE

CASE "leaf-1-is-stable"
        mov     eax, 1
        cpuid
        mov     esi, eax
        mov     edi, edx
        mov     eax, 1
        cpuid
        sub     eax, esi
        sub     edx, edi
        CHECK_EAX 0
        CHECK   edx, 0
END_CASE

CASE "leaf-1-reserved-feature-bits"             ; 10 and 20
        mov     eax, 1
        cpuid
        and     edx, 0x00100400
        CHECK   edx, 0
END_CASE

CASE "cpuid-keeps-the-rest"
        mov     esi, 0x11111111
        mov     edi, 0x22222222
        mov     ebp, 0x33333333
        stc
        cpuid
        CHECK_FLAGS ALLF, CF
        CHECK   esi, 0x11111111
        CHECK   edi, 0x22222222
        CHECK   ebp, 0x33333333
END_CASE

CASE "cpuid-ring3"
        mov     eax, 1
        cpuid
        mov     esi, edx
        mov     eax, 1
        RING3_BEGIN
        mov     eax, 1
        cpuid
        RING3_END
        xor     esi, edx
        and     esi, ~(1 << FEATURE_APIC)
        CHECK   esi, 0
END_CASE

; P6 family: SDM volume 1, appendix on feature determination; all have these.
        UNLESS_FAMILY 6, not_p6
CASE "features-of-the-p6-family"
        mov     eax, 1
        cpuid
        and     edx, (1<<FEATURE_TSC)|(1<<FEATURE_MSR)|(1<<FEATURE_CX8)|(1<<FEATURE_CMOV)
        CHECK   edx, (1<<FEATURE_TSC)|(1<<FEATURE_MSR)|(1<<FEATURE_CX8)|(1<<FEATURE_CMOV)
END_CASE
not_p6:
no_cpuid:

; --- Features and their instructions ---

        UNLESS_FEATURE FEATURE_CMOV, no_cmov
CASE "cmov"
        mov     ebx, 5
        cmp     eax, eax
        cmove   eax, ebx
        CHECK_EAX 5
        cmovne  eax, ecx
        CHECK_EAX 5
END_CASE
        jmp     cmov_end
no_cmov:
CASE "cmov-undefined"
        FAULTS  6, {cmove eax, ebx}
END_CASE
cmov_end:

        UNLESS_FEATURE FEATURE_CX8, no_cx8
CASE "cmpxchg8b"
        mov     dword [TEMP], 1
        mov     dword [TEMP+4], 2
        mov     eax, 1
        mov     edx, 2
        mov     ebx, 3
        mov     ecx, 4
        cmpxchg8b [TEMP]
        CHECK_FLAGS ZF, ZF
        CHECK   dword [TEMP], 3
        CHECK   dword [TEMP+4], 4
END_CASE
        jmp     cx8_end
no_cx8:
CASE "cmpxchg8b-undefined"
        FAULTS  6, {cmpxchg8b [TEMP]}
END_CASE
cx8_end:

; --- Time-stamp counter ---

        UNLESS_FEATURE FEATURE_TSC, no_tsc

CASE "rdtsc-increases"
        rdtsc
        mov     esi, eax
        mov     edi, edx
        mov     ecx, 1000
rdtsc_loop:
        loop    rdtsc_loop
        rdtsc
        sub     eax, esi
        sbb     edx, edi
        CHECK   edx, 0
        cmp     eax, 0
        ja      rdtsc_good
        FAIL_HERE 1
rdtsc_good:
END_CASE

CASE "rdtsc-never-decreases"
        rdtsc
        mov     esi, eax
        mov     edi, edx
        mov     ecx, 200
rdtsc_next:
        rdtsc
        cmp     eax, esi
        mov     ebx, edx
        sbb     ebx, edi
        jae     rdtsc_not_less
        FAIL_HERE ecx
rdtsc_not_less:
        mov     esi, eax
        mov     edi, edx
        loop    rdtsc_next
END_CASE

CASE "rdtsc-keeps-the-rest"
        mov     ebx, 0x11111111
        mov     ecx, 0x22222222
        stc
        rdtsc
        CHECK_FLAGS ALLF, CF
        CHECK   ebx, 0x11111111
        CHECK   ecx, 0x22222222
END_CASE

CASE "rdtsc-ring3"
        RING3_BEGIN
        rdtsc
        RING3_END
END_CASE

CASE "tsd-ring3"
        mov     eax, cr4
        or      eax, CR4_TSD
        mov     cr4, eax
        mov     eax, 0x11111111
        mov     edx, 0x22222222
        RING3_BEGIN
        mov     eax, 0x11111111
        FAULTS  13, rdtsc
        RING3_END
        CHECK   dword [X_ERROR], 0
        CHECK   dword [X_CS], SEL_CODE32_R3
        CHECK_EAX 0x11111111
        CHECK   edx, 0x22222222
        mov     eax, cr4
        and     eax, ~CR4_TSD
        mov     cr4, eax
END_CASE

CASE "tsd-ring0"
        mov     eax, cr4
        or      eax, CR4_TSD
        mov     cr4, eax
        NO_FAULT rdtsc
        mov     eax, cr4
        mov     ebx, eax
        and     eax, ~CR4_TSD
        mov     cr4, eax
        and     ebx, CR4_TSD
        CHECK   ebx, CR4_TSD
END_CASE
        jmp     tsc_end
no_tsc:
CASE "rdtsc-undefined"
        FAULTS  6, rdtsc
END_CASE
tsc_end:

; --- Model-specific registers ---

        UNLESS_FEATURE FEATURE_MSR, no_msr

        UNLESS_FEATURE FEATURE_TSC, no_tsc_msr
; The MSR is the counter itself: between two RDTSC (SDM volume 3, "Time-Stamp Counter").
CASE "rdmsr-tsc"
        rdtsc
        mov     esi, eax
        mov     edi, edx
        mov     ecx, MSR_TSC
        rdmsr
        cmp     eax, esi
        mov     ebx, edx
        sbb     ebx, edi
        jae     rdmsr_not_before
        FAIL_HERE 1
rdmsr_not_before:
        mov     esi, eax
        mov     edi, edx
        rdtsc
        cmp     eax, esi
        sbb     edx, edi
        jae     rdmsr_not_behind
        FAIL_HERE 2
rdmsr_not_behind:
END_CASE

; The high half of the value is written as 0: the P6 family clears it anyway.
CASE "wrmsr-tsc"
        mov     ecx, MSR_TSC
        xor     edx, edx
        mov     eax, 0x1000
        wrmsr
        rdtsc
        CHECK   edx, 0
        sub     eax, 0x1000
        cmp     eax, 0x40000000
        jb      wrmsr_near
        FAIL_HERE eax
wrmsr_near:
END_CASE
no_tsc_msr:

; SDM volume 2, RDMSR and WRMSR: #GP(0) for a reserved or unimplemented MSR address.
CASE "rdmsr-unknown"
        mov     ecx, MSR_NONE
        mov     eax, 0x11111111
        FAULTS  13, rdmsr
        CHECK   dword [X_ERROR], 0
        CHECK_EAX 0x11111111
END_CASE

CASE "wrmsr-unknown"
        mov     ecx, MSR_NONE
        FAULTS  13, wrmsr
        CHECK   dword [X_ERROR], 0
END_CASE

CASE "rdmsr-ring3"
        RING3_BEGIN
        mov     ecx, MSR_TSC
        FAULTS  13, rdmsr
        RING3_END
        CHECK   dword [X_ERROR], 0
END_CASE

CASE "wrmsr-ring3"
        RING3_BEGIN
        mov     ecx, MSR_TSC
        FAULTS  13, wrmsr
        RING3_END
        CHECK   dword [X_ERROR], 0
END_CASE
        jmp     msr_end
no_msr:
CASE "rdmsr-undefined"
        mov     ecx, MSR_TSC
        FAULTS  6, rdmsr
        FAULTS  6, wrmsr
END_CASE
msr_end:

; --- CR4 ---

        UNLESS_FEATURE FEATURE_PSE, no_cr4
; Not under a hypervisor (CPUID.1:ECX[31], else reserved): some do not survive it.
        mov     eax, 1
        cpuid
        test    ecx, ecx
        js      near hypervisor
CASE "cr4-reserved-bit"
        mov     eax, cr4
        mov     ebx, eax
        or      eax, 0x80000000
        FAULTS  13, {mov cr4, eax}
        CHECK   dword [X_ERROR], 0
        mov     eax, cr4
        sub     eax, ebx
        CHECK_EAX 0
END_CASE

hypervisor:
CASE "cr4-ring3"
        RING3_BEGIN
        FAULTS  13, {mov eax, cr4}
        RING3_END
        CHECK   dword [X_ERROR], 0
        RING3_BEGIN
        FAULTS  13, {mov cr4, eax}
        RING3_END
        CHECK   dword [X_ERROR], 0
END_CASE
no_cr4:

; --- Instructions that came with the 486 ---

        UNLESS_FAMILY 4, is_386
CASE "486-instructions"
        mov     eax, 0x12345678
        bswap   eax
        CHECK_EAX 0x78563412
        mov     ebx, 1
        xadd    ebx, eax
        CHECK_EAX 1
        CHECK   ebx, 0x78563413
        NO_FAULT {invlpg [TEMP]}
        NO_FAULT wbinvd
END_CASE
        jmp     is_486
is_386:
CASE "486-instructions-undefined"
        FAULTS  6, {bswap eax}
        FAULTS  6, {xadd ebx, eax}
        FAULTS  6, {cmpxchg ebx, eax}
        FAULTS  6, {invlpg [TEMP]}
        FAULTS  6, wbinvd
        FAULTS  6, invd
END_CASE
is_486:
        ROM_END
