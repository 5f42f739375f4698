//! Snapshots: everything that decides the machine's future, in memory or as bytes.
//!
//! As bytes: the magic `T86SNAP\0`, a version, then sections of a four-letter tag, a length, a CRC-32 and the payload.
//! Host-side things (hooks, output sinks, decoded code) are not part of it.

use crate::{Error, Machine};
use std::collections::BTreeMap;
use turtle86_arch::Model;
use turtle86_cpu::CpuState;

const MAGIC: &[u8; 8] = b"T86SNAP\0";
const VERSION: u32 = 1;
const PAGE: usize = 4096;

/// The state of a machine at one point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub(crate) model: Model,
    pub(crate) clock_hz: u64,
    pub(crate) ram_size: u64,
    pub(crate) cpu: CpuState,
    pub(crate) bus: Vec<u8>,
    pub(crate) devices: Vec<(String, Vec<u8>)>,
    /// The pages that are not all zero, by number.
    pub(crate) pages: BTreeMap<u32, Vec<u8>>,
}

impl Machine {
    /// The state, now.
    pub fn snapshot(&mut self) -> Snapshot {
        let (bus, devices) = self.cpu.bus_mut().save();
        let ram = self.cpu.bus().memory.ram();
        let pages = ram.chunks(PAGE).enumerate().filter(|(_, page)| page.iter().any(|byte| *byte != 0));
        Snapshot {
            model: self.cpu.model(),
            clock_hz: self.clock_hz(),
            ram_size: ram.len() as u64,
            cpu: self.cpu.state(),
            bus,
            devices,
            pages: pages.map(|(n, page)| (n as u32, page.to_vec())).collect(),
        }
    }
    /// Puts the machine back. It must be built alike: model, clock, RAM and devices.
    ///
    /// # Errors
    /// The snapshot is of another machine. Then the processor's state and memory are untouched.
    pub fn restore(&mut self, snapshot: &Snapshot) -> Result<(), Error> {
        self.require_alike(snapshot.model, snapshot.clock_hz, snapshot.ram_size)?;
        self.cpu.bus_mut().load(&snapshot.bus, &snapshot.devices)?;
        self.cpu.set_state(&snapshot.cpu).map_err(Error::SnapshotMachine)?;
        let memory = self.cpu.bus_mut().memory.ram_mut();
        for (n, page) in memory.chunks_mut(PAGE).enumerate() {
            match snapshot.pages.get(&(n as u32)) {
                Some(saved) => page.copy_from_slice(saved),
                None => page.fill(0),
            }
        }
        self.cpu.forget_code();
        Ok(())
    }
    /// The state of a machine with these belongs to this one.
    pub(crate) fn require_alike(&self, model: Model, clock_hz: u64, ram_size: u64) -> Result<(), Error> {
        let differs = |what: &str, own: String, saved: String| Err(Error::SnapshotMachine(format!("{what} {saved}, here {own}")));
        if model != self.cpu.model() {
            return differs("a processor of model", self.cpu.model().to_string(), model.to_string());
        }
        if clock_hz != self.clock_hz() {
            return differs("a clock in Hz of", self.clock_hz().to_string(), clock_hz.to_string());
        }
        let ram = self.cpu.bus().memory.ram().len() as u64;
        if ram_size != ram {
            return differs("RAM in bytes of", ram.to_string(), ram_size.to_string());
        }
        Ok(())
    }
}

impl Snapshot {
    /// The processor of the machine that it was taken of.
    pub fn model(&self) -> Model {
        self.model
    }
    /// The clock of that machine, in Hz.
    pub fn clock_hz(&self) -> u64 {
        self.clock_hz
    }
    /// The RAM of that machine, in bytes.
    pub fn ram(&self) -> u64 {
        self.ram_size
    }
    /// As bytes, in the format that the module describes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(VERSION.to_le_bytes());
        let mut section = |tag: &[u8; 4], payload: Vec<u8>| {
            out.extend(tag);
            out.extend((payload.len() as u64).to_le_bytes());
            out.extend(crc32fast::hash(&payload).to_le_bytes());
            out.extend(payload);
        };
        section(b"META", turtle86_bus::state_of(&(self.model, self.clock_hz, self.ram_size)));
        section(b"CPU ", turtle86_bus::state_of(&self.cpu));
        section(b"BUS ", self.bus.clone());
        section(b"DEVS", turtle86_bus::state_of(&self.devices));
        let mut pages = Vec::with_capacity(self.pages.len() * (PAGE + 4));
        for (n, page) in &self.pages {
            pages.extend(n.to_le_bytes());
            pages.extend(page);
        }
        section(b"RAM ", pages);
        out
    }

    /// Reads what [`Snapshot::to_bytes`] wrote. Sections of unknown tags are skipped.
    ///
    /// # Errors
    /// Bytes that are no snapshot, of another version, cut off or damaged.
    pub fn from_bytes(bytes: &[u8]) -> Result<Snapshot, Error> {
        let bad = |why: String| Error::SnapshotFormat(why);
        let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| bad("it does not begin with T86SNAP".into()))?;
        let (version, mut rest) = rest.split_first_chunk().ok_or_else(|| bad("it is cut off".into()))?;
        let version = u32::from_le_bytes(*version);
        if version != VERSION {
            return Err(bad(format!("version {version}, and this program reads version {VERSION}")));
        }
        let mut sections = BTreeMap::new();
        while !rest.is_empty() {
            let offset = bytes.len() - rest.len();
            let cut = || bad(format!("it is cut off in the section at offset {offset}"));
            let (tag, after) = rest.split_first_chunk::<4>().ok_or_else(cut)?;
            let (length, after) = after.split_first_chunk::<8>().ok_or_else(cut)?;
            let (crc, after) = after.split_first_chunk::<4>().ok_or_else(cut)?;
            let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| cut())?;
            let payload = after.get(..length).ok_or_else(cut)?;
            if crc32fast::hash(payload) != u32::from_le_bytes(*crc) {
                let tag = String::from_utf8_lossy(tag).trim().to_string();
                return Err(bad(format!("section {tag} at offset {offset} is damaged (its CRC-32 is wrong)")));
            }
            sections.insert(*tag, payload);
            rest = &after[length..];
        }
        let section = |tag: &[u8; 4]| {
            let name = String::from_utf8_lossy(tag).trim().to_string();
            sections.get(tag).copied().ok_or_else(|| bad(format!("section {name} is missing")))
        };
        let (model, clock_hz, ram_size) = turtle86_bus::state_from(section(b"META")?)?;
        let cpu = turtle86_bus::state_from(section(b"CPU ")?)?;
        let bus = section(b"BUS ")?.to_vec();
        let devices = turtle86_bus::state_from(section(b"DEVS")?)?;
        let ram = section(b"RAM ")?;
        if ram.len() % (PAGE + 4) != 0 {
            return Err(bad("its pages of memory are cut off".into()));
        }
        let pages = ram.chunks_exact(PAGE + 4).filter_map(|chunk| {
            let (number, page) = chunk.split_first_chunk::<4>()?;
            Some((u32::from_le_bytes(*number), page.to_vec()))
        });
        Ok(Snapshot { model, clock_hz, ram_size, cpu, bus, devices, pages: pages.collect() })
    }
}
