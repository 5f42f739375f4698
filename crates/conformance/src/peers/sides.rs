//! Who agrees with whom.

use super::Peer;
use std::{cmp::Reverse, fmt};

/// Groups of peers with the same answer, the largest first; of two that are as large, the one with our machine last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sides(Vec<Vec<Peer>>);

impl Sides {
    /// Sorts peers by their answers.
    pub fn of<T: PartialEq>(answers: &[(Peer, T)]) -> Sides {
        let mut groups: Vec<(&T, Vec<Peer>)> = Vec::new();
        for (peer, answer) in answers {
            match groups.iter_mut().find(|(other, _)| *other == answer) {
                Some((_, peers)) => peers.push(*peer),
                None => groups.push((answer, vec![*peer])),
            }
        }
        let mut sides: Vec<Vec<Peer>> = groups.into_iter().map(|(_, peers)| peers).collect();
        sides.sort_by_key(|peers| (Reverse(peers.len()), peers.contains(&Peer::Turtle86)));
        Sides(sides)
    }
    /// All said the same.
    pub fn agree(&self) -> bool {
        self.0.len() <= 1
    }
    /// Our machine is alone, and the others are of one mind.
    pub fn all_against_us(&self) -> bool {
        self.0.len() == 2 && self.0[1] == [Peer::Turtle86]
    }
    /// Everybody says something else.
    pub fn all_differ(&self) -> bool {
        self.0.len() > 2 && self.0.iter().all(|peers| peers.len() == 1)
    }
    /// The more likely an error of ours, the smaller; then by who is alone.
    pub fn rank(&self) -> (u8, Option<Peer>) {
        let alone = self.0.last().and_then(|peers| peers.first()).copied();
        (if self.all_against_us() { 0 } else { 1 + u8::from(!self.all_differ()) }, alone)
    }
}
impl fmt::Display for Sides {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = |peers: &Vec<Peer>| peers.iter().map(Peer::to_string).collect::<Vec<_>>().join(" and ");
        match &self.0[..] {
            [one] => write!(f, "{} agree", side(one)),
            [] => f.write_str("nobody"),
            _ if self.all_differ() => f.write_str("all differ"),
            sides => f.write_str(&sides.iter().map(side).collect::<Vec<_>>().join(" against ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Peer::{Bochs, Qemu, Turtle86};

    #[test]
    fn answers_become_sides_and_errors_of_ours_come_first() {
        let table: [(&[(Peer, u32)], &str, u8); 7] = [
            (&[(Turtle86, 1), (Bochs, 1), (Qemu, 1)], "turtle86 and Bochs and QEMU agree", 2),
            (&[(Turtle86, 1), (Bochs, 2), (Qemu, 2)], "Bochs and QEMU against turtle86", 0),
            (&[(Turtle86, 1), (Bochs, 1), (Qemu, 2)], "turtle86 and Bochs against QEMU", 2),
            (&[(Turtle86, 1), (Bochs, 2), (Qemu, 1)], "turtle86 and QEMU against Bochs", 2),
            (&[(Turtle86, 1), (Bochs, 2), (Qemu, 3)], "all differ", 1),
            (&[(Turtle86, 1), (Qemu, 2)], "QEMU against turtle86", 0),
            (&[(Turtle86, 1), (Bochs, 1)], "turtle86 and Bochs agree", 2),
        ];
        for (answers, text, rank) in table {
            let sides = Sides::of(answers);
            assert_eq!((sides.to_string().as_str(), sides.rank().0), (text, rank), "{answers:?}");
            assert_eq!(sides.agree(), text.ends_with("agree"));
        }
    }
}
