//! The image of the harness with its table, and the lines that it writes.

use crate::silicon::{Case, Ending, Outcome, RIGHTS, Rights, World};
use turtle86::arch::{Eflags, SegmentRegister};
use turtle86_test_roms::BLOCKS;

/// Where in the harness the address of the table goes.
const TABLE_POINTER: usize = 8;
/// The vector that the harness gives a case without an end.
const ENDLESS: u32 = 0x100;

/// A BIOS image that runs these cases: at most 4 MiB, which some ten thousand fill.
pub fn image(world: &World, cases: &[Case]) -> Vec<u8> {
    let mut table = Vec::new();
    let mut put = |value: u32| table.extend(value.to_le_bytes());
    for rights in RIGHTS {
        put(match rights {
            Rights::Missing => 0,
            Rights::ReadOnly => 0x65,
            Rights::ReadWrite => 0x67,
        });
    }
    table.extend(world.ldt().iter().flat_map(|descriptor| descriptor.0.to_le_bytes()));
    table.extend(world.memory());
    table.extend((cases.len() as u32).to_le_bytes());
    for case in cases {
        table.extend(record(world, case));
    }
    // A power of two, as ROM chips have.
    let size = (table.len() + BLOCKS.len()).next_power_of_two().max(0x2_0000);
    let mut image = table;
    image.resize(size - BLOCKS.len(), 0);
    image.extend(BLOCKS);
    let pointer = size - BLOCKS.len() + TABLE_POINTER;
    image[pointer..pointer + 4].copy_from_slice(&(size as u32).wrapping_neg().to_le_bytes());
    image
}
fn record(world: &World, case: &Case) -> Vec<u8> {
    use SegmentRegister::{Cs, Ds, Es, Fs, Gs, Ss};
    let segment = |register: SegmentRegister| u32::from(case.segments[register as usize]);
    let mut words: Vec<u32> = case.registers.iter().rev().copied().collect();
    let eflags = (case.eflags | Eflags::FIXED | Eflags::IF).0;
    words.extend([case.eip, segment(Cs), eflags, case.registers[4], segment(Ss)]);
    words.extend([Es, Ds, Fs, Gs].map(segment));
    let mut pieces = Vec::new();
    let mut count = 0;
    case.place(world, |offset, bytes| {
        count += 1;
        pieces.extend((offset as u32).to_le_bytes());
        pieces.extend((bytes.len() as u32).to_le_bytes());
        pieces.extend(bytes);
        pieces.resize(pieces.len().next_multiple_of(4), 0);
    });
    words.push(count);
    let size = 4 + words.len() * 4 + pieces.len();
    let mut record: Vec<u8> = [size as u32].into_iter().chain(words).flat_map(u32::to_le_bytes).collect();
    record.extend(pieces);
    record
}

/// What the harness wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The cases that are complete, in order: the state, or why it could not be loaded.
    pub outcomes: Vec<Result<Outcome, String>>,
    /// It began the first case.
    pub began: bool,
    /// It came to its end.
    pub done: bool,
}

/// Reads the lines of the harness, and passes over all others.
pub fn read_answers(text: &str) -> Answers {
    let mut answers = Answers::default();
    let mut current: Option<Result<Outcome, String>> = None;
    for line in text.lines().map(str::trim_end) {
        let (kind, rest) = line.split_once(' ').unwrap_or((line, ""));
        match kind {
            "B" => {
                // A guest that starts again begins with the first case: what follows is no answer.
                if u32::from_str_radix(rest.trim(), 16) != Ok(answers.outcomes.len() as u32) {
                    break;
                }
                answers.began = true;
                current = None;
            }
            "R" => current = state(rest).map(Ok),
            "K" => current = Some(Err(format!("the state cannot be loaded: exception {rest}"))),
            "M" => {
                if let Some(Ok(outcome)) = &mut current
                    && let Some(changed) = changed(rest)
                {
                    outcome.memory.push(changed);
                }
            }
            "E" => answers.outcomes.extend(current.take()),
            "DONE" => answers.done = true,
            _ => {}
        }
    }
    answers
}
fn state(text: &str) -> Option<Outcome> {
    let words: Option<Vec<u32>> = text.split(' ').map(|word| u32::from_str_radix(word, 16).ok()).collect();
    let words: [u32; 19] = words?.try_into().ok()?;
    let [vector, error, cr2, eax, ecx, edx, ebx, esp, ebp, esi, edi, eip, eflags, segments @ ..] = words;
    let ending = match (vector, u8::try_from(vector)) {
        (ENDLESS, _) => Ending::Timeout,
        (_, Ok(vector)) => Ending::Exception { vector, error, address: if vector == 14 { cr2 } else { 0 } },
        _ => return None,
    };
    Some(Outcome {
        ending,
        registers: [eax, ecx, edx, ebx, esp, ebp, esi, edi],
        eip,
        eflags: Eflags(eflags) & !Eflags::RF,
        segments: segments.map(|selector| selector as u16),
        memory: Vec::new(),
    })
}
fn changed(text: &str) -> Option<(u16, [u8; 64])> {
    let (line, digits) = text.trim().split_once(' ')?;
    let byte = |n: usize| u8::from_str_radix(digits.get(n * 2..n * 2 + 2)?, 16).ok();
    let bytes: Option<Vec<u8>> = (0..64).map(byte).collect();
    Some((u16::from_str_radix(line, 16).ok()?, bytes?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_harness_become_states_and_noise_is_passed_over() {
        let bytes = "0a".repeat(64);
        let text = format!(
            "Bochs x86\n<bochs:1>\nB 0\nR d 0 1234 1 2 3 4 5 6 7 8 100 10246 1f f 1f 1f 27 3\nM 2f {bytes}\nE\n\
             B 1\r\nR e 6 1234 1 2 3 4 5 6 7 8 100 246 1f f 1f 1f 27 3\nE\nB 2\nK d 50 10\nE\nB 3\nR 100 0 0 1"
        );
        let answers = read_answers(&text);
        let first = answers.outcomes[0].clone().unwrap();
        assert_eq!(first.ending, Ending::Exception { vector: 13, error: 0, address: 0 });
        assert_eq!((first.registers, first.eip, first.eflags), ([1, 2, 3, 4, 5, 6, 7, 8], 0x100, Eflags(0x246)));
        assert_eq!((first.segments, first.memory), ([0x1f, 0xf, 0x1f, 0x1f, 0x27, 3], vec![(0x2f, [10; 64])]));
        assert_eq!(answers.outcomes[1].as_ref().unwrap().ending, Ending::Exception { vector: 14, error: 6, address: 0x1234 });
        assert!(answers.outcomes[2].is_err() && answers.outcomes.len() == 3 && answers.began && !answers.done);
    }

    #[test]
    fn a_case_without_an_end_has_its_own_ending_and_a_restart_ends_the_answers() {
        let state = "R 100 0 0 1 2 3 4 5 6 7 8 100 246 1f f 1f 1f 27 3";
        let answers = read_answers(&format!("B 0\n{state}\nE\nB 0\n{state}\nE\nDONE\n"));
        assert_eq!((answers.outcomes.len(), answers.done), (1, false));
        assert_eq!(answers.outcomes[0].as_ref().unwrap().ending, Ending::Timeout);
        let damaged = read_answers("B 0\nR zz\nM 1\nE\nDONE\nB\nM x y\n");
        assert_eq!((damaged.outcomes.len(), damaged.done), (0, true));
    }

    #[test]
    fn an_image_is_a_power_of_two_and_says_where_its_table_is() {
        let world = World::new(1);
        let image = image(&world, &[Case::code32(&[0x90])]);
        assert_eq!(image.len(), 0x4_0000);
        let pointer = image.len() - BLOCKS.len() + TABLE_POINTER;
        assert_eq!(image[pointer..pointer + 4], 0xfffc_0000u32.to_le_bytes());
        assert_eq!(&image[image.len() - BLOCKS.len()..][..8], b"T86BLOCK");
    }
}
