//! Runs the test ROMs on other emulators.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::{self, Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use std::{env, fmt};

use anyhow::{Context, Result, bail};
use clap::ValueEnum;

use crate::json::Value;
use crate::roms::{self, Source};

/// An emulator that runs the ROMs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    Qemu,
    Bochs,
    Turtle86,
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Qemu => "QEMU",
            Self::Bochs => "Bochs",
            Self::Turtle86 => "turtle86",
        })
    }
}

/// The result of one ROM on one peer.
#[derive(Debug, Default)]
struct Outcome {
    passed: u32,
    total: Option<u32>,
    failed: Vec<String>,
    /// Why there is no complete result.
    problem: Option<String>,
}

impl Outcome {
    fn cell(&self) -> String {
        let mut text = match self.total {
            Some(total) => format!("{}/{total}", self.passed),
            None => format!("{}/?", self.passed),
        };
        if let Some(problem) = &self.problem {
            text.push_str(" (");
            text.push_str(problem);
            text.push(')');
        }
        text
    }

    fn good(&self) -> bool {
        self.problem.is_none() && self.total == Some(self.passed)
    }

    fn parse(text: &str) -> Self {
        let mut outcome = Self::default();
        for line in text.lines().map(str::trim_end) {
            if line.starts_with("PASS ") {
                outcome.passed += 1;
            } else if let Some(failure) = line.strip_prefix("FAIL ") {
                outcome.failed.push(failure.to_owned());
            } else if let Some((_, total)) = line.strip_prefix("DONE ").and_then(|numbers| numbers.split_once('/')) {
                outcome.total = total.parse().ok();
            }
        }
        if outcome.total.is_none() {
            outcome.problem = Some("no DONE line".to_owned());
        }
        outcome
    }
}

/// A peer with its outcome per ROM, in the order of the sources.
struct Column {
    peer: Peer,
    outcomes: Result<Vec<Option<Outcome>>, String>,
}

/// False when a ROM failed on a peer that is installed.
pub fn run(filter: Option<&str>, json: bool, peers: &[Peer], timeout: u64) -> Result<bool> {
    let mut sources = roms::sources()?;
    if let Some(filter) = filter {
        sources.retain(|source| source.name.contains(filter));
        if sources.is_empty() {
            bail!("no ROM has {filter:?} in its name");
        }
    }
    for source in &sources {
        let image = roms::image(&source.name);
        if !image.is_file() {
            bail!("{} is missing; run cargo xtask roms", image.display());
        }
    }
    let work = env::temp_dir().join(format!("turtle86-peers-{}", process::id()));
    fs::create_dir_all(&work).with_context(|| format!("creating {}", work.display()))?;
    let timeout = Duration::from_secs(timeout);
    let mut columns = Vec::new();
    for peer in [Peer::Qemu, Peer::Bochs, Peer::Turtle86] {
        if peers.is_empty() || peers.contains(&peer) {
            columns.push(run_peer(peer, &sources, &work, timeout));
        }
    }
    fs::remove_dir_all(&work).with_context(|| format!("removing {}", work.display()))?;
    let good = columns.iter().all(|column| column.outcomes.as_ref().map_or(true, |outcomes| outcomes.iter().flatten().all(Outcome::good)));
    if json {
        print!("{}", to_json(&sources, &columns).pretty());
    } else {
        print_table(&sources, &columns);
    }
    Ok(good)
}

fn run_peer(peer: Peer, sources: &[Source], work: &Path, timeout: Duration) -> Column {
    let outcomes = match peer {
        Peer::Qemu => run_each(peer, "qemu-system-i386", sources, |source| qemu(source, work, timeout)),
        Peer::Bochs => run_each(peer, "bochs", sources, |source| bochs(source, work, timeout)),
        Peer::Turtle86 => turtle86(sources, work),
    };
    Column { peer, outcomes }
}

fn run_each(
    peer: Peer,
    program: &str,
    sources: &[Source],
    run: impl Fn(&Source) -> Result<Outcome>,
) -> Result<Vec<Option<Outcome>>, String> {
    if !installed(program) {
        return Err("not installed".to_owned());
    }
    Ok(sources
        .iter()
        .map(|source| {
            eprintln!("{peer}: {}", source.name);
            Some(run(source).unwrap_or_else(|error| Outcome { problem: Some(format!("{error:#}")), ..Outcome::default() }))
        })
        .collect())
}

fn installed(program: &str) -> bool {
    env::var_os("PATH").is_some_and(|path| {
        env::split_paths(&path).any(|directory| directory.join(program).is_file() || directory.join(format!("{program}.exe")).is_file())
    })
}

fn qemu(source: &Source, work: &Path, timeout: Duration) -> Result<Outcome> {
    let mut command = Command::new("qemu-system-i386");
    command
        .args(["-cpu", "pentium2", "-machine", &source.machine])
        .arg("-bios")
        .arg(roms::image(&source.name))
        .args(["-debugcon", "stdio", "-display", "none", "-no-reboot"])
        .args(["-device", "isa-debug-exit,iobase=0xf4,iosize=4"]);
    let (text, status) = run_limited(command, work, timeout)?;
    Ok(outcome(&text, status))
}

/// Bochs 2.7 with the debugger starts with a prompt; the command file answers it.
fn bochs(source: &Source, work: &Path, timeout: Duration) -> Result<Outcome> {
    let configuration = work.join("bochsrc");
    let commands = work.join("commands");
    fs::write(&commands, "c\nquit\n")?;
    let mut last = Outcome::default();
    // The built-in displays depend on the build; none of these needs a screen.
    for display in ["nogui", "term", "rfb, options=\"timeout=0\""] {
        let text = format!(
            "megs: 32\n\
             cpu: model=p2_klamath, count=1, ips=50000000, reset_on_triple_fault=0\n\
             romimage: file=\"{}\"\n\
             port_e9_hack: enabled=1\n\
             display_library: {display}\n\
             sound: driver=dummy, waveoutdrv=dummy\n\
             plugin_ctrl: speaker=0, gameport=0\n\
             log: \"{}\"\n\
             panic: action=fatal\n",
            roms::image(&source.name).display(),
            work.join("bochs.log").display(),
        );
        fs::write(&configuration, text)?;
        let mut command = Command::new("bochs");
        command.arg("-q").arg("-f").arg(&configuration);
        if bochs_has_debugger(work)? {
            command.arg("-rc").arg(&commands);
        }
        let (text, status) = run_limited(command, work, timeout)?;
        last = outcome(&text, status);
        if !text.contains("not available") {
            break;
        }
    }
    Ok(last)
}

fn bochs_has_debugger(work: &Path) -> Result<bool> {
    let mut command = Command::new("bochs");
    command.arg("--help");
    let (text, _) = run_limited(command, work, Duration::from_secs(10))?;
    Ok(text.contains("-rc filename"))
}

fn outcome(text: &str, status: Option<ExitStatus>) -> Outcome {
    let mut outcome = Outcome::parse(text);
    if outcome.total.is_none() {
        outcome.problem = Some(match status {
            Some(status) => format!("no DONE line, {status}"),
            None => "timeout".to_owned(),
        });
    }
    outcome
}

/// Runs a command; gives its output and, when it ended by itself, its status.
fn run_limited(mut command: Command, work: &Path, timeout: Duration) -> Result<(String, Option<ExitStatus>)> {
    let path = work.join("output");
    let output = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    let errors = output.try_clone()?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(output)
        .stderr(errors)
        .spawn()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    let status = wait(&mut child, timeout, &path)?;
    let text = fs::read(&path)?;
    Ok((String::from_utf8_lossy(&text).into_owned(), status))
}

fn wait(child: &mut Child, timeout: Duration, output: &Path) -> io::Result<Option<ExitStatus>> {
    // A ROM that restarts for ever must not fill the disk.
    const LIMIT: u64 = 4 << 20;
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > timeout || fs::metadata(output)?.len() > LIMIT {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// Asks the emulator of this workspace, when it is there.
fn turtle86(sources: &[Source], work: &Path) -> Result<Vec<Option<Outcome>>, String> {
    eprintln!("{}: roms --json", Peer::Turtle86);
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let errors = File::create(work.join("errors")).map_err(|error| error.to_string())?;
    let output = Command::new(cargo)
        .current_dir(crate::root())
        .args(["run", "--release", "-q", "--", "roms", "--json"])
        .stdin(Stdio::null())
        .stderr(errors)
        .output()
        .map_err(|error| format!("not available: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let Some(value) = Value::parse(&text) else {
        let errors = fs::read_to_string(work.join("errors")).unwrap_or_default();
        let reason = errors.lines().find(|line| line.starts_with("error")).unwrap_or("no JSON").trim();
        return Err(format!("not available: {reason}"));
    };
    let results = value
        .as_array()
        .or_else(|| value.get("roms").and_then(Value::as_array))
        .ok_or_else(|| "not available: the JSON is not a list of ROMs".to_owned())?;
    Ok(sources
        .iter()
        .map(|source| {
            results.iter().find(|result| result.get("name").and_then(Value::as_str) == Some(source.name.as_str())).map(turtle86_outcome)
        })
        .collect())
}

fn turtle86_outcome(result: &Value) -> Outcome {
    let number = |keys: &[&str]| keys.iter().find_map(|key| result.get(key).and_then(Value::as_u32));
    let passed = number(&["passed"]).unwrap_or(0);
    let total = number(&["total", "cases"]);
    let failed: Vec<String> = ["failed", "failures"]
        .iter()
        .find_map(|key| result.get(key).and_then(Value::as_array))
        .unwrap_or_default()
        .iter()
        .filter_map(|failure| {
            let text = failure.as_str().or_else(|| failure.get("name").and_then(Value::as_str))?;
            let part = |key| failure.get(key).and_then(Value::as_str);
            Some(match (part("got"), part("want")) {
                (Some(got), Some(want)) => format!("{text}: got {got} want {want}"),
                _ => text.to_owned(),
            })
        })
        .collect();
    let problem = result
        .get("result")
        .and_then(Value::as_str)
        .filter(|text| {
            let text = text.to_lowercase();
            total != Some(passed) && failed.is_empty() && !text.starts_with("pass")
        })
        .map(str::to_owned);
    Outcome { passed, total, failed, problem }
}

fn print_table(sources: &[Source], columns: &[Column]) {
    let mut rows = vec![vec!["ROM".to_owned(), "cases".to_owned()]];
    rows[0].extend(columns.iter().map(|column| column.peer.to_string()));
    for (index, source) in sources.iter().enumerate() {
        let mut row = vec![source.name.clone(), source.cases.to_string()];
        for column in columns {
            row.push(match &column.outcomes {
                Err(_) => "-".to_owned(),
                Ok(outcomes) => outcomes[index].as_ref().map_or_else(|| "-".to_owned(), Outcome::cell),
            });
        }
        rows.push(row);
    }
    let widths: Vec<usize> = (0..rows[0].len()).map(|cell| rows.iter().map(|row| row[cell].len()).max().unwrap_or(0)).collect();
    for row in &rows {
        let line: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        println!("{}", line.join("  ").trim_end());
    }
    for column in columns {
        match &column.outcomes {
            Err(reason) => println!("\n{}: {reason}", column.peer),
            Ok(outcomes) => {
                let failures: Vec<(&Source, &String)> = sources
                    .iter()
                    .zip(outcomes)
                    .filter_map(|(source, outcome)| Some((source, outcome.as_ref()?)))
                    .flat_map(|(source, outcome)| outcome.failed.iter().map(move |failure| (source, failure)))
                    .collect();
                if !failures.is_empty() {
                    println!("\nfailed on {}:", column.peer);
                }
                for (source, failure) in failures {
                    println!("  {}: {failure}", source.name);
                }
                for (source, outcome) in sources.iter().zip(outcomes) {
                    let total = outcome.as_ref().and_then(|outcome| outcome.total);
                    if total.is_some_and(|total| total != source.cases) {
                        println!(
                            "note: {} ran {} cases on {}, its header says {}",
                            source.name,
                            total.unwrap_or(0),
                            column.peer,
                            source.cases
                        );
                    }
                }
            }
        }
    }
}

fn to_json(sources: &[Source], columns: &[Column]) -> Value {
    let text = |text: &str| Value::String(text.to_owned());
    let number = |number: u32| Value::Number(f64::from(number));
    let peers = columns.iter().map(|column| {
        let mut members = vec![("name".to_owned(), text(&column.peer.to_string()))];
        match &column.outcomes {
            Err(reason) => members.push(("unavailable".to_owned(), text(reason))),
            Ok(outcomes) => members.push((
                "roms".to_owned(),
                Value::Array(
                    sources
                        .iter()
                        .zip(outcomes)
                        .filter_map(|(source, outcome)| {
                            let outcome = outcome.as_ref()?;
                            Some(Value::Object(vec![
                                ("name".to_owned(), text(&source.name)),
                                ("passed".to_owned(), number(outcome.passed)),
                                ("total".to_owned(), outcome.total.map_or(Value::Null, number)),
                                ("failed".to_owned(), Value::Array(outcome.failed.iter().map(|name| text(name)).collect())),
                                ("problem".to_owned(), outcome.problem.as_deref().map_or(Value::Null, text)),
                            ]))
                        })
                        .collect(),
                ),
            )),
        }
        Value::Object(members)
    });
    Value::Object(vec![("peers".to_owned(), Value::Array(peers.collect()))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_needs_the_last_line() {
        let outcome = Outcome::parse("ROM x\nPASS a\nFAIL b: got 1 want 2\nDONE 1/2\n");
        assert_eq!(outcome.cell(), "1/2");
        assert_eq!(outcome.failed, ["b: got 1 want 2"]);
        assert!(!outcome.good());
        assert_eq!(Outcome::parse("PASS a\n").cell(), "1/? (no DONE line)");
        assert!(Outcome::parse("PASS a\nDONE 1/1\n").good());
    }

    #[test]
    fn reads_results_of_turtle86() {
        let value = Value::parse(
            r#"{"name": "a", "cases": 3, "passed": 2, "result": "fail",
                "failed": [{"name": "b", "got": "1", "want": "2"}]}"#,
        )
        .unwrap();
        let outcome = turtle86_outcome(&value);
        assert_eq!(outcome.cell(), "2/3");
        assert_eq!(outcome.failed, ["b: got 1 want 2"]);
    }
}
