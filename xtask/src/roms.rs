//! Builds the test ROMs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io, process};

use anyhow::{Context, Result, bail};

const IMAGE_SIZE: usize = 0x1_0000;

/// A source file and its header.
pub struct Source {
    pub name: String,
    pub path: PathBuf,
    pub title: String,
    pub cases: u32,
    pub first_model: String,
}

/// The directory of the test ROM package.
pub fn directory() -> PathBuf {
    crate::root().join("test-roms")
}

/// The path of a committed image.
pub fn image(name: &str) -> PathBuf {
    directory().join("images").join(format!("{name}.bin"))
}

/// All sources, sorted by name.
pub fn sources() -> Result<Vec<Source>> {
    let directory = directory().join("src");
    let mut sources = Vec::new();
    let entries = fs::read_dir(&directory).with_context(|| format!("reading {}", directory.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "asm") {
            sources.push(read_source(path)?);
        }
    }
    sources.sort_by(|a, b| a.name.cmp(&b.name));
    if sources.is_empty() {
        bail!("no sources in {}", directory.display());
    }
    Ok(sources)
}

fn read_source(path: PathBuf) -> Result<Source> {
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let header = |key: &str| {
        text.lines().find_map(|line| {
            let value = line.strip_prefix(';')?.trim_start().strip_prefix(key)?;
            Some(value.strip_prefix(':')?.trim().to_owned())
        })
    };
    let title = text
        .lines()
        .find_map(|line| line.trim_start().strip_prefix("ROM_BEGIN"))
        .map(|title| title.trim().trim_matches('"').to_owned())
        .with_context(|| format!("{}: no ROM_BEGIN \"title\"", path.display()))?;
    let cases = header("cases").with_context(|| format!("{}: no header line \"; cases: N\"", path.display()))?;
    let cases = cases.parse().with_context(|| format!("{}: \"; cases: {cases}\" is no number", path.display()))?;
    let first_model = header("first-model").with_context(|| format!("{}: no header line \"; first-model: …\"", path.display()))?;
    let name = path.file_stem().and_then(|name| name.to_str()).with_context(|| format!("{}: not a ROM name", path.display()))?.to_owned();
    Ok(Source { name, title, cases, first_model, path })
}

/// Programs that are no test ROMs, without a row in the table: sources, beside which their images lie.
const PROGRAMS: [&str; 1] = ["peers/blocks"];

/// Source, image and name of everything that NASM assembles.
fn parts(sources: &[Source]) -> Vec<(PathBuf, PathBuf, &str)> {
    let roms = sources.iter().map(|source| (source.path.clone(), image(&source.name), source.name.as_str()));
    let programs = PROGRAMS.map(|name| {
        let path = directory().join(name);
        (path.with_extension("asm"), path.with_extension("bin"), name)
    });
    roms.chain(programs).collect()
}
/// Where a part's fresh image lies.
fn fresh(target: &Path, name: &str) -> PathBuf {
    target.join(format!("{}.bin", name.replace('/', "-")))
}

/// Rebuilds everything, or with `check` compares a fresh build. False: differences.
pub fn run(check: bool) -> Result<bool> {
    require_nasm()?;
    let sources = sources()?;
    let target = env::temp_dir().join(format!("turtle86-roms-{}", process::id()));
    fs::create_dir_all(&target).with_context(|| format!("creating {}", target.display()))?;
    let result = build_all(&sources, &target)
        .and_then(|()| if check { compare(&sources, &target) } else { install(&sources, &target).map(|()| true) });
    if let Err(error) = fs::remove_dir_all(&target) {
        eprintln!("warning: {}: {error}", target.display());
    }
    result
}

fn require_nasm() -> Result<()> {
    match Command::new("nasm").arg("-v").output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => bail!("nasm -v failed: {}", output.status),
        Err(error) if error.kind() == io::ErrorKind::NotFound => bail!(
            "nasm is not installed; it is needed to build the test ROMs \
             (Debian: apt install nasm, macOS: brew install nasm)"
        ),
        Err(error) => Err(error).context("starting nasm"),
    }
}

fn build_all(sources: &[Source], target: &Path) -> Result<()> {
    for (path, _, name) in parts(sources) {
        eprintln!("nasm {name}");
        let image = fresh(target, name);
        let include = directory().join("src").join("include");
        let output = Command::new("nasm")
            .args(["-Werror", "-w+all", "-f", "bin", "-o"])
            .arg(&image)
            .arg("-I")
            .arg(format!("{}/", include.display()))
            .arg(&path)
            .output()
            .context("starting nasm")?;
        if !output.status.success() {
            bail!("nasm failed for {}:\n{}", path.display(), String::from_utf8_lossy(&output.stderr).trim_end());
        }
        let size = read(&image)?.len();
        if size != IMAGE_SIZE {
            bail!("{name}: the image has {size} bytes, not {IMAGE_SIZE}");
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path).with_context(|| format!("reading {}", path.display()))
}

fn install(sources: &[Source], target: &Path) -> Result<()> {
    let mut changed = 0;
    let parts = parts(sources);
    for (_, image, name) in &parts {
        changed += u32::from(write_if_changed(image, &read(&fresh(target, name))?)?);
    }
    let table = directory().join("src").join("roms.rs");
    let table_changed = write_if_changed(&table, table_text(sources).as_bytes())?;
    for extra in images_without_source(sources)? {
        eprintln!("warning: {} has no source", extra.display());
    }
    println!("{} images, {changed} changed; table {}", parts.len(), if table_changed { "changed" } else { "unchanged" });
    Ok(())
}

fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<bool> {
    if fs::read(path).is_ok_and(|old| old == bytes) {
        return Ok(false);
    }
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("creating {}", parent.display()))?;
    }
    fs::write(path, bytes).with_context(|| format!("writing {}", path.display()))?;
    Ok(true)
}

fn images_without_source(sources: &[Source]) -> Result<Vec<PathBuf>> {
    let directory = directory().join("images");
    let mut extra = Vec::new();
    for entry in fs::read_dir(&directory).with_context(|| format!("reading {}", directory.display()))? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        if path.extension().is_some_and(|extension| extension == "bin") && !sources.iter().any(|source| Some(source.name.as_str()) == stem)
        {
            extra.push(path);
        }
    }
    extra.sort();
    Ok(extra)
}

fn compare(sources: &[Source], target: &Path) -> Result<bool> {
    let mut differences = Vec::new();
    let parts = parts(sources);
    for (_, image, name) in &parts {
        let fresh = read(&fresh(target, name))?;
        match fs::read(image) {
            Err(error) => differences.push(format!("{name}: no image ({error})")),
            Ok(old) if old.len() != fresh.len() => {
                differences.push(format!("{name}: the image has {} bytes", old.len()));
            }
            Ok(old) => {
                let count = old.iter().zip(&fresh).filter(|(a, b)| a != b).count();
                if let Some(first) = old.iter().zip(&fresh).position(|(a, b)| a != b) {
                    differences.push(format!("{name}: {count} bytes differ, the first at {first:04X}h"));
                }
            }
        }
    }
    for extra in images_without_source(sources)? {
        differences.push(format!("{}: no source", extra.display()));
    }
    let table = directory().join("src").join("roms.rs");
    if fs::read_to_string(&table).ok() != Some(table_text(sources)) {
        differences.push("src/roms.rs: the table differs from the headers".to_owned());
    }
    if differences.is_empty() {
        println!("{} images equal their sources", parts.len());
        return Ok(true);
    }
    println!("differences (cargo xtask roms rebuilds):");
    for difference in differences {
        println!("  {difference}");
    }
    Ok(false)
}

/// The Rust table of all ROMs.
fn table_text(sources: &[Source]) -> String {
    let mut text = String::from(
        "//! Table of the test ROMs, written by `cargo xtask roms` from the sources.\n\n\
         use crate::Rom;\n\n\
         /// All test ROMs, sorted by name.\n\
         #[rustfmt::skip]\n\
         pub const ROMS: &[Rom] = &[\n",
    );
    for source in sources {
        let _ = writeln!(
            text,
            "    Rom {{\n        name: {:?},\n        title: {:?},\n        \
             image: include_bytes!(\"../images/{}.bin\"),\n        \
             cases: {},\n        first_model: {:?},\n    }},",
            source.name, source.title, source.name, source.cases, source.first_model
        );
    }
    text.push_str("];\n");
    text
}
