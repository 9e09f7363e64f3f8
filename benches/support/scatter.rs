//! Records that are made from their index, for benches.

/// Numbers in no visible order. Source: the finalizer of SplitMix64 (Steele, Lea, Flood, OOPSLA 2014).
pub(crate) fn scatter(index: u64) -> u64 {
    let mut mixed = index.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
