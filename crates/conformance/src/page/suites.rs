//! What `turtle86 conformance moo --json` found, in a compact form.

use super::PageError;
use crate::moo::Opcode;
use iced_x86::{Code, Decoder};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::Path};
use turtle86::{Machine, arch::Model};

/// The compact form of a run: what became of each file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Suites {
    /// By the captured processor, as "386EX".
    pub suites: BTreeMap<String, Suite>,
}
/// The captures of a processor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suite {
    /// The model that ran them.
    pub model: String,
    /// By the name of the file without its endings, as "80.4": tests that passed, failed, and were skipped.
    pub files: BTreeMap<String, [u64; 3]>,
}

/// What the command prints, as far as it is kept.
#[derive(Deserialize)]
struct Printed {
    files: Vec<PrintedFile>,
}
#[derive(Deserialize)]
struct PrintedFile {
    file: String,
    cpu: Option<String>,
    model: Option<String>,
    passed: u64,
    failed: u64,
    #[serde(default)]
    skipped: BTreeMap<String, u64>,
    error: Option<String>,
}

impl Suites {
    /// The compact form of what `turtle86 conformance moo --json` printed: files by their bare names, with three numbers each. A file
    /// that ends in an error counts this as a failure.
    ///
    /// # Errors
    /// `text` is something else.
    pub fn import(file: &str, text: &str) -> Result<Suites, PageError> {
        let printed: Printed = serde_json::from_str(text).map_err(|source| PageError::Json { file: file.into(), source })?;
        let mut suites = Suites::default();
        for file in printed.files {
            let suite = suites.suites.entry(file.cpu.unwrap_or_else(|| "unreadable".into())).or_default();
            suite.model = file.model.unwrap_or_default();
            let sums = suite.files.entry(bare(&file.file)).or_default();
            let skipped = file.skipped.values().sum();
            for (sum, n) in sums.iter_mut().zip([file.passed, file.failed + u64::from(file.error.is_some()), skipped]) {
                *sum += n;
            }
        }
        Ok(suites)
    }
    /// Reads the compact form.
    pub(super) fn parse(file: &str, text: &str) -> Result<Suites, PageError> {
        serde_json::from_str(text).map_err(|source| PageError::Json { file: file.into(), source })
    }
    /// The compact form as text.
    ///
    /// # Errors
    /// None, for these types.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let mut text = String::from("{");
        for (n, (cpu, suite)) in self.suites.iter().enumerate() {
            text += if n == 0 { "\n" } else { ",\n" };
            text += &format!("  {}: {{\"model\": {}, \"files\": {{", serde_json::to_string(cpu)?, serde_json::to_string(&suite.model)?);
            for (n, (name, counts)) in suite.files.iter().enumerate() {
                text += if n == 0 { "\n" } else { ",\n" };
                text += &format!("    {}: {}", serde_json::to_string(name)?, serde_json::to_string(counts)?);
            }
            text += "\n  }}";
        }
        text += "\n}\n";
        Ok(text)
    }
    /// Sums of passed, failed and skipped tests, by suite and iced-x86's name of the form.
    pub(super) fn by_form(&self) -> BTreeMap<String, BTreeMap<&str, [u64; 3]>> {
        let options = Machine::builder(Model::I386Dx).ram(0x1000).build().map_or(0, |machine| machine.cpu.decoder_options());
        let mut forms = BTreeMap::<String, BTreeMap<&str, [u64; 3]>>::new();
        for (cpu, suite) in &self.suites {
            for (name, counts) in &suite.files {
                for code in codes(name, options) {
                    let sums = forms.entry(format!("{code:?}")).or_default().entry(cpu).or_default();
                    sums.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
                }
            }
        }
        forms
    }
}
impl Suite {
    /// Passed, failed and skipped tests of all files.
    pub(super) fn total(&self) -> [u64; 3] {
        self.files.values().fold([0; 3], |sums, counts| std::array::from_fn(|n| sums[n] + counts[n]))
    }
}

fn bare(path: &str) -> String {
    let name = Path::new(path).file_name().map_or_else(|| path.into(), |name| name.to_string_lossy());
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.strip_suffix(".MOO").unwrap_or(name).to_string()
}
/// The forms that a file of this name tests, in 16-bit code.
fn codes(name: &str, decoder_options: u32) -> Vec<Code> {
    let Ok(Opcode { mut bytes, digit }) = name.parse() else { return Vec::new() };
    let end = bytes.len();
    bytes.resize(end + 12, 0);
    let mut codes: Vec<Code> = [0x00, 0xc0]
        .into_iter()
        .map(|modrm| {
            bytes[end] = modrm | digit.unwrap_or(0) << 3;
            Decoder::with_ip(16, &bytes, 0, decoder_options).decode().code()
        })
        .filter(|code| *code != Code::INVALID)
        .collect();
    codes.dedup();
    codes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_counted_for_their_forms() {
        let printed = r#"{"files": [
            {"file": "dir/80.4.MOO.gz", "cpu": "386EX", "model": "386ex", "passed": 5, "failed": 1, "skipped": {"a": 2, "b": 3}, "error": null},
            {"file": "660FAF.MOO", "cpu": "386EX", "model": "386ex", "passed": 7, "failed": 0, "skipped": {}, "error": "cut short"}]}"#;
        let suites = Suites::import("x", printed).unwrap();
        assert_eq!(Suites::parse("y", &suites.to_json().unwrap()).unwrap(), suites);
        let forms = suites.by_form();
        assert_eq!(forms["And_rm8_imm8"]["386EX"], [5, 1, 5]);
        assert_eq!(forms["Imul_r32_rm32"]["386EX"], [7, 1, 0]);
        assert_eq!(forms.len(), 2);
        assert_eq!(suites.suites["386EX"].total(), [12, 2, 5]);
    }
}
