//! Register files as the format has them: a bitmap and the registers that it names.

use std::fmt;

/// A register, by the name that the 386 gave it. The 16-bit layout has the low halves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Register {
    Eax,
    Ebx,
    Ecx,
    Edx,
    Esi,
    Edi,
    Ebp,
    Esp,
    Cs,
    Ds,
    Es,
    Fs,
    Gs,
    Ss,
    Eip,
    Eflags,
    Cr0,
    Cr3,
    Dr6,
    Dr7,
}
use Register::*;

impl Register {
    const COUNT: usize = Dr7 as usize + 1;

    /// The name in small letters.
    pub fn name(self, layout: Layout) -> String {
        let name = format!("{self:?}").to_lowercase();
        match layout {
            Layout::Words if self as usize <= Esp as usize || matches!(self, Eip | Eflags) => name[1..].to_string(),
            _ => name,
        }
    }
}

/// Which registers a file has, in which order, how wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Layout {
    /// `REGS`: the 8086's, 16 bits each.
    Words,
    /// `RG32`: the 386's, 32 bits each. Of segment registers the low 16 bits count.
    Dwords,
}
impl Layout {
    /// The registers by their bit in the bitmap.
    pub fn order(self) -> &'static [Register] {
        match self {
            Layout::Words => &[Eax, Ebx, Ecx, Edx, Cs, Ss, Ds, Es, Esp, Ebp, Esi, Edi, Eip, Eflags],
            Layout::Dwords => &[Cr0, Cr3, Eax, Ebx, Ecx, Edx, Esi, Edi, Ebp, Esp, Cs, Ds, Es, Fs, Gs, Ss, Eip, Eflags, Dr6, Dr7],
        }
    }
}

/// The registers that are present, or a mask for each.
#[derive(Clone, PartialEq, Eq)]
pub struct Registers {
    layout: Layout,
    values: [Option<u32>; Register::COUNT],
}
impl Registers {
    /// None.
    pub fn new(layout: Layout) -> Registers {
        Registers { layout, values: [None; Register::COUNT] }
    }
    /// The layout.
    pub fn layout(&self) -> Layout {
        self.layout
    }
    /// A register, if it is present.
    pub fn get(&self, register: Register) -> Option<u32> {
        self.values[register as usize]
    }
    /// Adds or changes a register. One that the layout does not have is left out; a word keeps 16 bits.
    pub fn set(&mut self, register: Register, value: u32) {
        if self.layout.order().contains(&register) {
            self.values[register as usize] = Some(if self.layout == Layout::Words { value & 0xffff } else { value });
        }
    }
    /// The registers that are present, in the layout's order.
    pub fn iter(&self) -> impl Iterator<Item = (Register, u32)> {
        self.layout.order().iter().filter_map(|register| Some((*register, self.get(*register)?)))
    }
    /// All registers of the layout are present.
    pub fn is_complete(&self) -> bool {
        self.layout.order().iter().all(|register| self.get(*register).is_some())
    }
}
impl fmt::Debug for Registers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(register, value)| (register, format_args!("{value:#x}").to_string()))).finish()
    }
}
/// Four or eight digits each, eight a line.
impl fmt::Display for Registers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, (register, value)) in self.iter().enumerate() {
            let narrow = self.layout == Layout::Words || matches!(register, Cs | Ds | Es | Fs | Gs | Ss);
            let digits = if narrow { 4 } else { 8 };
            let value = if narrow { value & 0xffff } else { value };
            write!(
                f,
                "{}{} {value:0digits$x}",
                ["  ", if n == 0 { "" } else { "\n" }][usize::from(n % 8 == 0)],
                register.name(self.layout)
            )?;
        }
        Ok(())
    }
}
