//! Blocks of ops, cached by where their bytes lie and by the mode they were decoded in.
//!
//! A block is a run of ops in the pool, then two edges: taken and fall-through. It ends at a branch, at the end of its page, or
//! when it is full. A store into its bytes puts `stale` into its first op, which makes every link to it harmless; it is decoded
//! again in the same slots if it fits, and then all links are good again. When the pool is full, all is forgotten.

use super::{
    Context, Kind, Lowered, Op, POOL, Pool, decoder_options,
    fetch::{self, CodeOffset},
    lower, passes,
};
use crate::{
    core::Core,
    dispatch::{Handler, hooked, search, stale, through, unlinked},
};
use iced_x86::{Decoder, DecoderError, Instruction, Mnemonic};
use std::collections::HashMap;
use turtle86_arch::{Fault, Profile, SegmentRegister};
use turtle86_mmu::PAGE;

const TABLE: usize = 1 << 14;
/// Instructions of a block, and so the most that a block costs in the `Instructions` tier.
pub const MOST: u8 = 32;
/// Bytes of a block.
const WINDOW: usize = 240;
/// The last slots of the pool: code that cannot be cached is decoded there, each time anew.
const SCRATCH: u32 = POOL as u32 - 8;

/// What is known of a block beside its ops.
#[derive(Clone, Copy)]
struct Block {
    first: u32,
    room: u32,
    /// Where its bytes lie, and where those in a second page.
    start: u32,
    end: u32,
    second: Option<(u32, u32)>,
    live: bool,
}
#[derive(Clone, Copy)]
struct Slot {
    offset: u32,
    mode: u32,
    eip: u32,
    block: u32,
}

/// Which instructions hooks want to see.
#[derive(Clone, Debug, Default)]
pub struct Hooking {
    /// Every instruction.
    pub all: bool,
    /// All instructions of these mnemonics.
    pub mnemonics: Vec<Mnemonic>,
    /// Those at these linear addresses.
    pub addresses: Vec<u32>,
}
impl Hooking {
    fn wants(&self, instruction: &Instruction, linear: u32) -> bool {
        self.all || self.mnemonics.contains(&instruction.mnemonic()) || self.addresses.contains(&linear)
    }
    /// None at all.
    pub fn is_empty(&self) -> bool {
        !self.all && self.mnemonics.is_empty() && self.addresses.is_empty()
    }
}

/// How a block is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    Block,
    /// One instruction.
    Step,
    /// One instruction that a hook has seen already.
    Unhooked,
}

pub struct BlockCache {
    pool: Box<Pool>,
    used: u32,
    table: Box<[Slot; TABLE]>,
    blocks: Vec<Block>,
    by_page: HashMap<u32, Vec<u32>>,
    hooking: Hooking,
    options: u32,
    /// Kept for their room.
    lowered: Vec<Lowered>,
    ops: Vec<Op>,
    touched: Vec<(u32, u32)>,
}

fn boxed<T: Clone, const N: usize>(value: T) -> Box<[T; N]> {
    match vec![value; N].into_boxed_slice().try_into() {
        Ok(array) => array,
        Err(_) => unreachable!("the vector has N elements"),
    }
}
fn blank(exec: Handler) -> Op {
    Op { exec, imm: 0, disp: 0, reg: 0, rm: 0, base: 0, index: 0, scale_segment: 0, nth: 0, offset: 0, length: 0 }
}
const FREE: Slot = Slot { offset: !0, mode: 0, eip: 0, block: 0 };

impl BlockCache {
    pub fn new(profile: &Profile) -> BlockCache {
        BlockCache {
            pool: boxed(blank(stale)),
            used: 0,
            table: boxed(FREE),
            blocks: Vec::new(),
            by_page: HashMap::new(),
            hooking: Hooking::default(),
            options: decoder_options(profile),
            lowered: Vec::new(),
            ops: Vec::new(),
            touched: Vec::new(),
        }
    }
    pub fn pool(&self) -> &Pool {
        &self.pool
    }
    pub fn op(&self, at: usize) -> &Op {
        &self.pool[at & (POOL - 1)]
    }
    /// Blocks that are good, and slots that were ever used.
    #[cfg(test)]
    pub fn kept(&self) -> (usize, u32) {
        (self.blocks.iter().filter(|block| block.live).count(), self.used)
    }
    /// Other instructions are to be seen by hooks from now on.
    pub fn set_hooking(&mut self, core: &mut Core, hooking: Hooking) {
        self.hooking = hooking;
        self.forget(core);
    }
    /// Forgets every block.
    pub fn forget(&mut self, core: &mut Core) {
        let used = self.used as usize;
        self.pool[..used].fill(blank(stale));
        self.used = 0;
        self.table.fill(FREE);
        self.blocks.clear();
        self.by_page.clear();
        core.forget_jumps();
        core.mmu.bus.memory.forget_code();
    }
    fn slot(offset: u32, mode: u32, eip: u32) -> usize {
        (offset ^ offset >> 12 ^ mode << 3 ^ mode >> 16 ^ eip >> 4) as usize & (TABLE - 1)
    }

    /// Links an edge to the block that it leads to, unless that block must be looked up each time.
    pub fn link(&mut self, edge: usize, index: u32) {
        let crosses = self.crosses(index);
        let edge = &mut self.pool[edge & (POOL - 1)];
        if edge.linkable() && index < SCRATCH && !crosses {
            edge.imm = index;
        }
    }
    /// The block that an edge is linked to.
    pub fn linked(&self, edge: usize) -> Option<u32> {
        let op = &self.pool[edge & (POOL - 1)];
        (op.linkable() && op.imm as usize != edge).then_some(op.imm)
    }

    /// The pool index of the block at the current EIP, decoded if need be.
    pub fn find(&mut self, core: &mut Core, wanted: Wanted) -> Result<u32, Fault> {
        let found = self.look_up(core, wanted);
        // Entries of the jump table stand for translations that are cached: where one went, so do they.
        if std::mem::take(&mut core.mmu.code_evicted) {
            core.forget_jumps();
        }
        let index = found?;
        if wanted == Wanted::Block && index < SCRATCH && !self.crosses(index) {
            core.remember_jump(index);
        }
        Ok(index)
    }
    fn look_up(&mut self, core: &mut Core, wanted: Wanted) -> Result<u32, Fault> {
        let eip = core.eip;
        let linear = core.mmu.segment(SegmentRegister::Cs).base.wrapping_add(eip);
        let mode = match wanted {
            Wanted::Block => core.mmu.mode().bits(),
            Wanted::Step => core.mmu.mode().step().bits(),
            Wanted::Unhooked => core.mmu.mode().step().bits() | 1 << 11,
        };
        let (offset, at) = if u64::from(eip) > u64::from(core.mmu.segment(SegmentRegister::Cs).limit) {
            return Err(fetch::incomplete(core, eip, 0));
        } else {
            fetch::locate(core, linear)?
        };
        let Some(offset) = offset else { return self.decode(core, None, at, mode, wanted, None) };
        let slot = Self::slot(offset, mode, eip);
        let found = self.table[slot];
        let index = if (found.offset, found.mode, found.eip) == (offset, mode, eip) {
            let block = self.blocks[found.block as usize];
            let valid = block.live && self.second_page_holds(core, linear, &block)?;
            if valid { block.first } else { self.decode(core, Some(offset), at, mode, wanted, Some(found.block))? }
        } else {
            self.decode(core, Some(offset), at, mode, wanted, None)?
        };
        Ok(index)
    }
    /// A block that ends in a second page is good only while that page lies where it lay.
    fn second_page_holds(&self, core: &mut Core, linear: u32, block: &Block) -> Result<bool, Fault> {
        let Some((second, _)) = block.second else { return Ok(true) };
        let (offset, _) = fetch::locate(core, (linear & PAGE).wrapping_add(0x1000))?;
        Ok(offset == Some(second))
    }
    /// The block's fall-through edge says so: its first instruction's bytes cross the page.
    fn crosses(&self, index: u32) -> bool {
        self.pool[index as usize & (POOL - 1)].scale_segment & 0x80 != 0
    }

    fn decode(
        &mut self,
        core: &mut Core,
        offset: CodeOffset,
        at: turtle86_arch::PhysicalAddress,
        mode: u32,
        wanted: Wanted,
        old: Option<u32>,
    ) -> Result<u32, Fault> {
        if self.used + u32::from(MOST) + 8 > SCRATCH {
            self.forget(core);
            return self.look_up(core, wanted);
        }
        let eip = core.eip;
        let cs = *core.mmu.segment(SegmentRegister::Cs);
        let linear = cs.base.wrapping_add(eip);
        let context = Context { profile: core.profile, mode: core.mmu.mode(), limit: cs.limit };
        let bits = if cs.rights.is_32_bit() { 32 } else { 16 };
        let most = if wanted == Wanted::Block && offset.is_some() { MOST } else { 1 };
        let window = fetch::window::<WINDOW>(core, eip, offset, at);
        let mut decoder = Decoder::with_ip(bits, window.bytes(), u64::from(eip), self.options);
        let mut block = std::mem::take(&mut self.lowered);
        block.clear();
        let mut length = 0;
        let mut second = None;
        let mut last = Instruction::default();
        let mut hook = false;
        while block.len() < usize::from(most) {
            let mut instruction = decoder.decode();
            let rest = window.bytes().get(length..).unwrap_or(&[]);
            if instruction.is_invalid() && fetch::is_too_long(bits, rest, self.options) {
                if block.is_empty() {
                    return Err(fetch::incomplete(core, eip, fetch::LONGEST));
                }
                break;
            }
            if decoder.last_error() == DecoderError::NoMoreBytes {
                if !block.is_empty() {
                    break;
                }
                // The first instruction needs bytes that the page, the segment or the manual does not give it at once.
                let have = &window.bytes()[..window.bytes().len().min(fetch::LONGEST)];
                let (both, beyond) = fetch::across(core, eip, have)?;
                let mut decoder = Decoder::with_ip(bits, both.bytes(), u64::from(eip), self.options);
                instruction = decoder.decode();
                let too_long = instruction.is_invalid() && fetch::is_too_long(bits, both.bytes(), self.options);
                if decoder.last_error() == DecoderError::NoMoreBytes || too_long {
                    return Err(fetch::incomplete(core, eip, both.bytes().len()));
                }
                second = Some(beyond);
            }
            let here = linear.wrapping_add(length as u32);
            hook = wanted != Wanted::Unhooked && !self.hooking.is_empty() && self.hooking.wants(&instruction, here);
            if hook && !block.is_empty() {
                hook = false;
                break;
            }
            match lower(&instruction, &context) {
                Ok(mut lowered) => {
                    (lowered.op.nth, lowered.op.offset) = (block.len() as u8, length as u8);
                    length += instruction.len();
                    let ends = lowered.kind != Kind::Sequential || hook;
                    block.push(lowered);
                    last = instruction;
                    if ends || second.is_some() {
                        break;
                    }
                }
                // An instruction that is refused is a block's end; alone it is the fault itself.
                Err(_) if !block.is_empty() => break,
                // A hook sees it before it faults.
                Err(_) if hook => break,
                Err(refusal) => return Err(Fault::new(refusal.exception, refusal.reason)),
            }
        }
        let fused = most > 1 && passes::fuse(&mut block, &last);
        if most > 1 {
            let end = block.len() - if fused { 2 } else { 0 };
            passes::drop_dead_flags(&mut block[..end]);
        }
        let crossing = second.is_some();
        let cacheable = offset.is_some() && second.is_none_or(|second| second.is_some());
        let mut ops = std::mem::take(&mut self.ops);
        ops.clear();
        ops.extend(block.iter().map(|lowered| lowered.op));
        let count = ops.len() as u8;
        let kind = block.last().map_or(Kind::Sequential, |lowered| lowered.kind);
        if kind == Kind::Sequential {
            ops.push(Op { nth: count, offset: length as u8, ..blank(through) });
        }
        if hook {
            match ops.first_mut() {
                Some(op) => op.exec = hooked,
                None => ops.insert(0, blank(hooked)),
            }
        }
        if crossing && let Some(op) = ops.first_mut() {
            op.scale_segment |= 0x80;
        }
        let size = ops.len() as u32 + 2;
        // Links may lead to the slots of a block that did not cross: one that does gets others.
        let free = |block: &Block| block.room >= size && cacheable && (!crossing || self.crosses(block.first));
        let reuse = old.map(|block| self.blocks[block as usize]).filter(free);
        let (first, room) = match reuse {
            Some(block) => (block.first, block.room),
            None if cacheable => {
                self.used += size;
                (self.used - size, size)
            }
            None => (SCRATCH, 8),
        };
        let fall = eip.wrapping_add(length as u32);
        let taken = if let Kind::Branch(target) = kind { target } else { fall };
        for target in [taken, fall] {
            let index = first + ops.len() as u32;
            let near = (cs.base.wrapping_add(target) ^ linear) & PAGE == 0 && target <= cs.limit;
            let linkable = near && cacheable && wanted == Wanted::Block;
            let exec: Handler = if linkable {
                unlinked
            } else if wanted == Wanted::Block {
                search
            } else {
                unlinked
            };
            let edge = Op { imm: index, disp: target.wrapping_sub(eip), nth: count, length: linkable.into(), ..blank(exec) };
            ops.push(Op { imm: index, ..edge });
        }
        self.pool[first as usize..first as usize + ops.len()].copy_from_slice(&ops);
        if let (true, Some(start)) = (cacheable, offset) {
            let in_first = (4096 - (start & 0xfff)).min(length as u32);
            let rest = length as u32 - in_first;
            let second = second.flatten().map(|second| (second, second + rest));
            let entry = Block { first, room, start, end: start + in_first, second, live: true };
            let number = match old {
                Some(number) => number,
                None => {
                    self.blocks.push(entry);
                    self.blocks.len() as u32 - 1
                }
            };
            self.blocks[number as usize] = entry;
            self.table[Self::slot(start, mode, eip)] = Slot { offset: start, mode, eip, block: number };
            for (from, to) in [Some((start, start + in_first)), second].into_iter().flatten() {
                if core.mmu.bus.memory.mark_code(from, to) {
                    core.mmu.protect_code(from);
                }
                let list = self.by_page.entry(from >> 12).or_default();
                if !list.contains(&number) {
                    list.push(number);
                }
            }
        }
        (self.lowered, self.ops) = (block, ops);
        Ok(first)
    }

    /// Answers the stores into code that memory has noted: every block with one of the bytes goes.
    pub fn invalidate(&mut self, core: &mut Core) {
        let mut touched = std::mem::take(&mut self.touched);
        core.mmu.bus.memory.take_touched(&mut touched);
        for (at, length) in touched.drain(..) {
            let end = at + length;
            for page in at >> 12..=(end - 1) >> 12 {
                self.invalidate_in(core, page, at, end);
            }
        }
        self.touched = touched;
    }
    fn invalidate_in(&mut self, core: &mut Core, page: u32, at: u32, end: u32) {
        let Some(list) = self.by_page.get_mut(&page) else { return };
        let (mut low, mut high) = (!0, 0);
        let part = |block: &Block| {
            let own = if block.start >> 12 == page { Some((block.start, block.end)) } else { None };
            own.or(block.second.filter(|(from, _)| from >> 12 == page))
        };
        list.retain(|number| {
            let block = &mut self.blocks[*number as usize];
            let Some((from, to)) = part(block) else { return false };
            if block.live && (to <= at || from >= end) {
                return true;
            }
            block.live = false;
            self.pool[block.first as usize].exec = stale;
            (low, high) = (low.min(from), high.max(to));
            false
        });
        if low >= high {
            return;
        }
        core.mmu.bus.memory.unmark_code(low, high);
        for (from, to) in list.iter().filter_map(|number| part(&self.blocks[*number as usize])) {
            if from < high && to > low {
                core.mmu.bus.memory.mark_code(from, to);
            }
        }
    }
}
