//! What `turtle86 conformance silicon --json` found, in a compact form.

use super::PageError;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt::Write};

/// The compact form of a run: the counts of each form, without what the page does not show.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silicon {
    /// When.
    pub date: String,
    /// The model.
    pub model: String,
    /// The processor that was asked.
    pub host: String,
    /// Where the random numbers began.
    pub seed: u64,
    /// What explains a difference, with the words of the manual.
    pub explanations: BTreeMap<String, String>,
    /// By iced-x86's name of the form, or "blocks of instructions" and "raw bytes".
    pub forms: BTreeMap<String, Counts>,
}
/// The cases of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Compared, those that differ among them.
    pub cases: u64,
    /// Differ, and nothing explains it.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub differ: u64,
    /// Differ for a reason that is known: how many by which reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub explained: BTreeMap<String, u64>,
    /// Not compared.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skipped: u64,
}
fn is_zero(n: &u64) -> bool {
    *n == 0
}
impl Counts {
    /// How many differ for a known reason.
    pub fn explained(&self) -> u64 {
        self.explained.values().sum()
    }
    /// How many agree.
    pub fn agree(&self) -> u64 {
        self.cases.saturating_sub(self.differ).saturating_sub(self.explained())
    }
}

/// What the command prints, as far as it is kept.
#[derive(Deserialize)]
struct Printed {
    date: String,
    model: String,
    host: String,
    seed: u64,
    explanations: BTreeMap<String, String>,
    forms: Vec<PrintedForm>,
}
#[derive(Deserialize)]
struct PrintedForm {
    form: String,
    code: Option<usize>,
    cases: u64,
    mismatches: u64,
    #[serde(default)]
    explained: BTreeMap<String, u64>,
    #[serde(default)]
    skipped: BTreeMap<String, u64>,
}

impl Silicon {
    /// The compact form of what `turtle86 conformance silicon --json` printed: `forms` becomes a map from iced-x86's name of the form,
    /// which lasts, where `code` is a number of one version; skipped cases are summed up; endings, times and the first differences
    /// are left out.
    ///
    /// # Errors
    /// `text` is something else.
    pub fn import(file: &str, text: &str) -> Result<Silicon, PageError> {
        let printed: Printed = serde_json::from_str(text).map_err(|source| PageError::Json { file: file.into(), source })?;
        let mut forms = BTreeMap::<String, Counts>::new();
        for form in printed.forms {
            let code = form.code.and_then(|code| iced_x86::Code::try_from(code).ok());
            let counts = forms.entry(code.map_or(form.form, |code| format!("{code:?}"))).or_default();
            counts.cases += form.cases;
            counts.differ += form.mismatches;
            counts.skipped += form.skipped.values().sum::<u64>();
            form.explained.into_iter().for_each(|(why, n)| *counts.explained.entry(why).or_default() += n);
        }
        let Printed { date, model, host, seed, explanations, .. } = printed;
        Ok(Silicon { date, model, host, seed, explanations, forms })
    }
    /// Reads the compact form.
    pub(super) fn parse(file: &str, text: &str) -> Result<Silicon, PageError> {
        serde_json::from_str(text).map_err(|source| PageError::Json { file: file.into(), source })
    }
    /// The compact form as text, a line for each form.
    ///
    /// # Errors
    /// None, for these types.
    pub fn to_json(&self) -> serde_json::Result<String> {
        let mut text = String::from("{\n");
        for (name, value) in [("date", &self.date), ("model", &self.model), ("host", &self.host)] {
            let _ = writeln!(text, "  \"{name}\": {},", serde_json::to_string(value)?);
        }
        let _ = write!(text, "  \"seed\": {},\n  \"explanations\": {{", self.seed);
        lines(&mut text, &self.explanations)?;
        text.push_str("\n  },\n  \"forms\": {");
        lines(&mut text, &self.forms)?;
        text.push_str("\n  }\n}\n");
        Ok(text)
    }
    /// The sum of something over all forms.
    pub(super) fn total(&self, of: impl Fn(&Counts) -> u64) -> u64 {
        self.forms.values().map(of).sum()
    }
}
fn lines<T: Serialize>(text: &mut String, map: &BTreeMap<String, T>) -> serde_json::Result<()> {
    for (n, (key, value)) in map.iter().enumerate() {
        let comma = if n == 0 { "" } else { "," };
        let _ = write!(text, "{comma}\n    {}: {}", serde_json::to_string(key)?, serde_json::to_string(value)?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_imported_run_is_compact_and_read_back() {
        let code = iced_x86::Code::Add_rm8_r8 as usize;
        let printed = format!(
            r#"{{"date": "2026-01-02", "model": "pentium-pro", "host": "A \"chip\"", "seed": 1, "seconds": 1.5, "cases": 12, "mismatches": 1,
            "explained": 2, "skipped": 3, "explanations": {{"why": "words"}}, "forms": [
            {{"form": "ADD r/m8, r8", "code": {code}, "cases": 9, "mismatches": 1, "explained": {{"why": 2}}, "skipped": {{"x": 3}}, "endings": {{}}}},
            {{"form": "raw bytes", "cases": 3, "mismatches": 0, "endings": {{"13": 3}}}}]}}"#
        );
        let silicon = Silicon::import("x", &printed).unwrap();
        let add = &silicon.forms["Add_rm8_r8"];
        assert_eq!((add.agree(), add.explained(), add.differ, add.skipped), (6, 2, 1, 3));
        let compact = silicon.to_json().unwrap();
        assert!(compact.contains("\n    \"raw bytes\": {\"cases\":3}\n"), "{compact}");
        assert_eq!(Silicon::parse("y", &compact).unwrap(), silicon);
        assert!(Silicon::import("x.json", "[]").unwrap_err().to_string().starts_with("x.json: "));
    }
}
