//! DAA DAS AAA AAS AAM AAD (SDM Vol. 2, under their names), with the flags that the manual leaves undefined as measured on the 80386.
//! No measurement of later processors is at hand that differs, so all models share them.

use super::{complex_ops, require};
use crate::{
    core::{Core, EAX},
    decode::Op,
    flags::Flags,
};
use turtle86_arch::{Exception, Fault, Reason};

complex_ops! {
    Daa = daa;
    Das = das;
    Aaa = aaa;
    Aas = aas;
    Aam = aam;
    Aad = aad;
}

fn set(flags: &mut Flags, result: u8, cf: bool, af: bool, of: bool) {
    flags.shifted(result, cf, of);
    flags.aux |= u64::from(af) << 4;
}

/// DAA. OF is set where bit 7 goes from 0 to 1.
fn daa(core: &mut Core, _: &Op) -> Result<(), Fault> {
    let (old, cf) = (core.reg::<u8>(EAX), core.flags.cf());
    let mut al = old;
    let af = al & 0xf > 9 || core.flags.af();
    if af {
        al = al.wrapping_add(6);
    }
    let carry = old > 0x99 || cf;
    if carry {
        al = al.wrapping_add(0x60);
    }
    core.set_reg(EAX, al);
    set(&mut core.flags, al, carry, af, !old & al & 0x80 != 0);
    Ok(())
}
/// DAS. OF is set where bit 7 goes from 1 to 0; CF also where the low adjustment borrows.
fn das(core: &mut Core, _: &Op) -> Result<(), Fault> {
    let (old, cf) = (core.reg::<u8>(EAX), core.flags.cf());
    let mut al = old;
    let af = al & 0xf > 9 || core.flags.af();
    let mut carry = cf;
    if af {
        carry |= al < 6;
        al = al.wrapping_sub(6);
    }
    if old > 0x99 || cf {
        al = al.wrapping_sub(0x60);
        carry = true;
    }
    core.set_reg(EAX, al);
    set(&mut core.flags, al, carry, af, old & !al & 0x80 != 0);
    Ok(())
}
/// AAA. SF ZF PF OF are those of AL + 6 (or AL) before the high nibble goes.
fn aaa(core: &mut Core, _: &Op) -> Result<(), Fault> {
    let (ax, al) = (core.reg::<u16>(EAX), core.reg::<u8>(EAX));
    let adjust = al & 0xf > 9 || core.flags.af();
    let sum = if adjust { al.wrapping_add(6) } else { al };
    let ax = if adjust { ax.wrapping_add(0x106) } else { ax };
    core.set_reg(EAX, ax & 0xff0f);
    set(&mut core.flags, sum, adjust, adjust, !al & sum & 0x80 != 0);
    Ok(())
}
/// AAS. SF ZF PF OF are those of AL - 6 (or AL) before the high nibble goes.
fn aas(core: &mut Core, _: &Op) -> Result<(), Fault> {
    let (ax, al) = (core.reg::<u16>(EAX), core.reg::<u8>(EAX));
    let adjust = al & 0xf > 9 || core.flags.af();
    let difference = if adjust { al.wrapping_sub(6) } else { al };
    let ax = if adjust { ax.wrapping_sub(0x106) } else { ax };
    core.set_reg(EAX, ax & 0xff0f);
    set(&mut core.flags, difference, adjust, adjust, al & !difference & 0x80 != 0);
    Ok(())
}
/// AAM: AH := AL / imm8, AL := AL MOD imm8.
fn aam(core: &mut Core, op: &Op) -> Result<(), Fault> {
    let (al, base) = (core.reg::<u8>(EAX), op.imm as u8);
    require(base != 0, Exception::DivideError, Reason::DivideByZero)?;
    core.set_reg(EAX + 1, al / base);
    core.set_reg(EAX, al % base);
    set(&mut core.flags, al % base, false, false, false);
    Ok(())
}
/// AAD: AL := AL + AH * imm8, AH := 0. The flags are those of the addition.
fn aad(core: &mut Core, op: &Op) -> Result<(), Fault> {
    let (al, ah) = (core.reg::<u8>(EAX), core.reg::<u8>(EAX + 1));
    let product = ah.wrapping_mul(op.imm as u8);
    let sum = al.wrapping_add(product);
    core.set_reg(EAX, u16::from(sum));
    core.flags.add(al, product, sum, false);
    Ok(())
}
