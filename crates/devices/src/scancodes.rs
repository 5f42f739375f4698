//! Scan codes: set 1 of the PC, set 2 of the AT, and what the 8042 makes of set 2.

/// Set 2 to set 1, as the 8042's ROM has it; FFh is an overrun.
#[rustfmt::skip]
const TRANSLATION: [u8; 0x80] = [
    0xff, 0x43, 0x41, 0x3f, 0x3d, 0x3b, 0x3c, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3e, 0x0f, 0x29, 0x59,
    0x65, 0x38, 0x2a, 0x70, 0x1d, 0x10, 0x02, 0x5a, 0x66, 0x71, 0x2c, 0x1f, 0x1e, 0x11, 0x03, 0x5b,
    0x67, 0x2e, 0x2d, 0x20, 0x12, 0x05, 0x04, 0x5c, 0x68, 0x39, 0x2f, 0x21, 0x14, 0x13, 0x06, 0x5d,
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5e, 0x6a, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5f,
    0x6b, 0x33, 0x25, 0x17, 0x18, 0x0b, 0x0a, 0x60, 0x6c, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0c, 0x61,
    0x6d, 0x73, 0x28, 0x74, 0x1a, 0x0d, 0x62, 0x6e, 0x3a, 0x36, 0x1c, 0x1b, 0x75, 0x2b, 0x63, 0x76,
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7a, 0x0e, 0x7b, 0x7c, 0x4f, 0x7d, 0x4b, 0x47, 0x7e, 0x7f, 0x6f,
    0x52, 0x53, 0x50, 0x4c, 0x4d, 0x48, 0x01, 0x45, 0x57, 0x4e, 0x51, 0x4a, 0x37, 0x49, 0x46, 0x54,
];

/// What the 8042 makes of a byte of set 2.
pub(crate) fn translated(byte: u8) -> u8 {
    match byte {
        0x83 => 0x41,
        0x84 => 0x54,
        _ => TRANSLATION.get(usize::from(byte)).copied().unwrap_or(byte),
    }
}

/// The code of set 2 for a make code of set 1.
fn set_2(code: u8) -> u8 {
    match code {
        0x41 => 0x83,
        0x54 => 0x84,
        _ => TRANSLATION.iter().position(|set_1| *set_1 == code).unwrap_or(0) as u8,
    }
}

/// What a keyboard sends in `set` when the key with make code `code` (of set 1, prefix in the high byte) goes down or up.
pub(crate) fn bytes_of(code: u16, down: bool, set: u8) -> Vec<u8> {
    // Print Screen sends a shift with it; Pause comes and goes at once.
    let codes: &[u16] = match (code, down) {
        (0xe037, true) => &[0xe02a, 0xe037],
        (0xe037, false) => &[0xe037, 0xe02a],
        (0xe11d, false) => &[],
        _ => &[code],
    };
    if (code, set) == (0xe11d, 1) && down {
        return vec![0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5];
    }
    if code == 0xe11d && down {
        return vec![0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77];
    }
    let mut bytes = Vec::new();
    for code in codes {
        let [prefix, code] = code.to_be_bytes();
        if prefix != 0 {
            bytes.push(prefix);
        }
        if set == 1 {
            bytes.push(code & 0x7f | if down { 0 } else { 0x80 });
        } else {
            if !down {
                bytes.push(0xf0);
            }
            bytes.push(set_2(code & 0x7f));
        }
    }
    bytes
}

/// The key of a letter on a US keyboard: its make code in set 1, and whether it takes shift.
pub(crate) fn key_of(letter: char) -> Option<(u16, bool)> {
    /// Rows of keys that follow one another: the first code, the letters, the letters with shift.
    const ROWS: [(u16, &str, &str); 6] = [
        (0x02, "1234567890-=", "!@#$%^&*()_+"),
        (0x10, "qwertyuiop[]", "QWERTYUIOP{}"),
        (0x1e, "asdfghjkl;'`", "ASDFGHJKL:\"~"),
        (0x2b, "\\zxcvbnm,./", "|ZXCVBNM<>?"),
        (0x39, " ", ""),
        (0x0e, "\u{8}\t", ""),
    ];
    let single = match letter {
        '\n' | '\r' => Some(0x1c),
        '\u{1b}' => Some(0x01),
        '\u{7f}' => Some(0xe053),
        _ => None,
    };
    let in_row = |row: &str| row.chars().position(|other| other == letter);
    single.map(|code| (code, false)).or_else(|| {
        ROWS.iter().find_map(|(first, plain, shifted)| {
            let plain = in_row(plain).map(|i| (first + i as u16, false));
            plain.or_else(|| in_row(shifted).map(|i| (first + i as u16, true)))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn translation_undoes_what_the_keyboard_makes_of_a_key() {
        for code in 0x01..=0x58 {
            // No key has these.
            if !(0x55..=0x56).contains(&code) {
                assert_eq!(translated(set_2(code)), code, "{code:02x}");
            }
        }
    }

    #[test]
    fn keys_send_what_the_reference_lists() {
        for (code, down, set_1, set_2) in [
            (0x1e, true, &[0x1e][..], &[0x1c][..]),
            (0x1e, false, &[0x9e], &[0xf0, 0x1c]),
            (0x41, true, &[0x41], &[0x83]),
            (0xe048, true, &[0xe0, 0x48], &[0xe0, 0x75]),
            (0xe048, false, &[0xe0, 0xc8], &[0xe0, 0xf0, 0x75]),
            (0xe037, true, &[0xe0, 0x2a, 0xe0, 0x37], &[0xe0, 0x12, 0xe0, 0x7c]),
            (0xe11d, true, &[0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5], &[0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77]),
            (0xe11d, false, &[], &[]),
        ] {
            assert_eq!((bytes_of(code, down, 1).as_slice(), bytes_of(code, down, 2).as_slice()), (set_1, set_2), "{code:04x} {down}");
        }
    }

    #[test]
    fn letters_have_the_keys_of_a_us_keyboard() {
        for (letter, key) in [
            ('a', (0x1e, false)),
            ('A', (0x1e, true)),
            ('1', (0x02, false)),
            ('!', (0x02, true)),
            ('\\', (0x2b, false)),
            ('z', (0x2c, false)),
            ('?', (0x35, true)),
            ('~', (0x29, true)),
            ('\n', (0x1c, false)),
            ('\t', (0x0f, false)),
            (' ', (0x39, false)),
        ] {
            assert_eq!(key_of(letter), Some(key), "{letter:?}");
        }
        assert_eq!(key_of('ä'), None);
    }
}
