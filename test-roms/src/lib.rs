//! Test ROMs for IA-32 emulators.
//!
//! Each ROM is a 64 KiB BIOS image of many small named cases, mapped at F0000h and below
//! 4 GiB. A ROM needs no services and no devices: it writes its results to port E9h, one
//! line per case, and then leaves through port F4h (10h: all cases passed, 11h: some failed)
//! and, for emulators without that port, the word `Shutdown` on port 8900h, and halts.
//!
//! ```text
//! ROM arithmetic and flags
//! PASS add8-carry-out-of-bit-7
//! FAIL add8-overflow: got 00000000 want 00000800
//! FAIL div8-by-zero: got NONE want EXC_00@F000:1234
//! DONE 1/3
//! ```
//!
//! [`ROMS`] lists the images, [`Report`] reads the lines.
//!
//! ```
//! use turtle86_test_roms::{ROMS, Report};
//!
//! let rom = ROMS.iter().find(|rom| rom.name == "arith").unwrap();
//! assert_eq!(rom.image.len(), 0x1_0000);
//!
//! let report = Report::parse("PASS a\nFAIL b: got 00000000 want 00000001\nDONE 1/2\n");
//! assert!(!report.all_passed());
//! assert_eq!(report.failed[0].want, "00000001");
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod roms;

pub use roms::ROMS;

/// The harness that runs cases of a table on any emulator: the last 64 KiB of a BIOS image. `peers/blocks.asm` says what goes before.
pub const BLOCKS: &[u8] = include_bytes!("../peers/blocks.bin");

/// A test ROM.
#[derive(Debug, Clone, Copy)]
pub struct Rom {
    /// Short name, as in `src/<name>.asm`.
    pub name: &'static str,
    /// What the ROM tests.
    pub title: &'static str,
    /// The image: 64 KiB, for F0000h to FFFFFh and the end of the 4 GiB address space.
    pub image: &'static [u8],
    /// Number of cases on a Pentium Pro without FPU. Cases that need a feature are left out
    /// on processors without it.
    pub cases: u32,
    /// The oldest processor model that the ROM runs on, such as `386dx`.
    pub first_model: &'static str,
}

/// Finds a ROM by its name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Rom> {
    ROMS.iter().find(|rom| rom.name == name)
}

/// A case that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Name of the case.
    pub name: String,
    /// What the ROM saw: eight hexadecimal digits, `NONE`, or `EXC_vv@cs:ip`.
    pub got: String,
    /// What it expected, in the same forms.
    pub want: String,
}

/// The results that a ROM has written to port E9h.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Names of the cases that passed, in order.
    pub passed: Vec<String>,
    /// The cases that failed, in order.
    pub failed: Vec<Failure>,
    /// Passed and total cases of the last line; `None` when the ROM did not get there.
    pub done: Option<(u32, u32)>,
}

impl Report {
    /// Reads the lines of a ROM. Lines of other kinds are ignored.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut report = Self::default();
        for line in text.lines() {
            let line = line.trim_end();
            if let Some(name) = line.strip_prefix("PASS ") {
                report.passed.push(name.to_owned());
            } else if let Some(failure) = line.strip_prefix("FAIL ") {
                report.failed.push(Failure::parse(failure));
            } else if let Some(numbers) = line.strip_prefix("DONE ") {
                report.done = numbers.split_once('/').and_then(|(passed, total)| Some((passed.parse().ok()?, total.parse().ok()?)));
            }
        }
        report
    }

    /// Whether the ROM came to its end and all of its cases passed.
    #[must_use]
    pub fn all_passed(&self) -> bool {
        self.failed.is_empty() && self.done.is_some_and(|(passed, total)| passed == total && total > 0)
    }
}

impl Failure {
    fn parse(text: &str) -> Self {
        let (name, rest) = text.split_once(": got ").unwrap_or((text, ""));
        let (got, want) = rest.split_once(" want ").unwrap_or((rest, ""));
        Self { name: name.to_owned(), got: got.to_owned(), want: want.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_bios_images() {
        for rom in ROMS {
            assert_eq!(rom.image.len(), 0x1_0000, "{}", rom.name);
            assert_eq!(rom.image[0xFFF0], 0xEA, "{}: far jump at FFF0h", rom.name);
            assert!(rom.cases > 0, "{}", rom.name);
            assert!(!rom.title.is_empty(), "{}", rom.name);
        }
    }

    #[test]
    fn names_are_unique_and_found() {
        for rom in ROMS {
            assert_eq!(ROMS.iter().filter(|other| other.name == rom.name).count(), 1);
            assert_eq!(find(rom.name).map(|found| found.title), Some(rom.title));
        }
        assert!(find("no-such-rom").is_none());
    }

    #[test]
    fn parses_a_complete_report() {
        let report = Report::parse(
            "ROM sample\nPASS one\r\nFAIL two: got 00000001 want 00000002\n\
             FAIL three: got EXC_0D@F000:1234 want NONE\nDONE 1/3\n",
        );
        assert_eq!(report.passed, ["one"]);
        assert_eq!(report.failed.len(), 2);
        assert_eq!(report.failed[1], Failure { name: "three".into(), got: "EXC_0D@F000:1234".into(), want: "NONE".into() });
        assert_eq!(report.done, Some((1, 3)));
        assert!(!report.all_passed());
    }

    #[test]
    fn all_passed_needs_the_last_line() {
        assert!(!Report::parse("PASS one\n").all_passed());
        assert!(Report::parse("PASS one\nDONE 1/1\n").all_passed());
        assert!(!Report::parse("DONE 0/0\n").all_passed());
    }

    #[test]
    fn damaged_lines_do_not_stop_the_parser() {
        let report = Report::parse("FAIL\nFAIL cut\nDONE x/y\nnoise\nPASS last");
        assert_eq!(report.failed.len(), 1);
        assert_eq!(report.failed[0].name, "cut");
        assert_eq!(report.done, None);
        assert_eq!(report.passed, ["last"]);
    }
}
