import Glibc
public import Wire

extension MonotonicTime {
    /// Reads the clock. Shells call this once per turn and hand the value to their cores.
    ///
    /// `CLOCK_BOOTTIME` "is identical to CLOCK_MONOTONIC, except that it also includes any time that the
    /// system is suspended" (clock_gettime(2)); a lease must not seem to stand still in a suspended machine.
    public static func now() -> MonotonicTime {
        var time = timespec()
        clock_gettime(CLOCK_BOOTTIME, &time)
        return MonotonicTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }
}
