//! Random instructions and blocks on each emulator.

use super::{Laboratory, Peer, PeersError, Run, Sides, image::image, image::read_answers};
use crate::{
    silicon::{
        ARENA, Case, Emulated, Ending, Entropy, Forms, Outcome, Seen, Shape, Vendor, World, completed, explain, memory_after, names,
    },
    undefined::{Reference, unknown_after},
};
use iced_x86::{Code, Decoder, DecoderOptions, Instruction};
use rand::SeedableRng;
use regex::Regex;
use std::collections::BTreeMap;
use turtle86::arch::{Eflags, Gpr, Model, SegmentRegister};

/// What to run.
#[derive(Clone, Debug)]
pub struct BlockOptions {
    /// Only forms whose name matches; blocks and raw bytes are forms, too. If none: blocks, and the forms in turn.
    pub filter: Option<Regex>,
    /// How many cases.
    pub count: u64,
    /// Decides the cases.
    pub seed: u64,
}
impl Default for BlockOptions {
    fn default() -> BlockOptions {
        BlockOptions { filter: None, count: 1000, seed: 1 }
    }
}

/// A case that emulators disagree about.
#[derive(Clone, Debug)]
pub struct Disagreement {
    /// The number of the case in the run.
    pub number: u64,
    /// What it is.
    pub shape: Shape,
    /// Who is with whom.
    pub sides: Sides,
    /// The instructions that our machine executed.
    pub code: String,
    /// What differs, a line each.
    pub fields: Vec<String>,
    /// The kind of difference: the endings, or the names of what differs.
    pub kind: String,
    /// The case as a Rust expression.
    pub rust: String,
}

/// What came out.
#[derive(Clone, Debug, Default)]
pub struct BlockReport {
    /// Cases compared.
    pub cases: u64,
    /// Those about which all agree.
    pub agreed: u64,
    /// Those whose differences the manual allows, by name of the reason, with the manual's words.
    pub explained: BTreeMap<(&'static str, &'static str), u64>,
    /// What was drawn and not run, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// What emulators did not get through.
    pub notes: Vec<String>,
    /// The others: those with all against us first, those of a kind together.
    pub disagreements: Vec<Disagreement>,
}

/// Cases of one image.
const CHUNK: u64 = 512;
/// A peer that does not get through so many cases of an image is not asked about the rest of it.
const PATIENCE: usize = 8;

/// A case with what is known of it before anybody is asked.
struct Question {
    number: u64,
    shape: Shape,
    case: Case,
    executed: Vec<Instruction>,
    /// As [`Emulated`] has it.
    ours: Outcome,
}

/// What a peer says of a case; none if it was not asked.
type Answer = Option<Result<Outcome, String>>;

/// Runs random cases on all emulators of a laboratory. `watch` hears how many are compared and answers whether to go on.
///
/// # Errors
/// No form matches, an emulator cannot be started or does not run the harness at all.
pub fn run_blocks(laboratory: &Laboratory, options: &BlockOptions, watch: &dyn Fn(u64) -> bool) -> Result<BlockReport, PeersError> {
    let world = World::new(options.seed);
    let mut source = Source::new(options, &world)?;
    let mut report = BlockReport::default();
    while report.cases < options.count && watch(report.cases) {
        let wanted = CHUNK.min(options.count - report.cases);
        let questions: Vec<Question> = (0..wanted).map(|n| source.question(report.cases + n, &mut report.skipped)).collect();
        let cases: Vec<Case> = questions.iter().map(|question| question.case.clone()).collect();
        let mut answers = Vec::new();
        for peer in laboratory.present() {
            answers.push((*peer, ask(laboratory, *peer, &world, &cases, report.cases, &mut report.notes)?));
        }
        for (n, question) in questions.iter().enumerate() {
            let said = answers.iter().filter_map(|(peer, answers)| Some((*peer, answers[n].clone()?))).collect();
            judge(question, said, &world, &mut report);
        }
        report.cases += wanted;
    }
    report.disagreements.sort_by_cached_key(|block| (block.sides.rank(), block.kind.clone(), block.number));
    Ok(report)
}

/// Makes cases.
struct Source<'a> {
    seed: u64,
    world: &'a World,
    forms: Forms,
    all: bool,
    model: Emulated,
}
impl<'a> Source<'a> {
    fn new(options: &BlockOptions, world: &'a World) -> Result<Source<'a>, PeersError> {
        let forms = Forms::new(Model::default(), options.filter.as_ref());
        if forms.shapes().is_empty() {
            return Err(PeersError::NoForm(options.filter.as_ref().map_or(String::new(), Regex::to_string)));
        }
        let model = Emulated::new(Model::default(), world)?;
        Ok(Source { seed: options.seed, world, forms, all: options.filter.is_none(), model })
    }
    fn question(&mut self, number: u64, skipped: &mut BTreeMap<String, u64>) -> Question {
        let mut random = Entropy::seed_from_u64(self.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ number);
        loop {
            let shape = self.shape(number);
            let case = self.forms.case(&shape, self.world, &mut random);
            match self.answer(&case) {
                Ok(ours) => {
                    let executed = self.model.trace(&case);
                    return Question { number, shape, case, executed, ours };
                }
                Err(reason) => *skipped.entry(reason).or_default() += 1,
            }
        }
    }
    fn shape(&self, number: u64) -> Shape {
        let shapes = self.forms.shapes();
        let forms = shapes.len() as u64;
        if self.all && number.is_multiple_of(2) {
            Shape::Block
        } else {
            shapes[(number / if self.all { 2 } else { 1 } % forms) as usize].clone()
        }
    }
    /// Our outcome of a case that can be put to others.
    fn answer(&mut self, case: &Case) -> Result<Outcome, String> {
        if case.code.is_empty() {
            return Err("the form cannot be encoded in code of this width".into());
        }
        let ours = self.model.run(case).map_err(|skipped| skipped.to_string())?;
        if self.is_of_later_processors(&ours) {
            return Err("an instruction of later processors".into());
        }
        Ok(ours)
    }
    /// The peers' processors are a little younger than ours.
    fn is_of_later_processors(&self, ours: &Outcome) -> bool {
        if !matches!(ours.ending, Ending::Exception { vector: 6, .. }) {
            return false;
        }
        let cs = self.world.descriptor(ours.segments[SegmentRegister::Cs as usize]).unwrap_or_default();
        let at = cs.base().wrapping_add(ours.eip).wrapping_sub(ARENA) as usize;
        let memory = memory_after(self.world, ours);
        let code = memory.get(at..).unwrap_or_default();
        let bits = if cs.rights().is_32_bit() { 32 } else { 16 };
        let code = Decoder::new(bits, code, DecoderOptions::NONE).decode().code();
        let nothing =
            matches!(code, Code::INVALID | Code::Ud0_r16_rm16 | Code::Ud0_r32_rm32 | Code::Ud1_r16_rm16 | Code::Ud1_r32_rm32 | Code::Ud2);
        !nothing && !self.forms.has(code)
    }
}

/// Puts cases to a peer. One on which it hangs or dies does not keep the others from being asked.
fn ask(
    laboratory: &Laboratory,
    peer: Peer,
    world: &World,
    cases: &[Case],
    first: u64,
    notes: &mut Vec<String>,
) -> Result<Vec<Answer>, PeersError> {
    let mut answers: Vec<Answer> = Vec::new();
    let mut lost = 0;
    while answers.len() < cases.len() {
        let rest = &cases[answers.len()..];
        let run = laboratory.run(peer, &image(world, rest))?;
        let said = read_answers(&run.text);
        if !said.began {
            return Err(PeersError::Mute { peer, how: run.end.clone(), said: last_lines(&run) });
        }
        let complete = said.outcomes.len();
        answers.extend(said.outcomes.into_iter().take(rest.len()).map(Some));
        if answers.len() == cases.len() {
            break;
        }
        // After a timeout the case may be just the one at which time was up: it gets a run of its own first.
        if run.timeout && complete > 0 {
            continue;
        }
        notes.push(format!("{peer} does not get through case {}: {}", first + answers.len() as u64, run.end));
        answers.push(Some(Err(format!("{peer} ended: {}", run.end))));
        lost += 1;
        if lost == PATIENCE && answers.len() < cases.len() {
            notes.push(format!("{peer} was not asked about {} more cases", cases.len() - answers.len()));
            answers.resize(cases.len(), None);
        }
    }
    Ok(answers)
}
fn last_lines(run: &Run) -> String {
    let lines: Vec<&str> = run.text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join("; ")
}

fn judge(question: &Question, mut said: Vec<(Peer, Result<Outcome, String>)>, world: &World, report: &mut BlockReport) {
    let (unknown, read) = unknown_after(completed(&question.executed, &question.ours), Reference::Other);
    for (_, answer) in &mut said {
        if let Ok(outcome) = answer {
            // Where a case sets VIF or VIP it shows in VM, too; an emulator may not get rid of them before the next case.
            let hidden = unknown | Eflags::VIF | Eflags::VIP;
            outcome.eflags = outcome.eflags & !hidden | question.ours.eflags & hidden;
        }
    }
    let sides = Sides::of(&said);
    if sides.agree() {
        report.agreed += 1;
        return;
    }
    if read {
        let words = "SDM Vol. 2, \"Flags Affected\": what follows a read of a flag that is undefined is undefined, too";
        *report.explained.entry(("a flag that was undefined is read", words)).or_default() += 1;
        return;
    }
    if let Some(why) = explained(question, &said, world) {
        *report.explained.entry(why).or_default() += 1;
        return;
    }
    let fields = fields(&said, world);
    report.disagreements.push(Disagreement {
        number: question.number,
        shape: question.shape.clone(),
        code: question.executed.iter().take(8).map(ToString::to_string).collect::<Vec<_>>().join("; "),
        kind: kind(&fields),
        fields,
        rust: question.case.to_rust(),
        sides,
    });
}
/// Why the manual allows all of the differences from us.
fn explained(question: &Question, said: &[(Peer, Result<Outcome, String>)], world: &World) -> Option<(&'static str, &'static str)> {
    let ours = said.iter().find(|(peer, _)| *peer == Peer::Turtle86)?.1.as_ref().ok()?;
    let mut why = None;
    for (_, answer) in said.iter().filter(|(_, answer)| answer.as_ref() != Ok(ours)) {
        let silicon = answer.as_ref().ok()?;
        let seen = Seen { case: &question.case, world, executed: &question.executed, ours, silicon, vendor: Vendor::Other };
        let departure = explain(&seen)?;
        why.get_or_insert((departure.name, departure.words));
    }
    why
}
/// What is not the same of all, with everybody's value.
fn fields(said: &[(Peer, Result<Outcome, String>)], world: &World) -> Vec<String> {
    let mut lines = Vec::new();
    let mut differ = |name: String, of: &dyn Fn(&Outcome) -> String| {
        let values: Vec<(Peer, String)> =
            said.iter().map(|(peer, answer)| (*peer, answer.as_ref().map_or_else(Clone::clone, of))).collect();
        if values.iter().any(|(_, value)| *value != values[0].1) {
            let values: Vec<String> = values.into_iter().map(|(peer, value)| format!("{peer} {value}")).collect();
            lines.push(format!("{name}: {}", values.join(", ")));
        }
    };
    differ("ending".into(), &|outcome| outcome.ending.to_string());
    if said.iter().any(|(_, answer)| answer.is_err()) {
        return lines;
    }
    differ("eip".into(), &|outcome| format!("{:08x}", outcome.eip));
    for register in Gpr::ALL {
        differ(register.to_string(), &|outcome| format!("{:08x}", outcome.registers[register as usize]));
    }
    for register in SegmentRegister::ALL {
        differ(register.to_string().to_lowercase(), &|outcome| format!("{:04x}", outcome.segments[register as usize]));
    }
    differ("eflags".into(), &|outcome| names(outcome.eflags));
    let memories: Vec<Vec<u8>> =
        said.iter().filter_map(|(_, answer)| answer.as_ref().ok()).map(|outcome| memory_after(world, outcome)).collect();
    let differing = (0..world.memory().len()).filter(|n| memories.iter().any(|memory| memory[*n] != memories[0][*n]));
    for n in differing.take(8) {
        let values: Vec<String> = said.iter().zip(&memories).map(|((peer, _), memory)| format!("{peer} {:02x}", memory[n])).collect();
        lines.push(format!("[{:08x}]: {}", ARENA as usize + n, values.join(", ")));
    }
    lines
}
/// Without the values and addresses that are a case's own.
fn kind(fields: &[String]) -> String {
    let parts = |line: &String| line.split_once(": ").map(|(name, values)| (name.to_string(), values.to_string()));
    let fields: Vec<(String, String)> = fields.iter().filter_map(parts).collect();
    if let Some((_, endings)) = fields.iter().find(|(name, _)| name == "ending") {
        let endings: Vec<&str> = endings.split(", ").map(|ending| ending.split(" at ").next().unwrap_or(ending)).collect();
        // An error code that is a selector is the case's own, too.
        let endings = endings.iter().map(|ending| match ending.split_once('(') {
            Some((exception, code)) if code.len() > 2 => format!("{exception}(selector)"),
            _ => ending.to_string(),
        });
        return endings.collect::<Vec<_>>().join(", ");
    }
    let mut names: Vec<&str> = fields.iter().map(|(name, _)| if name.starts_with('[') { "memory" } else { name }).collect();
    names.dedup();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_of_a_kind_have_the_same_name() {
        let table: [(&[&str], &str); 4] = [
            (&["ending: turtle86 #PF(6) at 00001234, QEMU #PF(4) at 00001234", "eip: a"], "turtle86 #PF(6), QEMU #PF(4)"),
            (&["ending: turtle86 #GP(24), Bochs #GP(0)"], "turtle86 #GP(selector), Bochs #GP(0)"),
            (&["eax: turtle86 1, QEMU 2", "[00101000]: turtle86 01, QEMU 02", "[00101001]: turtle86 01, QEMU 02"], "eax, memory"),
            (&["ending: turtle86 #UD, QEMU QEMU ended: signal: 6"], "turtle86 #UD, QEMU QEMU ended: signal: 6"),
        ];
        for (fields, name) in table {
            assert_eq!(kind(&fields.iter().map(ToString::to_string).collect::<Vec<_>>()), name);
        }
    }

    fn question(case: &Case, world: &World) -> Question {
        let mut model = Emulated::new(Model::default(), world).unwrap();
        let (ours, executed) = (model.run(case).unwrap(), model.trace(case));
        Question { number: 0, shape: Shape::Block, case: case.clone(), executed, ours }
    }

    #[test]
    fn undefined_flags_are_no_difference_and_all_others_are() {
        let world = World::new(1);
        // mul bl: SF, ZF, AF and PF are undefined.
        let question = question(&Case::code32(&[0xf6, 0xe3]), &world);
        for (flag, differ) in [(Eflags::ZF, 0), (Eflags::VIF, 0), (Eflags::CF, 1), (Eflags::DF, 1)] {
            let mut other = question.ours.clone();
            other.eflags = Eflags(other.eflags.0 ^ flag.0);
            let mut report = BlockReport::default();
            judge(&question, vec![(Peer::Turtle86, Ok(question.ours.clone())), (Peer::Bochs, Ok(other))], &world, &mut report);
            assert_eq!((report.agreed, report.disagreements.len()), (1 - differ as u64, differ), "{flag:?}");
        }
        let mut report = BlockReport::default();
        let said = vec![
            (Peer::Turtle86, Ok(question.ours.clone())),
            (Peer::Bochs, Ok(Outcome { eip: 7, ..question.ours.clone() })),
            (Peer::Qemu, Err("QEMU ended: signal: 6".into())),
        ];
        judge(&question, said, &world, &mut report);
        assert_eq!((report.disagreements[0].sides.to_string().as_str(), report.disagreements[0].fields.len()), ("all differ", 1));
    }
}
