//! A device of one's own: an alarm that raises IRQ 5 a chosen number of cycles after a write to port 300h.

use turtle86::{
    Machine, RunLimit, Stop,
    arch::{Eflags, Gpr, Model, PhysicalAddress},
    bus::{AccessSize, BusCycle, Device, IrqLine, PortIo, Timer, Wiring},
};

#[derive(Default)]
struct Alarm {
    irq: Option<IrqLine>,
    rang_at: Option<u64>,
}

impl Device for Alarm {
    fn name(&self) -> &'static str {
        "alarm"
    }
    fn connect(&mut self, wiring: &mut Wiring) {
        self.irq = Some(wiring.ports(0x300..=0x300).irq(5));
    }
    fn ports(&mut self) -> Option<&mut dyn PortIo> {
        Some(self)
    }
    fn timer(&mut self) -> Option<&mut dyn Timer> {
        Some(self)
    }
}
impl PortIo for Alarm {
    fn read(&mut self, _: u16, _: AccessSize, _: &mut BusCycle<'_>) -> u32 {
        0
    }
    fn write(&mut self, _: u16, _: AccessSize, cycles: u32, bus: &mut BusCycle<'_>) {
        bus.wake_at(bus.now() + u64::from(cycles));
    }
}
impl Timer for Alarm {
    fn wake(&mut self, bus: &mut BusCycle<'_>) {
        self.rang_at = Some(bus.now().0);
        if let Some(irq) = &self.irq {
            bus.assert_irq(irq);
        }
    }
}

/// Initialises the interrupt controller with vectors 8 to 15, lets IRQ 5 through, sets the alarm to AX cycles and halts.
const GUEST: [u8; 25] = [
    0xb0, 0x11, 0xe6, 0x20, 0xb0, 0x08, 0xe6, 0x21, 0xb0, 0x04, 0xe6, 0x21, 0xb0, 0x01, 0xe6, 0x21, 0xb0, 0xdf, 0xe6, 0x21, // 8259A
    0x89, 0xd8, 0xef, // mov ax, bx; out dx, ax
    0xfb, 0xf4, // sti; hlt
];

fn main() -> Result<(), turtle86::Error> {
    let mut machine = Machine::builder(Model::I386Dx).ram(1 << 20).isa_pc().device(Alarm::default()).build()?;
    machine.load(PhysicalAddress(0x1000), &GUEST)?;
    machine.load(PhysicalAddress(13 * 4), &[0x00, 0x20, 0x00, 0x00])?; // vector 13, IRQ 5: 0000:2000
    machine.load(PhysicalAddress(0x2000), &[0xfa, 0xf4])?; // cli; hlt
    machine.start_at(0, 0x1000);
    for (register, value) in [(Gpr::Esp, 0x8000), (Gpr::Ebx, 5000), (Gpr::Edx, 0x300)] {
        machine.cpu.set_gpr(register, value);
    }

    assert_eq!(machine.run(RunLimit::cycles(100_000)), Stop::Halted);
    let rang_at = machine.device::<Alarm>().and_then(|alarm| alarm.rang_at);
    // Eleven instructions come before the OUT: the write falls on that very cycle, and the alarm 5000 later.
    println!("the alarm rang at cycle {rang_at:?}; the handler ended at {:?}", machine.now());
    assert_eq!(rang_at, Some(5011));
    assert!(!machine.cpu.eflags().contains(Eflags::IF));
    Ok(())
}
