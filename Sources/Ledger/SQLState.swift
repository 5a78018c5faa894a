public import Resilience

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
    /// `read_only_sql_transaction`: no primary any more, or one that was told not to write.
    public static let readOnly = SQLState(rawValue: "25006")
}

// MARK: - What an error says of the server

extension SQLState {
    /// What a breaker learns from it. The one place that judges error codes.
    ///
    /// | codes | means | outcome |
    /// | --- | --- | --- |
    /// | 08…, 57P0…, 53…, 25006 | no session, no resources, not writable: whoever asks gets the same | unreachable |
    /// | 40…, 55… | another transaction was in the way: the server is well, and busy | ignored |
    /// | 22…, 23…, ST… | the data or the fence was refused: that is the server at work | success |
    /// | 57014 and all else | it took too long, or failed | failure |
    public var outcome: CircuitBreaker.Outcome {
        if self == .readOnly || rawValue.hasPrefix("57P0") { return .unreachable }
        return switch `class` {
        case "08", "53": .unreachable
        case "40", "55": .ignored
        case "22", "23", "ST": .success
        default: .failure
        }
    }
}

extension LedgerError {
    /// What a breaker learns from it.
    public var outcome: CircuitBreaker.Outcome {
        if let sqlState { return sqlState.outcome }
        return switch code {
        case .timeout: .failure
        // Our own queue or configuration, of which the server knows nothing.
        case .busy, .configuration, .schema, .unsafe: .ignored
        default: .unreachable
        }
    }

    /// Whether it says that the ledger is not well. Contention and refused data do not.
    public var isOutage: Bool {
        switch outcome {
        case .failure, .unreachable: true
        case .success, .ignored: false
        }
    }
}
