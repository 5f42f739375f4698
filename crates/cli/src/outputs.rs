//! Where the guest's output goes: standard output, standard error, files.

use crate::units;
use anyhow::Context;
use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::PathBuf,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};
use turtle86::devices::Sink;

/// As said on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    None,
    Stdio,
    Stderr,
    File(PathBuf),
}
impl FromStr for Target {
    type Err = std::convert::Infallible;
    fn from_str(text: &str) -> Result<Target, Self::Err> {
        Ok(match text {
            "none" => Target::None,
            "stdio" | "-" => Target::Stdio,
            "stderr" => Target::Stderr,
            path => Target::File(path.into()),
        })
    }
}

struct Inner {
    writer: BufWriter<Box<dyn Write + Send>>,
    error: Option<io::Error>,
}

/// A buffered writer that several devices share.
#[derive(Clone)]
pub struct Output(Arc<Mutex<Inner>>);
impl Output {
    fn with<T>(&self, f: impl FnOnce(&mut Inner) -> T) -> T {
        f(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
    fn attempt<T>(&self, f: impl FnOnce(&mut BufWriter<Box<dyn Write + Send>>) -> io::Result<T>) -> io::Result<T> {
        self.with(|inner| {
            f(&mut inner.writer).inspect_err(|error| {
                inner.error.get_or_insert_with(|| error.kind().into());
            })
        })
    }
}
impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.attempt(|writer| writer.write(bytes))
    }
    /// Nothing: devices flush after every byte, and [`Outputs::flush`] does it now and then.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// All outputs of a run.
#[derive(Default)]
pub struct Outputs(Vec<(Target, Output)>);
impl Outputs {
    /// Opens a target, or finds it if it is open already.
    pub fn open(&mut self, target: &Target) -> anyhow::Result<Option<Output>> {
        if let Some((_, output)) = self.0.iter().find(|(open, _)| open == target) {
            return Ok(Some(output.clone()));
        }
        let writer: Box<dyn Write + Send> = match target {
            Target::None => return Ok(None),
            Target::Stdio => Box::new(io::stdout()),
            Target::Stderr => Box::new(io::stderr()),
            Target::File(path) => Box::new(File::create(path).map_err(|source| units::unwritable(path, &source))?),
        };
        let output = Output(Arc::new(Mutex::new(Inner { writer: BufWriter::new(writer), error: None })));
        self.0.push((target.clone(), output.clone()));
        Ok(Some(output))
    }
    /// The same for a device.
    pub fn sink(&mut self, target: &Target) -> anyhow::Result<Sink> {
        Ok(self.open(target)?.map_or(Sink::Nowhere, Sink::writer))
    }
    /// Writes out what is buffered.
    ///
    /// # Errors
    /// The first write that failed since the start.
    pub fn flush(&self) -> anyhow::Result<()> {
        for (target, output) in &self.0 {
            let _ = output.attempt(|writer| writer.flush().and_then(|()| writer.get_mut().flush()));
            if let Some(error) = output.with(|inner| inner.error.take()) {
                return Err(error).with_context(|| match target {
                    Target::File(path) => format!("cannot write {}", path.display()),
                    _ => "cannot write the guest's output".into(),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_target_is_opened_once() {
        let mut outputs = Outputs::default();
        let path = std::env::temp_dir().join(format!("turtle86-outputs-{}", std::process::id()));
        let target = Target::File(path.clone());
        let (mut a, mut b) = (outputs.open(&target).unwrap().unwrap(), outputs.open(&target).unwrap().unwrap());
        a.write_all(b"one ").unwrap();
        b.write_all(b"file").unwrap();
        outputs.flush().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"one file");
        std::fs::remove_file(path).unwrap();
        assert!(outputs.open(&Target::None).unwrap().is_none());
    }
}
