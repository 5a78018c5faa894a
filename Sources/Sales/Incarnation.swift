/// Names one life of the ledger. A fail-over or a restore makes another, which voids all fences and books.
public struct Incarnation: Hashable, Sendable, CustomStringConvertible {
    /// Set by `initdb`, kept by copies of the cluster.
    public let systemIdentifier: UInt64
    /// Grows with every promotion and every recovery to a point in time.
    public let timeline: UInt32

    public init(systemIdentifier: UInt64, timeline: UInt32) {
        self.systemIdentifier = systemIdentifier
        self.timeline = timeline
    }

    public var description: String { "\(systemIdentifier)/\(timeline)" }
}
