//! Revocation lists: the tests that a suite's authors took back.

use std::{collections::HashSet, fs, io, path::Path};

/// The hashes of tests that are not to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Revoked(HashSet<[u8; 20]>);
impl Revoked {
    /// The name of the list that comes with a suite.
    pub const FILE_NAME: &str = "revocation_list.txt";

    /// Adds a list: a SHA-1 in hexadecimal on each line; empty lines and lines that begin with `#` say nothing.
    ///
    /// # Errors
    /// The number of the first line that is something else.
    pub fn add(&mut self, list: &str) -> Result<(), usize> {
        for (n, line) in list.lines().enumerate() {
            let line = line.trim();
            if !line.is_empty() && !line.starts_with('#') {
                self.0.insert(sha1_of(line).ok_or(n + 1)?);
            }
        }
        Ok(())
    }
    /// Adds a list from a file.
    ///
    /// # Errors
    /// It cannot be read, or is no such list.
    pub fn add_file(&mut self, path: &Path) -> io::Result<()> {
        self.add(&fs::read_to_string(path)?).map_err(|line| io::Error::other(format!("line {line} is no SHA-1 in hexadecimal")))
    }
    /// Whether a test is in the list.
    pub fn contains(&self, hash: &[u8; 20]) -> bool {
        self.0.contains(hash)
    }
    /// How many hashes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }
    /// No hash is there.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn sha1_of(text: &str) -> Option<[u8; 20]> {
    let digits = text.as_bytes();
    if digits.len() != 40 {
        return None;
    }
    let mut hash = [0; 20];
    for (byte, pair) in hash.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |n: usize| char::from(pair[n]).to_digit(16);
        *byte = (digit(0)? << 4 | digit(1)?) as u8;
    }
    Some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_comments_and_either_case() {
        let mut revoked = Revoked::default();
        let list = "# taken back\n\n8ABBBC61a5866292b0bc816660d7b334bea7962a\r\n";
        assert_eq!(revoked.add(list), Ok(()));
        assert_eq!(revoked.len(), 1);
        let mut hash = [0; 20];
        hash[..4].copy_from_slice(&[0x8a, 0xbb, 0xbc, 0x61]);
        assert!(!revoked.contains(&hash));
        assert!(revoked.contains(&sha1_of("8abbbc61a5866292b0bc816660d7b334bea7962a").unwrap()));
    }

    #[test]
    fn a_line_that_is_no_hash_is_named() {
        for bad in ["8abbbc61", "zabbbc61a5866292b0bc816660d7b334bea7962a", "éabbbc61a5866292b0bc816660d7b334bea796"] {
            assert_eq!(Revoked::default().add(&format!("#\n{bad}\n")), Err(2));
        }
    }
}
