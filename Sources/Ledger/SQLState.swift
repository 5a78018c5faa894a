/// A five-character error code of the server.
///
/// https://www.postgresql.org/docs/15/errcodes-appendix.html; `ST…` are raised by our own functions.
public struct SQLState: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String
    public init(rawValue: String) { self.rawValue = rawValue }

    /// The first two characters: 22 is bad data, 23 a broken constraint, 53 a lack of resources.
    public var `class`: String { String(rawValue.prefix(2)) }
    public var description: String { rawValue }

    /// A batch is not the next one of its partition, or its fence is not the newest.
    public static let fenced = SQLState(rawValue: "ST001")
    /// A decision is too old, or ahead of the ledger's clock.
    public static let stale = SQLState(rawValue: "ST002")
    /// `lock_not_available`: the lock timeout ran out.
    public static let lockNotAvailable = SQLState(rawValue: "55P03")
}
