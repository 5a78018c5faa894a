/// Names a sale: what is sold. Chosen by whoever creates it; above zero.
public struct SaleID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
    public var description: String { String(rawValue) }
}

/// Names a slice of a sale's stock. A sale that is not split has the one lane 0.
public struct Lane: RawRepresentable, Hashable, Sendable {
    public let rawValue: Int16
    public init(rawValue: Int16) { self.rawValue = rawValue }
    public static let only = Lane(rawValue: 0)
}

/// Names who buys. Chosen by the calling service; above zero. Zero stands for the operators of a sale.
public struct BuyerID: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public static let operators = BuyerID(rawValue: 0)
    public var description: String { String(rawValue) }
}

/// What a caller names a request by, so that repeating it is safe: 128 bits, unique per buyer and sale.
public struct RequestKey: RawRepresentable, Hashable, Sendable {
    // Two words: a UInt128 wants to stand at multiples of 16 bytes, which pads every record that holds one.
    private let high: UInt64
    private let low: UInt64

    public init(rawValue: UInt128) {
        high = UInt64(truncatingIfNeeded: rawValue >> 64)
        low = UInt64(truncatingIfNeeded: rawValue)
    }

    public var rawValue: UInt128 { UInt128(high) << 64 | UInt128(low) }
}

/// What a worker owns: all sales whose identifier hashes to this number.
public struct Partition: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int16
    public init(rawValue: Int16) { self.rawValue = rawValue }
    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
    public var description: String { String(rawValue) }
}

/// The number that every owner of a partition takes anew from the ledger. Only the newest may commit.
public struct Fence: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }
    public var description: String { String(rawValue) }
}

/// Names an order: where its first entry stands in the ledger. Made without a round trip.
///
/// Written as `partition-sequence`, for example `12-4711`.
public struct OrderID: Hashable, Sendable, CustomStringConvertible {
    public let partition: Partition
    public let sequence: Int64

    public init(partition: Partition, sequence: Int64) {
        self.partition = partition
        self.sequence = sequence
    }

    /// Reads `partition-sequence`, or returns nil. An order has one name: signs and leading zeros are refused.
    public init?(_ text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0] == "0" || OrderID.beginsWithDigit(parts[0]),
            OrderID.beginsWithDigit(parts[1]), let partition = Int16(parts[0]), let sequence = Int64(parts[1])
        else { return nil }
        self.init(partition: Partition(rawValue: partition), sequence: sequence)
    }

    private static func beginsWithDigit(_ text: Substring) -> Bool {
        guard let first = text.utf8.first else { return false }
        return UInt8(ascii: "1")...UInt8(ascii: "9") ~= first
    }

    public var description: String { "\(partition)-\(sequence)" }
}

/// A moment on the ledger's wall clock, in microseconds since 1970 (UTC).
///
/// A worker knows this clock only by an estimate, see `LedgerClock`.
public struct LedgerTime: RawRepresentable, Hashable, Comparable, Sendable {
    public let rawValue: Int64
    public init(rawValue: Int64) { self.rawValue = rawValue }
    public static func < (lhs: Self, rhs: Self) -> Bool { lhs.rawValue < rhs.rawValue }

    public static let distantPast = LedgerTime(rawValue: .min)

    /// So many seconds later.
    public static func + (time: Self, seconds: Int32) -> Self {
        LedgerTime(rawValue: time.rawValue + Int64(seconds) * 1_000_000)
    }
}
