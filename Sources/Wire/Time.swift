/// An amount of time in whole nanoseconds. Cheaper than `Duration`, whose 128 bits of attoseconds are
/// dear on the hot path.
public struct TimeAmount: Comparable, Hashable, Sendable {
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public static func nanoseconds(_ amount: Int64) -> Self { Self(nanoseconds: amount) }
    public static func microseconds(_ amount: Int64) -> Self { Self(nanoseconds: amount * 1_000) }
    public static func milliseconds(_ amount: Int64) -> Self { Self(nanoseconds: amount * 1_000_000) }
    public static func seconds(_ amount: Int64) -> Self { Self(nanoseconds: amount * 1_000_000_000) }

    public static let zero = Self(nanoseconds: 0)

    /// Whole microseconds, rounded towards zero.
    public var microseconds: Int64 { nanoseconds / 1_000 }
    /// Whole milliseconds, rounded towards zero.
    public var milliseconds: Int64 { nanoseconds / 1_000_000 }

    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.nanoseconds < rhs.nanoseconds }
    public static func + (lhs: Self, rhs: Self) -> Self {
        Self(nanoseconds: lhs.nanoseconds + rhs.nanoseconds)
    }
    public static func - (lhs: Self, rhs: Self) -> Self {
        Self(nanoseconds: lhs.nanoseconds - rhs.nanoseconds)
    }
    public static func * (lhs: Self, rhs: Int) -> Self { Self(nanoseconds: lhs.nanoseconds * Int64(rhs)) }
    public static func / (lhs: Self, rhs: Int) -> Self { Self(nanoseconds: lhs.nanoseconds / Int64(rhs)) }
}

/// A moment on the monotonic clock of one machine, which goes on counting while the machine is suspended
/// (`CLOCK_BOOTTIME` on Linux). Means nothing on another machine.
///
/// Cores never read a clock: a moment comes in with each event.
public struct MonotonicTime: Comparable, Hashable, Sendable {
    /// Nanoseconds since an origin that only this machine knows.
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public static let distantPast = Self(nanoseconds: .min / 4)
    public static let distantFuture = Self(nanoseconds: .max / 4)

    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.nanoseconds < rhs.nanoseconds }
    public static func + (lhs: Self, rhs: TimeAmount) -> Self {
        Self(nanoseconds: lhs.nanoseconds + rhs.nanoseconds)
    }
    public static func - (lhs: Self, rhs: TimeAmount) -> Self {
        Self(nanoseconds: lhs.nanoseconds - rhs.nanoseconds)
    }
    public static func - (lhs: Self, rhs: Self) -> TimeAmount {
        TimeAmount(nanoseconds: lhs.nanoseconds - rhs.nanoseconds)
    }
}
