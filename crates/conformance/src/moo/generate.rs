//! Makes tests from our own machine, for regression suites.

use super::{
    registers::{Layout, Register, Registers},
    runner::{Runner, Verdict, compared},
    test::{CpuId, Exception, Metadata, State, Test},
    writer::hash,
};
use iced_x86::{Decoder, Formatter, Instruction, IntelFormatter, Mnemonic};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};
use thiserror::Error;
use turtle86::{
    arch::{Eflags, Model, SegmentRegister},
    mmu::MemoryAccess,
};

/// The opcode that tests are made for: bytes, prefixes first, and the `/digit` of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opcode {
    /// `66 0f af`, for example.
    pub bytes: Vec<u8>,
    /// The middle field of the byte behind them.
    pub digit: Option<u8>,
}
impl Opcode {
    /// The name that suites give a file: `660FAF`, `80.4`.
    pub fn name(&self) -> String {
        let bytes: String = self.bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        self.digit.map_or(bytes.clone(), |digit| format!("{bytes}.{digit}"))
    }
}
impl std::str::FromStr for Opcode {
    type Err = String;
    fn from_str(text: &str) -> Result<Opcode, String> {
        let wrong = || format!("\"{text}\": write an opcode as 01, 660FAF or 80.4");
        let (bytes, digit) = text.split_once('.').map_or((text, None), |(bytes, digit)| (bytes, Some(digit)));
        let digit = digit.map(|digit| digit.parse().ok().filter(|digit| *digit < 8).ok_or_else(wrong)).transpose()?;
        let digits: Vec<u8> = bytes.chars().map(|c| c.to_digit(16).map(|digit| digit as u8)).collect::<Option<_>>().ok_or_else(wrong)?;
        let bytes: Vec<u8> = digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect();
        if bytes.is_empty() || bytes.len() > 6 || !digits.len().is_multiple_of(2) {
            return Err(wrong());
        }
        Ok(Opcode { bytes, digit })
    }
}

/// Tests cannot be made.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum GenerateError {
    #[error(transparent)]
    Machine(#[from] turtle86::Error),
    #[error("no test in {tries} tries with opcode {opcode}: it is no instruction of the {model}, or none that goes on to another one")]
    Nothing { opcode: String, model: Model, tries: u32 },
    #[error("the machine does not repeat its own result: {0}")]
    Unsteady(String),
}

/// So many attempts for each test that is wanted.
const TRIES: u32 = 200;

/// Makes tests of one opcode, in real mode, as the published suites have them: random registers, a random operand, a HLT behind it.
/// The same seed gives the same tests.
///
/// Of each test there is everything but the bus (`CYCL` is empty), `EA32` and masks: all flags are compared. Its hash is that of
/// [`hash`].
///
/// # Errors
/// The model has no such instruction.
pub fn generate(model: Model, opcode: &Opcode, count: u32, seed: u64) -> Result<(Metadata, Vec<Test>), GenerateError> {
    let nothing = || GenerateError::Nothing { opcode: opcode.name(), model, tries: TRIES };
    let mut maker = Maker {
        runner: Runner::new(CpuId::of(model), model)?.ok_or_else(nothing)?,
        rng: Xoshiro256PlusPlus::seed_from_u64(opcode.name().bytes().fold(seed, |all, byte| all.rotate_left(8) ^ u64::from(byte))),
        opcode,
        mnemonic: None,
    };
    let mut tests = Vec::new();
    for index in 0..count {
        let mut test = (0..TRIES).find_map(|_| maker.attempt()).ok_or_else(nothing)?;
        test.index = index;
        test.hash = Some(hash(&test));
        match maker.runner.run(&test, None) {
            Verdict::Failed(mismatches) => {
                return Err(GenerateError::Unsteady(format!("{}: {}", test.name, mismatches[0])));
            }
            _ => tests.push(test),
        }
    }
    let opcode_number = opcode.bytes.iter().filter(|byte| !matches!(byte, 0x66 | 0x67)).fold(0, |all, byte| all << 8 | u32::from(*byte));
    let metadata = Metadata {
        suite: (1, 0),
        // What the format has for the 386EX; it knows no later processor.
        cpu_type: 7,
        opcode: opcode_number,
        mnemonic: maker.mnemonic.map_or(String::new(), |mnemonic| format!("{mnemonic:?}").to_lowercase().chars().take(8).collect()),
        tests: count,
        seed,
        mode: 0,
        extension: opcode.digit.unwrap_or(0xff),
    };
    Ok((metadata, tests))
}

struct Maker<'a> {
    runner: Runner,
    rng: Xoshiro256PlusPlus,
    opcode: &'a Opcode,
    mnemonic: Option<Mnemonic>,
}
impl Maker<'_> {
    /// A number that likes the ends of its range.
    fn number(&mut self) -> u32 {
        match self.rng.random_range(0..8) {
            0 => 0,
            1 => !0,
            2 => 1 << self.rng.random_range(0..32),
            3 => self.rng.random::<u32>() & 0xffff,
            _ => self.rng.random(),
        }
    }
    fn registers(&mut self) -> Registers {
        let mut registers = Registers::new(Layout::Dwords);
        let narrow = self.opcode.bytes.contains(&0x67);
        for register in Layout::Dwords.order() {
            let number = self.number();
            let value = match register {
                Register::Cr0 | Register::Cr3 => 0,
                Register::Dr6 => self.runner.model().profile().reset.dr6,
                Register::Dr7 => self.runner.model().profile().reset.dr7,
                Register::Cs | Register::Ds | Register::Es | Register::Fs | Register::Gs | Register::Ss => number & 0xffff,
                Register::Esp => number & 0xfffe | 8,
                Register::Eip => number & 0x7fff,
                // No trap, no interrupt, no I/O privilege.
                Register::Eflags => number & (Eflags::STATUS | Eflags::DF).0 | Eflags::FIXED.0,
                // Repeated instructions shall not take for ever.
                Register::Ecx => number & 0xffff_007f & if narrow { 0x7f } else { !0 },
                // With 32-bit addresses most would fault otherwise.
                _ if narrow => number & 0x7fff,
                _ => number,
            };
            registers.set(*register, value);
        }
        registers
    }
    /// The instruction, random behind its opcode, and the HLT.
    fn code(&mut self, ip: u32) -> Option<(Vec<u8>, Instruction)> {
        let mut bytes = self.opcode.bytes.clone();
        bytes.extend((0..10).map(|_| self.rng.random::<u8>()));
        if let (Some(digit), Some(modrm)) = (self.opcode.digit, bytes.get_mut(self.opcode.bytes.len())) {
            *modrm = *modrm & !0x38 | digit << 3;
        }
        let options = self.runner.machine.cpu.decoder_options();
        let instruction = Decoder::with_ip(16, &bytes, ip.into(), options).decode();
        if instruction.is_invalid() || instruction.len() < self.opcode.bytes.len() {
            return None;
        }
        bytes.truncate(instruction.len());
        bytes.push(0xf4);
        Some((bytes, instruction))
    }

    /// One try. What the instruction reads is found by running it: at first memory is full of HLT, and each byte that was read
    /// gets a random value for the next run, until there are no others.
    fn attempt(&mut self) -> Option<Test> {
        let registers = self.registers();
        let get = |register| registers.get(register).unwrap_or(0);
        let (bytes, instruction) = self.code(get(Register::Eip))?;
        let start = (get(Register::Cs) << 4) + get(Register::Eip);
        if start < 0x1024 {
            return None;
        }
        let code: BTreeMap<u32, u8> = (start..).zip(bytes.iter().copied()).collect();
        let mut test = Test {
            index: 0,
            seed: None,
            name: self.name(&instruction),
            bytes,
            initial: State::new(registers.clone()),
            after: State::new(Registers::new(Layout::Dwords)),
            cycles: Vec::new(),
            exception: None,
            hash: None,
        };
        let mut read: BTreeMap<u32, u8> = BTreeMap::new();
        for _ in 0..8 {
            test.initial.ram = code.iter().chain(&read).map(|(address, value)| (*address, *value)).collect();
            test.initial.ram.sort_unstable();
            test.initial.ram.dedup_by_key(|(address, _)| *address);
            let events = self.runner.machine.cpu.events();
            let (seen, ended) = self.observe(&test);
            let result = ended.then(|| self.outcome(&mut test, &seen, &instruction, events));
            self.runner.forget(test.initial.ram.iter().map(|(address, _)| *address).chain(seen.iter().flat_map(span)));
            let loads: BTreeSet<u32> = seen.iter().filter(|access| !access.write).flat_map(span).collect();
            let new: Vec<u32> = loads.into_iter().filter(|address| !read.contains_key(address) && !code.contains_key(address)).collect();
            if new.is_empty() {
                result??;
                self.mnemonic.get_or_insert(instruction.mnemonic());
                return Some(test);
            }
            for address in new {
                let value = self.rng.random();
                read.insert(address, value);
            }
        }
        None
    }
    fn name(&self, instruction: &Instruction) -> String {
        let mut text = String::new();
        IntelFormatter::new().format(instruction, &mut text);
        text
    }
    /// Runs the instruction and notes what it loads and stores. False if it did not come to an end.
    fn observe(&mut self, test: &Test) -> (Vec<MemoryAccess>, bool) {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let note = Arc::clone(&seen);
        let hook = self.runner.machine.hook_memory(0..=u32::MAX, move |_, access| {
            note.lock().unwrap_or_else(PoisonError::into_inner).push(*access);
            turtle86::Verdict::Continue
        });
        let ended = self.runner.try_out(test);
        self.runner.machine.unhook(hook);
        let seen = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        (seen, ended)
    }
    /// The final state, as the format has it: what changed. None if the test cannot be told in it.
    fn outcome(&self, test: &mut Test, seen: &[MemoryAccess], instruction: &Instruction, events: u64) -> Option<()> {
        let eip = self.runner.machine.cpu.eip();
        let registers = &test.initial.registers;
        let mut after = State::new(Registers::new(Layout::Dwords));
        for register in Layout::Dwords.order() {
            let value = self.runner.register(*register, eip);
            let changed = (registers.get(*register)? ^ value) & compared(*register, Layout::Dwords) != 0;
            if changed {
                after.registers.set(*register, value);
            }
        }
        let ram = self.runner.machine.cpu.bus().memory.ram();
        let before: BTreeMap<u32, u8> = test.initial.ram.iter().copied().collect();
        let stores: BTreeSet<u32> = seen.iter().filter(|access| access.write).flat_map(span).collect();
        for address in stores {
            let value = *ram.get(address as usize)?;
            if before.get(&address) != Some(&value) {
                after.ram.push((address, value));
            }
        }
        // The HLT that ended it: read, and not by a load.
        let cs = self.runner.machine.cpu.segment(SegmentRegister::Cs);
        let hlt = cs.base.checked_add(eip.checked_sub(1)?)?;
        if !before.contains_key(&hlt) {
            test.initial.ram.push((hlt, 0xf4));
            test.initial.ram.sort_unstable();
        }
        test.exception = None;
        if self.runner.machine.cpu.events() != events {
            let ss = self.runner.machine.cpu.segment(SegmentRegister::Ss);
            let sp = self.runner.register(Register::Esp, 0) & 0xffff;
            let flags_at = ss.base + ((sp + 4) & 0xffff);
            let vector = match instruction.mnemonic() {
                Mnemonic::Int => instruction.immediate8(),
                Mnemonic::Int3 => 3,
                Mnemonic::Int1 => 1,
                Mnemonic::Into => 4,
                // POPF and IRET may set TF: the trap comes behind the HLT of a test that ends before it.
                _ => Some(self.runner.machine.cpu.last_fault()?.fault.exception().vector()).filter(|vector| *vector != 1)?,
            };
            test.exception = Some(Exception { vector, flags_at });
        }
        test.after = after;
        Some(())
    }
}

/// The bytes of an access; in real mode without paging linear addresses are physical.
fn span(access: &MemoryAccess) -> std::ops::Range<u32> {
    access.at.0..access.at.0.saturating_add(access.size.bytes())
}
