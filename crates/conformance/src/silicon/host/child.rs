//! The child: prepares itself, then lives in its signal handler, which notes how a case ended and returns into the next one.

use super::{
    kernel::{UserDescriptor, refuse_system_calls_of_guests, syscall},
    shared::{Shared, Slot},
};
use crate::silicon::{
    case::LINE,
    world::{ARENA, PAGE, RIGHTS, Rights, WRITABLE},
};
use std::{
    arch::{asm, global_asm},
    ptr,
    sync::atomic::{AtomicPtr, Ordering},
};

/// Bytes of the stack on which signals are handled.
pub const SIGNAL_STACK: usize = 256 << 10;
/// Where the child finds its ends of the two pipes.
pub const REQUESTS: i32 = 3;
pub const ANSWERS: i32 = 4;
/// A case that sees two ticks does not end.
const TICK_MICROSECONDS: i64 = 20_000;

struct Child {
    shared: *mut Shared,
    running: bool,
    /// The next case.
    next: u32,
    /// The case that saw the last tick.
    ticked: u32,
}
static CHILD: AtomicPtr<Child> = AtomicPtr::new(ptr::null_mut());

// Guests may have set AC, ID or NT, which the kernel leaves alone: the handler must not run with the first, nor the next guest
// with the others.
global_asm!(
    ".globl turtle86_conformance_signal",
    "turtle86_conformance_signal:",
    "pushfq",
    "and qword ptr [rsp], -0x244001",
    "popfq",
    "jmp {handler}",
    handler = sym handler,
);
unsafe extern "C" {
    fn turtle86_conformance_signal();
}

/// The life of the child.
///
/// # Safety
/// To be called in a process just forked, with `shared` and `stack` mapped for good, and the pipes' ends as given.
pub unsafe fn live(shared: *mut Shared, stack: *mut u8, requests: i32, answers: i32) -> ! {
    // SAFETY: as promised by the caller; each call of the kernel touches this process alone.
    unsafe {
        let failed = prepare(shared, stack, requests, answers);
        if let Err((step, error)) = failed {
            (*shared).failed_step = step;
            (*shared).errno = -error as i32;
            // The parent reads the end of the pipe.
            syscall(libc::SYS_exit_group, [1, 0, 0, 0, 0, 0]);
        }
        let mut child = Child { shared, running: false, next: 0, ticked: u32::MAX };
        (*shared).count = 0;
        CHILD.store(&raw mut child, Ordering::Relaxed);
        // Into the handler.
        asm!("ud2", options(noreturn));
    }
}

/// # Safety
/// As [`live`].
unsafe fn prepare(shared: *mut Shared, stack: *mut u8, requests: i32, answers: i32) -> Result<(), (u32, i64)> {
    let check = |step: u32, result: i64| if result < 0 { Err((step, result)) } else { Ok(result) };
    // SAFETY: as promised by the caller.
    unsafe {
        // Other children's pipes among the files would keep those from seeing our parent's end.
        let duplicate = |from: i32, to: i32| syscall(libc::SYS_dup3, [from as u64, to as u64, 0, 0, 0, 0]);
        check(1, duplicate(requests, 1000))?;
        check(1, duplicate(answers, 1001))?;
        check(1, duplicate(1000, REQUESTS))?;
        check(1, duplicate(1001, ANSWERS))?;
        check(1, syscall(libc::SYS_close_range, [5, u64::from(u32::MAX), 0, 0, 0, 0]))?;
        for (page, rights) in RIGHTS.into_iter().enumerate() {
            if rights == Rights::Missing {
                continue;
            }
            let at = u64::from(ARENA) + (page * PAGE) as u64;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE | libc::MAP_POPULATE;
            let got = check(2, syscall(libc::SYS_mmap, [at, PAGE as u64, 7, flags as u64, u64::MAX, 0]))?;
            if got as u64 != at {
                return Err((2, -i64::from(libc::EEXIST)));
            }
            ptr::copy_nonoverlapping((&raw const (*shared).memory).cast::<u8>().add(page * PAGE), at as *mut u8, PAGE);
            if rights == Rights::ReadOnly {
                check(3, syscall(libc::SYS_mprotect, [at, PAGE as u64, 5, 0, 0, 0]))?;
            }
        }
        for n in 0..(*shared).segments {
            let entry = UserDescriptor::new(n, (*shared).ldt[n as usize]);
            let bytes = size_of::<UserDescriptor>() as u64;
            let result = syscall(libc::SYS_modify_ldt, [0x11, &raw const entry as u64, bytes, 0, 0, 0]);
            // The call's result is 32 bits wide.
            check(4, i64::from(result as i32))?;
        }
        let stack = libc::stack_t { ss_sp: stack.cast(), ss_flags: 0, ss_size: SIGNAL_STACK };
        check(5, i64::from(libc::sigaltstack(&stack, ptr::null_mut())))?;
        let mut action: libc::sigaction = std::mem::zeroed();
        action.sa_sigaction = turtle86_conformance_signal as *const () as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // The timer alone waits while a signal is handled: an exception there is a fault of ours, and ends the process.
        libc::sigfillset(&mut action.sa_mask);
        for signal in SIGNALS {
            check(6, i64::from(libc::sigaction(signal, &action, ptr::null_mut())))?;
        }
        let tick = libc::timeval { tv_sec: 0, tv_usec: TICK_MICROSECONDS };
        let timer = libc::itimerval { it_interval: tick, it_value: tick };
        check(7, syscall(libc::SYS_setitimer, [libc::ITIMER_VIRTUAL as u64, &raw const timer as u64, 0, 0, 0, 0]))?;
        check(8, refuse_system_calls_of_guests())?;
    }
    Ok(())
}
const SIGNALS: [i32; 7] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGTRAP, libc::SIGFPE, libc::SIGSYS, libc::SIGVTALRM];

// Indices into `gregs`, in the order of the registers' encoding.
const GPR: [usize; 8] = [
    libc::REG_RAX as usize,
    libc::REG_RCX as usize,
    libc::REG_RDX as usize,
    libc::REG_RBX as usize,
    libc::REG_RSP as usize,
    libc::REG_RBP as usize,
    libc::REG_RSI as usize,
    libc::REG_RDI as usize,
];
const RIP: usize = libc::REG_RIP as usize;
const EFLAGS: usize = libc::REG_EFL as usize;
const SEGMENTS: usize = libc::REG_CSGSFS as usize;

/// Runs on the signal stack. No panic, no allocation, no thread-local storage.
unsafe extern "C" fn handler(signal: i32, _: *mut libc::siginfo_t, context: *mut libc::ucontext_t) {
    // SAFETY: `CHILD` is set before the first signal, the kernel made `context`, and one thread alone lives here.
    unsafe {
        let child = &mut *CHILD.load(Ordering::Relaxed);
        let machine = &mut (*context).uc_mcontext;
        let shared = &mut *child.shared;
        if child.running {
            if signal == libc::SIGVTALRM && child.ticked != child.next {
                child.ticked = child.next;
                return;
            }
            let slot = &raw mut shared.slots[child.next as usize & (super::shared::SLOTS - 1)];
            note(&mut *slot, signal, &machine.gregs, &shared.memory);
            child.running = false;
            child.ticked = u32::MAX;
            child.next += 1;
            (&raw mut shared.done).write_volatile(child.next);
        } else if signal == libc::SIGVTALRM {
            return;
        }
        if child.next >= shared.count {
            wait_for_a_batch(child);
        }
        let slot = &shared.slots[child.next as usize & (super::shared::SLOTS - 1)];
        child.running = true;
        begin(slot, &mut machine.gregs);
    }
}

/// Tells the parent that a batch is done, unless it is the empty first one, and waits for the next.
unsafe fn wait_for_a_batch(child: &mut Child) {
    let mut byte = 0u8;
    // SAFETY: the pipes are ours, the byte lives through the calls.
    unsafe {
        let at = &raw mut byte as u64;
        if syscall(libc::SYS_write, [ANSWERS as u64, at, 1, 0, 0, 0]) != 1
            || syscall(libc::SYS_read, [REQUESTS as u64, at, 1, 0, 0, 0]) != 1
        {
            syscall(libc::SYS_exit_group, [0, 0, 0, 0, 0, 0]);
        }
    }
    child.next = 0;
}

/// Writes down what the guest left, and puts its memory back.
unsafe fn note(slot: &mut Slot, signal: i32, gregs: &[i64; 23], memory: &[u8]) {
    let (es, ds, fs, gs): (u16, u16, u16, u16);
    // SAFETY: reads of selectors.
    unsafe { asm!("mov {0:x}, es", "mov {1:x}, ds", "mov {2:x}, fs", "mov {3:x}, gs", out(reg) es, out(reg) ds, out(reg) fs, out(reg) gs) }
    let selectors = gregs[SEGMENTS] as u64;
    for (value, index) in slot.registers.gpr.iter_mut().zip(GPR) {
        *value = gregs[index] as u32;
    }
    slot.registers.eip = gregs[RIP] as u32;
    slot.high = (gregs[RIP] >> 32) as u32;
    slot.registers.eflags = gregs[EFLAGS] as u32;
    slot.registers.segments = [es, selectors as u16, (selectors >> 48) as u16, ds, fs, gs];
    slot.signal = signal as u32;
    slot.vector = gregs[libc::REG_TRAPNO as usize] as u32;
    slot.error = gregs[libc::REG_ERR as usize] as u32;
    slot.address = gregs[libc::REG_CR2 as usize] as u64;
    let mut lines = 0;
    for page in WRITABLE {
        let before = &memory[page * PAGE..][..PAGE];
        // SAFETY: the page is mapped, and the guest does not run.
        let now = unsafe { std::slice::from_raw_parts_mut((ARENA as usize + page * PAGE) as *mut u8, PAGE) };
        if now == before {
            continue;
        }
        for (n, (now, before)) in now.chunks_exact_mut(LINE).zip(before.chunks_exact(LINE)).enumerate() {
            if now != before {
                slot.line[lines] = (page * PAGE / LINE + n) as u16;
                slot.line_bytes[lines].copy_from_slice(now);
                now.copy_from_slice(before);
                lines += 1;
            }
        }
    }
    slot.lines = lines as u32;
}

/// Makes the return from this signal a start of the case.
unsafe fn begin(slot: &Slot, gregs: &mut [i64; 23]) {
    let mut from = 0;
    for patch in slot.patch.iter().take(slot.patches as usize) {
        let bytes = patch.bytes as usize;
        // SAFETY: the parent cut the patches to writable pages of the arena.
        unsafe { ptr::copy_nonoverlapping(slot.patch_bytes.as_ptr().add(from), (ARENA + patch.offset) as usize as *mut u8, bytes) };
        from += bytes;
    }
    for (value, index) in slot.registers.gpr.into_iter().zip(GPR) {
        gregs[index] = value.into();
    }
    gregs[RIP] = slot.registers.eip.into();
    gregs[EFLAGS] = slot.registers.eflags.into();
    let [es, cs, ss, ds, fs, gs] = slot.registers.segments;
    gregs[SEGMENTS] = (u64::from(cs) | u64::from(ss) << 48) as i64;
    // SAFETY: the parent checked that user mode can load them. In 64-bit mode DS and ES mean nothing, and nothing here uses FS or GS.
    unsafe { asm!("mov es, {0:x}", "mov ds, {1:x}", "mov fs, {2:x}", "mov gs, {3:x}", in(reg) es, in(reg) ds, in(reg) fs, in(reg) gs) }
}
