//! The reader and the writer of MOO files.

use flate2::{Compression, write::GzEncoder};
use proptest::{collection::vec, option, prelude::*};
use std::io::Write;
use turtle86_conformance::moo::{
    Cause, CpuId, Cycle, EffectiveAddress, Error, Exception, Header, Layout, Metadata, Reader, Register, Registers, State, Test, Writer,
};

type File = (Header, Option<Metadata>, Option<Registers>, Vec<Test>);

fn write((header, metadata, masks, tests): &File) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), header, metadata.as_ref(), masks.as_ref()).unwrap();
    tests.iter().for_each(|test| writer.write(test).unwrap());
    writer.finish().unwrap()
}
fn read(bytes: &[u8]) -> Result<File, Error> {
    let reader = Reader::new(bytes)?;
    let (header, metadata, masks) = (*reader.header(), reader.metadata().cloned(), reader.masks().cloned());
    let tests = reader.collect::<Result<_, _>>()?;
    Ok((header, metadata, masks, tests))
}
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
fn error(bytes: &[u8]) -> String {
    read(bytes).unwrap_err().to_string()
}

fn registers() -> impl Strategy<Value = Registers> {
    (any::<bool>(), vec(option::of(any::<u32>()), 20)).prop_map(|(wide, values)| {
        let mut registers = Registers::new(if wide { Layout::Dwords } else { Layout::Words });
        for (register, value) in registers.layout().order().iter().zip(values) {
            value.into_iter().for_each(|value| registers.set(*register, value));
        }
        registers
    })
}
prop_compose! {
    fn address()(segment: u8, selector: u16, rest: [u32; 5]) -> EffectiveAddress {
        let [base, limit, offset, linear, physical] = rest;
        EffectiveAddress { segment, selector, base, limit, offset, linear, physical }
    }
}
prop_compose! {
    fn state()(
        registers in registers(),
        masks in option::of(registers()),
        ram in vec(any::<(u32, u8)>(), 0..8),
        queue in option::of(vec(any::<u8>(), 0..6)),
        address in option::of(address()),
    ) -> State {
        State { registers, masks, ram, queue, address }
    }
}
prop_compose! {
    fn cycle()(a: [u8; 9], address: u32, data: u16) -> Cycle {
        let [pins, segment, memory, io, more_pins, status, t_state, queue, queue_byte] = a;
        Cycle { pins, address, segment, memory, io, more_pins, data, status, t_state, queue, queue_byte }
    }
}
prop_compose! {
    fn test()(
        index: u32,
        seed in option::of(any::<(u64, u16)>()),
        name in "[ -~]{0,20}",
        bytes in vec(any::<u8>(), 0..16),
        initial in state(),
        after in state(),
        cycles in vec(cycle(), 0..6),
        exception in option::of(any::<(u8, u32)>()),
        hash in option::of(any::<[u8; 20]>()),
    ) -> Test {
        let exception = exception.map(|(vector, flags_at)| Exception { vector, flags_at });
        Test { index, seed, name, bytes, initial, after, cycles, exception, hash }
    }
}
prop_compose! {
    fn metadata()(
        suite: (u8, u8), cpu_type: u8, opcode: u32, mnemonic in "[a-z]{0,8}", tests: u32, seed: u64, mode: u8, extension: u8,
    ) -> Metadata {
        Metadata { suite, cpu_type, opcode, mnemonic, tests, seed, mode, extension }
    }
}
prop_compose! {
    fn file()(
        minor: u8, cpu: [u8; 4], metadata in option::of(metadata()), masks in option::of(registers()), tests in vec(test(), 0..4),
    ) -> File {
        (Header { version: (1, minor), tests: tests.len() as u32, cpu: CpuId(cpu) }, metadata, masks, tests)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read_back(file in file()) {
        prop_assert_eq!(&read(&write(&file)).unwrap(), &file);
        prop_assert_eq!(&read(&gzip(&write(&file))).unwrap(), &file);
    }

    #[test]
    fn a_file_cut_short_is_an_error_inside_it(file in file(), cut: prop::sample::Index) {
        let whole = write(&file);
        let cut = cut.index(whole.len());
        match read(&whole[..cut]) {
            Err(error) => prop_assert!(error.offset <= cut as u64, "{}", error),
            // Nothing tells that a file of no tests lacks what could stand behind its header.
            Ok(_) => prop_assert_eq!(file.0.tests, 0),
        }
    }

    #[test]
    fn a_damaged_file_never_panics(file in file(), damage in vec(any::<(prop::sample::Index, u8)>(), 1..4), pack: bool) {
        let mut bytes = write(&file);
        if pack {
            bytes = gzip(&bytes);
        }
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Err(error) = read(&bytes) {
            prop_assert!(error.to_string().starts_with("at offset "));
        }
    }

    #[test]
    fn noise_never_panics(noise in vec(any::<u8>(), 0..200)) {
        let _ = read(&noise);
        let _ = read(&[b"MOO \x0c\0\0\0\x01\x01\0\0\x01\0\0\x00386E".as_slice(), &noise].concat());
        let _ = read(&[b"MOO \x0c\0\0\0\x01\x01\0\0\x01\0\0\x00386ETEST".as_slice(), &(noise.len() as u32).to_le_bytes(), &noise].concat());
    }
}

fn chunk(id: &[u8; 4], payload: &[u8]) -> Vec<u8> {
    [id.as_slice(), &(payload.len() as u32).to_le_bytes(), payload].concat()
}
fn header(tests: u32) -> Vec<u8> {
    chunk(b"MOO ", &[&[1, 1, 0, 0], &tests.to_le_bytes()[..], b"386E"].concat())
}
/// Two registers, one byte in memory.
fn small_test() -> Vec<u8> {
    let registers = chunk(b"REGS", &[1, 0, 0x34, 0x12]);
    let state = |id| chunk(id, &[registers.clone(), chunk(b"RAM ", &[1, 0, 0, 0, 5, 0, 0, 0, 7])].concat());
    chunk(b"TEST", &[vec![0; 4], chunk(b"BYTS", &[1, 0, 0, 0, 0x90]), state(b"INIT"), state(b"FINA")].concat())
}

#[test]
fn the_format_is_read_as_it_is_documented() {
    let (header, metadata, _, tests) = read(&[header(1), small_test()].concat()).unwrap();
    assert_eq!((header.version, header.tests, header.cpu), ((1, 1), 1, CpuId::I386EX));
    assert_eq!((metadata, tests[0].bytes.as_slice(), tests[0].hash), (None, &[0x90][..], None));
    assert_eq!(tests[0].initial.registers.get(Register::Eax), Some(0x1234));
    assert_eq!((tests[0].initial.registers.get(Register::Ebx), tests[0].initial.ram.as_slice()), (None, &[(5, 7)][..]));
}

#[test]
fn unknown_chunks_and_registers_are_passed_over() {
    let test = small_test();
    let more = [test[8..].to_vec(), chunk(b"WHAT", &[1, 2, 3])].concat();
    let file = [header(2), chunk(b"NEW ", &[0; 100]), small_test(), chunk(b"NEW ", &[]), chunk(b"TEST", &more)].concat();
    let (_, _, _, tests) = read(&file).unwrap();
    assert_eq!(tests[0], tests[1]);
    let longer_header = chunk(b"MOO ", &[&header(0)[8..], &[1, 2, 3]].concat());
    assert_eq!(read(&longer_header).unwrap().0.tests, 0);
    let late_register = chunk(b"RMSK", &[1, 0x80, 0x0f, 0, 0xff, 0xff]);
    let masks = read(&[header(0), late_register].concat()).unwrap().2.unwrap();
    assert_eq!(masks.iter().collect::<Vec<_>>(), [(Register::Eax, 15)]);
}

#[test]
fn errors_say_what_and_where() {
    assert_eq!(error(b"PK\x03\x04 and more"), "at offset 0x0: this is no MOO file: it begins with \"PK\\x03\\x04\", not with \"MOO \"");
    assert!(error(b"").contains("no MOO file"));
    assert_eq!(
        error(&chunk(b"MOO ", &[2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])),
        "at offset 0x8: version 2.0 of the format is not known; 1.0 and 1.1 are"
    );
    assert_eq!(error(&chunk(b"MOO ", &[1, 1, 0, 0])), "at offset 0xc: chunk \"MOO \" needs 4 more bytes here and has 0");
    assert_eq!(error(&[header(0), header(0)].concat()), "at offset 0x14: a second header");
    assert_eq!(error(&[header(2), small_test()].concat()), "at offset 0x77: the header counts 2 tests, and the file has 1");
    assert_eq!(error(&[header(0), small_test()].concat()), "at offset 0x14: the header counts 0 tests, and the file has 1");
    let without = chunk(b"TEST", &[vec![0; 4], chunk(b"BYTS", &[0; 4])].concat());
    assert_eq!(error(&[header(1), without].concat()), "at offset 0x2c: chunk \"TEST\" has no chunk \"INIT\"");
    let mut inner = small_test();
    inner[16] = 200; // the length of BYTS
    assert_eq!(error(&[header(1), inner].concat()), "at offset 0x20: chunk \"BYTS\" has 200 bytes, and 79 are left around it");
}

#[test]
fn lengths_that_lie_allocate_nothing() {
    let huge = [header(1), b"TEST\xff\xff\xff\xff".to_vec(), vec![0; 50]].concat();
    assert!(matches!(read(&huge).unwrap_err().cause, Cause::HugeTest { length: 0xffff_ffff, .. }));
    let unknown = [header(0), b"WHAT\xff\xff\xff\xff".to_vec(), vec![0; 50]].concat();
    assert!(matches!(read(&unknown).unwrap_err(), Error { offset: 78, cause: Cause::Truncated { .. } }));
    let cycles = chunk(b"TEST", &[vec![0; 4], chunk(b"CYCL", &[0xff, 0xff, 0xff, 0xff, 0])].concat());
    assert_eq!(error(&[header(1), cycles].concat()), "at offset 0x2c: chunk \"CYCL\" needs 64424509425 more bytes here and has 1");
}

#[test]
fn a_packed_file_that_is_cut_short_is_an_error() {
    let packed = gzip(&[header(1), small_test()].concat());
    assert!(read(&packed).is_ok());
    assert!(matches!(read(&packed[..packed.len() - 12]).unwrap_err().cause, Cause::Read(_) | Cause::Truncated { .. }));
}

#[test]
fn a_writer_keeps_to_its_header() {
    let (head, _, _, tests) = read(&[header(1), small_test()].concat()).unwrap();
    let mut writer = Writer::new(Vec::new(), &head, None, None).unwrap();
    writer.write(&tests[0]).unwrap();
    assert!(writer.write(&tests[0]).is_err());
    assert!(Writer::new(Vec::new(), &head, None, None).unwrap().finish().is_err());
}
