package import Methods
package import Resilience
package import Wire

extension LedgerBreakers {
    /// Does what an operator asks for: forces a state, lifts it, or nothing if no breaker is named.
    package mutating func apply(_ request: ForceBreaker, _ now: MonotonicTime) throws(BadField) {
        tick(now)
        guard !request.purpose.isEmpty else {
            // A state of which breaker?
            guard request.state.isEmpty else { throw BadField(name: "purpose") }
            return
        }
        guard let purpose = Purpose(rawValue: request.purpose) else { throw BadField(name: "purpose") }
        guard request.isActorNamed else { throw BadField(name: "actor") }
        guard !request.state.isEmpty else { return self[purpose].lift(by: request.actor, now) }
        guard let state = CircuitBreaker.ForcedState(rawValue: request.state) else {
            throw BadField(name: "state")
        }
        guard ForceBreaker.times ~= request.seconds else { throw BadField(name: "seconds") }
        self[purpose].force(state, by: request.actor, for: .seconds(request.seconds), now)
    }

    /// How they are now, for an operator.
    package mutating func states(_ now: MonotonicTime) -> BreakerStates {
        tick(now)
        return BreakerStates(breakers: Purpose.allCases.map { BreakerState($0, self[$0], now) })
    }

    package subscript(_ purpose: Purpose) -> CircuitBreaker {
        get {
            switch purpose {
            case .commit: commit
            case .control: control
            case .locks: locks
            case .receipts: receipts
            }
        }
        set {
            switch purpose {
            case .commit: commit = newValue
            case .control: control = newValue
            case .locks: locks = newValue
            case .receipts: receipts = newValue
            }
        }
    }
}

/// The field of a request whose value makes no sense.
package struct BadField: Error, Equatable {
    package let name: String
}

extension ForceBreaker {
    /// The actor is shown in logs and on terminals, where a control character would be more than a name.
    fileprivate var isActorNamed: Bool {
        !actor.isEmpty && actor.unicodeScalars.allSatisfy { $0.properties.generalCategory != .control }
    }
}

extension BreakerState {
    fileprivate init(
        _ purpose: LedgerBreakers.Purpose, _ breaker: CircuitBreaker, _ now: MonotonicTime
    ) {
        let counts = breaker.counts
        self.init(
            purpose: purpose.rawValue, state: breaker.stateName.rawValue,
            forced: breaker.forcedState.map {
                Forced(
                    state: $0.state.rawValue, actor: $0.actor, leftMilliseconds: ($0.until - now).milliseconds
                )
            },
            counts: Counts(
                succeeded: Int64(counts.succeeded), failed: Int64(counts.failed), slow: Int64(counts.slow),
                refused: Int64(counts.rejected)))
    }
}
