/// The name of a lock: 1 to 128 letters, digits and `-_.:/` of ASCII.
public struct LockName: Hashable, Sendable, CustomStringConvertible {
    public let rawValue: String

    /// The longest name, in bytes.
    public static let maximumLength = 128

    /// Nil when this is no name of a lock.
    public init?(_ text: String) {
        guard 1...LockName.maximumLength ~= text.utf8.count, text.utf8.allSatisfy(LockName.allows) else {
            return nil
        }
        rawValue = text
    }

    public var description: String { rawValue }

    private static func allows(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
            UInt8(ascii: ":"), UInt8(ascii: "/"):
            true
        default: false
        }
    }
}

/// What a holder of a lock is known by: whoever has it can extend and release the lock.
public struct LockToken: Hashable, Sendable {
    // Two words, as in `RequestKey`.
    private let high: UInt64
    private let low: UInt64

    public init(rawValue: UInt128) {
        high = UInt64(truncatingIfNeeded: rawValue >> 64)
        low = UInt64(truncatingIfNeeded: rawValue)
    }

    public var rawValue: UInt128 { UInt128(high) << 64 | UInt128(low) }
}

/// Asks for a lock.
public struct AcquireLock: Hashable, Sendable {
    public var name: LockName
    /// For how long it is held unless it is extended, in milliseconds; within `LockLimits.ttl`.
    public var ttl: Int64
    /// For how long to wait for it, in milliseconds: 0 tries once. At most `LockLimits.longestWait`, and never beyond
    /// the call's deadline.
    public var wait: Int64

    public init(name: LockName, ttl: Int64, wait: Int64 = 0) {
        self.name = name
        self.ttl = ttl
        self.wait = wait
    }
}

/// A lock that is held.
///
/// It may be used for `valid` milliseconds, less what passed since the worker answered. The worker answered at
/// least `waited` milliseconds after the request was sent, so whoever notes when he sent it may use the lock until
/// then plus `waited` plus `valid`, by a monotonic clock.
public struct HeldLock: Hashable, Sendable {
    public var name: LockName
    public var token: LockToken
    /// Grows with every holder of this lock, for ever. Give it along with whatever is done under the lock, and have
    /// the resource refuse a lower one than it has seen.
    public var fence: Int64
    public var valid: Int64
    public var waited: Int64

    public init(name: LockName, token: LockToken, fence: Int64, valid: Int64, waited: Int64) {
        self.name = name
        self.token = token
        self.fence = fence
        self.valid = valid
        self.waited = waited
    }
}

/// Makes a lock last for `ttl` from now.
public struct ExtendLock: Hashable, Sendable {
    public var name: LockName
    public var token: LockToken
    public var ttl: Int64

    public init(name: LockName, token: LockToken, ttl: Int64) {
        self.name = name
        self.token = token
        self.ttl = ttl
    }
}

/// A lock lasts longer: until the request's sending plus `waited` plus `valid`, as with `HeldLock`.
public struct ExtendedLock: Hashable, Sendable {
    public var valid: Int64
    public var waited: Int64

    public init(valid: Int64, waited: Int64) {
        self.valid = valid
        self.waited = waited
    }
}

/// Gives a lock up. Done again, or too late, it does nothing.
public struct ReleaseLock: Hashable, Sendable {
    public var name: LockName
    public var token: LockToken

    public init(name: LockName, token: LockToken) {
        self.name = name
        self.token = token
    }
}

/// What a lock may be asked for.
public enum LockLimits {
    /// Milliseconds. A restarted Redis node gives no votes for the longest.
    public static let ttl: ClosedRange<Int64> = 100...60_000
    /// Milliseconds.
    public static let longestWait: Int64 = 60_000
}
