//! Segment descriptors and gates.

use super::edges;
use proptest::prelude::*;
use turtle86::arch::SegmentDescriptor;

/// Descriptors of code and data of every type, DPL and limit, present or not.
pub fn segment_descriptors() -> impl Strategy<Value = SegmentDescriptor> + Clone {
    let limits = prop_oneof![Just(0), Just(0xffff), Just(0xf_ffff), 0u32..0x10_0000];
    (edges(), limits, 0u64..16, 0u64..4, prop::bool::weighted(0.9), any::<bool>(), any::<bool>()).prop_map(
        |(base, limit, kind, dpl, present, big, granular)| {
            let rights = kind | 0x10 | dpl << 5 | u64::from(present) << 7;
            build(base, limit, rights, u64::from(big) << 2 | u64::from(granular) << 3)
        },
    )
}
/// Any descriptor: code and data, system segments, gates, reserved types.
pub fn descriptors() -> impl Strategy<Value = SegmentDescriptor> + Clone {
    let system = (edges(), 0u32..0x10_0000, 0u64..16, 0u64..4, prop::bool::weighted(0.9), 0u64..16)
        .prop_map(|(base, limit, kind, dpl, present, flags)| build(base, limit, kind | dpl << 5 | u64::from(present) << 7, flags));
    prop_oneof![3 => segment_descriptors(), 2 => system, 1 => any::<u64>().prop_map(SegmentDescriptor)]
}
fn build(base: u32, limit: u32, rights: u64, flags: u64) -> SegmentDescriptor {
    let (base, limit) = (u64::from(base), u64::from(limit));
    let low = limit & 0xffff | (base & 0xff_ffff) << 16;
    SegmentDescriptor(low | rights << 40 | (limit >> 16) << 48 | flags << 52 | (base >> 24) << 56)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest! {
        #[test]
        fn segments_have_the_limit_and_type_that_they_were_made_of(descriptor in segment_descriptors()) {
            prop_assert!(descriptor.rights().is_code_or_data() && descriptor.system_type().is_none());
            prop_assert!(descriptor.limit() <= 0xf_ffff || descriptor.rights().page_granular());
        }
    }
    #[test]
    fn fields_lie_where_the_manual_has_them() {
        let flat = build(0x1234_5678, 0xf_ffff, 0x9b, 0xc);
        assert_eq!(flat.0, 0x12cf_9b34_5678_ffff);
        assert_eq!((flat.base(), flat.limit()), (0x1234_5678, 0xffff_ffff));
    }
}
