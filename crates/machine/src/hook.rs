//! Hooks: closures that see what happens. A hooked run is the same run, to the bit and to the cycle.

use crate::{Error, Machine};
use std::ops::RangeInclusive;
use turtle86_arch::LinearAddress;
use turtle86_bus::PortAccess;
use turtle86_cpu::{Cpu, FaultRecord, Hooking, Instruction, Observer, ProcessorMode, Seen, Verdict, iced_x86::Mnemonic};
use turtle86_mmu::MemoryAccess;

/// Which instructions a hook sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookPoint {
    /// Every instruction, and bytes that are none.
    All,
    /// All of one mnemonic, as the manual names it.
    Mnemonic(&'static str),
    /// The one at a linear address.
    Address(LinearAddress),
}

/// Names a hook, to remove it.
#[derive(Debug, PartialEq, Eq)]
pub struct HookId(u64);

type OnInstruction = Box<dyn FnMut(&mut Cpu, &Instruction) -> Verdict + Send>;
type OnFault = Box<dyn FnMut(&mut Cpu, &FaultRecord) -> Verdict + Send>;
type OnPort = Box<dyn FnMut(&mut Cpu, &PortAccess) -> Verdict + Send>;
type OnMemory = Box<dyn FnMut(&mut Cpu, &MemoryAccess) -> Verdict + Send>;
type OnMode = Box<dyn FnMut(&mut Cpu, ProcessorMode, ProcessorMode) -> Verdict + Send>;

enum Hook {
    All(OnInstruction),
    Mnemonic(Mnemonic, OnInstruction),
    Address(LinearAddress, OnInstruction),
    Fault(OnFault),
    Port(RangeInclusive<u16>, OnPort),
    Memory(RangeInclusive<u32>, OnMemory),
    Mode(OnMode),
}

#[derive(Default)]
pub(crate) struct Hooks {
    hooks: Vec<(u64, Hook)>,
    next: u64,
}

/// The strongest of several verdicts: one that stops, else one that skips.
fn strongest(a: Verdict, b: Verdict) -> Verdict {
    match (a, b) {
        (Verdict::Stop, _) | (_, Verdict::Stop) => Verdict::Stop,
        (Verdict::Skip, _) | (_, Verdict::Skip) => Verdict::Skip,
        _ => Verdict::Continue,
    }
}
impl Hooks {
    fn all(&mut self, mut f: impl FnMut(&mut Hook) -> Option<Verdict>) -> Verdict {
        self.hooks.iter_mut().filter_map(|(_, hook)| f(hook)).fold(Verdict::Continue, strongest)
    }
}
impl Observer for Hooks {
    fn instruction(&mut self, cpu: &mut Cpu, instruction: &Instruction) -> Verdict {
        self.all(|hook| match hook {
            Hook::All(f) => Some(f(cpu, instruction)),
            Hook::Mnemonic(mnemonic, f) if *mnemonic == instruction.decoded().mnemonic() => Some(f(cpu, instruction)),
            Hook::Address(at, f) if *at == instruction.address() => Some(f(cpu, instruction)),
            _ => None,
        })
    }
    fn fault(&mut self, cpu: &mut Cpu, record: &FaultRecord) -> Verdict {
        self.all(|hook| if let Hook::Fault(f) = hook { Some(f(cpu, record)) } else { None })
    }
    fn seen(&mut self, cpu: &mut Cpu, seen: &Seen) -> Verdict {
        self.all(|hook| match (hook, seen) {
            (Hook::Port(range, f), Seen::Port(access)) if range.contains(&access.port) => Some(f(cpu, access)),
            (Hook::Memory(range, f), Seen::Memory(access)) => {
                let last = access.at.0.saturating_add(access.size.bytes() - 1);
                (access.at.0 <= *range.end() && *range.start() <= last).then(|| f(cpu, access))
            }
            (Hook::Mode(f), Seen::Mode { from, to }) => Some(f(cpu, *from, *to)),
            _ => None,
        })
    }
}

impl Machine {
    /// Calls `f` before each instruction that `point` names.
    ///
    /// # Errors
    /// There is no such mnemonic.
    pub fn hook(&mut self, point: HookPoint, f: impl FnMut(&mut Cpu, &Instruction) -> Verdict + Send + 'static) -> Result<HookId, Error> {
        let hook = match point {
            HookPoint::All => Hook::All(Box::new(f)),
            HookPoint::Address(at) => Hook::Address(at, Box::new(f)),
            HookPoint::Mnemonic(name) => {
                let known = Mnemonic::values().find(|mnemonic| format!("{mnemonic:?}").eq_ignore_ascii_case(name));
                Hook::Mnemonic(known.ok_or_else(|| Error::UnknownMnemonic(name.into()))?, Box::new(f))
            }
        };
        Ok(self.add_hook(hook))
    }
    /// Calls `f` when a fault is raised, before it is delivered.
    pub fn hook_faults(&mut self, f: impl FnMut(&mut Cpu, &FaultRecord) -> Verdict + Send + 'static) -> HookId {
        self.add_hook(Hook::Fault(Box::new(f)))
    }
    /// Calls `f` after each instruction that read or wrote one of these ports.
    pub fn hook_ports(&mut self, ports: RangeInclusive<u16>, f: impl FnMut(&mut Cpu, &PortAccess) -> Verdict + Send + 'static) -> HookId {
        self.add_hook(Hook::Port(ports, Box::new(f)))
    }
    /// Calls `f` after each instruction that loaded or stored one of these linear addresses.
    pub fn hook_memory(
        &mut self,
        range: RangeInclusive<u32>,
        f: impl FnMut(&mut Cpu, &MemoryAccess) -> Verdict + Send + 'static,
    ) -> HookId {
        self.add_hook(Hook::Memory(range, Box::new(f)))
    }
    /// Calls `f` after each instruction that changed the operating mode, with the mode before and the one now.
    pub fn hook_modes(&mut self, f: impl FnMut(&mut Cpu, ProcessorMode, ProcessorMode) -> Verdict + Send + 'static) -> HookId {
        self.add_hook(Hook::Mode(Box::new(f)))
    }
    /// Removes a hook.
    pub fn unhook(&mut self, id: HookId) {
        self.hooks.hooks.retain(|(number, _)| *number != id.0);
        self.arrange_hooks();
    }
    fn add_hook(&mut self, hook: Hook) -> HookId {
        let id = self.hooks.next;
        self.hooks.next += 1;
        self.hooks.hooks.push((id, hook));
        self.arrange_hooks();
        HookId(id)
    }
    /// Tells the processor what to show.
    fn arrange_hooks(&mut self) {
        let mut hooking = Hooking::default();
        let (mut ports, mut memory) = (false, Vec::new());
        for (_, hook) in &self.hooks.hooks {
            match hook {
                Hook::All(_) => hooking.all = true,
                Hook::Mnemonic(mnemonic, _) => hooking.mnemonics.push(*mnemonic),
                Hook::Address(at, _) => hooking.addresses.push(at.0),
                Hook::Port(..) => ports = true,
                Hook::Memory(range, _) => memory.push((LinearAddress(*range.start()), LinearAddress(*range.end()))),
                Hook::Fault(_) | Hook::Mode(_) => {}
            }
        }
        self.cpu.show_instructions(hooking);
        self.cpu.bus_mut().watched_ports = ports.then(Vec::new);
        self.cpu.mmu_mut().watch(memory);
    }
}
