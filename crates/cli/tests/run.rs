//! `turtle86 run`.

mod common;

use common::{command, file, path, turtle86};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::Stdio,
};

const HLT: &[u8] = &[0xf4];
const FOREVER: &[u8] = &[0xeb, 0xfe];
/// mov al, 31h; out f4h, al
const EXIT: &[u8] = &[0xb0, 0x31, 0xe6, 0xf4];
/// lidt [7c07h]; ud2; six zeros
const TRIPLE_FAULT: &[u8] = &[0x0f, 0x01, 0x1e, 0x07, 0x7c, 0x0f, 0x0b, 0, 0, 0, 0, 0, 0];
/// mov al, '!'; out e9h, al; hlt
const PRINT: &[u8] = &[0xb0, b'!', 0xe6, 0xe9, 0xf4];

/// A Multiboot kernel that says where it goes: it writes the first letter of its command line and exits.
fn kernel(code: &[u8]) -> Vec<u8> {
    let (magic, flags, load) = (0x1bad_b002_u32, 1_u32 << 16, 0x10_0000_u32);
    let words = [magic, flags, 0u32.wrapping_sub(magic + flags), load, load, 0, 0, load + 32];
    words.iter().flat_map(|word| word.to_le_bytes()).chain(code.iter().copied()).collect()
}

#[test]
fn the_guest_chooses_the_exit_status() {
    let answer = turtle86(&["run", &file("exit.bin", EXIT)]);
    assert_eq!((answer.status, answer.out.as_str()), (0x63, ""));
    assert!(answer.err.contains("debug exit with status 99"), "{}", answer.err);
    assert_eq!(turtle86(&["run", "-q", &file("exit-quiet.bin", EXIT)]).err, "");
}

#[test]
fn a_halted_guest_is_a_success() {
    let answer = turtle86(&["run", &file("hlt.bin", HLT)]);
    assert_eq!(answer.status, 0);
    assert!(answer.err.contains("halted") && answer.err.contains("1 instructions"), "{}", answer.err);
}

#[test]
fn a_triple_fault_is_explained() {
    let answer = turtle86(&["run", &file("triple.bin", TRIPLE_FAULT)]);
    assert_eq!(answer.status, 3);
    for text in ["triple fault", "#UD", "#DF", "IDT limit", "eip 00007c05", "ud2", "idtr", "cr0 60000010", "CPL 0"] {
        assert!(answer.err.contains(text), "no {text} in {}", answer.err);
    }
    let json = turtle86(&["run", "--json", &file("triple-json.bin", TRIPLE_FAULT)]).json();
    assert_eq!(json["stop"]["kind"], "shutdown");
    assert_eq!(json["stop"]["faults"].as_array().unwrap().len(), 5);
}

#[test]
fn limits_stop_the_run() {
    let image = file("forever.bin", FOREVER);
    for (option, kind) in [("--max-instructions", "instruction-limit"), ("--max-cycles", "cycle-limit")] {
        let answer = turtle86(&["run", &image, option, "1_000", "--json"]);
        assert_eq!(answer.status, 0);
        let json = answer.json();
        assert_eq!((json["stop"]["kind"].as_str(), json["state"]["instructions"].as_u64()), (Some(kind), Some(1000)));
    }
    // More than one slice.
    let json = turtle86(&["run", &image, "--max-cycles", "50M", "--json"]).json();
    assert_eq!(json["state"]["cycles"], 50_000_000);
}

#[test]
fn the_state_as_json() {
    let json = turtle86(&["run", &file("state.bin", EXIT), "--json", "--model", "486dx", "--clock-hz", "25M", "--ram", "1M"]).json();
    assert_eq!((&json["stop"]["kind"], &json["stop"]["status"]), (&"debug-exit".into(), &99.into()));
    let state = &json["state"];
    assert_eq!((&state["model"], &state["clock_hz"], &state["mode"]), (&"486dx".into(), &25_000_000.into(), &"real".into()));
    assert_eq!((&state["gpr"]["eax"], &state["eip"], &state["segments"]["cs"]["limit"]), (&0x31.into(), &0x7c04.into(), &0xffff.into()));
}

#[test]
fn guest_output_goes_where_it_is_told() {
    let image = file("print.bin", PRINT);
    assert_eq!(turtle86(&["run", &image]).out, "!");
    assert_eq!(turtle86(&["run", &image, "--debugcon", "none"]).out, "");
    let answer = turtle86(&["run", &image, "--json"]);
    assert!(answer.err.starts_with('!') && answer.json()["stop"]["kind"] == "halted", "{}", answer.err);
    assert!(turtle86(&["run", &image, "--json", "--debugcon", "stdio"]).out.starts_with("!{"));
    let console = path("console.txt");
    turtle86(&["run", &image, "--debugcon", console.to_str().unwrap()]);
    assert_eq!(fs::read(console).unwrap(), b"!");
}

#[test]
fn flat_images_start_where_they_are_told() {
    let image = file("flat.bin", EXIT);
    let eip = |args: &[&str]| {
        let json = turtle86(&[&["run", &image, "--json"], args].concat()).json();
        (json["state"]["segments"]["cs"]["selector"].as_u64().unwrap(), json["state"]["eip"].as_u64().unwrap())
    };
    assert_eq!(eip(&[]), (0, 0x7c04));
    assert_eq!(eip(&["--at", "0x600"]), (0, 0x604));
    assert_eq!(eip(&["--at", "21234"]), (0x2000, 0x1238));
    assert_eq!(eip(&["--at", "21234", "--entry", "2123:4"]), (0x2123, 8));
    let answer = turtle86(&["run", &image, "--at", "100000"]);
    assert!(answer.status == 1 && answer.err.contains("--entry"), "{}", answer.err);
    let answer = turtle86(&["run", &image, "--at", "f00000", "--entry", "0:0", "--ram", "1M"]);
    assert!(answer.status == 1 && answer.err.contains("--ram"), "{}", answer.err);
}

#[test]
fn a_trace_has_a_line_for_each_instruction() {
    let trace = path("trace.txt");
    let answer = turtle86(&["run", &file("traced.bin", EXIT), "--trace", trace.to_str().unwrap()]);
    assert_eq!(answer.status, 0x63);
    let text = fs::read_to_string(trace).unwrap();
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["0", "0000:00007c00", "b0", "31", "mov", "al,", "31h"]);
    assert_eq!(lines[1], ["1", "0000:00007c02", "e6", "f4", "out", "0f4h,", "al"]);
    assert_eq!(lines.len(), 2);

    let answer = turtle86(&["run", &file("traced-forever.bin", FOREVER), "--trace", "-", "--max-instructions", "300K"]);
    assert_eq!((answer.status, answer.out.lines().count()), (0, 300_000));
    let answer = turtle86(&["run", &file("traced-triple.bin", TRIPLE_FAULT), "--trace", "-"]);
    assert!(answer.status == 3 && answer.out.contains("; #UD at 0000:00007c05"), "{}", answer.out);
}

#[test]
fn a_traced_run_is_the_same_run() {
    let rom = turtle86_test_roms::find("pit").unwrap();
    let image = file("pit.bin", rom.image);
    let run = |more: &[&str]| {
        let mut json = turtle86(&[&["run", "--bios", &image, "--json", "--max-cycles", "300K"], more].concat()).json();
        json["seconds"] = 0.into();
        json
    };
    assert_eq!(run(&[]), run(&["--trace", path("pit.txt").to_str().unwrap()]));
}

#[test]
fn a_bios_starts_at_the_reset_vector() {
    let rom = turtle86_test_roms::find("framework").unwrap();
    for more in [&[][..], &["--bios-read-only"]] {
        let answer = turtle86(&[&["run", "--bios", &file(&format!("framework{}.bin", more.len()), rom.image)], more].concat());
        assert_eq!(answer.status, 33);
        assert!(answer.out.trim_end().ends_with("DONE 3/3"), "{}", answer.out);
    }
    let answer = turtle86(&["run", "--bios", &file("short-bios.bin", HLT)]);
    assert!(answer.status == 1 && answer.err.contains("1 bytes") && answer.err.contains("4 KiB"), "{}", answer.err);
}

#[test]
fn multiboot_kernels_are_found_by_their_header() {
    // mov esi, [ebx+16]; lodsb; out f4h, al
    let image = file("kernel.bin", &kernel(&[0x8b, 0x73, 0x10, 0xac, 0xe6, 0xf4]));
    assert_eq!(turtle86(&["run", &image, "--append", "\u{11} and so on"]).status, 0x23);
    let answer = turtle86(&["run", &file("no-kernel.bin", EXIT), "--append", "x"]);
    assert!(answer.status == 1 && answer.err.contains("Multiboot"), "{}", answer.err);
}

#[test]
fn damaged_images_are_refused() {
    let mut elf = b"\x7fELF\x01\x01\x01".to_vec();
    elf.resize(52, 0);
    (elf[18], elf[28], elf[42], elf[44]) = (3, 52 + 12, 32, 1);
    // Whole, but without a Multiboot header: its program headers lie behind the file's header.
    let mut whole = elf.clone();
    whole[28] = 52;
    whole.resize(52 + 32, 0);
    let bare = file("bare.elf", &whole);
    elf.extend([0x1bad_b002_u32, 0, 0u32.wrapping_sub(0x1bad_b002)].iter().flat_map(|word| word.to_le_bytes()));
    for (image, what) in [(bare, "no header"), (file("cut.elf", &elf), "cut off"), (file("empty.bin", b""), "is empty")] {
        let answer = turtle86(&["run", &image]);
        assert!(answer.status == 1 && answer.err.contains(what) && answer.err.contains(&image), "{}", answer.err);
    }
}

#[test]
fn errors_name_cause_and_remedy() {
    let image = file("fine.bin", HLT);
    let missing = path("missing").join("file").to_str().unwrap().to_string();
    let cases: [(&[&str], i32, &str); 12] = [
        (&[&missing], 1, "cannot read"),
        (&["--bios", &missing], 1, "cannot read"),
        (&["--snapshot-in", &missing], 1, "cannot read"),
        (&["--snapshot-in", &image], 1, "not a snapshot"),
        (&[&image, "--snapshot-out", &missing], 1, "cannot write"),
        (&[&image, "--trace", &missing], 1, "cannot write"),
        (&[&image, "--model", "8086"], 1, "pentium-pro"),
        (&[&image, "--ram", "lots"], 1, "640K"),
        (&[&image, "--ram", "1000"], 1, "4096"),
        (&[&image, "--clock-hz", "0"], 1, "clock"),
        (&[&image, "--at", "xyz"], 1, "hexadecimal"),
        (&[], 2, "<IMAGE>"),
    ];
    for (args, status, text) in cases {
        let answer = turtle86(&[&["run"], args].concat());
        assert!(answer.status == status && answer.err.contains(text), "{args:?}: {} {}", answer.status, answer.err);
    }
    assert_eq!(turtle86(&["run", &image, "--no-such-option"]).status, 2);
}

#[test]
fn a_snapshot_goes_on_where_it_was_taken() {
    let rom = turtle86_test_roms::find("framework-pm").unwrap();
    let (image, saved) = (file("snapped.bin", rom.image), path("machine.snap"));
    let saved = saved.to_str().unwrap();
    let last = |args: &[&str]| {
        let mut json = turtle86(&[&["run", "--bios", &image, "--json"], args].concat()).json();
        json["seconds"] = 0.into();
        json
    };
    last(&["--max-instructions", "5000", "--snapshot-out", saved]);
    assert_eq!(last(&["--snapshot-in", saved]), last(&[]));
    let answer = turtle86(&["run", "--snapshot-in", saved, "--model", "386dx"]);
    assert!(answer.status == 1 && answer.err.contains("386dx"), "{}", answer.err);
}

#[test]
fn the_serial_line_is_standard_input_and_output() {
    // mov dx,3fdh; in al,dx; test al,1; jz $-3; mov dl,f8h; in al,dx; out dx,al; cmp al,'q'; jne start; out f4h,al
    let code = [0xba, 0xfd, 0x03, 0xec, 0xa8, 0x01, 0x74, 0xfb, 0xb2, 0xf8, 0xec, 0xee, 0x3c, b'q', 0x75, 0xf0, 0xb0, 0x08, 0xe6, 0xf4];
    let image = file("echo.bin", &code);
    let mut child = command(&["run", &image, "--serial", "stdio"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"turtle q").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.stdout.as_slice(), output.status.code()), (&b"turtle q"[..], Some(0x11)));
}

#[test]
fn a_closed_pipe_ends_the_run() {
    let mut child = command(&["run", &file("piped.bin", FOREVER), "--trace", "-"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("jmp"), "{line}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[cfg(unix)]
#[test]
fn an_interrupt_shows_the_state() {
    let image = file("interrupted.bin", &[&PRINT[..4], FOREVER].concat());
    let mut child = command(&["run", &image]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0];
    // The handler is in place once the guest has said something.
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).unwrap();
    let kill = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(kill.success());
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(130) && err.contains("interrupted") && err.contains("eip 00007c04"), "{err}");
}
