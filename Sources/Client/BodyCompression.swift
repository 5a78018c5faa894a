/// Which bodies of a call are compressed: those above 1,024 bytes that get smaller by it.
///
/// Worth it where the network is the narrow place; beside the brokers it only costs time, about 10 µs a KiB.
public enum BodyCompression: Hashable, Sendable, CaseIterable {
    case none
    /// The service may compress its replies.
    case replies
    /// The caller compresses its requests and items, too.
    case both
}
