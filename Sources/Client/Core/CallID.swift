/// The name of one attempt on the wire: which call, and the how manieth attempt of it.
///
/// No two attempts of a client ever share one, so a late answer is always known for what it is. With the
/// attempt 0 it names the call itself.
struct CallID: Hashable, Sendable {
    /// 40 bits of generation, 20 of slot, 4 of attempt.
    let rawValue: UInt64

    static let maximumSlots = 1 << 20
    static let maximumAttempt = 15
    static let maximumGeneration: UInt64 = 1 << 40 - 1

    init(rawValue: UInt64) { self.rawValue = rawValue }

    /// - Parameter generation: from 1, so that no call is named zero.
    init(generation: UInt64, slot: Int, attempt: UInt8 = 0) {
        rawValue = generation << 24 | UInt64(slot) << 4 | UInt64(attempt)
    }

    var generation: UInt64 { rawValue >> 24 }
    var slot: Int { Int(rawValue >> 4 & 0xf_ffff) }
    var attempt: UInt8 { UInt8(rawValue & 0xf) }
}
