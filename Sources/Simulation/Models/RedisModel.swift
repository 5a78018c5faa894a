import PlantedBugs
package import Redlock
import Wire

/// What a Redis node keeps, as the lock scripts see it: keys with an end by the node's own wall clock, and the
/// memory. Its answers are compared with a real server's by the tests.
package struct RedisModel {
    private struct Key {
        var token: LeaseToken
        /// Microseconds of the node's wall clock.
        var end: Int64
    }

    private var keys: [String: Key] = [:]
    private var memory: Int64?

    package init() {}

    /// Runs one command at a moment of the node's wall clock, in microseconds.
    package mutating func execute(_ command: LockCommand, at clock: Int64) -> LockAnswer {
        if memory == nil { memory = clock }
        return LockAnswer(verdict(command, clock), clock: clock, memory: memory ?? clock)
    }

    private mutating func verdict(_ command: LockCommand, _ clock: Int64) -> LockAnswer.Verdict {
        if let key = keys[command.key], key.end <= clock { keys[command.key] = nil }
        let holder = keys[command.key]
        let end = clock + command.ttl.microseconds
        switch command.action {
        case .acquire:
            if let holder { return .held(remaining: .microseconds(holder.end - clock)) }
            keys[command.key] = Key(token: command.token, end: end)
            return .yes
        case .extend:
            guard let holder else { return .missing }
            guard holder.token == command.token else { return .held(remaining: nil) }
            keys[command.key]!.end = end
            return .yes
        case .repair:
            if let holder, holder.token != command.token { return .held(remaining: nil) }
            keys[command.key] = Key(token: command.token, end: end)
            return .yes
        case .release:
            guard let holder, holder.token == command.token || isPlanted(.unlockWithoutCompare) else {
                return .missing
            }
            keys[command.key] = nil
            return .yes
        case .look:
            return .yes
        }
    }

    // MARK: What operators and attackers do

    /// FLUSHALL.
    package mutating func flush() {
        keys = [:]
        memory = nil
    }

    /// Somebody writes a key of their own.
    package mutating func forge(_ key: String, token: LeaseToken, until end: Int64) {
        keys[key] = Key(token: token, end: end)
    }

    /// No key lasts beyond this.
    package mutating func cap(to end: Int64) {
        for key in keys.keys { keys[key]!.end = min(keys[key]!.end, end) }
    }

    /// Every key lasts so much longer, in microseconds.
    package mutating func extendAll(by time: Int64) {
        for key in keys.keys { keys[key]!.end += time }
    }
}
