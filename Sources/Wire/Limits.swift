/// Bounds that both ends of the wire keep.
public enum Limits {
    /// The largest message, header included, in bytes. Bodies of ours are a few hundred.
    public static let messageSize = 64 << 10
    /// What a call without a deadline gets, and the longest that one may ask for.
    public static let defaultDeadline = TimeAmount.seconds(30)
    public static let longestDeadline = TimeAmount.seconds(300)
    /// The longest name of a process, sale or method, in bytes of UTF-8.
    public static let nameLength = 120
    /// The longest message of a failure, in bytes of UTF-8.
    public static let failureTextLength = 1_024
    /// Identities of peers are 5 bytes made by libzmq or up to 16 of the peer's own.
    public static let identityLength = 16
}
