//! Bochs, without a screen.

use super::{Laboratory, PeersError, Run};
use std::{path::Path, process::Command};

/// What this build of Bochs has.
pub(super) struct Set {
    display: Option<&'static str>,
    debugger: bool,
}

/// The built-in displays depend on the build; none of these needs a screen.
const DISPLAYS: [&str; 3] = ["nogui", "term", "rfb, options=\"timeout=0\""];

pub(super) fn run(laboratory: &Laboratory, image: &Path) -> Result<Run, PeersError> {
    let known = laboratory.bochs.get();
    let debugger = match known {
        Some(set) => set.debugger,
        None => has_debugger(laboratory)?,
    };
    let displays = known.and_then(|set| set.display).map_or(DISPLAYS.to_vec(), |display| vec![display]);
    let mut last = Run { text: String::new(), end: "no display".into(), timeout: false };
    for display in displays {
        last = run_with(laboratory, image, display, debugger)?;
        if !last.text.contains("not available") {
            let _ = laboratory.bochs.set(Set { display: Some(display), debugger });
            break;
        }
    }
    Ok(last)
}

fn run_with(laboratory: &Laboratory, image: &Path, display: &str, debugger: bool) -> Result<Run, PeersError> {
    let (configuration, commands) = (laboratory.path("bochsrc"), laboratory.path("commands"));
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
        image.display(),
        laboratory.path("bochs.log").display(),
    );
    laboratory.write(&configuration, text.as_bytes())?;
    let mut command = Command::new("bochs");
    command.arg("-q").arg("-f").arg(&configuration);
    if debugger {
        // With the debugger Bochs starts with a prompt.
        laboratory.write(&commands, b"c\nquit\n")?;
        command.arg("-rc").arg(&commands);
    }
    laboratory.run_limited(command, "bochs")
}
fn has_debugger(laboratory: &Laboratory) -> Result<bool, PeersError> {
    let mut command = Command::new("bochs");
    command.arg("--help");
    Ok(laboratory.run_limited(command, "bochs")?.text.contains("-rc filename"))
}
