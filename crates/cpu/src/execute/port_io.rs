//! IN and OUT, and who may use a port (SDM Vol. 1, "I/O Protection Mechanism").

use super::{Of, require};
use crate::{
    core::{Core, EAX, EDX},
    decode::Op,
    delivery::system_type,
    dispatch::Complex,
};
use turtle86_arch::{Exception, Fault, Reason, SystemType, Tss32};
use turtle86_bus::AccessSize;
use turtle86_mmu::Width;

/// IN accumulator, DX or imm8.
pub struct In<W, const IMMEDIATE: bool>(Of<W>);
impl<W: Width, const IMMEDIATE: bool> Complex for In<W, IMMEDIATE> {
    fn run(core: &mut Core, op: &Op) -> Result<(), Fault> {
        let port = if IMMEDIATE { op.imm as u16 } else { core.reg(EDX) };
        core.require_port(port, W::SIZE)?;
        let value = core.mmu.bus.read_port(port, W::SIZE);
        core.set_reg(EAX, W::of(value));
        Ok(())
    }
}
/// OUT DX or imm8, accumulator.
pub struct Out<W, const IMMEDIATE: bool>(Of<W>);
impl<W: Width, const IMMEDIATE: bool> Complex for Out<W, IMMEDIATE> {
    fn run(core: &mut Core, op: &Op) -> Result<(), Fault> {
        let port = if IMMEDIATE { op.imm as u16 } else { core.reg(EDX) };
        core.require_port(port, W::SIZE)?;
        let value = core.reg::<W>(EAX).zx();
        core.mmu.bus.write_port(port, W::SIZE, value);
        Ok(())
    }
}

impl Core {
    /// Above IOPL the I/O permission bitmap of a 32-bit TSS decides; two bytes of it must lie within the TSS's limit.
    pub(crate) fn require_port(&mut self, port: u16, size: AccessSize) -> Result<(), Fault> {
        let (cpl, iopl) = (self.mmu.cpl(), self.iopl());
        if !self.mmu.mode().protected() || cpl <= iopl {
            return Ok(());
        }
        let denied = Reason::PortDenied { port, cpl, iopl };
        let tr = self.mmu.tr;
        let wide = matches!(system_type(&tr), Some(SystemType::Tss32 { .. }));
        require(tr.usable && wide && tr.limit >= Tss32::MINIMUM_LIMIT, Exception::GP0, denied)?;
        let map = u32::from(self.mmu.load_system::<u16>(tr.base.wrapping_add(Tss32::IO_MAP_BASE))?);
        let at = map + u32::from(port >> 3);
        require(at < tr.limit, Exception::GP0, denied)?;
        let bits = self.mmu.load_system::<u16>(tr.base.wrapping_add(at))? >> (port & 7);
        let wanted = (1u16 << size.bytes()) - 1;
        require(bits & wanted == 0, Exception::GP0, denied)
    }
}
