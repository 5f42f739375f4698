//! System calls of the child. Thread-local storage is gone there while a case has FS, so that nothing of libc may be called.

use std::arch::asm;

/// A system call with up to six arguments; the result, or a negative error number.
///
/// # Safety
/// As the call itself asks for.
pub unsafe fn syscall(number: i64, arguments: [u64; 6]) -> i64 {
    let result;
    // SAFETY: the kernel preserves everything but RAX, RCX and R11; what the call does to memory is the caller's promise.
    unsafe {
        asm!("syscall", inlateout("rax") number => result, in("rdi") arguments[0], in("rsi") arguments[1], in("rdx") arguments[2],
            in("r10") arguments[3], in("r8") arguments[4], in("r9") arguments[5], lateout("rcx") _, lateout("r11") _);
    }
    result
}

/// The steps of the child's preparations: what [`super::HostError::System`] calls them.
pub const STEPS: [&str; 9] = [
    "run code on the host",
    "close the parent's files",
    "map the arena below 4 GiB",
    "protect the arena",
    "make segments with modify_ldt",
    "set up a signal stack",
    "catch signals",
    "start a timer",
    "filter system calls",
];

/// What `modify_ldt` takes (`struct user_desc`).
#[repr(C)]
pub struct UserDescriptor {
    entry: u32,
    base: u32,
    limit: u32,
    flags: u32,
}
impl UserDescriptor {
    /// An entry from the descriptor that it shall become.
    pub fn new(entry: u32, descriptor: u64) -> UserDescriptor {
        let bit = |n: u32| (descriptor >> n & 1) as u32;
        let contents = bit(42) | bit(43) << 1;
        // seg_32bit, contents, read_exec_only, limit_in_pages, seg_not_present, useable
        let flags = bit(54) | contents << 1 | (bit(41) ^ 1) << 3 | bit(55) << 4 | (bit(47) ^ 1) << 5 | bit(52) << 6;
        UserDescriptor {
            entry,
            base: (descriptor >> 16 & 0xff_ffff) as u32 | (descriptor >> 32 & 0xff00_0000) as u32,
            limit: (descriptor & 0xffff) as u32 | (descriptor >> 32 & 0xf_0000) as u32,
            flags,
        }
    }
}

/// A classic BPF instruction (`struct sock_filter`).
#[repr(C)]
struct Filter {
    code: u16,
    jump_true: u8,
    jump_false: u8,
    k: u32,
}
#[repr(C)]
struct Program {
    length: u16,
    filter: *const Filter,
}
const LOAD: u16 = 0x20;
const JUMP_EQUAL: u16 = 0x15;
const RETURN: u16 = 0x06;
const ARCH_X86_64: u32 = 0xc000_003e;
const ALLOW: u32 = 0x7fff_0000;
const TRAP: u32 = 0x0003_0000;

/// From now on a system call made in 32-bit code, or from an instruction below 4 GiB, is a signal.
pub fn refuse_system_calls_of_guests() -> i64 {
    const fn op(code: u16, k: u32, jump_true: u8, jump_false: u8) -> Filter {
        Filter { code, jump_true, jump_false, k }
    }
    static FILTER: [Filter; 6] = [
        op(LOAD, 4, 0, 0), // arch
        op(JUMP_EQUAL, ARCH_X86_64, 0, 3),
        op(LOAD, 12, 0, 0), // the high half of the instruction pointer
        op(JUMP_EQUAL, 0, 1, 0),
        op(RETURN, ALLOW, 0, 0),
        op(RETURN, TRAP, 0, 0),
    ];
    let program = Program { length: FILTER.len() as u16, filter: FILTER.as_ptr() };
    // SAFETY: both calls read their arguments alone; the program lives through them.
    unsafe {
        let result = syscall(libc::SYS_prctl, [libc::PR_SET_NO_NEW_PRIVS as u64, 1, 0, 0, 0, 0]);
        if result < 0 {
            return result;
        }
        syscall(libc::SYS_seccomp, [1, 0, &raw const program as u64, 0, 0, 0])
    }
}
