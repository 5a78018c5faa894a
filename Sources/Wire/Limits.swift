/// Bounds that both ends of the wire keep.
public enum Limits {
    /// The largest message, header included, in bytes. Bodies of ours are a few hundred.
    public static let messageSize = 64 << 10
    /// The most metadata of one message, in bytes, and the most pairs in it.
    public static let metadataSize = 8 << 10
    public static let metadataPairs = 64
    /// The longest key and value of metadata, in bytes.
    public static let metadataKeyLength = 64
    public static let metadataValueLength = 4 << 10
    /// Items of a stream that each side may send before the other has allowed any.
    public static let initialCredit: UInt32 = 16
    /// Items that a side may allow beyond those that it has received.
    public static let largestCredit: UInt32 = 1_024
    /// The largest body after decompression, in bytes: sixteen messages, so that little cannot become much.
    public static let plainSize = 1 << 20
    /// Bodies up to this many bytes are not worth compressing.
    public static let smallestCompressed = 1_024
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
