//! The whole set of chips.

use crate::{
    BootDevice, DebugCon, DebugExit, Dma, Equipment, FloppyType, Keyboard, Pic, Pit, PostPort, Rtc, ShutdownPort, Sink, Uart, WallClock,
};
use turtle86_bus::Device;

/// What a plain ISA PC is to have.
#[derive(Debug)]
pub struct IsaPc {
    /// The size of memory in bytes, for the CMOS.
    pub ram: u64,
    /// What the clock shows at cycle 0.
    pub rtc_start: WallClock,
    /// What to boot from, first to last.
    pub boot_order: Vec<BootDevice>,
    /// The floppy drives that the CMOS names.
    pub floppies: [FloppyType; 2],
    /// The equipment that the CMOS names, but for floppies.
    pub equipment: Equipment,
    /// Where COM1's output goes.
    pub serial: Sink,
    /// Where the debug console's output goes.
    pub debug_console: Sink,
}
impl Default for IsaPc {
    fn default() -> IsaPc {
        IsaPc {
            ram: 16 << 20,
            rtc_start: WallClock::default(),
            boot_order: vec![BootDevice::HardDisk, BootDevice::Floppy],
            floppies: [FloppyType::None; 2],
            equipment: Equipment::FPU,
            serial: Sink::default(),
            debug_console: Sink::default(),
        }
    }
}
impl IsaPc {
    /// The devices: interrupt controllers, timer, clock, keyboard, DMA, COM1, debug console, POST, debug exit and shutdown.
    pub fn devices(self) -> Vec<Box<dyn Device>> {
        let [a, b] = self.floppies;
        let rtc = Rtc::new(self.rtc_start).with_memory(self.ram).with_floppies(a, b).with_equipment(self.equipment);
        vec![
            // First: the others' lines change through it.
            Box::new(Pic::new()),
            Box::new(Pit::new()),
            Box::new(rtc.with_boot_order(&self.boot_order)),
            Box::new(Keyboard::new()),
            Box::new(Dma::new()),
            Box::new(Uart::com1().with_output(self.serial)),
            Box::new(DebugCon::new(self.debug_console)),
            Box::new(PostPort::default()),
            Box::new(DebugExit),
            Box::new(ShutdownPort::default()),
        ]
    }
}

/// The devices of `config`.
pub fn isa_pc(config: IsaPc) -> Vec<Box<dyn Device>> {
    config.devices()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Bench;

    #[test]
    fn the_whole_set_fits_together_and_its_state_comes_back() {
        let mut bench = Bench::new(isa_pc(IsaPc { ram: 2 << 20, ..IsaPc::default() }));
        bench.write(0x70, 0x30);
        assert_eq!(
            u16::from_le_bytes([bench.read(0x71), {
                bench.write(0x70, 0x31);
                bench.read(0x71)
            }]),
            1024
        );
        bench.write(0x43, 0x34);
        bench.write(0x40, 0xa9);
        bench.write(0x40, 0x04);
        bench.write(0x64, 0xaa);
        bench.write(0x80, 0x42);
        bench.run(12345);
        let (own, devices) = bench.0.save();
        let look = |bench: &mut Bench| {
            bench.run_micros(100_000);
            bench.0.save()
        };
        let first = look(&mut bench);
        let mut other = Bench::new(isa_pc(IsaPc::default()));
        other.0.load(&own, &devices).unwrap();
        assert_eq!(look(&mut other), first);
    }

    #[test]
    fn wide_accesses_over_two_chips_are_split() {
        let mut bench = Bench::new(isa_pc(IsaPc::default()));
        bench.0.write_port(0x80, turtle86_bus::AccessSize::Word, 0x1234);
        assert_eq!((bench.read(0x80), bench.read(0x81)), (0x34, 0x12));
    }
}
