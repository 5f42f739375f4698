//! Widths, operand forms, stacks, rules and conditions: run through by macros, so that a row of the table names only the semantics.

use crate::dispatch::{Fusible, Handler, fused};

/// Operand widths.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Size {
    Byte,
    Word,
    Dword,
}
/// Forms of an r/m operand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Register,
    Base,
    Indexed,
    General,
    Short,
}
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum StackKind {
    Flat,
    Wide,
    Narrow,
}

/// `$e` with `$W` as each width.
macro_rules! by_size {
    ($size:expr, $W:ident => $e:expr) => {
        match $size {
            Size::Byte => { type $W = u8; $e }
            Size::Word => { type $W = u16; $e }
            Size::Dword => { type $W = u32; $e }
        }
    };
}
/// The same for instructions without a byte form.
macro_rules! by_word {
    ($size:expr, $W:ident => $e:expr) => {
        if $size == Size::Dword { type $W = u32; $e } else { type $W = u16; $e }
    };
}
/// `$e` with `$T` as each form of an r/m operand.
macro_rules! by_place {
    ($place:expr, $T:ident => $e:expr) => {
        match $place {
            Place::Register => {
                type $T = $crate::operand::Rm;
                $e
            }
            Place::Base => {
                type $T = $crate::operand::MB;
                $e
            }
            Place::Indexed => {
                type $T = $crate::operand::MX;
                $e
            }
            Place::General => {
                type $T = $crate::operand::MG;
                $e
            }
            Place::Short => {
                type $T = $crate::operand::M16;
                $e
            }
        }
    };
}
/// The same for operands in memory.
macro_rules! by_memory {
    ($place:expr, $T:ident => $e:expr) => {
        match $place {
            Place::Base => {
                type $T = $crate::operand::MB;
                $e
            }
            Place::Indexed => {
                type $T = $crate::operand::MX;
                $e
            }
            Place::Short => {
                type $T = $crate::operand::M16;
                $e
            }
            _ => {
                type $T = $crate::operand::MG;
                $e
            }
        }
    };
}
/// The same where a flat segment gains too little for handlers of its own.
macro_rules! by_general {
    ($place:expr, $T:ident => $e:expr) => {
        match $place {
            Place::Register => {
                type $T = $crate::operand::Rm;
                $e
            }
            Place::Short => {
                type $T = $crate::operand::M16;
                $e
            }
            _ => {
                type $T = $crate::operand::MG;
                $e
            }
        }
    };
}
/// The same with a handler for base + displacement in a flat segment.
macro_rules! by_general_or_base {
    ($place:expr, $T:ident => $e:expr) => {
        match $place {
            Place::Register => {
                type $T = $crate::operand::Rm;
                $e
            }
            Place::Base => {
                type $T = $crate::operand::MB;
                $e
            }
            Place::Short => {
                type $T = $crate::operand::M16;
                $e
            }
            _ => {
                type $T = $crate::operand::MG;
                $e
            }
        }
    };
}
macro_rules! by_general_memory {
    ($place:expr, $T:ident => $e:expr) => {
        if $place == Place::Short {
            type $T = $crate::operand::M16;
            $e
        } else {
            type $T = $crate::operand::MG;
            $e
        }
    };
}
macro_rules! by_stack {
    ($stack:expr, $T:ident => $e:expr) => {
        match $stack {
            StackKind::Flat => {
                type $T = $crate::execute::stack::Flat;
                $e
            }
            StackKind::Wide => {
                type $T = $crate::execute::stack::Wide;
                $e
            }
            StackKind::Narrow => {
                type $T = $crate::execute::stack::Narrow;
                $e
            }
        }
    };
}
/// `$e` with `$X` as the rule for undefined flags.
macro_rules! by_rules {
    ($rules:expr, $X:ident => $e:expr) => {
        match $rules {
            turtle86_arch::UndefinedFlags::I386 => {
                type $X = $crate::execute::I386;
                $e
            }
            turtle86_arch::UndefinedFlags::P6 => {
                type $X = $crate::execute::P6;
                $e
            }
        }
    };
}
/// `$e` with `$C` as each condition, by its encoding.
macro_rules! by_condition {
    ($condition:expr, $C:ident => $e:expr) => {
        match $condition & 15 {
            0 => {
                type $C = $crate::execute::condition::O;
                $e
            }
            1 => {
                type $C = $crate::execute::condition::No;
                $e
            }
            2 => {
                type $C = $crate::execute::condition::B;
                $e
            }
            3 => {
                type $C = $crate::execute::condition::Nb;
                $e
            }
            4 => {
                type $C = $crate::execute::condition::Z;
                $e
            }
            5 => {
                type $C = $crate::execute::condition::Nz;
                $e
            }
            6 => {
                type $C = $crate::execute::condition::Be;
                $e
            }
            7 => {
                type $C = $crate::execute::condition::Nbe;
                $e
            }
            8 => {
                type $C = $crate::execute::condition::S;
                $e
            }
            9 => {
                type $C = $crate::execute::condition::Ns;
                $e
            }
            10 => {
                type $C = $crate::execute::condition::P;
                $e
            }
            11 => {
                type $C = $crate::execute::condition::Np;
                $e
            }
            12 => {
                type $C = $crate::execute::condition::L;
                $e
            }
            13 => {
                type $C = $crate::execute::condition::Nl;
                $e
            }
            14 => {
                type $C = $crate::execute::condition::Le;
                $e
            }
            _ => {
                type $C = $crate::execute::condition::Nle;
                $e
            }
        }
    };
}

/// The fused handlers of an instruction, by the encoding of the condition behind it.
pub fn fuse<T: Fusible>(condition: usize) -> Handler {
    by_condition!(condition, C => fused::<T, C>)
}

pub(super) use {
    by_condition, by_general, by_general_memory, by_general_or_base, by_memory, by_place, by_rules, by_size, by_stack, by_word,
};
