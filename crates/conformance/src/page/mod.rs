//! The page about conformance, `docs/conformance.md`: per instruction form and per rule of the manuals, what checks it, with what
//! result; and what nothing checks. `cargo xtask conformance` writes it.
//!
//! Everything that it reads lies in the tree, so the same tree gives the same page: the instruction table, the test ROMs, which it
//! runs, and in `docs/conformance/`
//!
//! | file | holds |
//! |---|---|
//! | `rules.csv` | the rules of the manuals and what checks each |
//! | `properties.csv` | which tests state a law of which instructions |
//! | `silicon.json` | the last run of `turtle86 conformance silicon --json`, see [`Silicon::import`] |
//! | `moo.json` | the last run of `turtle86 conformance moo --json`, if there was one, see [`Suites::import`] |
//!
//! Whatever the tables name must exist: cases by the reports of the ROMs, tests by their sources.

mod check;
mod csv;
mod roms;
mod silicon;
mod suites;
mod text;

pub use silicon::{Counts, Silicon};
pub use suites::{Suite, Suites};

use check::{Checker, Property, Rule};
use std::{
    fs,
    path::{Path, PathBuf},
};
use turtle86::{Form, instruction_table};

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A file of the tree cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A table is no table.
    #[error("{file}:{line}: {problem}")]
    Table {
        /// The file.
        file: &'static str,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A result is no result.
    #[error("{file}: {source}")]
    Json {
        /// The file.
        file: String,
        /// Why.
        source: serde_json::Error,
    },
    /// The tables name what is not there.
    #[error("the tables name what is not there:\n  {}", .0.join("\n  "))]
    Missing(Vec<String>),
    /// A ROM has no machine to run on.
    #[error("the ROM {rom} does not start: {source}")]
    Rom {
        /// Its name.
        rom: &'static str,
        /// Why.
        source: turtle86::Error,
    },
}

/// Everything that the page is made of.
pub(crate) struct Page {
    forms: Vec<Form>,
    roms: Vec<roms::Run>,
    silicon: Silicon,
    suites: Suites,
    properties: Vec<Property>,
    rules: Vec<Rule>,
}

/// A file that must be there.
fn read(path: &Path) -> Result<String, PageError> {
    fs::read_to_string(path).map_err(|source| PageError::Read { path: path.into(), source })
}

/// The page of the tree at `root`. Runs every ROM on every model that it is for.
///
/// # Errors
/// A file is missing or damaged, or a table names a case, a test or an instruction that does not exist: all of them are listed.
pub fn page(root: &Path) -> Result<String, PageError> {
    let inputs = root.join("docs/conformance");
    let suites = inputs.join("moo.json");
    let suites = if suites.exists() { Some(read(&suites)?) } else { None };
    let page = Page {
        forms: instruction_table(),
        roms: roms::run_all()?,
        silicon: Silicon::parse("docs/conformance/silicon.json", &read(&inputs.join("silicon.json"))?)?,
        suites: suites.map_or(Ok(Suites::default()), |text| Suites::parse("docs/conformance/moo.json", &text))?,
        properties: check::properties(&read(&inputs.join("properties.csv"))?)?,
        rules: check::rules(&read(&inputs.join("rules.csv"))?)?,
    };
    let mut checker = Checker::new(root, &page);
    checker.properties(&page.properties)?;
    checker.rules(&page.rules)?;
    checker.silicon(&page.silicon);
    checker.finish()?;
    Ok(text::write(&page))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// A page of two instructions, one ROM and a few rules.
    pub fn page() -> Page {
        let form = |form: &str, opcode: &str, code: &str| Form {
            form: form.into(),
            opcode: opcode.into(),
            code: code.into(),
            handler: String::new(),
            reads: Vec::new(),
            writes: Vec::new(),
            flags_read: Vec::new(),
            flags_written: Vec::new(),
            flags_undefined: Vec::new(),
            exceptions: Vec::new(),
            first_model: "386dx",
        };
        let forms = vec![form("ADD r/m8, r8", "00 /r", "Add_rm8_r8"), form("HLT", "F4", "Hlt")];
        let rom = roms::Run {
            name: "paging",
            title: "paging",
            executed: ["Add_rm8_r8".to_string()].into(),
            cases: 3,
            passed: 2,
            models: 1,
            passed_on: 0,
            results: [("tlb-a", true), ("tlb-b", true), ("other", false)].map(|(name, passed)| (name.to_string(), passed)).into(),
        };
        let why = || BTreeMap::from([("why".to_string(), 2)]);
        let counts = Counts { cases: 9, differ: 1, explained: why(), skipped: 3 };
        let silicon = Silicon {
            explanations: [("why".to_string(), "the words".to_string())].into(),
            forms: [("Add_rm8_r8".to_string(), counts)].into(),
            ..Silicon::default()
        };
        let suite = Suite { model: "386ex".into(), files: [("00".to_string(), [5, 0, 1])].into() };
        let rules = "chapter,rule,checks\n\
             \"Vol. 3, \"\"A\"\"\",kept,rom:paging/tlb-*\n\"Vol. 3, \"\"A\"\"\",broken,rom:paging/other\n\
             \"Vol. 3, \"\"A\"\"\",missing,not-built\n\"Vol. 3, \"\"B\"\"\",unchecked,\n";
        Page {
            forms,
            roms: vec![rom],
            silicon,
            suites: Suites { suites: [("386EX".to_string(), suite)].into() },
            properties: check::properties("forms,test\nADD,x.rs::a_law\n").unwrap(),
            rules: check::rules(rules).unwrap(),
        }
    }
}
