//! The parent's side: starts the child, sends batches, reads outcomes.

use super::{
    HostError, Vendor,
    child::{SIGNAL_STACK, live},
    host_vendor,
    kernel::STEPS,
    shared::{PATCH_BYTES, PATCHES, Patch, Registers, SEGMENTS, SLOTS, Shared, Slot},
};
use crate::silicon::{
    case::{CHOSEN_FLAGS, Case, Ending, Outcome},
    world::World,
};
use std::{
    fs::File,
    io::{self, Read, Write},
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    ptr,
};
use turtle86::arch::{Eflags, SegmentRegister};

/// The host's processor, asked through a child process that ends with this value.
pub struct Host {
    shared: Mapping,
    _stack: Mapping,
    requests: File,
    answers: File,
    child: i32,
    world: World,
    vendor: Vendor,
    /// The cases of the batch on its way.
    sent: Vec<Case>,
}

/// An anonymous mapping that children inherit and share.
struct Mapping {
    at: *mut u8,
    bytes: usize,
}
// SAFETY: the mapping belongs to whoever owns the value, in whatever thread.
unsafe impl Send for Mapping {}
impl Mapping {
    fn new(bytes: usize) -> io::Result<Mapping> {
        let (rights, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_SHARED | libc::MAP_ANONYMOUS);
        // SAFETY: a new mapping wherever the kernel likes.
        let at = unsafe { libc::mmap(ptr::null_mut(), bytes, rights, flags, -1, 0) };
        if at == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(Mapping { at: at.cast(), bytes }) }
    }
}
impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: it was mapped by `new`, and nothing borrows it any more.
        unsafe { libc::munmap(self.at.cast(), self.bytes) };
    }
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut ends = [0; 2];
    // SAFETY: room for two descriptors, which are ours then.
    unsafe {
        if libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

impl Host {
    /// Starts the child process in a world.
    ///
    /// # Errors
    /// The kernel does not let a process do so, or this is not x86-64 Linux.
    pub fn new(world: &World) -> Result<Host, HostError> {
        let system = |what| move |cause| HostError::System { what, cause };
        let shared = Mapping::new(size_of::<Shared>()).map_err(system("share memory with a child process"))?;
        let stack = Mapping::new(SIGNAL_STACK).map_err(system("share memory with a child process"))?;
        // SAFETY: the mapping is that large, zeroed, and nobody else knows of it. All zeros is a value of this plain type.
        let area = unsafe { &mut *shared.at.cast::<Shared>() };
        area.segments = world.ldt().len().min(SEGMENTS) as u32;
        area.ldt.iter_mut().zip(world.ldt()).for_each(|(to, from)| *to = from.0);
        area.memory.copy_from_slice(world.memory());
        let (child_requests, requests) = pipe().map_err(system("make a pipe"))?;
        let (answers, child_answers) = pipe().map_err(system("make a pipe"))?;
        // SAFETY: the child calls nothing that another thread's locks could block: no allocation, no libc with state.
        let child = unsafe { libc::fork() };
        match child {
            -1 => return Err(system("fork")(io::Error::last_os_error())),
            // SAFETY: the process was just forked; mappings and pipes are as they must be.
            0 => unsafe { live(shared.at.cast(), stack.at, child_requests.as_raw_fd(), child_answers.as_raw_fd()) },
            _ => {}
        }
        let (vendor, _) = host_vendor();
        let mut host = Host {
            shared,
            _stack: stack,
            requests: requests.into(),
            answers: answers.into(),
            child,
            world: world.clone(),
            vendor,
            sent: Vec::new(),
        };
        drop((child_requests, child_answers));
        // The empty first batch.
        match host.answers.read_exact(&mut [0]) {
            Ok(()) => Ok(host),
            Err(_) => {
                let shared = host.area();
                let (step, errno) = (shared.failed_step as usize, shared.errno);
                Err(system(STEPS[step.min(STEPS.len() - 1)])(io::Error::from_raw_os_error(errno)))
            }
        }
    }
    /// Who made the processor.
    pub fn vendor(&self) -> Vendor {
        self.vendor
    }
    fn area(&mut self) -> &mut Shared {
        // SAFETY: mapped for as long as `self`; the child touches it between a request and its answer alone.
        unsafe { &mut *self.shared.at.cast() }
    }

    /// Runs cases, any number of them.
    ///
    /// # Errors
    /// A case that cannot be begun, or the child died.
    pub fn run(&mut self, cases: &[Case]) -> Result<Vec<Outcome>, HostError> {
        let mut outcomes = Vec::with_capacity(cases.len());
        for batch in cases.chunks(SLOTS) {
            self.submit(batch)?;
            outcomes.append(&mut self.collect()?);
        }
        Ok(outcomes)
    }
    /// Sends at most 256 cases; [`Host::collect`] waits for their outcomes.
    ///
    /// # Errors
    /// A case that cannot be begun, or the child died.
    pub fn submit(&mut self, cases: &[Case]) -> Result<(), HostError> {
        assert!(self.sent.is_empty() && cases.len() <= SLOTS, "at most {SLOTS} cases at a time");
        // SAFETY: mapped for as long as `self`, and the child waits.
        let shared = unsafe { &mut *self.shared.at.cast::<Shared>() };
        for (n, (case, slot)) in cases.iter().zip(&mut shared.slots).enumerate() {
            fill(slot, case, &self.world).map_err(|why| HostError::Case { case: n, why })?;
        }
        shared.count = cases.len() as u32;
        shared.done = 0;
        self.sent = cases.to_vec();
        if cases.is_empty() {
            return Ok(());
        }
        if self.requests.write_all(&[0]).is_err() {
            return Err(self.death());
        }
        Ok(())
    }
    /// Waits for the outcomes of the cases sent.
    ///
    /// # Errors
    /// The child died.
    pub fn collect(&mut self) -> Result<Vec<Outcome>, HostError> {
        if self.sent.is_empty() {
            return Ok(Vec::new());
        }
        if self.answers.read_exact(&mut [0]).is_err() {
            return Err(self.death());
        }
        let count = std::mem::take(&mut self.sent).len();
        Ok(self.area().slots[..count].iter().map(outcome).collect())
    }
    fn death(&mut self) -> HostError {
        let mut status = 0;
        // SAFETY: waits for our own child.
        unsafe { libc::waitpid(self.child, &mut status, 0) };
        self.child = 0;
        let status = if libc::WIFSIGNALED(status) {
            format!("signal {}", libc::WTERMSIG(status))
        } else {
            format!("status {}", libc::WEXITSTATUS(status))
        };
        let case = self.area().done as usize;
        let code = self.sent.get(case).map_or("no case".into(), |case| format!("{case:x?}"));
        HostError::Died { status, case, code }
    }
}
impl Drop for Host {
    fn drop(&mut self) {
        if self.child > 0 {
            // SAFETY: our own child, which has nothing to lose.
            unsafe {
                libc::kill(self.child, libc::SIGKILL);
                libc::waitpid(self.child, ptr::null_mut(), 0);
            }
        }
    }
}

/// Puts a case into its slot.
fn fill(slot: &mut Slot, case: &Case, world: &World) -> Result<(), String> {
    for (register, selector) in SegmentRegister::ALL.into_iter().zip(case.segments) {
        check_selector(register, selector, world)?;
    }
    let cs = world.descriptor(case.segments[SegmentRegister::Cs as usize]).unwrap_or_default();
    if case.eip > cs.limit() {
        return Err(format!("EIP {:08x} is beyond the limit of CS, {:08x}", case.eip, cs.limit()));
    }
    slot.registers = Registers {
        gpr: case.registers,
        eip: case.eip,
        eflags: (case.eflags & CHOSEN_FLAGS | Eflags::FIXED | Eflags::IF).0,
        segments: case.segments,
    };
    let (mut patches, mut bytes) = (0, 0);
    let mut full = false;
    case.place(world, |offset, data| {
        if patches == PATCHES || bytes + data.len() > PATCH_BYTES {
            full = true;
            return;
        }
        slot.patch[patches] = Patch { offset: offset as u32, bytes: data.len() as u32 };
        slot.patch_bytes[bytes..bytes + data.len()].copy_from_slice(data);
        patches += 1;
        bytes += data.len();
    });
    if full {
        return Err(format!("more than {PATCHES} pieces or {PATCH_BYTES} bytes of memory, code counted in"));
    }
    slot.patches = patches as u32;
    Ok(())
}
/// What the child could not load without a fault of its own is refused here.
fn check_selector(register: SegmentRegister, selector: u16, world: &World) -> Result<(), String> {
    // The way from the kernel into user mode clears null selectors of any RPL: only 0 stays what it is.
    let null = selector == 0 && !matches!(register, SegmentRegister::Cs | SegmentRegister::Ss);
    let rights = world.descriptor(selector).map(|descriptor| descriptor.rights());
    let fits = rights.is_some_and(|rights| {
        let kind = match register {
            SegmentRegister::Cs => rights.is_code(),
            SegmentRegister::Ss => rights.is_writable(),
            _ => rights.is_readable(),
        };
        rights.present() && kind
    });
    let own_level = selector & 3 == 3 || !matches!(register, SegmentRegister::Cs | SegmentRegister::Ss);
    if null || fits && own_level { Ok(()) } else { Err(format!("{register} cannot hold selector {selector:04x} in user mode")) }
}

fn outcome(slot: &Slot) -> Outcome {
    let ending = match slot.signal as i32 {
        libc::SIGVTALRM => Ending::Timeout,
        libc::SIGSYS => Ending::SystemCall,
        _ => {
            let vector = slot.vector as u8;
            // I/D: the host has execute-disable, the model's page tables have no room for it.
            let error = if vector == 14 { slot.error & !0x10 } else { slot.error };
            Ending::Exception {
                vector,
                error: if matches!(vector, 8 | 10..=14 | 17) { error } else { 0 },
                address: if vector == 14 { slot.address as u32 } else { 0 },
            }
        }
    };
    let lines = slot.lines as usize;
    Outcome {
        ending,
        registers: slot.registers.gpr,
        eip: slot.registers.eip,
        eflags: Eflags(slot.registers.eflags) & !Eflags::RF,
        segments: slot.registers.segments,
        memory: slot.line[..lines].iter().copied().zip(slot.line_bytes[..lines].iter().copied()).collect(),
    }
}
