//! Numbers as they are written on the command line.

use anyhow::anyhow;
use std::{fs, io, path::Path};
use turtle86::arch::Model;

/// A model's name.
pub fn model(text: &str) -> Result<Model, String> {
    text.parse().map_err(|error| format!("{error}"))
}

fn scaled(text: &str, thousand: u64) -> Option<u64> {
    let text = text.replace('_', "");
    let power = match text.chars().last()?.to_ascii_lowercase() {
        'k' => 1,
        'm' => 2,
        'g' => 3,
        _ => 0,
    };
    let number = &text[..text.len() - usize::from(power > 0)];
    let number: u64 = match number.strip_prefix("0x").or_else(|| number.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => number.parse().ok()?,
    };
    number.checked_mul(thousand.checked_pow(power)?)
}

/// Bytes: K, M and G are powers of 1024.
pub fn size(text: &str) -> Result<u64, String> {
    scaled(text, 1024).ok_or_else(|| "write bytes as 65536, 640K, 16M or 1G".into())
}

/// A count: K, M and G are powers of 1000.
pub fn count(text: &str) -> Result<u64, String> {
    scaled(text, 1000).ok_or_else(|| "write a count as 1000000, 1_000_000, 10M or 2G".into())
}

fn hex(text: &str) -> Option<u32> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text).replace('_', "");
    u32::from_str_radix(digits.strip_suffix(['h', 'H']).unwrap_or(&digits), 16).ok()
}

/// A 32-bit address in hexadecimal.
pub fn address(text: &str) -> Result<u32, String> {
    hex(text).ok_or_else(|| "write an address below 4 GiB in hexadecimal, as 7c00 or 0x100000".into())
}

/// A far address for real mode.
pub fn far(text: &str) -> Result<(u16, u16), String> {
    let parts = text.split_once(':').and_then(|(segment, offset)| {
        let part = |text| u16::try_from(hex(text)?).ok();
        Some((part(segment)?, part(offset)?))
    });
    parts.ok_or_else(|| "write segment and offset in hexadecimal, as 0:7c00 or f000:fff0".into())
}

/// A file that cannot be read: which one, why, and what to do.
pub fn unreadable(path: &Path, source: &io::Error) -> anyhow::Error {
    anyhow!("cannot read {}: {source}; name a file that exists and may be read", path.display())
}
/// A file that cannot be written.
pub fn unwritable(path: &Path, source: &io::Error) -> anyhow::Error {
    anyhow!("cannot write {}: {source}; name a file that may be written, in a directory that exists", path.display())
}
/// Reads a file.
pub fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    fs::read(path).map_err(|source| unreadable(path, &source))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_binary_and_counts_decimal() {
        assert_eq!((size("16M"), size("640k"), size("4096")), (Ok(16 << 20), Ok(640 << 10), Ok(4096)));
        assert_eq!((count("10M"), count("1_000_000"), count("2g")), (Ok(10_000_000), Ok(1_000_000), Ok(2_000_000_000)));
        assert_eq!(size("0x1000"), Ok(4096));
        for bad in ["", "M", "-1", "1.5M", "99999999999G", "16 M", "é"] {
            assert!(size(bad).is_err() && count(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn addresses_are_hexadecimal_with_or_without_a_mark() {
        assert_eq!((address("7c00"), address("0x7C00"), address("7c00h")), (Ok(0x7c00), Ok(0x7c00), Ok(0x7c00)));
        assert_eq!((far("0:7c00"), far("f000:0xfff0")), (Ok((0, 0x7c00)), Ok((0xf000, 0xfff0))));
        for bad in ["", "g", "100000000", "0x"] {
            assert!(address(bad).is_err(), "{bad}");
        }
        for bad in ["", "7c00", "0:10000", ":", "1:2:3"] {
            assert!(far(bad).is_err(), "{bad}");
        }
    }
}
