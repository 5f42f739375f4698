//! Guest images that need no BIOS: flat ones, and Multiboot 1 kernels.

use crate::{Error, Machine};
use turtle86_arch::{Gpr, PhysicalAddress};

/// The header of a Multiboot 1 kernel (Multiboot Specification 0.6.96, "OS image format").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Multiboot {
    /// Its offset in the file.
    pub offset: usize,
    /// Its flags.
    pub flags: u32,
}
const HEADER_MAGIC: u32 = 0x1bad_b002;
const BOOT_MAGIC: u32 = 0x2bad_b002;
/// Flag 16: the header says where the image goes.
const ADDRESS_FIELDS: u32 = 1 << 16;
/// Flag 2: the kernel needs a video mode.
const VIDEO: u32 = 1 << 2;
/// Where the information structure, the memory map and the command line are put.
const INFORMATION: u32 = 0x9000;

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|word| u32::from_le_bytes(*word))
}
fn half(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|word| u16::from_le_bytes(*word))
}

impl Multiboot {
    /// Finds the header in the first 8 KiB of a file.
    pub fn find(file: &[u8]) -> Option<Multiboot> {
        (0..file.len().min(8192).saturating_sub(11)).step_by(4).find_map(|offset| {
            let (magic, flags, checksum) = (word(file, offset)?, word(file, offset + 4)?, word(file, offset + 8)?);
            let sound = magic == HEADER_MAGIC && magic.wrapping_add(flags).wrapping_add(checksum) == 0;
            sound.then_some(Multiboot { offset, flags })
        })
    }
}

impl Machine {
    /// Loads a flat image and sets CS:IP.
    ///
    /// # Errors
    /// It does not fit into RAM.
    pub fn load_flat(&mut self, image: &[u8], at: PhysicalAddress, entry: (u16, u16)) -> Result<(), Error> {
        self.load(at, image)?;
        self.start_at(entry.0, entry.1);
        Ok(())
    }

    /// Loads a Multiboot 1 kernel, an ELF file or one whose header says where it goes, and sets the processor up as the
    /// specification says ("Machine state"). `name` is for error messages.
    ///
    /// # Errors
    /// No header, a damaged file, or one that does not fit into RAM.
    pub fn load_multiboot(&mut self, name: &str, file: &[u8], command_line: &str) -> Result<(), Error> {
        let bad = |why| Error::Multiboot(name.to_string(), why);
        let Some(header) = Multiboot::find(file) else {
            let elf = file.starts_with(b"\x7fELF");
            let cut = elf && word(file, 28).is_none_or(|table| file.len() <= table as usize);
            return Err(if cut { Error::Elf(name.to_string(), "it is cut off") } else { bad("no header in its first 8 KiB") });
        };
        if header.flags & VIDEO != 0 {
            return Err(bad("it asks for a video mode, which this machine does not have"));
        }
        let entry = if header.flags & ADDRESS_FIELDS != 0 { self.load_by_header(name, file, header)? } else { self.load_elf(name, file)? };
        self.write_information(command_line)?;
        self.cpu.enter_flat_protected_mode();
        self.cpu.set_eip(entry);
        self.cpu.set_gpr(Gpr::Eax, BOOT_MAGIC);
        self.cpu.set_gpr(Gpr::Ebx, INFORMATION);
        Ok(())
    }

    fn load_by_header(&mut self, name: &str, file: &[u8], header: Multiboot) -> Result<u32, Error> {
        let bad = |why| Error::Multiboot(name.to_string(), why);
        let field = |n: usize| word(file, header.offset + 12 + 4 * n).ok_or_else(|| bad("its header is cut off"));
        let (header_at, load_at, load_end, bss_end, entry) = (field(0)?, field(1)?, field(2)?, field(3)?, field(4)?);
        let before = header_at.checked_sub(load_at).ok_or_else(|| bad("its header lies before its load address"))? as usize;
        let start = header.offset.checked_sub(before).ok_or_else(|| bad("its load address lies before the file"))?;
        let end = match load_end {
            0 => file.len(),
            end => start + end.checked_sub(load_at).ok_or_else(|| bad("its load end lies before its start"))? as usize,
        };
        let bytes = file.get(start..end).ok_or_else(|| bad("it is shorter than its header says"))?;
        self.load(PhysicalAddress(load_at.into()), bytes)?;
        let loaded = load_at as usize + bytes.len();
        self.clear(loaded as u64, (bss_end as usize).saturating_sub(loaded))?;
        Ok(entry)
    }

    /// The loadable segments of a 32-bit ELF file (System V ABI, "Program Header").
    fn load_elf(&mut self, name: &str, file: &[u8]) -> Result<u32, Error> {
        let bad = |why| Error::Elf(name.to_string(), why);
        if file.get(..5) != Some(b"\x7fELF\x01") || file.get(5) != Some(&1) || half(file, 18) != Some(3) {
            return Err(bad("it is not a 32-bit little-endian file for the 80386"));
        }
        let cut = || bad("it is cut off");
        let entry = word(file, 24).ok_or_else(cut)?;
        let table = word(file, 28).ok_or_else(cut)? as usize;
        let (size, count) = (half(file, 42).ok_or_else(cut)?, half(file, 44).ok_or_else(cut)?);
        if size < 32 || count == 0 {
            return Err(bad("it has no program headers"));
        }
        for n in 0..usize::from(count) {
            let at = table.checked_add(n * usize::from(size)).ok_or_else(cut)?;
            let field = |k: usize| word(file, at.saturating_add(4 * k)).ok_or_else(|| bad("its program headers are cut off"));
            const LOAD: u32 = 1;
            if field(0)? != LOAD {
                continue;
            }
            let (offset, physical, in_file, in_memory) = (field(1)? as usize, field(3)?, field(4)? as usize, field(5)? as usize);
            if in_memory < in_file {
                return Err(bad("a segment is smaller in memory than in the file"));
            }
            let bytes = offset.checked_add(in_file).and_then(|end| file.get(offset..end));
            let bytes = bytes.ok_or_else(|| bad("a segment lies beyond the end of the file"))?;
            self.load(PhysicalAddress(physical.into()), bytes)?;
            self.clear(u64::from(physical) + in_file as u64, in_memory - in_file)?;
        }
        Ok(entry)
    }

    fn clear(&mut self, at: u64, bytes: usize) -> Result<(), Error> {
        let ram = self.cpu.bus().memory.ram().len();
        if at + bytes as u64 > ram as u64 {
            return Err(Error::Load { at: PhysicalAddress(at), bytes, ram });
        }
        if bytes == 0 { Ok(()) } else { self.load(PhysicalAddress(at), &vec![0; bytes]) }
    }

    /// Multiboot Specification, "Boot information format": memory sizes, memory map, command line, loader name.
    fn write_information(&mut self, command_line: &str) -> Result<(), Error> {
        let ram = self.cpu.bus().memory.ram().len() as u64;
        let (map, text) = (INFORMATION + 0x100, INFORMATION + 0x200);
        let mut information = vec![0u8; 0x200];
        let mut put = |at: usize, value: u32| information[at..at + 4].copy_from_slice(&value.to_le_bytes());
        put(0, 1 << 0 | 1 << 2 | 1 << 6 | 1 << 9);
        put(4, 640);
        put(8, (ram.saturating_sub(1 << 20) >> 10) as u32);
        put(16, text);
        put(44, 2 * 24);
        put(48, map);
        let name = text + command_line.len() as u32 + 1;
        put(64, name);
        for (n, (start, length)) in [(0u64, 0xa0000u64), (0x10_0000, ram.saturating_sub(0x10_0000))].into_iter().enumerate() {
            let at = 0x100 + 24 * n;
            put(at, 20);
            put(at + 4, start as u32);
            put(at + 8, (start >> 32) as u32);
            put(at + 12, length as u32);
            put(at + 16, (length >> 32) as u32);
            put(at + 20, 1);
        }
        information.extend(command_line.as_bytes());
        information.push(0);
        information.extend(b"turtle86\0");
        self.load(PhysicalAddress(INFORMATION.into()), &information)
    }
}
