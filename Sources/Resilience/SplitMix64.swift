/// Cheap pseudo-random numbers for jitter, from one seed (Steele, Lea and Flood, OOPSLA 2014).
/// Not for keys.
public struct SplitMix64: RandomNumberGenerator, Sendable {
    private var state: UInt64

    public init(seed: UInt64) { state = seed }

    public mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        return Self.scatter(state)
    }

    /// The generator's finalizer: scatters a number over all 64 bits. Whoever does not know what was mixed into the
    /// number cannot choose where it falls.
    @inlinable
    public static func scatter(_ number: UInt64) -> UInt64 {
        var value = number
        value = (value ^ (value >> 30)) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ (value >> 27)) &* 0x94d0_49bb_1331_11eb
        return value ^ (value >> 31)
    }
}
