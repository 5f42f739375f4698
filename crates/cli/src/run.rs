//! `turtle86 run`.

mod trace;

use crate::{
    outputs::{Outputs, Target},
    report::{Ending, Outcome, State, StopEntry, explain},
    units,
};
use anyhow::{Context, anyhow, bail, ensure};
use clap::Args as ClapArgs;
use std::{
    fs,
    io::{self, Read},
    path::PathBuf,
    process::ExitCode,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};
use trace::Trace;
use turtle86::{
    Error, Machine, Multiboot, RunLimit, Snapshot, Stop,
    arch::{Eflags, Model, PhysicalAddress},
    devices::{IsaPc, Uart},
};

/// Run a guest on an ISA PC.
///
/// IMAGE is a Multiboot 1 kernel if it has its header or is an ELF file; otherwise a flat image, loaded at 7c00 and entered
/// in real mode, as a boot sector is. With --bios it is a ROM image, and the processor starts at its reset vector.
///
/// The machine runs until the guest halts for good, ends itself through port F4h or 8900h, shuts down, or a limit is
/// reached. Ctrl-C stops it and shows its state; a second Ctrl-C ends the program at once.
#[derive(ClapArgs)]
#[command(after_help = concat!(
    "Examples:
  turtle86 run boot.bin                               a boot sector
  turtle86 run code.bin --at 10000 --entry 1000:0     a flat image elsewhere
  turtle86 run --bios bios.bin --serial stdio         a BIOS, COM1 on this terminal
  turtle86 run kernel.elf --append \"debug\" --ram 256M
  turtle86 run boot.bin --max-instructions 10K --trace -
  turtle86 run boot.bin --max-cycles 10M --json | jq .state.gpr.eax

TARGET is a file's path, stdio, stderr or none.

",
    statuses!()
))]
pub struct Args {
    /// The guest's image.
    #[arg(required_unless_present = "snapshot_in")]
    image: Option<PathBuf>,
    /// IMAGE is a ROM image: it answers below 4 GiB, and its last 128 KiB below 1 MiB.
    #[arg(long, conflicts_with_all = ["at", "entry", "append"])]
    bios: bool,
    /// The part of the BIOS below 1 MiB cannot be written, where it is shadowed in RAM otherwise.
    #[arg(long, requires = "bios")]
    bios_read_only: bool,
    /// IMAGE is flat and goes to this physical address, in hexadecimal [default: 7c00]
    #[arg(long, value_name = "ADDR", value_parser = units::address)]
    at: Option<u32>,
    /// CS:IP of a flat image, in hexadecimal [default: its first byte]
    #[arg(long, value_name = "SEG:OFF", value_parser = units::far)]
    entry: Option<(u16, u16)>,
    /// The command line of a Multiboot kernel.
    #[arg(long, value_name = "CMDLINE", conflicts_with_all = ["at", "entry"])]
    append: Option<String>,

    /// The processor, one of those that `turtle86 models` lists.
    #[arg(long, value_name = "MODEL", default_value_t, value_parser = units::model)]
    model: Model,
    /// Size of RAM, such as 640K, 16M or 1G.
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = units::size)]
    ram: u64,
    /// The processor's clock, such as 33M [default: the model's]
    #[arg(long, value_name = "HZ", value_parser = units::count)]
    clock_hz: Option<u64>,

    /// Stop after so many instructions, such as 1_000_000 or 10M. Delivered interrupts and exceptions count too.
    #[arg(long, value_name = "N", value_parser = units::count)]
    max_instructions: Option<u64>,
    /// Stop after so many cycles.
    #[arg(long, value_name = "N", value_parser = units::count)]
    max_cycles: Option<u64>,

    /// Where COM1 goes; with stdio, standard input is its input.
    #[arg(long, value_name = "TARGET", default_value = "none")]
    serial: Target,
    /// Where the debug console (ports E9h and 402h) goes [default: stdio, with --json stderr]
    #[arg(long, value_name = "TARGET")]
    debugcon: Option<Target>,
    /// Write a line for each executed instruction: cycle, CS:EIP, bytes, text. "-" is standard output. Slow.
    #[arg(long, value_name = "FILE")]
    trace: Option<Target>,

    /// Print how the run ended and the machine's state as JSON on standard output.
    #[arg(long)]
    json: bool,
    /// Show the registers at the end, however it ends.
    #[arg(long)]
    state: bool,
    /// Do not tell how the run ended, unless it ended badly.
    #[arg(short, long)]
    quiet: bool,

    /// Go on from a snapshot. Model, clock, RAM and BIOS must be the same as when it was taken.
    #[arg(long, value_name = "FILE")]
    snapshot_in: Option<PathBuf>,
    /// Save a snapshot when the machine stops.
    #[arg(long, value_name = "FILE")]
    snapshot_out: Option<PathBuf>,
}

/// How many cycles the machine runs between looks at the host: a fraction of a second.
const SLICE: u64 = 20_000_000;
/// The same with a trace.
const TRACED_SLICE: u64 = 100_000;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Where a flat image starts if nobody says: its first byte, with the smallest segment.
fn default_entry(at: u32) -> anyhow::Result<(u16, u16)> {
    ensure!(at < 1 << 20, "real mode does not reach {at:08x}: load below 100000, or say where to start with --entry");
    Ok(((at >> 4 & 0xf000) as u16, at as u16))
}

fn load(machine: &mut Machine, args: &Args, name: &str, file: &[u8]) -> anyhow::Result<()> {
    let flat = args.at.is_some() || args.entry.is_some();
    let elf = file.starts_with(b"\x7fELF");
    if !flat && (elf || Multiboot::find(file).is_some()) {
        let hint = "give a complete 32-bit Multiboot 1 kernel, or load the file as a flat image with --at";
        let command_line = args.append.as_deref().unwrap_or("");
        return machine.load_multiboot(name, file, command_line).map_err(|error| anyhow!("{error}; {hint}"));
    }
    ensure!(args.append.is_none(), "{name}: --append is for Multiboot kernels, and this file has no Multiboot header");
    ensure!(!file.is_empty(), "{name} is empty: give an image with code");
    let at = args.at.unwrap_or(0x7c00);
    let entry = args.entry.map_or_else(|| default_entry(at), Ok)?;
    let hint = "choose more RAM with --ram or another place with --at";
    machine.load_flat(file, PhysicalAddress(at.into()), entry).map_err(|error| anyhow!("{name}: {error}; {hint}"))
}

fn build(args: &Args, outputs: &mut Outputs) -> anyhow::Result<Machine> {
    let debugcon = args.debugcon.clone().unwrap_or(if args.json { Target::Stderr } else { Target::Stdio });
    let pc = IsaPc { serial: outputs.sink(&args.serial)?, debug_console: outputs.sink(&debugcon)?, ..IsaPc::default() };
    let mut builder = Machine::builder(args.model).ram(args.ram).isa_pc_with(pc);
    if let Some(hz) = args.clock_hz {
        builder = builder.clock_hz(hz);
    }
    if args.bios_read_only {
        builder = builder.bios_read_only();
    }
    let file = match &args.image {
        Some(path) if args.bios => {
            builder = builder.bios(path);
            None
        }
        Some(path) => Some((path.display().to_string(), units::read(path)?)),
        None => None,
    };
    let mut machine = builder.build().map_err(|error| match error {
        Error::Read { path, cause } => units::unreadable(&path, &cause),
        error => error.into(),
    })?;
    if let Some((name, file)) = file {
        load(&mut machine, args, &name, &file)?;
    }
    if let Some(path) = &args.snapshot_in {
        let snapshot = Snapshot::from_bytes(&units::read(path)?);
        snapshot.and_then(|snapshot| machine.restore(&snapshot)).with_context(|| path.display().to_string())?;
    }
    Ok(machine)
}

/// Standard input, byte by byte as it comes.
fn listen() -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 256];
        while let Ok(n @ 1..) = io::stdin().read(&mut buffer) {
            if sender.send(buffer[..n].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

struct Run<'a> {
    machine: Machine,
    outputs: &'a Outputs,
    input: Option<Receiver<Vec<u8>>>,
    trace: Option<Trace>,
}
impl Run<'_> {
    /// Runs to the end.
    fn run(&mut self, max_cycles: Option<u64>, max_instructions: Option<u64>) -> anyhow::Result<Ending> {
        let executed = |machine: &Machine| machine.cpu.instructions() + machine.cpu.events();
        let most = if self.trace.is_some() { TRACED_SLICE } else { SLICE };
        let (first_cycle, first_instruction) = (self.machine.now().0, executed(&self.machine));
        loop {
            if interrupted() {
                return Ok(Ending::Interrupted);
            }
            self.hear();
            let cycles = max_cycles.map(|n| n.saturating_sub(self.machine.now().0 - first_cycle));
            let instructions = max_instructions.map(|n| n.saturating_sub(executed(&self.machine) - first_instruction));
            let slice = RunLimit { cycles: Some(cycles.map_or(most, |left| left.min(most))), instructions };
            let stop = match &mut self.trace {
                Some(trace) => trace.run(&mut self.machine, slice, interrupted),
                None => self.machine.run(slice),
            };
            self.outputs.flush()?;
            match stop {
                _ if interrupted() => {}
                Stop::CycleLimit if cycles.is_none_or(|left| left > most) => {}
                Stop::Halted if self.wait() => {}
                stop => return Ok(Ending::Stopped(stop)),
            }
        }
    }
    /// Passes on what was typed.
    fn hear(&mut self) {
        let Some(input) = &self.input else { return };
        for bytes in input.try_iter() {
            self.machine.with_device(|uart: &mut Uart, bus| uart.push_input(&bytes, bus));
        }
    }
    /// A halted processor that takes interrupts can be woken by what is typed. False if nothing will come.
    fn wait(&mut self) -> bool {
        if !self.machine.cpu.eflags().contains(Eflags::IF) {
            return false;
        }
        let Some(input) = &self.input else { return false };
        while !interrupted() {
            match input.recv_timeout(Duration::from_millis(100)) {
                Ok(bytes) => {
                    self.machine.with_device(|uart: &mut Uart, bus| uart.push_input(&bytes, bus));
                    return true;
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return false,
            }
        }
        true
    }
}

pub fn main(args: &Args) -> anyhow::Result<ExitCode> {
    if args.image.is_none() && args.bios {
        bail!("--bios needs the path of a BIOS image");
    }
    let mut outputs = Outputs::default();
    let mut machine = build(args, &mut outputs)?;
    let trace = match &args.trace {
        Some(target) => outputs.open(target)?.map(|out| Trace::new(out, &mut machine)),
        None => None,
    };
    // Fails only where signals cannot be caught; then Ctrl-C ends the program as ever.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
    });
    let input = (args.serial == Target::Stdio).then(listen);
    let mut run = Run { machine, outputs: &outputs, input, trace };
    let start = Instant::now();
    let ending = run.run(args.max_cycles, args.max_instructions)?;
    let seconds = start.elapsed().as_secs_f64();
    let mut machine = run.machine;

    if let Some(path) = &args.snapshot_out {
        fs::write(path, machine.snapshot().to_bytes()).map_err(|source| units::unwritable(path, &source))?;
    }
    let (status, bad) = match &ending {
        Ending::Interrupted => (130, true),
        Ending::Stopped(Stop::DebugExit(status)) => (*status as u8, false),
        Ending::Stopped(Stop::Shutdown) => (3, true),
        Ending::Stopped(Stop::Unsupported { .. }) => (4, true),
        Ending::Stopped(_) => (0, false),
    };
    let state = State::of(&mut machine);
    let why = explain(&machine, &ending);
    if bad || args.state {
        crate::note(format_args!("{why}\n{}", state.to_string().trim_end()));
    } else if !args.quiet {
        crate::note(format_args!("{why} ({} instructions, {} cycles, {seconds:.2} s)", machine.cpu.instructions(), machine.now().0));
    }
    if args.json {
        let outcome = Outcome { stop: StopEntry::of(&machine, &ending), seconds, state };
        crate::print(serde_json::to_string_pretty(&outcome)?)?;
    }
    Ok(ExitCode::from(status))
}
