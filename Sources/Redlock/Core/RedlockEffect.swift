/// What the core asks its shell to do. Effects are performed in their order: a release must not overtake what
/// it releases.
package enum RedlockEffect: Hashable, Sendable {
    /// Send a command to a node. It ends in exactly one `replied`.
    case send(LockCommand, to: Int)
    /// Ask a node for its `INFO`. It ends in exactly one `inspected`.
    case inspect(Int)
    /// How an `acquire` ended. Exactly one for each.
    case acquired(id: UInt64, AcquireOutcome)
    /// How an `extend` ended. Exactly one for each.
    case extended(id: UInt64, ExtendOutcome)
    /// A release with an id is done: every node has answered or will not, or the time for it is up.
    case released(id: UInt64)
    /// For the log.
    case note(NodeEvent, of: Int)
}
