/// Names one attempt to take a lease: 128 random bits, so that only who made it can extend or release it.
///
/// Fresh for every attempt. With one token over several attempts, the late release of an earlier attempt
/// would delete the key that a later one has just counted as a vote.
public struct LeaseToken: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: UInt128
    public init(rawValue: UInt128) { self.rawValue = rawValue }

    /// Draws a token from a source of uniform random numbers.
    package init(random: () -> UInt64) { rawValue = UInt128(random()) << 64 | UInt128(random()) }

    /// 32 hex digits: the value of the key on the Redis nodes.
    public var description: String {
        let digits = String(rawValue, radix: 16)
        return String(repeating: "0", count: 32 - digits.utf8.count) + digits
    }
}
