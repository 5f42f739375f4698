//! How a machine is put together.

use crate::{Error, Machine};
use std::path::{Path, PathBuf};
use turtle86_arch::{Features, Model, PhysicalAddress};
use turtle86_bus::{Device, MemoryMap, RomImage, SystemBus};
use turtle86_cpu::Cpu;
use turtle86_devices::IsaPc;

/// How instructions are priced. Semantics never depend on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Timing {
    /// One cycle an instruction, one an event: the fastest.
    #[default]
    Instructions,
}

enum Bios {
    File(PathBuf),
    Image(Vec<u8>),
}

/// Collects the parts of a machine. Nothing is read or allocated before [`MachineBuilder::build`].
pub struct MachineBuilder {
    model: Model,
    ram: u64,
    clock_hz: Option<u64>,
    bios: Option<Bios>,
    bios_read_only: bool,
    roms: Vec<RomImage>,
    devices: Vec<Box<dyn Device>>,
    pc: Option<IsaPc>,
    features: Features,
    timing: Timing,
}
/// The end of conventional memory on a PC, and of the hole behind it.
const HOLE: (u64, u64) = (0xa_0000, 0xf_ffff);
const MIB: u64 = 1 << 20;

impl MachineBuilder {
    pub(crate) fn new(model: Model) -> MachineBuilder {
        MachineBuilder {
            model,
            ram: 16 * MIB,
            clock_hz: None,
            bios: None,
            bios_read_only: false,
            roms: Vec::new(),
            devices: Vec::new(),
            pc: None,
            features: Features::empty(),
            timing: Timing::Instructions,
        }
    }
    /// RAM in bytes, from address 0 on; 16 MiB if not said. A multiple of 4096, at most 3 GiB.
    pub fn ram(mut self, bytes: u64) -> Self {
        self.ram = bytes;
        self
    }
    /// The processor's clock in Hz: what device time is measured against. The model's own if not said.
    pub fn clock_hz(mut self, hz: u64) -> Self {
        self.clock_hz = Some(hz);
        self
    }
    /// How instructions are priced.
    pub fn timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }
    /// A BIOS image from a file. It answers at the end of the address space, where reset begins, and its last 128 KiB end at 1 MiB.
    ///
    /// The part below 1 MiB is shadowed, as boards do: copied to RAM and writable. See [`MachineBuilder::bios_read_only`].
    pub fn bios(mut self, path: impl AsRef<Path>) -> Self {
        self.bios = Some(Bios::File(path.as_ref().to_path_buf()));
        self
    }
    /// A BIOS image from memory.
    pub fn bios_image(mut self, image: impl Into<Vec<u8>>) -> Self {
        self.bios = Some(Bios::Image(image.into()));
        self
    }
    /// The BIOS below 1 MiB is ROM: stores to it are ignored.
    pub fn bios_read_only(mut self) -> Self {
        self.bios_read_only = true;
        self
    }
    /// Another ROM image.
    pub fn rom(mut self, name: impl Into<String>, at: PhysicalAddress, bytes: impl Into<Vec<u8>>) -> Self {
        self.roms.push(RomImage { name: name.into(), at, bytes: bytes.into() });
        self
    }
    /// Plugs in a device.
    pub fn device(mut self, device: impl Device) -> Self {
        self.devices.push(Box::new(device));
        self
    }
    /// Everything of a plain ISA PC: its chips, and the hole in RAM between 640 KiB and 1 MiB.
    pub fn isa_pc(self) -> Self {
        self.isa_pc_with(IsaPc::default())
    }
    /// The same with choices. The memory size in it is replaced by the machine's.
    pub fn isa_pc_with(mut self, pc: IsaPc) -> Self {
        self.pc = Some(pc);
        self
    }
    /// Features beyond the model's, for experiments such as [`Features::PSE36`]. CPUID does not tell of them.
    pub fn with_features(mut self, features: Features) -> Self {
        self.features |= features;
        self
    }

    /// Builds the machine, as after power-on.
    ///
    /// # Errors
    /// A file that cannot be read, a size that makes no sense, claims that overlap.
    pub fn build(self) -> Result<Machine, Error> {
        let profile = self.model.profile();
        let clock_hz = self.clock_hz.unwrap_or(profile.clock_hz);
        if clock_hz == 0 {
            return Err(Error::Clock);
        }
        let mut map = MemoryMap { ram: self.ram, roms: self.roms, ..MemoryMap::default() };
        let mut devices = Vec::new();
        if let Some(pc) = self.pc {
            map.holes.push(HOLE);
            devices = IsaPc { ram: self.ram, ..pc }.devices();
        }
        if let Some(bios) = self.bios {
            let (name, bytes) = match bios {
                Bios::File(path) => {
                    let bytes = std::fs::read(&path).map_err(|cause| Error::Read { path: path.clone(), cause })?;
                    (path.display().to_string(), bytes)
                }
                Bios::Image(bytes) => ("the BIOS image".to_string(), bytes),
            };
            let size = bytes.len();
            if !(4096..=16 << 20).contains(&size) || !size.is_multiple_of(4096) {
                return Err(Error::BiosSize { name, bytes: size });
            }
            let low = bytes[size.saturating_sub(128 << 10)..].to_vec();
            let low = RomImage { name: format!("{name} below 1 MiB"), at: PhysicalAddress(MIB - low.len() as u64), bytes: low };
            if self.bios_read_only || self.ram < MIB {
                map.roms.push(low)
            } else {
                map.shadows.push(low)
            }
            let top = 1u64 << profile.physical_bits.min(32);
            map.roms.push(RomImage { name, at: PhysicalAddress(top - size as u64), bytes });
        }
        devices.extend(self.devices);
        let bus = SystemBus::new(&map, devices, clock_hz)?;
        let cpu = Cpu::with_features(profile, bus, self.features);
        Ok(Machine::assemble(cpu, self.timing))
    }
}
