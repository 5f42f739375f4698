//! A device that is nothing but its lines: the harness drives interrupt requests through it and asks for DMA.

use turtle86::bus::{BusCycle, Device, IrqLine, Wiring};

#[derive(Default)]
pub struct Wires(Vec<IrqLine>);
impl Wires {
    pub fn drive(&mut self, line: u8, level: bool, bus: &mut BusCycle<'_>) {
        if let Some(line) = self.0.get(usize::from(line)) {
            if level { bus.assert_irq(line) } else { bus.deassert_irq(line) }
        }
    }
}
impl Device for Wires {
    fn name(&self) -> &'static str {
        "wires"
    }
    fn connect(&mut self, wiring: &mut Wiring) {
        self.0 = (0..16).map(|n| wiring.irq(n)).collect();
    }
}
