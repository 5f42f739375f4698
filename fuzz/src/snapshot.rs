//! Snapshots as somebody else made them: raw bytes, forged sections under a right checksum, and good ones with bytes changed.

use crate::bench::{Pool, model, pick, quiet_pc, with};
use arbitrary::{Arbitrary, Unstructured};
use turtle86::{
    Machine, RunLimit, Snapshot,
    arch::{Model, PhysicalAddress},
};

const RAM: u64 = 64 << 10;
const CLOCK_HZ: u64 = 2_000_000;
const TAGS: [&[u8; 4]; 6] = [b"META", b"CPU ", b"BUS ", b"DEVS", b"RAM ", b"NOTE"];

/// A place in a section of a good snapshot, and what is put there.
#[derive(Arbitrary, Debug)]
struct Edit {
    section: u8,
    place: u16,
    how: u8,
    bytes: [u8; 4],
}

struct Guest {
    machine: Machine,
    /// In the middle of something, section by section.
    sections: Vec<Vec<u8>>,
}
thread_local! {
    static GUESTS: Pool<(Model, bool), Guest> = Pool::default();
}

/// Runs one input.
pub fn run(data: &[u8]) {
    let [mode, number, data @ ..] = data else { return };
    let key = (model(*number), number & 0x80 != 0);
    with(&GUESTS, key, Guest::new, |guest| {
        let bytes = match mode % 3 {
            0 => data.to_vec(),
            1 => forged(data),
            _ => guest.edited(data),
        };
        guest.take(&bytes);
    });
}

fn frame(out: &mut Vec<u8>, tag: &[u8; 4], payload: &[u8]) {
    out.extend(tag);
    out.extend((payload.len() as u64).to_le_bytes());
    out.extend(crc32fast::hash(payload).to_le_bytes());
    out.extend(payload);
}
fn header() -> Vec<u8> {
    [b"T86SNAP\0".as_slice(), &1u32.to_le_bytes()].concat()
}
/// Payloads as they come: a tag's number, a length of two bytes, the bytes.
fn forged(mut data: &[u8]) -> Vec<u8> {
    let mut out = header();
    while let [tag, low, high, rest @ ..] = data {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        frame(&mut out, pick(&TAGS, *tag), &rest[..length]);
        data = &rest[length..];
    }
    out
}

impl Guest {
    fn new(&(model, pc): &(Model, bool)) -> Guest {
        let builder = Machine::builder(model).ram(RAM).clock_hz(CLOCK_HZ);
        let builder = if pc { builder.isa_pc_with(quiet_pc()) } else { builder };
        let mut machine = builder.build().unwrap_or_else(|error| panic!("{error}"));
        // inc ax; out 0e9h, al; push ax; pop bx; jmp
        let code = [0x40, 0xe6, 0xe9, 0x50, 0x5b, 0xeb, 0xf9];
        machine.load(PhysicalAddress(0x1000), &code).unwrap_or_else(|error| panic!("{error}"));
        machine.start_at(0x100, 0);
        machine.run(RunLimit::cycles(1000));
        let bytes = machine.snapshot().to_bytes();
        let (mut rest, mut sections) = (&bytes[12..], Vec::new());
        while let Some((head, after)) = rest.split_first_chunk::<16>() {
            let length = head[4..12].iter().rev().fold(0, |n, byte| n << 8 | usize::from(*byte));
            sections.push(after[..length].to_vec());
            rest = &after[length..];
        }
        Guest { machine, sections }
    }
    /// The good snapshot with some bytes changed.
    fn edited(&self, data: &[u8]) -> Vec<u8> {
        let mut sections = self.sections.clone();
        let mut data = Unstructured::new(data);
        while !data.is_empty() {
            let Ok(edit) = Edit::arbitrary(&mut data) else { break };
            let count = sections.len();
            let section = &mut sections[usize::from(edit.section) % count];
            let at = usize::from(edit.place) % (section.len() + 1);
            match edit.how % 6 {
                0 => section.truncate(at),
                1 => {
                    section.splice(at..at, edit.bytes);
                }
                2 => {
                    section.drain(at..section.len().min(at + usize::from(edit.bytes[0])));
                }
                n => {
                    let n = section.len().min(at + [1, 2, 4][usize::from(n) - 3]);
                    section[at..n].copy_from_slice(&edit.bytes[..n - at]);
                }
            }
        }
        let mut out = header();
        for (tag, payload) in TAGS.iter().zip(&sections) {
            frame(&mut out, tag, payload);
        }
        out
    }

    /// What is read can be written; what is restored can be saved and restored again, and runs.
    fn take(&mut self, bytes: &[u8]) {
        let snapshot = match Snapshot::from_bytes(bytes) {
            Ok(snapshot) => snapshot,
            Err(error) => return assert!(!error.to_string().is_empty()),
        };
        let written = snapshot.to_bytes();
        assert_eq!(Snapshot::from_bytes(&written).ok().as_ref(), Some(&snapshot), "written and read");
        if let Err(error) = self.machine.restore(&snapshot) {
            return assert!(!error.to_string().is_empty());
        }
        self.comes_back("restored");
        self.machine.run(RunLimit { cycles: Some(50_000), instructions: Some(100) });
        self.comes_back("run");
    }
    fn comes_back(&mut self, what: &str) {
        let saved = self.machine.snapshot();
        let read = Snapshot::from_bytes(&saved.to_bytes()).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(read, saved, "{what}, saved and read");
        self.machine.restore(&read).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(self.machine.snapshot(), saved, "{what}, saved and restored");
    }
}
