//! Instructions and cases, with a tree of their own: what shrinks is the case, not the random numbers behind it.

use crate::silicon::{Case, Entropy, Forms, Shape, World, smaller};
use proptest::{
    collection::vec,
    prelude::*,
    strategy::{NewTree, ValueTree},
    test_runner::TestRunner,
};
use rand::SeedableRng;
use regex::{Regex, RegexBuilder};
use std::sync::Arc;
use thiserror::Error;
use turtle86::arch::Model;

/// No form is named so.
#[derive(Debug, Error)]
#[allow(missing_docs)]
pub enum UnknownForm {
    #[error("no form of the {model} matches {pattern:?}; `turtle86 table` lists them as the manual prints them")]
    NoMatch { model: Model, pattern: String },
    #[error(transparent)]
    Pattern(#[from] regex::Error),
}

/// Cases of chosen forms: code in a state, for [`Emulated`](crate::silicon::Emulated) and the host.
#[derive(Clone)]
pub struct Cases {
    forms: Arc<Forms>,
    world: Arc<World>,
}
impl std::fmt::Debug for Cases {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "cases of {} forms", self.forms.shapes().len())
    }
}
impl Cases {
    /// Cases of the forms whose name, as the manual prints it, matches a regular expression (letters of either case).
    /// `blocks of instructions` and `raw bytes` are such names, too.
    ///
    /// # Errors
    /// Nothing matches, or it is no regular expression.
    pub fn of(pattern: &str, model: Model, world: &World) -> Result<Cases, UnknownForm> {
        let forms = Arc::new(matching(pattern, model)?);
        Ok(Cases { forms, world: Arc::new(world.clone()) })
    }
}
fn matching(pattern: &str, model: Model) -> Result<Forms, UnknownForm> {
    let regex: Regex = RegexBuilder::new(pattern).case_insensitive(true).build()?;
    let forms = Forms::new(model, Some(&regex));
    if forms.shapes().is_empty() {
        return Err(UnknownForm::NoMatch { model, pattern: pattern.into() });
    }
    Ok(forms)
}
/// Random numbers of our own generator, from the runner's.
fn entropy(runner: &mut TestRunner) -> Entropy {
    Entropy::seed_from_u64(runner.rng().next_u64())
}

impl Strategy for Cases {
    type Tree = CaseTree;
    type Value = Case;
    fn new_tree(&self, runner: &mut TestRunner) -> NewTree<Cases> {
        let mut random = entropy(runner);
        let n = runner.rng().next_u64() as usize % self.forms.shapes().len();
        let case = self.forms.case(&self.forms.shapes()[n], &self.world, &mut random);
        Ok(CaseTree { best: case.clone(), current: case, candidates: Vec::new(), world: self.world.clone() })
    }
}

/// A case on its way to the smallest that fails.
#[derive(Clone, Debug)]
pub struct CaseTree {
    /// The smallest that failed.
    best: Case,
    current: Case,
    /// What may take its place, the next one last.
    candidates: Vec<Case>,
    world: Arc<World>,
}
impl CaseTree {
    fn next(&mut self) -> bool {
        let next = self.candidates.pop();
        let found = next.is_some();
        self.current = next.unwrap_or_else(|| self.best.clone());
        found
    }
}
impl ValueTree for CaseTree {
    type Value = Case;
    fn current(&self) -> Case {
        self.current.clone()
    }
    fn simplify(&mut self) -> bool {
        self.best = self.current.clone();
        self.candidates = smaller(&self.best, &self.world);
        self.candidates.reverse();
        self.next()
    }
    fn complicate(&mut self) -> bool {
        self.next()
    }
}

/// Bytes of single instructions of the forms that match, for code of this width (16 or 32 bits); as the form's operands allow,
/// with prefixes now and then.
///
/// # Errors
/// Nothing matches, or it is no regular expression.
pub fn instructions(pattern: &str, model: Model, bits: u32) -> Result<impl Strategy<Value = Vec<u8>> + Clone, UnknownForm> {
    let forms = Arc::new(matching(pattern, model)?);
    Ok((any::<u64>(), 0..forms.shapes().len()).prop_filter_map("the form has no encoding at this width", move |(seed, n)| {
        let Shape::Form { code, .. } = &forms.shapes()[n] else { return None };
        let code = iced_x86::Code::try_from(*code as usize).ok()?;
        forms.instruction(code, bits, &mut Entropy::seed_from_u64(seed))
    }))
}
/// One to fifteen bytes, a third of them behind 0F.
pub fn raw_bytes() -> impl Strategy<Value = Vec<u8>> + Clone {
    (vec(any::<u8>(), 1..=15), prop::bool::weighted(0.33)).prop_map(|(mut bytes, escape)| {
        if escape {
            bytes[0] = 0x0f;
        }
        bytes
    })
}
