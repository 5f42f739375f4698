//! Limit and type checks of every access.

use crate::model::pages::Access;
use crate::model::segments::{self, Hidden, SS};
use crate::model::{Exception, bits};
use crate::rig::*;
use proptest::prelude::*;
use turtle86_arch::{AccessRights, Cr0, DescriptorCache, SegmentRegister, SegmentSelector};
use turtle86_mmu::{Mmu, Width};

const CS: usize = 1;

/// A code or data descriptor of any kind, with limits where something happens.
fn descriptor() -> impl Strategy<Value = u64> {
    let base = prop_oneof![2 => Just(0u64), 1 => 0xffff_f000..0x1_0000_0000u64, 2 => any::<u32>().prop_map(u64::from)];
    let limit = prop_oneof![
        1 => 0..8u64,
        2 => prop_oneof![Just(0xfu64), Just(0xffff), Just(0xfffe), Just(0x10000), Just(0xffffe), Just(0xfffff)],
        1 => 0..0x10_0000u64,
    ];
    (base, limit, 0..16u64, 0..4u64, any::<bool>(), any::<bool>()).prop_map(|(base, limit, kind, dpl, big, pages)| {
        bits(limit, 15, 0)
            | bits(base, 23, 0) << 16
            | kind << 40
            | 1 << 44
            | dpl << 45
            | 1 << 47
            | bits(limit, 19, 16) << 48
            | u64::from(big) << 54
            | u64::from(pages) << 55
            | bits(base, 31, 24) << 56
    })
}
fn offset(anchor: usize, delta: u32, anywhere: u32, descriptor: u64) -> u32 {
    let anchors = [0, segments::effective_limit(descriptor), 0xffff, 0x10000, 0xffff_ffff, anywhere];
    anchors[anchor].wrapping_add(delta).wrapping_sub(6)
}
/// The hidden part as the library keeps it, taken from the raw descriptor by the manual's figure.
pub fn cache(selector: u16, hidden: Hidden) -> DescriptorCache {
    let selector = SegmentSelector(selector);
    match hidden {
        None => DescriptorCache::null(selector),
        Some(raw) => DescriptorCache {
            selector,
            base: segments::base(raw),
            limit: segments::effective_limit(raw),
            rights: AccessRights((bits(raw, 47, 40) | bits(raw, 55, 52) << 12) as u16),
            usable: true,
        },
    }
}
fn machine() -> Mmu {
    mmu_of(Chip::PentiumPro, &crate::model::Memory(vec![0; 4096]))
}
fn fast(mmu: &Mmu, register: usize, offset: u32, size: u32, write: bool) -> Option<u32> {
    fn of<W: Width>(mmu: &Mmu, register: usize, offset: u32, write: bool) -> Option<u32> {
        mmu.linear::<W>(register as u8, offset, write)
    }
    match size {
        1 => of::<u8>(mmu, register, offset, write),
        2 => of::<u16>(mmu, register, offset, write),
        _ => of::<u32>(mmu, register, offset, write),
    }
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn the_limit_and_type_checks_are_the_manuals_in_protected_and_real_mode(
        descriptor in descriptor(),
        null in prop::bool::weighted(0.05),
        register in 0..6usize,
        protected in any::<bool>(),
        mode_first in any::<bool>(),
        accesses in prop::collection::vec((0..6usize, 0..13u32, any::<u32>(), 0..3u32, 0..3u8), 1..64),
    ) {
        // CS and SS cannot hold a null selector.
        let hidden = if null && register != CS && register != SS { None } else { Some(descriptor) };
        let mut mmu = machine();
        let name = SegmentRegister::ALL[register];
        // The mode may change while the hidden part stays.
        if mode_first {
            mmu.set_cr0(Cr0(u32::from(protected))).unwrap();
            mmu.set_segment(name, cache(8, hidden));
        } else {
            mmu.set_cr0(Cr0(u32::from(!protected))).unwrap();
            mmu.set_segment(name, cache(8, hidden));
            mmu.set_cr0(Cr0(u32::from(protected))).unwrap();
        }
        for (anchor, delta, anywhere, size, access) in accesses {
            let (offset, size) = (offset(anchor, delta, anywhere, descriptor), 1 << size);
            let access = match access {
                0 => Access::Read,
                1 => Access::Write,
                _ if register == CS => Access::Fetch,
                _ => Access::Read,
            };
            let expected = segments::linear(hidden, register, protected, offset, size, access);
            let got = mmu.linear_checked(name, offset, size, kind(access)).map_err(exception);
            prop_assert_eq!(got, expected, "{:?} of {} bytes at {:08x} of {:016x}", access, size, offset, descriptor);
            if access != Access::Fetch {
                let quick = fast(&mmu, register, offset, size, access == Access::Write);
                let slow = expected.ok();
                // Only expand-down segments, by the model's bits, are left to the slow check.
                let down = bits(descriptor, 44, 42) == 5;
                prop_assert!(quick == slow || quick.is_none() && down, "{:?}, not {:?}", quick, slow);
                if mmu.mode().flat(name) {
                    let wraps = u64::from(offset) + u64::from(size) > 1 << 32;
                    prop_assert!(wraps || slow == Some(offset), "a flat segment refuses {:08x}", offset);
                }
            }
        }
    }

    #[test]
    fn a_segment_load_in_real_mode_changes_the_base_and_nothing_else(
        descriptor in descriptor(),
        selector in any::<u16>(),
        register in 0..6usize,
        accesses in prop::collection::vec((0..6usize, 0..13u32, any::<u32>(), 0..3u32, any::<bool>()), 1..16),
    ) {
        let mut mmu = machine();
        let name = SegmentRegister::ALL[register];
        mmu.set_segment(name, cache(8, Some(descriptor)));
        mmu.load_real_mode_segment(name, selector);
        let base = u64::from(selector) * 16;
        let moved = descriptor & 0x00ff_ff00_0000_ffff | base << 16;
        prop_assert_eq!(*mmu.segment(name), cache(selector, Some(moved)));
        for (anchor, delta, anywhere, size, write) in accesses {
            let (offset, size) = (offset(anchor, delta, anywhere, descriptor), 1 << size);
            let access = if write { Access::Write } else { Access::Read };
            let expected = segments::linear(Some(moved), register, false, offset, size, access);
            prop_assert_eq!(mmu.linear_checked(name, offset, size, kind(access)).map_err(exception), expected);
            let quick = fast(&mmu, register, offset, size, write);
            prop_assert!(quick.is_none() || quick == expected.ok());
        }
    }
}

#[test]
fn a_write_to_a_stack_segment_of_the_wrong_type_is_a_general_protection_fault() {
    let mut mmu = machine();
    mmu.set_cr0(Cr0(PE)).unwrap();
    // Loads refuse such a stack; LOADALL does not.
    mmu.set_segment(SegmentRegister::Ss, cache(8, Some(0x0000_9000_0000_ffff)));
    let write = kind(Access::Write);
    assert_eq!(mmu.linear_checked(SegmentRegister::Ss, 0, 1, write).map_err(exception), Err(Exception::Gp(0)));
    assert_eq!(mmu.linear_checked(SegmentRegister::Ss, 0x10000, 1, kind(Access::Read)).map_err(exception), Err(Exception::Ss(0)));
}
