//! The machine's state for people and for programs.

use crate::disasm::{Text, hex};
use serde::Serialize;
use std::fmt::{self, Write};
use turtle86::{
    FaultRecord, Machine, ProcessorMode, Stop,
    arch::{DescriptorCache, Eflags, Gpr, LinearAddress, SegmentRegister},
    iced_x86::Decoder,
};

#[derive(Serialize)]
struct Segment {
    selector: u16,
    base: u32,
    limit: u32,
    rights: u16,
    usable: bool,
}
impl From<DescriptorCache> for Segment {
    fn from(cache: DescriptorCache) -> Segment {
        Segment { selector: cache.selector.0, base: cache.base, limit: cache.limit, rights: cache.rights.0, usable: cache.usable }
    }
}
impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}  base {:08x}  limit {:08x}  rights {:04x}", self.selector, self.base, self.limit, self.rights)?;
        if self.usable { Ok(()) } else { f.write_str("  null") }
    }
}

#[derive(Serialize)]
struct TableRegister {
    base: u32,
    limit: u16,
}

#[derive(Serialize)]
struct Line {
    address: u32,
    bytes: String,
    text: String,
}

/// A machine's state.
#[derive(Serialize)]
pub struct State {
    model: String,
    mode: &'static str,
    clock_hz: u64,
    cycles: u64,
    instructions: u64,
    events: u64,
    /// As fields, in the order of the manual.
    #[serde(serialize_with = "as_map")]
    gpr: Vec<(String, u32)>,
    eip: u32,
    eflags: u32,
    flags: Vec<String>,
    cpl: u8,
    #[serde(serialize_with = "as_map")]
    segments: Vec<(String, Segment)>,
    gdtr: TableRegister,
    idtr: TableRegister,
    cr0: u32,
    cr2: u32,
    cr3: u32,
    cr4: u32,
    cr0_flags: Vec<&'static str>,
    cr4_flags: Vec<&'static str>,
    #[serde(serialize_with = "as_map")]
    debug: Vec<(String, u32)>,
    code: Vec<Line>,
}

fn as_map<T: Serialize, S: serde::Serializer>(pairs: &[(String, T)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(name, value)| (name, value)))
}

fn flags(eflags: Eflags) -> Vec<String> {
    let single = eflags & !(Eflags::IOPL | Eflags::FIXED);
    let mut names: Vec<String> = single.iter_names().map(|(name, _)| name.to_string()).collect();
    names.push(format!("IOPL={}", eflags.iopl()));
    names
}

impl State {
    /// Looks at `machine`, and at the next few instructions.
    pub fn of(machine: &mut Machine) -> State {
        let code = code(machine, 4);
        let cpu = &machine.cpu;
        let control = cpu.control();
        let (ldtr, tr) = cpu.system_segments();
        let segments = SegmentRegister::ALL.map(|register| (register.to_string().to_lowercase(), Segment::from(cpu.segment(register))));
        State {
            model: cpu.model().to_string(),
            mode: match cpu.processor_mode() {
                ProcessorMode::Real => "real",
                ProcessorMode::Protected => "protected",
                ProcessorMode::Paged => "protected, paging",
            },
            clock_hz: machine.clock_hz(),
            cycles: machine.now().0,
            instructions: cpu.instructions(),
            events: cpu.events(),
            gpr: Gpr::ALL.map(|register| (register.to_string(), cpu.gpr(register))).into(),
            eip: cpu.eip(),
            eflags: cpu.eflags().0,
            flags: flags(cpu.eflags()),
            cpl: cpu.cpl(),
            segments: segments.into_iter().chain([("ldtr".into(), ldtr.into()), ("tr".into(), tr.into())]).collect(),
            gdtr: TableRegister { base: cpu.gdtr().base, limit: cpu.gdtr().limit },
            idtr: TableRegister { base: cpu.idtr().base, limit: cpu.idtr().limit },
            cr0: control.cr0.0,
            cr2: control.cr2,
            cr3: control.cr3,
            cr4: control.cr4.0,
            cr0_flags: control.cr0.iter_names().map(|(name, _)| name).collect(),
            cr4_flags: control.cr4.iter_names().map(|(name, _)| name).collect(),
            debug: [0, 1, 2, 3, 6, 7].map(|n| (format!("dr{n}"), cpu.debug_register(n))).into(),
            code,
        }
    }
}

/// The instructions from CS:EIP on, as far as memory is mapped.
fn code(machine: &mut Machine, count: usize) -> Vec<Line> {
    let cs = machine.cpu.segment(SegmentRegister::Cs);
    let eip = machine.cpu.eip();
    let bytes = machine.read_linear(LinearAddress(cs.base.wrapping_add(eip)), 15 * count);
    let bits = if cs.rights.is_32_bit() { 32 } else { 16 };
    let mut decoder = Decoder::with_ip(bits, &bytes, eip.into(), machine.cpu.decoder_options());
    let mut text = Text::default();
    let mut lines = Vec::new();
    while lines.len() < count && decoder.can_decode() {
        let start = decoder.position();
        let instruction = decoder.decode();
        let bytes = hex(&bytes[start..start + instruction.len()]);
        lines.push(Line { address: instruction.ip() as u32, bytes, text: text.of(&instruction) });
        if instruction.is_invalid() {
            break;
        }
    }
    lines
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |pairs: &[(String, u32)]| pairs.iter().map(|(name, value)| format!("{name} {value:08x}")).collect::<Vec<_>>().join("  ");
        writeln!(
            f,
            "{} mode, CPL {}, cycle {}, {} instructions, {} events",
            self.mode, self.cpl, self.cycles, self.instructions, self.events
        )?;
        writeln!(f, "  {}", row(&self.gpr[..4]))?;
        writeln!(f, "  {}", row(&self.gpr[4..]))?;
        writeln!(f, "  eip {:08x}  eflags {:08x} [{}]", self.eip, self.eflags, self.flags.join(" "))?;
        for (name, segment) in &self.segments {
            writeln!(f, "  {name:<4} {segment}")?;
        }
        for (name, table) in [("gdtr", &self.gdtr), ("idtr", &self.idtr)] {
            writeln!(f, "  {name}       base {:08x}  limit {:04x}", table.base, table.limit)?;
        }
        let (cr0_flags, cr4_flags) = (self.cr0_flags.join(" "), self.cr4_flags.join(" "));
        writeln!(
            f,
            "  cr0 {:08x} [{cr0_flags}]  cr2 {:08x}  cr3 {:08x}  cr4 {:08x} [{cr4_flags}]",
            self.cr0, self.cr2, self.cr3, self.cr4
        )?;
        writeln!(f, "  {}", row(&self.debug))?;
        let cs = self.segments.iter().find(|(name, _)| name == "cs").map_or(0, |(_, cs)| cs.selector);
        if self.code.is_empty() {
            writeln!(f, "  {cs:04x}:{:08x}  no memory is mapped here", self.eip)?;
        }
        for line in &self.code {
            writeln!(f, "  {cs:04x}:{:08x}  {:<24}  {}", line.address, line.bytes, line.text)?;
        }
        Ok(())
    }
}

/// The end of a run, for programs.
#[derive(Serialize)]
pub struct Outcome {
    pub stop: StopEntry,
    pub seconds: f64,
    pub state: State,
}

/// Why it ended.
#[derive(Serialize)]
pub struct StopEntry {
    kind: &'static str,
    status: Option<u32>,
    explanation: String,
    faults: Vec<String>,
}
impl StopEntry {
    pub fn of(machine: &Machine, stop: &Ending) -> StopEntry {
        let (kind, status) = match stop {
            Ending::Interrupted => ("interrupted", None),
            Ending::Stopped(stop) => match stop {
                Stop::Halted => ("halted", None),
                Stop::Shutdown => ("shutdown", None),
                Stop::CycleLimit => ("cycle-limit", None),
                Stop::InstructionLimit => ("instruction-limit", None),
                Stop::DebugExit(status) => ("debug-exit", Some(*status)),
                Stop::PowerOff => ("power-off", None),
                Stop::Unsupported { .. } => ("unsupported", None),
                _ => ("other", None),
            },
        };
        let faults = if kind == "shutdown" { machine.cpu.fault_chain() } else { &[] };
        StopEntry { kind, status, explanation: explain(machine, stop), faults: faults.iter().map(FaultRecord::to_string).collect() }
    }
}

/// How a run ended.
#[derive(Debug)]
pub enum Ending {
    Stopped(Stop),
    /// By Ctrl-C.
    Interrupted,
}

/// Why the machine stopped, in a sentence; a line for each exception that led there.
pub fn explain(machine: &Machine, ending: &Ending) -> String {
    let stop = match ending {
        Ending::Interrupted => return "interrupted".into(),
        Ending::Stopped(stop) => stop,
    };
    let mut text = stop.to_string();
    match stop {
        Stop::Shutdown => {
            let faults = machine.cpu.fault_chain();
            for (n, fault) in faults.iter().enumerate() {
                let _ = write!(text, "{} {fault}", if n == 0 { ":" } else { ";\n  while it was delivered," });
            }
        }
        Stop::Unsupported { .. } => {
            if let Some(fault) = machine.cpu.last_fault() {
                let _ = write!(text, "; the last exception was {fault}");
            }
        }
        _ => {}
    }
    text
}
