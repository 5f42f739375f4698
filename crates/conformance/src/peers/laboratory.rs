//! Runs images: starts the emulators, waits with a limit, collects what they write.

use super::{Peer, PeersError, bochs, qemu};
use std::{
    env,
    fs::{self, File},
    path::{Path, PathBuf},
    process::{self, Child, Command, ExitStatus, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};
use turtle86::{Machine, RunLimit, arch::Model, devices::DebugCon};

/// What an image wrote, and how its run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// The debug console and whatever else the program writes.
    pub text: String,
    /// How it ended.
    pub end: String,
    /// It had to be ended.
    pub timeout: bool,
}

/// The emulators that there are, and a directory for their files.
pub struct Laboratory {
    directory: PathBuf,
    timeout: Duration,
    present: Vec<Peer>,
    missing: Vec<Peer>,
    pub(super) bochs: OnceLock<bochs::Set>,
}

const RAM: u64 = 64 << 20;
/// What a guest that restarts for ever may write.
const LONGEST_TEXT: u64 = 64 << 20;

impl Laboratory {
    /// Looks for the peers that are wanted.
    ///
    /// # Errors
    /// None of them is installed, or there is no place for files.
    pub fn new(wanted: &[Peer], timeout: Duration) -> Result<Laboratory, PeersError> {
        let wanted = Peer::OTHERS.into_iter().filter(|peer| wanted.contains(peer));
        let (others, missing): (Vec<Peer>, Vec<Peer>) = wanted.partition(|peer| peer.program().is_some_and(is_installed));
        if others.is_empty() {
            return Err(PeersError::Nobody);
        }
        let mut laboratory = Laboratory::alone(timeout)?;
        laboratory.present.extend(others);
        laboratory.missing = missing;
        Ok(laboratory)
    }
    /// Our own machine and nobody else.
    ///
    /// # Errors
    /// There is no place for files.
    pub fn alone(timeout: Duration) -> Result<Laboratory, PeersError> {
        // Several can exist in one process.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let name = format!("turtle86-peers-{}-{}", process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let directory = env::temp_dir().join(name);
        fs::create_dir_all(&directory).map_err(|source| PeersError::File { path: directory.clone(), source })?;
        Ok(Laboratory { directory, timeout, present: vec![Peer::Turtle86], missing: Vec::new(), bochs: OnceLock::new() })
    }
    /// Who runs images: our own machine first.
    pub fn present(&self) -> &[Peer] {
        &self.present
    }
    /// Who was wanted and is not installed.
    pub fn missing(&self) -> &[Peer] {
        &self.missing
    }
    /// Runs a BIOS image.
    ///
    /// # Errors
    /// A file cannot be written, a program not be started.
    pub fn run(&self, peer: Peer, image: &[u8]) -> Result<Run, PeersError> {
        let path = self.path(&format!("{peer}.bin"));
        match peer {
            Peer::Turtle86 => return self.run_here(image),
            Peer::Bochs | Peer::Qemu => self.write(&path, image)?,
        }
        if peer == Peer::Qemu { self.run_limited(qemu::command(&path), "qemu") } else { bochs::run(self, &path) }
    }
    fn run_here(&self, image: &[u8]) -> Result<Run, PeersError> {
        let mut machine = Machine::builder(Model::default()).ram(RAM).isa_pc().bios_image(image).build()?;
        let start = Instant::now();
        loop {
            let stop = machine.run(RunLimit::cycles(20_000_000));
            let timeout = start.elapsed() > self.timeout;
            if stop != turtle86::Stop::CycleLimit || timeout {
                let text = machine.device::<DebugCon>().map_or(String::new(), |console| console.text().into_owned());
                return Ok(Run { text, end: stop.to_string(), timeout });
            }
        }
    }
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
    pub(super) fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), PeersError> {
        fs::write(path, bytes).map_err(|source| PeersError::File { path: path.into(), source })
    }
    /// Runs a command; what it writes goes to a file, so that nobody waits for a full pipe.
    pub(super) fn run_limited(&self, mut command: Command, name: &str) -> Result<Run, PeersError> {
        let path = self.path(&format!("{name}.output"));
        let failed = |source| PeersError::File { path: path.clone(), source };
        let output = File::create(&path).map_err(failed)?;
        let errors = output.try_clone().map_err(failed)?;
        let program = PathBuf::from(command.get_program());
        let child = command.stdin(Stdio::null()).stdout(output).stderr(errors).current_dir(&self.directory).spawn();
        let mut child = child.map_err(|source| PeersError::File { path: program, source })?;
        let status = wait(&mut child, self.timeout, &path).map_err(failed)?;
        let text = String::from_utf8_lossy(&fs::read(&path).map_err(failed)?).into_owned();
        let end = status.map_or_else(|| format!("no end within {} s", self.timeout.as_secs()), |status| status.to_string());
        Ok(Run { text, end, timeout: status.is_none() })
    }
}
impl Drop for Laboratory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn is_installed(program: &str) -> bool {
    let there = |directory: PathBuf| directory.join(program).is_file() || directory.join(format!("{program}.exe")).is_file();
    env::var_os("PATH").is_some_and(|path| env::split_paths(&path).any(there))
}

fn wait(child: &mut Child, timeout: Duration, output: &Path) -> std::io::Result<Option<ExitStatus>> {
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() > timeout || fs::metadata(output)?.len() > LONGEST_TEXT {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(10));
    }
}
