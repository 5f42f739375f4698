//! The page as Markdown.

use super::{
    Page,
    check::{Check, Rule, matches, mnemonic},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{Display, Write},
};
use turtle86::Form;

/// What checks a form.
struct Checked<'a> {
    form: &'a Form,
    /// The ROMs that execute it.
    roms: Vec<&'a str>,
    /// The tests that state a law of it.
    properties: Vec<&'a str>,
    /// Cases on silicon that agree, are explained, differ.
    silicon: Option<[u64; 3]>,
    /// Tests of suites that passed, failed, were skipped.
    suites: Vec<(&'a str, [u64; 3])>,
}
impl Checked<'_> {
    fn kinds(&self) -> usize {
        let silicon = self.silicon.is_some_and(|counts| counts.iter().sum::<u64>() > 0);
        let suites = self.suites.iter().any(|(_, [passed, failed, _])| passed + failed > 0);
        [!self.roms.is_empty(), !self.properties.is_empty(), silicon, suites].into_iter().filter(|is| *is).count()
    }
}

/// `1,234,567`.
fn number(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (n, digit) in digits.chars().enumerate() {
        if n > 0 && (digits.len() - n).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
fn plural(n: u64, one: &str) -> String {
    format!("{} {one}{}", number(n), if n == 1 { "" } else { "s" })
}
/// A row of a table.
fn row<T: Display>(text: &mut String, cells: impl IntoIterator<Item = T>) {
    for cell in cells {
        let _ = write!(text, "| {} ", cell.to_string().replace('|', "\\|"));
    }
    text.push_str("|\n");
}
/// The heading of a table; columns whose name begins with `>` are numbers.
fn heading<const N: usize>(text: &mut String, columns: [&str; N]) {
    row(text, columns.map(|column| column.trim_start_matches('>')));
    for column in columns {
        text.push_str(if column.starts_with('>') { "|--:" } else { "|---" });
    }
    text.push_str("|\n");
}

pub fn write(page: &Page) -> String {
    let suites = page.suites.by_form();
    let checked: Vec<Checked<'_>> = in_manual_order(&page.forms).map(|form| look_up(page, form, &suites)).collect();
    let (escapes, forms): (Vec<_>, Vec<_>) = checked.into_iter().partition(|checked| is_x87(checked.form));
    let mut text = String::from(
        "# Conformance\n\nWhat checks each form of each instruction, and each rule of the manuals; and what nothing checks.\n\n\
         `cargo xtask conformance` writes this page from the instruction table, the test ROMs, which it runs, and the files in\n\
         [conformance](conformance); `.ci/run` proves that it is up to date. Change those, not the page. \"Vol.\" is a volume of Intel's\n\
         *Software Developer's Manual*; the rules are in our words.\n",
    );
    summary(&mut text, page, &forms, escapes.len());
    roms(&mut text, page);
    form_table(&mut text, &forms);
    rules(&mut text, page);
    unchecked(&mut text, page, &forms);
    not_built(&mut text, page, &escapes);
    differences(&mut text, page, &forms);
    explained(&mut text, page);
    text
}

/// By mnemonic; the forms of each in the order of their opcodes.
fn in_manual_order(forms: &[Form]) -> impl Iterator<Item = &Form> {
    let mut forms: Vec<&Form> = forms.iter().collect();
    forms.sort_by_key(|form| mnemonic(&form.form));
    forms.into_iter()
}
fn is_x87(form: &Form) -> bool {
    form.handler.starts_with("escape")
}
fn look_up<'a>(page: &'a Page, form: &'a Form, suites: &BTreeMap<String, BTreeMap<&'a str, [u64; 3]>>) -> Checked<'a> {
    let silicon = page.silicon.forms.get(&form.code).map(|counts| [counts.agree(), counts.explained(), counts.differ]);
    Checked {
        form,
        roms: page.roms.iter().filter(|run| run.executed.contains(&form.code)).map(|run| run.name).collect(),
        properties: page.properties.iter().filter(|property| property.is_about(form)).map(|property| property.name.as_str()).collect(),
        silicon,
        suites: suites.get(&form.code).into_iter().flatten().map(|(suite, counts)| (*suite, *counts)).collect(),
    }
}

fn summary(text: &mut String, page: &Page, forms: &[Checked<'_>], escapes: usize) {
    text.push_str("\n## Summary\n\n");
    heading(text, ["what", ">count", "of which"]);
    let count = |is: &dyn Fn(&Checked<'_>) -> bool| number(forms.iter().filter(|checked| is(checked)).count() as u64);
    let mut line = |what: &str, n: usize, of: String| row(text, [what.into(), number(n as u64), of]);
    line(
        "instruction forms",
        forms.len(),
        format!(
            "{} executed by ROMs, {} with properties, {} compared with silicon, {} in suites",
            count(&|checked| !checked.roms.is_empty()),
            count(&|checked| !checked.properties.is_empty()),
            count(&|checked| checked.silicon.is_some_and(|counts| counts.iter().sum::<u64>() > 0)),
            count(&|checked| !checked.suites.is_empty()),
        ),
    );
    let kinds = |n: usize| count(&|checked| checked.kinds() == n);
    let by_kinds = format!("4 kinds: {}, 3: {}, 2: {}, 1: {}, **nothing: {}**", kinds(4), kinds(3), kinds(2), kinds(1), kinds(0));
    line("… by how many kinds of check", forms.len(), by_kinds);
    line("x87 escapes", escapes, "not built: each is #NM, as without an FPU".into());
    let [not_built, unchecked] = [Rule::is_not_built, Rule::is_unchecked].map(|is| page.rules.iter().filter(|rule| is(rule)).count());
    let built = page.rules.len() - not_built - unchecked;
    let by = |is: fn(&Check) -> bool| page.rules.iter().filter(|rule| !rule.is_not_built() && rule.checks.iter().any(is)).count();
    let [roms, tests, silicon] = [
        by(|check| matches!(check, Check::Rom { .. })),
        by(|check| matches!(check, Check::Test { .. })),
        by(|check| matches!(check, Check::Silicon { .. })),
    ];
    let of = format!(
        "{built} checked ({roms} by ROMs, {tests} by tests, {silicon} on silicon), {not_built} not built, **nothing checks {unchecked}**"
    );
    line("rules", page.rules.len(), of);
    let passed: usize = page.roms.iter().map(|run| run.passed).sum();
    let cases = page.roms.iter().map(|run| run.cases).sum();
    let (runs, good) = page.roms.iter().fold((0, 0), |(runs, good), run| (runs + run.models, good + run.passed_on));
    line(
        "cases of test ROMs",
        cases,
        format!("{} pass on the default model; {} ROMs on every model: {good} of {runs} runs pass", number(passed as u64), page.roms.len()),
    );
    let silicon = &page.silicon;
    let [agree, explained, differ] = [silicon.total(|c| c.agree()), silicon.total(|c| c.explained()), silicon.total(|c| c.differ)];
    let of = if silicon.forms.is_empty() {
        "no run".into()
    } else {
        format!(
            "{} agree, {} are explained, **{} differ**; {}, the {} against {}, seed {}",
            number(agree),
            number(explained),
            number(differ),
            silicon.date,
            silicon.model,
            silicon.host,
            silicon.seed
        )
    };
    line("cases on silicon", silicon.total(|counts| counts.cases) as usize, of);
    for (cpu, suite) in &page.suites.suites {
        let [passed, failed, skipped] = suite.total();
        let of = format!("{} pass, **{} fail**, {} skipped; on the {}", number(passed), number(failed), number(skipped), suite.model);
        line(&format!("tests of the suite {cpu}"), (passed + failed + skipped) as usize, of);
    }
    if page.suites.suites.is_empty() {
        line("tests of suites", 0, "no run".into());
    }
    text.push_str(
        "\n\
         - Results of ROMs and tests are those of this tree: `.ci/run` runs them all. Other results have the date of their run.\n\
         - **Executed** by a ROM: it runs the form, as what a case is about or on the way. Every ROM executes what the framework needs.\n\
         - **Properties**: tests that state a law over many inputs, or at least look at the result of the instruction.\n\
         - **Silicon**: the instruction with random operands in random states, faults included, against the host's processor in user mode:\n  \
           registers, flags, segments, memory and exceptions.\n\
         - A rule **passes** if the cases of ROMs and the instructions on silicon that it names agree; **tests**: it has nothing but those.\n  \
           Where all instructions on silicon check it, what differs is listed [by itself](#differs-without-an-explanation).\n",
    );
}

fn roms(text: &mut String, page: &Page) {
    text.push_str("\n## Test ROMs\n\n");
    heading(text, ["ROM", "about", ">cases passed", ">models passed", ">forms"]);
    for run in &page.roms {
        let of = |good: usize, all: usize| format!("{good}/{all}{}", if good == all { "" } else { " **FAIL**" });
        let cells = [format!("`{}`", run.name), run.title.into(), of(run.passed, run.cases), of(run.passed_on, run.models)];
        row(text, cells.into_iter().chain([run.executed.len().to_string()]));
    }
}

fn form_table(text: &mut String, forms: &[Checked<'_>]) {
    text.push_str("\n## Instruction forms\n\nSilicon: cases that agree / are explained / differ. Suites: tests that pass / fail.\n\n");
    heading(text, ["form", "opcode", "since", "ROMs", "properties", ">silicon", ">suites"]);
    for checked in forms {
        let bare = checked.kinds() == 0;
        let roms = match checked.roms.len() {
            0 if bare => "**nothing**".into(),
            1..=3 => checked.roms.join(", "),
            0 => String::new(),
            n => plural(n as u64, "ROM"),
        };
        let silicon = checked.silicon.map_or_else(String::new, |counts| counts.map(number).join(" / "));
        let suites: Vec<String> =
            checked.suites.iter().map(|(cpu, [passed, failed, _])| format!("{cpu}: {} / {}", number(*passed), number(*failed))).collect();
        let cells = [checked.form.form.as_str(), &checked.form.opcode, checked.form.first_model, &roms, &laws(&checked.properties)];
        row(text, cells.into_iter().chain([silicon.as_str(), &suites.join(", ")]));
    }
}
/// Names of tests are sentences: more than one in a cell is counted.
fn laws(properties: &[&str]) -> String {
    match properties {
        [] => String::new(),
        [one] => format!("`{one}`"),
        many => plural(many.len() as u64, "test"),
    }
}

fn rules(text: &mut String, page: &Page) {
    text.push_str(
        "\n## Rules\n\nROM cases as `rom: case`, with their number where a pattern stands for several; tests link to their file.\n",
    );
    let mut chapter = "";
    for rule in &page.rules {
        if rule.chapter != chapter {
            chapter = &rule.chapter;
            let _ = write!(text, "\n### {chapter}\n\n");
            heading(text, ["rule", "what checks it", "result"]);
        }
        let mut results = BTreeSet::new();
        let checks: Vec<String> = rule.checks.iter().filter_map(|check| one_check(page, check, &mut results)).collect();
        let result = match () {
            () if results.contains(&Found::Differs) => "**differs**",
            () if rule.is_not_built() => "not built",
            () if rule.is_unchecked() => "**nothing checks it**",
            () if results.contains(&Found::Agrees) => "pass",
            () => "tests",
        };
        row(text, [rule.rule.as_str(), &checks.join("; "), result]);
    }
}
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Found {
    Agrees,
    Differs,
}
/// A check in a cell, and what it found where that is known.
fn one_check(page: &Page, check: &Check, results: &mut BTreeSet<Found>) -> Option<String> {
    match check {
        Check::Rom { rom, cases } => {
            let all = page.roms.iter().filter(|run| run.name == rom).flat_map(|run| &run.results);
            let found: Vec<bool> = all.filter(|(name, _)| matches(cases, name)).map(|(_, passed)| *passed).collect();
            results.insert(if found.contains(&false) { Found::Differs } else { Found::Agrees });
            let several = if cases.contains('*') { format!(" ({})", found.len()) } else { String::new() };
            Some(format!("{rom}: `{cases}`{several}"))
        }
        Check::Test { file, name } => Some(format!("[`{name}`](../crates/{file})")),
        Check::Silicon { mnemonics } => {
            let of = |form: &&Form| matches(mnemonics, mnemonic(&form.form));
            let counts = page.forms.iter().filter(of).filter_map(|form| page.silicon.forms.get(&form.code));
            let (cases, differ) = counts.fold((0, 0), |(cases, differ), counts| (cases + counts.cases, differ + counts.differ));
            // One difference among all instructions says nothing about one rule: it is listed by itself.
            results.insert(if differ > 0 && mnemonics != "*" { Found::Differs } else { Found::Agrees });
            let which = if mnemonics == "*" { String::new() } else { format!(" {mnemonics}") };
            Some(format!("silicon{which} ({})", number(cases)))
        }
        Check::NotBuilt => None,
    }
}

fn unchecked(text: &mut String, page: &Page, forms: &[Checked<'_>]) {
    text.push_str("\n## Nothing checks these\n\n### Forms\n\n");
    let bare: Vec<_> = forms.iter().filter(|checked| checked.kinds() == 0).collect();
    for checked in &bare {
        let _ = writeln!(text, "- {} (`{}`)", checked.form.form, checked.form.opcode);
    }
    if bare.is_empty() {
        text.push_str("None.\n");
    }
    text.push_str("\n### Rules\n\n");
    list(text, page.rules.iter().filter(|rule| rule.is_unchecked()));
}
fn not_built(text: &mut String, page: &Page, escapes: &[Checked<'_>]) {
    text.push_str("\n## Not built\n\nThe machine stops and names it, or the model does not offer it.\n\n");
    list(text, page.rules.iter().filter(|rule| rule.is_not_built()));
    let names: BTreeSet<&str> = escapes.iter().map(|checked| mnemonic(&checked.form.form)).collect();
    if !names.is_empty() {
        let names: Vec<&str> = names.into_iter().collect();
        let executed = escapes.iter().filter(|checked| !checked.roms.is_empty()).count();
        let _ = writeln!(
            text,
            "\nThe {} escapes of the x87 raise #NM; ROMs execute {executed} of them: {}.",
            number(escapes.len() as u64),
            names.join(", ")
        );
    }
}
fn list<'a>(text: &mut String, rules: impl Iterator<Item = &'a Rule>) {
    let mut none = true;
    for rule in rules {
        none = false;
        let _ = writeln!(text, "- {} ({})", rule.rule, rule.chapter);
    }
    if none {
        text.push_str("None.\n");
    }
}

fn differences(text: &mut String, page: &Page, forms: &[Checked<'_>]) {
    text.push_str("\n## Differs without an explanation\n\n");
    let start = text.len();
    for checked in forms {
        if let Some([_, _, differ]) = checked.silicon
            && differ > 0
        {
            let _ = writeln!(text, "- silicon: {} (`{}`), {}", checked.form.form, checked.form.opcode, plural(differ, "case"));
        }
        for (cpu, [_, failed, _]) in &checked.suites {
            if *failed > 0 {
                let _ = writeln!(text, "- {cpu}: {} (`{}`), {}", checked.form.form, checked.form.opcode, plural(*failed, "test"));
            }
        }
    }
    for (name, counts) in page.silicon.forms.iter().filter(|(name, counts)| name.contains(' ') && counts.differ > 0) {
        let _ = writeln!(text, "- silicon: {name}, {}", plural(counts.differ, "case"));
    }
    for run in &page.roms {
        for (case, _) in run.results.iter().filter(|(_, passed)| !**passed) {
            let _ = writeln!(text, "- ROM {}: `{case}`", run.name);
        }
    }
    if text.len() == start {
        text.push_str("Nothing.\n");
    }
}
fn explained(text: &mut String, page: &Page) {
    text.push_str("\n## Explained differences\n\nWhere the host's processor departs from the model, and why that is right.\n\n");
    let mut why = BTreeMap::<&str, (u64, BTreeSet<&str>)>::new();
    let by_code: BTreeMap<&str, &Form> = page.forms.iter().map(|form| (form.code.as_str(), form)).collect();
    for (name, counts) in &page.silicon.forms {
        let name = by_code.get(name.as_str()).map_or(name.as_str(), |form| mnemonic(&form.form));
        for (explanation, n) in &counts.explained {
            let (sum, forms) = why.entry(explanation).or_default();
            *sum += n;
            forms.insert(name);
        }
    }
    for (explanation, (n, forms)) in &why {
        let words = page.silicon.explanations.get(*explanation).map_or("", String::as_str);
        let forms: Vec<&str> = forms.iter().copied().collect();
        let of = if forms.len() > 12 { format!("{} instructions", forms.len()) } else { forms.join(", ") };
        let _ = writeln!(text, "- **{explanation}** ({}: {of}): {words}.", plural(*n, "case"));
    }
    if why.is_empty() {
        text.push_str("None.\n");
    }
}

#[cfg(test)]
mod tests {
    use super::{super::tests::page, *};

    #[test]
    fn numbers_and_tables_are_formatted() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        let mut text = String::new();
        heading(&mut text, ["a", ">b"]);
        row(&mut text, ["x|y", "1"]);
        assert_eq!(text, "| a | b |\n|---|--:|\n| x\\|y | 1 |\n");
    }
    #[test]
    fn a_form_has_a_row_with_all_that_checks_it() {
        let text = write(&page());
        assert!(text.contains("| ADD r/m8, r8 | 00 /r | 386dx | paging | `a_law` | 6 / 2 / 1 | 386EX: 5 / 0 |\n"), "{text}");
    }
    #[test]
    fn what_nothing_checks_is_listed() {
        let text = write(&page());
        assert!(text.contains("| HLT | F4 | 386dx | **nothing** |  |  |  |\n"), "{text}");
        let list = text.split("## Nothing checks these").nth(1).unwrap();
        assert!(list.starts_with("\n\n### Forms\n\n- HLT (`F4`)\n\n### Rules\n\n- unchecked (Vol. 3, \"B\")\n"), "{list}");
        assert!(text.contains("| unchecked |  | **nothing checks it** |\n"), "{text}");
    }
    #[test]
    fn rules_stand_under_their_chapters_with_results() {
        let text = write(&page());
        let rules = text.split("## Rules\n").nth(1).unwrap();
        assert!(
            rules.contains(
                "\n### Vol. 3, \"A\"\n\n| rule | what checks it | result |\n|---|---|---|\n| kept | paging: `tlb-*` (2) | pass |\n"
            )
        );
        assert!(rules.contains("| broken | paging: `other` | **differs** |\n| missing |  | not built |\n\n### Vol. 3, \"B\"\n"), "{rules}");
        assert!(
            text.contains("Not built\n\nThe machine stops and names it, or the model does not offer it.\n\n- missing (Vol. 3, \"A\")\n")
        );
    }
    #[test]
    fn differences_are_explained_or_listed() {
        let text = write(&page());
        assert!(text.contains("- silicon: ADD r/m8, r8 (`00 /r`), 1 case\n"), "{text}");
        assert!(text.contains("- ROM paging: `other`\n"), "{text}");
        assert!(text.contains("- **why** (2 cases: ADD): the words.\n"), "{text}");
    }
}
