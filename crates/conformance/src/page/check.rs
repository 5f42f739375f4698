//! The two tables that people write, and whether what they name exists.

use super::{PageError, Silicon, csv, read, roms::Run};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};
use turtle86::Form;

const RULES: &str = "docs/conformance/rules.csv";
const PROPERTIES: &str = "docs/conformance/properties.csv";

/// Something that checks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// `rom:paging/tlb-*`: cases of a test ROM. `*` stands for any letters.
    Rom {
        /// The ROM.
        rom: String,
        /// The cases.
        cases: String,
    },
    /// `test:machine/tests/modes.rs::a_step_over_a_fault_delivers_it`: a test, its file below `crates/`.
    Test {
        /// The file.
        file: String,
        /// The function.
        name: String,
    },
    /// `silicon` or `silicon:BT*`: cases of these instructions, or of all, compared with the host's processor.
    Silicon {
        /// The mnemonics.
        mnemonics: String,
    },
    /// `not-built`: the machine stops and names it, or no model offers it.
    NotBuilt,
}
impl Check {
    fn parse(text: &str) -> Option<Check> {
        let (kind, rest) = text.split_once(':').unwrap_or((text, ""));
        let owned = |(a, b): (&str, &str)| (a.to_string(), b.to_string());
        Some(match kind {
            "rom" => rest.split_once('/').map(owned).map(|(rom, cases)| Check::Rom { rom, cases })?,
            "test" => rest.split_once("::").map(owned).map(|(file, name)| Check::Test { file, name })?,
            "silicon" => Check::Silicon { mnemonics: if rest.is_empty() { "*".into() } else { rest.into() } },
            "not-built" if rest.is_empty() => Check::NotBuilt,
            _ => return None,
        })
    }
}

/// A rule of a manual or a data sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its line in the table.
    pub line: usize,
    /// Volume and section title.
    pub chapter: String,
    /// What it says, in our words.
    pub rule: String,
    /// What checks it.
    pub checks: Vec<Check>,
}
impl Rule {
    /// The machine does not have it.
    pub fn is_not_built(&self) -> bool {
        self.checks.contains(&Check::NotBuilt)
    }
    /// Nothing checks it.
    pub fn is_unchecked(&self) -> bool {
        self.checks.is_empty()
    }
}

/// A test that states a law of some instructions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    /// Its line in the table.
    pub line: usize,
    /// The instructions: mnemonics in capitals, or iced-x86's names of forms; `*` stands for any letters.
    pub forms: Vec<String>,
    /// The file of the test, below `crates/`.
    pub file: String,
    /// Its function.
    pub name: String,
}
impl Property {
    /// It is about this form.
    pub fn is_about(&self, form: &Form) -> bool {
        self.forms.iter().any(|pattern| names(pattern, form))
    }
}

pub fn rules(text: &str) -> Result<Vec<Rule>, PageError> {
    let rows = csv::rows(RULES, text, ["chapter", "rule", "checks"])?;
    let rule = |(line, [chapter, rule, checks]): (usize, [String; 3])| {
        let check = |check: &str| {
            let problem = format!("\"{check}\" is no check: write rom:NAME/CASE, test:FILE::NAME, silicon, silicon:MNEMONIC or not-built");
            Check::parse(check).ok_or(PageError::Table { file: RULES, line, problem })
        };
        let checks = checks.split_whitespace().map(check).collect::<Result<_, _>>()?;
        Ok(Rule { line, chapter, rule, checks })
    };
    rows.into_iter().map(rule).collect()
}
pub fn properties(text: &str) -> Result<Vec<Property>, PageError> {
    let rows = csv::rows(PROPERTIES, text, ["forms", "test"])?;
    let property = |(line, [forms, test]): (usize, [String; 2])| {
        let problem = || PageError::Table { file: PROPERTIES, line, problem: format!("\"{test}\" is no test: write FILE::NAME") };
        let (file, name) = test.split_once("::").ok_or_else(problem)?;
        let forms = forms.split_whitespace().map(String::from).collect();
        Ok(Property { line, forms, file: file.into(), name: name.into() })
    };
    rows.into_iter().map(property).collect()
}

/// Whether a text is what a pattern says, where `*` stands for any letters.
pub fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => {
            text.strip_prefix(start).is_some_and(|text| (0..=text.len()).any(|n| text.is_char_boundary(n) && matches(rest, &text[n..])))
        }
    }
}
/// The mnemonic of a form: `ADD` of `ADD r/m8, r8`.
pub fn mnemonic(form: &str) -> &str {
    form.split_whitespace().next().unwrap_or(form)
}

/// Whether a pattern names a form: by its mnemonic, or by iced-x86's name of it, which has small letters.
fn names(pattern: &str, form: &Form) -> bool {
    let name = if pattern.contains(char::is_lowercase) { &form.code } else { mnemonic(&form.form) };
    matches(pattern, name)
}

/// Collects what does not exist.
pub struct Checker<'a> {
    crates: PathBuf,
    forms: &'a [Form],
    compared: BTreeSet<&'a str>,
    cases: BTreeMap<&'static str, Vec<String>>,
    sources: BTreeMap<String, String>,
    missing: Vec<String>,
}
impl<'a> Checker<'a> {
    pub fn new(root: &Path, page: &'a super::Page) -> Checker<'a> {
        let compared = |code: &str| page.silicon.forms.get(code).is_some_and(|counts| counts.cases > 0);
        Checker {
            crates: root.join("crates"),
            forms: &page.forms,
            compared: page.forms.iter().filter(|form| compared(&form.code)).map(|form| mnemonic(&form.form)).collect(),
            cases: page.roms.iter().map(|run: &Run| (run.name, run.results.keys().cloned().collect())).collect(),
            sources: BTreeMap::new(),
            missing: Vec::new(),
        }
    }
    /// The tests exist, and the instructions too.
    pub fn properties(&mut self, properties: &[Property]) -> Result<(), PageError> {
        for property in properties {
            self.test(PROPERTIES, property.line, &property.file, &property.name)?;
            for pattern in &property.forms {
                if !self.forms.iter().any(|form| names(pattern, form)) {
                    self.missing.push(format!("{PROPERTIES}:{}: no instruction {pattern}", property.line));
                }
            }
        }
        Ok(())
    }
    /// Cases and tests exist, and silicon was asked.
    pub fn rules(&mut self, rules: &[Rule]) -> Result<(), PageError> {
        for Rule { line, checks, .. } in rules {
            for check in checks {
                match check {
                    Check::Test { file, name } => self.test(RULES, *line, file, name)?,
                    Check::Rom { rom, cases } => match self.cases.get(rom.as_str()) {
                        None => self.missing.push(format!("{RULES}:{line}: no ROM {rom}")),
                        Some(names) if !names.iter().any(|name| matches(cases, name)) => {
                            self.missing.push(format!("{RULES}:{line}: no case {cases} in the ROM {rom}"));
                        }
                        Some(_) => {}
                    },
                    Check::Silicon { mnemonics } if !self.compared.iter().any(|mnemonic| matches(mnemonics, mnemonic)) => {
                        self.missing.push(format!("{RULES}:{line}: no case of {mnemonics} was compared with silicon"));
                    }
                    Check::Silicon { .. } | Check::NotBuilt => {}
                }
            }
        }
        Ok(())
    }
    /// The forms that were compared are in the table.
    pub fn silicon(&mut self, silicon: &Silicon) {
        // Names with spaces are no forms: blocks of instructions, raw bytes.
        let forms = silicon.forms.keys().filter(|form| !form.contains(' '));
        let unknown = forms.filter(|form| !self.forms.iter().any(|known| known.code == **form));
        self.missing.extend(unknown.map(|form| format!("docs/conformance/silicon.json: no form {form}; import a run anew")));
    }
    fn test(&mut self, table: &str, line: usize, file: &str, name: &str) -> Result<(), PageError> {
        let path = self.crates.join(file);
        if !path.is_file() {
            self.missing.push(format!("{table}:{line}: no file crates/{file}"));
            return Ok(());
        }
        if !self.sources.contains_key(file) {
            self.sources.insert(file.into(), read(&path)?);
        }
        let there = self.sources.get(file).is_some_and(|text| has_test(text, name));
        if !there {
            self.missing.push(format!("{table}:{line}: no test {name} in crates/{file}"));
        }
        Ok(())
    }
    /// All that is missing, at once.
    pub fn finish(self) -> Result<(), PageError> {
        if self.missing.is_empty() { Ok(()) } else { Err(PageError::Missing(self.missing)) }
    }
}
/// Whether a source has a test of this name: `fn` behind `#[test]`, with nothing but other attributes and comments between.
fn has_test(source: &str, name: &str) -> bool {
    let mut test = false;
    for line in source.lines().map(str::trim_start) {
        if let Some(rest) = line.strip_prefix("fn ") {
            if test && rest.strip_prefix(name).is_some_and(|rest| rest.starts_with('(')) {
                return true;
            }
            test = false;
        } else if line == "#[test]" {
            test = true;
        } else if !(line.is_empty() || line.starts_with("#[") || line.starts_with("//")) {
            test = false;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::{super::tests::page, *};

    fn missing(rules_csv: &str) -> String {
        let page = page();
        let mut checker = Checker::new(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")), &page);
        checker.rules(&rules(&format!("chapter,rule,checks\n{rules_csv}\n")).unwrap()).unwrap();
        checker.finish().err().map_or_else(String::new, |error| error.to_string())
    }

    #[test]
    fn a_star_stands_for_any_letters() {
        assert!(matches("tlb-*", "tlb-flush") && matches("*", "") && matches("a*c*e", "abcde") && matches("J*", "JA"));
        assert!(!matches("tlb-*", "a-tlb-flush") && !matches("a*c", "ab") && !matches("", "a"));
    }
    #[test]
    fn what_exists_is_no_error() {
        assert_eq!(
            missing("Vol. 1,x,rom:paging/tlb-* test:conformance/src/page/check.rs::what_exists_is_no_error silicon:ADD not-built"),
            ""
        );
    }
    #[test]
    fn a_test_that_does_not_exist_is_an_error_with_its_name() {
        let error = missing("Vol. 1,x,test:conformance/src/page/check.rs::no_such_test test:nowhere.rs::x");
        assert!(error.contains("rules.csv:2: no test no_such_test in crates/conformance/src/page/check.rs"), "{error}");
        assert!(error.contains("rules.csv:2: no file crates/nowhere.rs"), "{error}");
    }
    #[test]
    fn a_test_is_a_function_with_the_attribute() {
        let source = "#[test]\n#[ignore]\n// why\nfn one() {}\nfn two() {}\n    #[test]\n    fn three(n in 0..9) {\n";
        let has = ["one", "two", "three", "on", "thre"].map(|name| has_test(source, name));
        assert_eq!(has, [true, false, true, false, false]);
    }
    #[test]
    fn a_case_that_does_not_exist_is_an_error_with_its_name() {
        let error = missing("Vol. 1,x,rom:paging/nothing-* rom:nowhere/x silicon:HLT");
        assert!(error.contains("no case nothing-* in the ROM paging"), "{error}");
        assert!(error.contains("no ROM nowhere"), "{error}");
        assert!(error.contains("no case of HLT was compared with silicon"), "{error}");
    }
    #[test]
    fn a_check_of_no_kind_is_an_error() {
        let error = rules("chapter,rule,checks\na,b,rom:paging\n").unwrap_err().to_string();
        assert!(error.starts_with("docs/conformance/rules.csv:2: \"rom:paging\" is no check"), "{error}");
    }
}
