public import Wire

extension CircuitBreaker {
    enum State: Sendable {
        /// Everything passes. Becomes `open`.
        case closed(since: MonotonicTime)
        /// Nothing passes until then. Becomes `halfOpen`.
        case open(until: MonotonicTime)
        /// Leased probes pass, nothing else. Becomes `recovering` or `open`.
        case halfOpen(ProbeLeases)
        /// A growing share passes; `credit` is what the last calls have saved up of it. Becomes `closed` or `open`.
        case recovering(since: MonotonicTime, credit: Double)
    }

    /// What time alone changes.
    mutating func advance(to now: MonotonicTime) {
        if let forced, now >= forced.until { lift(by: forced.actor, now) }
        window.advance(to: now)
        switch state {
        case .closed:
            openIfOverdue(now)
        case .open(let until):
            guard now >= until else { break }
            enter(.halfOpen(ProbeLeases()))
            journal.add(.halfOpened, now)
        case .halfOpen(var leases):
            leases.expire(now)
            state = .halfOpen(leases)
            conclude(leases, now)
        case .recovering(let since, _):
            if now - since >= configuration.ramp {
                enter(.closed(since: now))
                journal.add(.closed, now)
            } else {
                openIfOverdue(now)
            }
        }
        settle()
    }

    /// Whether a call passes. Changes nothing but the ramp's credit.
    mutating func passes(_ now: MonotonicTime) -> Bool {
        if let forced { return forced.state != .open }
        switch state {
        case .closed:
            return true
        case .open, .halfOpen:
            return false
        case .recovering(let since, let credit):
            // A tenth from the start, then in proportion: of ten calls at half time every second one passes.
            let share = Double((now - since).nanoseconds) / Double(configuration.ramp.nanoseconds)
            let earned = credit + max(0.1, share)
            state = .recovering(since: since, credit: earned >= 1 ? earned - 1 : earned)
            return earned >= 1
        }
    }

    /// What a refused caller is told to wait; zero while everything passes.
    public func retryAfter(_ now: MonotonicTime) -> TimeAmount {
        if let forced {
            return forced.state == .open ? min(forced.until - now, configuration.longestOpenTime) : .zero
        }
        switch state {
        case .closed: return .zero
        case .open(let until): return max(until - now, configuration.openTime / 10)
        case .halfOpen: return configuration.openTime / 2
        case .recovering: return configuration.ramp / 10
        }
    }

    // MARK: Opening

    /// Opens if the outcomes say so.
    mutating func judge(_ now: MonotonicTime) {
        guard decidesItself else { return }
        let counts = window.counts
        let isRecovering: Bool
        switch state {
        case .closed: isRecovering = false
        case .recovering: isRecovering = true
        case .open, .halfOpen: return
        }
        if unreachable >= configuration.unreachableInRow || (isRecovering && unreachable > 0) {
            return open(.unreachable, now)
        }
        // On the ramp a few calls in a row are reason enough.
        guard isRecovering || counts.judged >= configuration.minimumVolume else { return }
        if Wilson.exceeds(configuration.failureRate, counts.failed, of: counts.judged) {
            open(.failureRate, now)
        } else if Wilson.exceeds(configuration.slowRate, counts.slow, of: counts.judged) {
            open(.slowRate, now)
        }
    }

    private mutating func openIfOverdue(_ now: MonotonicTime) {
        guard decidesItself, let limit = configuration.overdue else { return }
        let overdue = window.inFlight(startedBefore: now - limit)
        if overdue * 2 > window.inFlight { open(.overdue, now) }
    }

    mutating func open(_ reason: Event.Reason, _ now: MonotonicTime) {
        if case .closed(let since) = state, now - since >= configuration.healthyTime { openings = 0 }
        let doublings = min(openings, 30)
        openings += 1
        let (doubled, overflow) = configuration.openTime.nanoseconds.multipliedReportingOverflow(
            by: 1 << doublings)
        let longest = min(overflow ? .max : doubled, configuration.longestOpenTime.nanoseconds)
        // Half of it and up to all of it, so that many breakers do not probe at once.
        let spread = generator.next().multipliedFullWidth(by: UInt64(longest / 2) + 1).high
        let openTime = TimeAmount(nanoseconds: longest - Int64(spread))
        let counts = window.counts
        enter(.open(until: now + openTime))
        journal.add(.opened(reason, for: openTime, counts), now)
    }

    // MARK: Probing

    mutating func lease(_ now: MonotonicTime) -> Permit? {
        guard case .halfOpen(var leases) = state,
            let lease = leases.take(
                until: now + configuration.probeTimeout, most: configuration.probes,
                judged: configuration.probesJudged)
        else { return nil }
        state = .halfOpen(leases)
        return Permit(startedAt: now, generation: generation, turn: window.turn, lease: lease)
    }

    mutating func recordProbe(_ permit: Permit, _ outcome: Outcome, _ now: MonotonicTime) {
        guard case .halfOpen(var leases) = state else { return }
        switch outcome {
        case .success: leases.end(permit.lease, .good)
        case .failure, .unreachable: leases.end(permit.lease, .bad)
        case .ignored: leases.end(permit.lease, nil)
        }
        state = .halfOpen(leases)
        conclude(leases, now)
    }

    private mutating func conclude(_ leases: ProbeLeases, _ now: MonotonicTime) {
        if leases.good >= configuration.goodProbes {
            enter(.recovering(since: now, credit: 0))
            journal.add(.recovering, now)
        } else if leases.bad > configuration.probesJudged - configuration.goodProbes {
            open(.probesFailed, now)
        }
    }
}

/// What may be said of a share that was seen in a few trials (E. B. Wilson, JASA 22, 1927).
enum Wilson {
    /// Whether the true share surely exceeds a limit: the lower end of its 95% interval does. Without that interval's
    /// square root, by the test that it inverts.
    ///
    ///     over a half: 4 of 4, 9 of 10, 15 of 20, 61 of 100; not yet: 3 of 3, 8 of 10, 14 of 20, 59 of 100
    static func exceeds(_ limit: Double, _ hits: Int, of trials: Int) -> Bool {
        let (n, z) = (Double(trials), 1.96)
        let excess = Double(hits) - limit * n
        return excess > 0 && excess * excess > z * z * limit * (1 - limit) * n
    }
}
