//! Table of the test ROMs, written by `cargo xtask roms` from the sources.

use crate::Rom;

/// All test ROMs, sorted by name.
pub const ROMS: &[Rom] = &[
    Rom {
        name: "framework",
        title: "framework sample, real mode",
        image: include_bytes!("../images/framework.bin"),
        cases: 3,
        first_model: "386dx",
    },
    Rom {
        name: "framework-pm",
        title: "framework sample, protected mode",
        image: include_bytes!("../images/framework-pm.bin"),
        cases: 10,
        first_model: "386dx",
    },
];
