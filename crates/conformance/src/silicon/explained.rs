//! Where silicon departs from the model, and the words that explain it: nothing else is passed over.

use super::{
    case::{Case, Ending, Outcome},
    compare::{DifferingByte, completed, differing_bytes, memory_after, memory_before, reference},
    host::Vendor,
    world::{ARENA, World},
};
use crate::undefined::unknown_after;
use iced_x86::{CodeSize, Decoder, DecoderOptions, Instruction, InstructionInfoFactory, Mnemonic, OpKind, Register};
use turtle86::arch::{Gpr, SegmentRegister};

/// A known departure.
pub(crate) struct Departure {
    /// A short name.
    pub name: &'static str,
    /// Why, with the manual's words or the evidence.
    pub words: &'static str,
    /// Does it explain this difference?
    pub applies: fn(&Seen<'_>) -> bool,
}
/// A difference to explain.
pub(crate) struct Seen<'a> {
    pub case: &'a Case,
    pub world: &'a World,
    /// The instructions that the model executed.
    pub executed: &'a [Instruction],
    pub ours: &'a Outcome,
    /// With our flags where they are unknown.
    pub silicon: &'a Outcome,
    pub vendor: Vendor,
}

pub(crate) const DEPARTURES: &[Departure] = &[
    Departure {
        name: "a flag that was undefined is read",
        words: "an instruction of the block reads a flag that one before it left undefined (SDM Vol. 2, \"Flags Affected\" of that one): what \
                follows is undefined, too",
        applies: |seen| unknown_after(completed(seen.executed, seen.ours), reference(seen.vendor)).1,
    },
    Departure {
        name: "0F 0D with a register",
        words: "SDM Vol. 2, \"Opcode Map\": a reserved NOP; AMD's PREFETCH raises #UD for a register operand (APM Vol. 3, PREFETCH)",
        applies: |seen| {
            let undefined = matches!(seen.silicon.ending, Ending::Exception { vector: 6, .. });
            let prefetch = |i: &Instruction| i.ip() as u32 == seen.silicon.eip && i.op_count() == 2 && i.op0_kind() == OpKind::Register;
            seen.vendor == Vendor::Amd && undefined && seen.opcode_at(seen.silicon.eip) == [0x0f, 0x0d] && seen.has(prefetch)
        },
    },
    Departure {
        name: "operands across 4 GiB",
        words: "SDM Vol. 3, \"Limit Checking\": \"When the effective limit is FFFFFFFFH (4 GBytes), these accesses may or may not cause \
                the indicated exceptions\"",
        applies: |seen| {
            let (ours, silicon) = (seen.ours.ending, seen.silicon.ending);
            let one_is_a_limit = is_page_fault(ours) && is_limit_fault(silicon) || is_page_fault(silicon) && is_limit_fault(ours);
            let at_the_end = at_the_end_of_memory(ours) || at_the_end_of_memory(silicon);
            one_is_a_limit && at_the_end || seen.has(|i| seen.operand_crosses(i, u32::MAX))
        },
    },
    Departure {
        name: "PUSH of a segment register, 32 bits wide",
        words: "SDM Vol. 2, PUSH: \"either a zero-extended value is pushed on the stack or the segment selector is written on the stack \
                using a 16-bit move\"; the model does the latter, as the 386, the 486 and the P6 family do, AMD's processors the former",
        applies: |seen| {
            let push = |i: &Instruction| i.mnemonic() == Mnemonic::Push && is_segment(i) && i.stack_pointer_increment() == -4;
            let stored = || seen.same_but_for_memory(|byte| byte.ours == byte.before && byte.silicon == 0);
            let went_on = seen.executed.len() > 2 || seen.executed.len() > 1 && seen.ours.eip != seen.silicon.eip;
            seen.vendor == Vendor::Amd && seen.has(push) && (went_on || is_stack_fault(seen.silicon.ending) || stored())
        },
    },
    Departure {
        name: "POP of a segment register, 32 bits wide",
        words: "SDM Vol. 2, POP, copies a doubleword, and so do AMD's processors; the model reads a word and adds 4 to ESP, as measured on \
                the 386 and the 486: what lies behind the word cannot fault",
        applies: |seen| {
            let pop = |i: &Instruction| i.mnemonic() == Mnemonic::Pop && is_segment(i) && i.stack_pointer_increment() == 4;
            seen.vendor == Vendor::Amd && seen.has(pop) && is_stack_fault(seen.silicon.ending)
        },
    },
    Departure {
        name: "which of two operands faults first",
        words: "the manual does not say in which order one instruction accesses its operands: the source or the destination of CMPS, the \
                offset or the selector that a far return pops",
        applies: |seen| {
            let several = |i: &Instruction| {
                let far = i.is_call_far_indirect() || i.is_jmp_far_indirect();
                far || matches!(
                    i.mnemonic(),
                    Mnemonic::Cmpsb
                        | Mnemonic::Cmpsw
                        | Mnemonic::Cmpsd
                        | Mnemonic::Retf
                        | Mnemonic::Iret
                        | Mnemonic::Iretd
                        | Mnemonic::Bound
                )
            };
            let state = |outcome: &Outcome| Outcome { ending: Ending::Timeout, ..outcome.clone() };
            let faults = [seen.ours.ending, seen.silicon.ending].into_iter().all(|ending| is_page_fault(ending) || is_limit_fault(ending));
            seen.last(several) && faults && state(seen.ours) == state(seen.silicon)
        },
    },
    Departure {
        name: "INT1 under a hypervisor",
        words: "SDM Vol. 2, INT1: the saved EIP is the next instruction's; a hypervisor on AMD's processors that intercepts #DB and injects it \
                again (as KVM does) makes it the instruction's own",
        applies: |seen| {
            let int1 = |i: &Instruction| i.mnemonic() == Mnemonic::Int1 && i.ip() as u32 == seen.silicon.eip;
            seen.vendor == Vendor::Amd && seen.last(int1) && Outcome { eip: seen.ours.eip, ..seen.silicon.clone() } == *seen.ours
        },
    },
    Departure {
        name: "several pushes or pops of which one faults",
        words: "a fault leaves ESP and EIP as they were, so that the instruction can start again; what PUSHA, CALL or ENTER stored below ESP \
                by then, or POPA loaded, the manual does not say. The model changes nothing, AMD's processors keep what was done",
        applies: |seen| {
            let pushes = |i: &Instruction| matches!(i.mnemonic(), Mnemonic::Call | Mnemonic::Pusha | Mnemonic::Pushad | Mnemonic::Enter);
            let pops = |i: &Instruction| matches!(i.mnemonic(), Mnemonic::Popa | Mnemonic::Popad);
            let same =
                seen.ours.eip == seen.silicon.eip && seen.ours.registers[Gpr::Esp as usize] == seen.silicon.registers[Gpr::Esp as usize];
            let stored = || seen.same_but_for_memory(|byte| byte.ours == byte.before || seen.below_the_stack(byte.at));
            let faulted = |i: &Instruction| i.ip() as u32 == seen.ours.eip;
            same && seen.ours.ending == seen.silicon.ending && seen.last(|i| faulted(i) && (pushes(i) && stored() || pops(i)))
        },
    },
    Departure {
        name: "CALL whose push and target both fault",
        words: "SDM Vol. 2, CALL: the target is checked against the limit of CS, then the stack; AMD's processors push first",
        applies: |seen| {
            let call = |i: &Instruction| i.mnemonic() == Mnemonic::Call && i.ip() as u32 == seen.silicon.eip;
            let limit = matches!(seen.ours.ending, Ending::Exception { vector: 13, .. });
            seen.vendor == Vendor::Amd
                && seen.last(call)
                && limit
                && is_stack_fault(seen.silicon.ending)
                && seen.ours.eip == seen.silicon.eip
        },
    },
    Departure {
        name: "a far return that fails twice",
        words: "SDM Vol. 2, RET and IRET: the return selector's RPL is checked before the outer stack pointer is popped; AMD's processors pop \
                first",
        applies: |seen| {
            let back = |i: &Instruction| {
                matches!(i.mnemonic(), Mnemonic::Retf | Mnemonic::Iret | Mnemonic::Iretd) && i.ip() as u32 == seen.silicon.eip
            };
            let selector = matches!(seen.ours.ending, Ending::Exception { vector: 13, error: 4.., .. });
            seen.vendor == Vendor::Amd
                && seen.last(back)
                && selector
                && is_stack_fault(seen.silicon.ending)
                && seen.ours.eip == seen.silicon.eip
        },
    },
    Departure {
        name: "LOOPE and LOOPNE with a repeat prefix",
        words: "SDM Vol. 2, REP: \"Use of repeat prefixes and/or undefined opcodes with other Intel 64 or IA-32 instructions is reserved; such use \
                may cause unpredictable behavior.\" On AMD's processors the prefix decides which value of ZF goes on, not the opcode",
        applies: |seen| {
            let turned = |i: &Instruction| {
                let (repe, repne) = (i.has_rep_prefix(), i.has_repne_prefix());
                i.mnemonic() == Mnemonic::Loope && repne || i.mnemonic() == Mnemonic::Loopne && repe
            };
            seen.vendor == Vendor::Amd && seen.has(turned)
        },
    },
    Departure {
        name: "limit bits that LAR gives",
        words: "SDM Vol. 2, LAR: the result is masked by 00FxFF00H, \"where 'x' indicates that the four corresponding bits in the descriptor's limit \
                field are undefined\"",
        applies: |seen| {
            let lar = |i: &Instruction| i.mnemonic() == Mnemonic::Lar && i.op0_register().size() == 4;
            let mut silicon = seen.silicon.clone();
            silicon
                .registers
                .iter_mut()
                .zip(seen.ours.registers)
                .for_each(|(register, ours)| *register = *register & !0xf_0000 | ours & 0xf_0000);
            seen.has(lar) && silicon == *seen.ours
        },
    },
    Departure {
        name: "LOCK that AMD takes",
        words: "SDM Vol. 2, LOCK: an invalid-opcode exception with any other instruction; AMD's processors ignore it before VERW, and LOCK MOV CR0 \
                is their MOV CR8",
        applies: |seen| {
            let lock = |i: &Instruction| i.has_lock_prefix() && matches!(i.mnemonic(), Mnemonic::Verw | Mnemonic::Mov);
            let undefined = matches!(seen.ours.ending, Ending::Exception { vector: 6, .. });
            seen.vendor == Vendor::Amd && seen.last(lock) && undefined
        },
    },
    Departure {
        name: "double shifts by more than the operand's width",
        words: "SDM Vol. 2, SHLD and SHRD: \"If the count is greater than the operand size, the result is undefined.\"",
        applies: |seen| {
            let wide = |i: &Instruction| {
                let double = matches!(i.mnemonic(), Mnemonic::Shld | Mnemonic::Shrd) && i.op1_register().size() == 2;
                let by_cl = i.op2_kind() == OpKind::Register;
                // The count as the case began and as it ended; a shift of CX itself behind others loses it.
                let counts = [seen.case.registers, seen.ours.registers].map(|registers| registers[Gpr::Ecx as usize] & 31);
                let lost = seen.executed.first().is_some_and(|first| first.ip() != i.ip()) && i.op0_register() == Register::CX;
                double && (by_cl && (counts.iter().any(|count| *count > 16) || lost) || !by_cl && i.immediate8() & 31 > 16)
            };
            seen.has(wide)
        },
    },
    Departure {
        name: "undefined opcodes at the end of a page",
        words: "SDM Vol. 2, UD: \"Some processors decode the UD0 instruction without a ModR/M byte. As a result, those processors would deliver an \
                invalid-opcode exception instead of a fault on instruction fetch\"; how long an undefined instruction is, is not said",
        applies: |seen| {
            let is =
                |outcome: &Outcome, vectors: &[u8]| matches!(outcome.ending, Ending::Exception { vector, .. } if vectors.contains(&vector));
            let one_of_each = is(seen.silicon, &[6]) && is(seen.ours, &[13, 14]) || is(seen.ours, &[6]) && is(seen.silicon, &[13, 14]);
            let [escape, opcode] = seen.opcode_at(seen.silicon.eip);
            let code = Decoder::new(32, &[escape, opcode, 0, 0, 0, 0, 0, 0, 0, 0], DecoderOptions::NONE).decode();
            // 0F 38 and 0F 3A lead to opcodes of three bytes.
            let nothing = matches!(code.mnemonic(), Mnemonic::INVALID | Mnemonic::Ud0 | Mnemonic::Ud1) || matches!(opcode, 0x38 | 0x3a);
            one_of_each && seen.ours.eip == seen.silicon.eip && nothing
        },
    },
    Departure {
        name: "a descriptor of the host's",
        words: "the model's copy of Linux' 64-bit code segment is marked not present, so that no case gets there, and the last segment of \
                Linux' GDT has the processor's number as its limit: LAR and LSL see them",
        applies: |seen| {
            let mut silicon = seen.silicon.clone();
            silicon.registers.iter_mut().zip(seen.ours.registers).for_each(|(register, ours)| {
                let number = ours & 0xffff == 0 && *register & 0xffff < 0x1000 && seen.has(|i| i.mnemonic() == Mnemonic::Lsl);
                *register = if number { ours } else { *register & !0xf_8000 | ours & 0xf_8000 };
            });
            // What follows may have used the result.
            seen.has(|i| matches!(i.mnemonic(), Mnemonic::Lar | Mnemonic::Lsl)) && (silicon == *seen.ours || seen.executed.len() > 1)
        },
    },
    Departure {
        name: "BOUND that need not read its upper bound",
        words: "SDM Vol. 2, BOUND, compares with both bounds and raises #BR; it does not say in which order bounds are read and compared. \
                AMD's processors do not read the upper bound of an index below the lower one",
        applies: |seen| {
            let bound = |i: &Instruction| i.mnemonic() == Mnemonic::Bound;
            seen.last(bound) && matches!(seen.silicon.ending, Ending::Exception { vector: 5, .. }) && seen.ours.eip == seen.silicon.eip
        },
    },
    Departure {
        name: "bounds across the end of 16-bit offsets",
        words: "the manual does not say whether the upper bound of BOUND lies at offset 10000H or at 0 when the lower one ends at FFFFH: the \
                model takes both as one operand, AMD's processors read two and wrap around",
        applies: |seen| {
            let wraps = |i: &Instruction| i.mnemonic() == Mnemonic::Bound && seen.operand_crosses(i, 0xffff);
            seen.vendor == Vendor::Amd && seen.has(wraps)
        },
    },
    Departure {
        name: "a repeated string instruction that overwrites itself",
        words: "the manual lets interrupts come between iterations, behind which the instruction is fetched again: the model fetches what is \
                there before each, silicon goes on with what it decoded",
        applies: |seen| {
            let overwritten = |i: &Instruction| {
                let cs = seen.world.descriptor(seen.ours.segments[SegmentRegister::Cs as usize]).unwrap_or_default().base();
                let at = cs.wrapping_add(i.ip() as u32).wrapping_sub(ARENA) as usize;
                let (before, after) = (memory_before(seen.case, seen.world), memory_after(seen.world, seen.ours));
                let changed = before.get(at..at + i.len()) != after.get(at..at + i.len());
                i.is_string_instruction() && (i.has_rep_prefix() || i.has_repne_prefix()) && changed
            };
            seen.has(overwritten)
        },
    },
    Departure {
        name: "REP INS and REP OUTS of no iterations",
        words: "SDM Vol. 2, REP: \"WHILE CountReg ≠ 0\": nothing is done and nothing checked; AMD's processors check the I/O privilege first",
        applies: |seen| {
            let io = |i: &Instruction| {
                let string = matches!(
                    i.mnemonic(),
                    Mnemonic::Insb | Mnemonic::Insw | Mnemonic::Insd | Mnemonic::Outsb | Mnemonic::Outsw | Mnemonic::Outsd
                );
                string && (i.has_rep_prefix() || i.has_repne_prefix()) && i.ip() as u32 == seen.silicon.eip
            };
            seen.vendor == Vendor::Amd && seen.has(io) && is_limit_fault(seen.silicon.ending) && seen.ours.eip != seen.silicon.eip
        },
    },
];

fn is_segment(instruction: &Instruction) -> bool {
    instruction.op0_register().is_segment_register()
}
fn at_the_end_of_memory(ending: Ending) -> bool {
    matches!(ending, Ending::Exception { vector: 14, address: 0xffff_fff0.. | 0..0x10, .. })
}
fn is_page_fault(ending: Ending) -> bool {
    matches!(ending, Ending::Exception { vector: 14, .. })
}
/// #GP(0) or #SS(0).
fn is_limit_fault(ending: Ending) -> bool {
    matches!(ending, Ending::Exception { vector: 12 | 13, error: 0, .. })
}
/// #SS or #PF.
fn is_stack_fault(ending: Ending) -> bool {
    matches!(ending, Ending::Exception { vector: 12 | 14, .. })
}

impl Seen<'_> {
    fn last(&self, like: impl Fn(&Instruction) -> bool) -> bool {
        self.executed.last().is_some_and(like)
    }
    /// Two bytes of opcode behind the prefixes at an offset of the case's code.
    fn opcode_at(&self, eip: u32) -> [u8; 2] {
        let from = self.case.code.get(eip.wrapping_sub(self.case.eip) as usize..).unwrap_or_default();
        let prefix = |byte: &&u8| matches!(byte, 0x26 | 0x2e | 0x36 | 0x3e | 0x64..=0x67 | 0xf0 | 0xf2 | 0xf3);
        let opcode = &from[from.iter().take_while(prefix).count()..];
        std::array::from_fn(|n| opcode.get(n).copied().unwrap_or_default())
    }
    /// Some operand of an instruction begins at or below this offset and ends above.
    fn operand_crosses(&self, instruction: &Instruction, last: u32) -> bool {
        let mut factory = InstructionInfoFactory::new();
        let used = factory.info(instruction).used_memory();
        let states = [&self.case.registers, &self.ours.registers];
        states.into_iter().flat_map(|state| used.iter().map(move |memory| (state, memory))).any(|(state, memory)| {
            let register = |register: Register, _, _| {
                let value = state.get(register.full_register32().number() & 7).copied().map(u64::from);
                if register.is_segment_register() { Some(0) } else { value.map(|v| if register.size() == 2 { v & 0xffff } else { v }) }
            };
            let mask = if memory.address_size() == CodeSize::Code16 { 0xffff } else { u32::MAX };
            let offset = memory.virtual_address(0, register).map(|offset| offset as u32 & mask);
            let size = (memory.memory_size().size() as u32).max(2);
            offset.is_some_and(|offset| offset <= last && offset.checked_add(size - 1).is_none_or(|end| end > last))
        })
    }
    fn has(&self, like: impl Fn(&Instruction) -> bool) -> bool {
        self.executed.iter().any(like)
    }
    /// What lies below the stack pointer, where an instruction that pushes leaves its first stores when it faults.
    fn below_the_stack(&self, at: u32) -> bool {
        let ss = self.world.descriptor(self.ours.segments[SegmentRegister::Ss as usize]).unwrap_or_default();
        let mask = if ss.rights().is_32_bit() { u32::MAX } else { 0xffff };
        let top = ss.base().wrapping_add(self.ours.registers[Gpr::Esp as usize] & mask);
        top.wrapping_sub(at).wrapping_sub(1) < 0x80
    }
    /// The outcomes differ in nothing but bytes of memory, of which all satisfy `like`.
    fn same_but_for_memory(&self, like: impl Fn(&DifferingByte) -> bool) -> bool {
        let without_memory = |outcome: &Outcome| Outcome { memory: Vec::new(), ..outcome.clone() };
        let differences = differing_bytes(self.case, self.world, self.ours, self.silicon);
        without_memory(self.ours) == without_memory(self.silicon) && differences.iter().all(like)
    }
}

pub(crate) fn explain(seen: &Seen<'_>) -> Option<&'static Departure> {
    DEPARTURES.iter().find(|departure| (departure.applies)(seen))
}
