package import Wire

/// What a node is asked to do, in one step. A node keeps keys with a value (the holder's token) and an end,
/// and one key without an end: the *memory*, whose value is the node's clock when it was written.
///
/// Every command begins by writing the memory if there is none. Its absence means that the node has forgotten
/// whatever it knew. Then it does what `action` says, and answers (`LockAnswer`).
package struct LockCommand: Hashable, Sendable {
    package enum Action: Hashable, Sendable, CaseIterable {
        /// Takes the key for `ttl` if nobody has it: `yes`; else `held` with the time that the holder has left.
        case acquire
        /// Lets the key last for `ttl` from now if its value is `token`: `yes`; else `held` or `missing`.
        case extend
        /// Writes the key for `ttl`, unless another holds it: `yes` or `held`.
        case repair
        /// Deletes the key if its value is `token`: `yes` or `missing`.
        case release
        /// Does nothing: `yes`. The answer tells clock and memory.
        case look
    }

    package let action: Action
    /// Empty for `look`.
    package let key: String
    package let token: LeaseToken
    /// At least a millisecond; zero for `release` and `look`.
    package let ttl: TimeAmount
    /// Names the attempt that the command is part of; zero for those that nobody waits for. An attempt sends an
    /// action to a node at most once, but for repairs.
    package let attempt: UInt64
    /// When the core asked for it.
    package let sent: MonotonicTime

    package init(
        _ action: Action, key: String, token: LeaseToken, ttl: TimeAmount, attempt: UInt64,
        sent: MonotonicTime
    ) {
        self.action = action
        self.key = key
        self.token = token
        self.ttl = ttl
        self.attempt = attempt
        self.sent = sent
    }
}

/// What became of a command. Each that was sent ends in exactly one of these.
package enum LockReply: Hashable, Sendable {
    case answered(LockAnswer)
    /// The server refused to execute it, and said why (`READONLY …`, `OOM …`).
    case refused(String)
    /// No answer will come: it was not sent, or the connection was lost, and nobody knows whether it was executed.
    case lost
}

/// What a node says after it has executed a command.
package struct LockAnswer: Hashable, Sendable {
    package enum Verdict: Hashable, Sendable {
        case yes
        /// Another token holds the key, for this much longer if the node told.
        case held(remaining: TimeAmount?)
        /// Nobody holds it, or, for `release`, not this token.
        case missing
    }

    package let verdict: Verdict
    /// The node's wall clock when it executed the command, in microseconds since 1970.
    package let clock: Int64
    /// The value of its memory: its wall clock when it began to remember.
    package let memory: Int64

    package init(_ verdict: Verdict, clock: Int64, memory: Int64) {
        self.verdict = verdict
        self.clock = clock
        self.memory = memory
    }
}
