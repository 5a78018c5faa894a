public import Sales

extension RequestKey {
    /// A key that nobody else has: 128 random bits of the system, never zero.
    ///
    /// Keep it until the call has ended with an answer: the same key makes a repetition safe.
    public static func random() -> RequestKey {
        RequestKey(rawValue: UInt128.random(in: 1...UInt128.max))
    }
}
