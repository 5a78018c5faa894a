/// Scatters a number over all 64 bits, so that nobody who does not know what was mixed into it can choose where it
/// falls: the finalizer of splitmix64 (Steele, Lea and Flood, OOPSLA 2014).
@inline(__always)
func splitMix(_ number: UInt64) -> UInt64 {
    var mixed = number
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
}
