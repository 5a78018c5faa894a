import Glibc
public import Ledger
public import Logging
import Resilience
import Sales
import Wire
import ZeroMQ

/// Tells one sink every entry of the ledger, at least once and in order per order, until it is told to stop.
///
/// Its cursors move after the sink has taken what they pass, by compare-and-set. So it may be killed anywhere, and run
/// twice: then a sink is told twice, and no cursor goes back.
public final class Pump {
    public struct Configuration: Sendable {
        public var ledger: String
        /// Under which cursors are kept.
        public var sink: String
        /// For people: where events go.
        public var target: String
        /// Entries per reading, over all partitions.
        public var chunk = 2_000
        /// Ends when the sink has been told all that there was, instead of waiting for more.
        public var stopsAtEnd = false

        public init(ledger: String, sink: String, target: String) {
            self.ledger = ledger
            self.sink = sink
            self.target = target
        }
    }

    private let configuration: Configuration
    private let makeSink: (RelayLedger) throws(SinkError) -> any Sink
    private let stop: StopFlag
    private var logger: Logger

    private var ledger: RelayLedger?
    private var sink: (any Sink)?
    private var teller = Teller()
    private var pace = Pace()
    private var breaker: CircuitBreaker
    private var generator: SplitMix64
    /// Failures since the last success.
    private var failures = 0
    private var trouble: String?
    /// Partitions whose ledger is another one than the sink was told of, and how that shows.
    private var divergences: [Partition: Reading.Divergence] = [:]
    private var beatAt = MonotonicTime.distantPast
    private var told: Set<String> = []
    /// Whether a partition stands still because its ledger is another one than the sink was told of.
    public var isDiverged: Bool { !divergences.isEmpty }
    /// Events handed over by this pump.
    public private(set) var published = 0

    /// Waits between tries while the ledger or the sink is away.
    static let backoff = Backoff(base: .milliseconds(100), ceiling: .seconds(5))
    static let beat = TimeAmount.seconds(1)
    /// Dead letters that are sent once more between two chunks of entries.
    static let lettersAtOnce = 20

    /// One call at a time, which may take as long as a backlog does: a sink that answers is not slow.
    private static var breaker: CircuitBreaker.Configuration {
        var configuration = CircuitBreaker.Configuration()
        configuration.slow = .seconds(3_600)
        configuration.overdue = nil
        configuration.probes = 1
        configuration.goodProbes = 1
        configuration.probesJudged = 1
        configuration.probeTimeout = .seconds(3_600)
        configuration.ramp = .nanoseconds(1)
        return configuration
    }

    public init(
        _ configuration: Configuration, stop: StopFlag, logger: Logger, seed: UInt64,
        makeSink: @escaping (RelayLedger) throws(SinkError) -> any Sink
    ) {
        self.configuration = configuration
        self.stop = stop
        self.logger = logger
        self.makeSink = makeSink
        generator = SplitMix64(seed: seed)
        breaker = CircuitBreaker(Self.breaker, seed: generator.next())
        self.logger[metadataKey: "sink"] = "\(configuration.sink)"
    }

    /// Runs until the flag is raised, or, if so configured, until the sink has been told everything.
    public func run() {
        while !stop.isRaised {
            switch turn() {
            case .again(let pause): stop.sleep(pause)
            case .end: return
            }
        }
    }

    private enum Turn {
        case again(after: TimeAmount)
        case end
    }

    private func turn() -> Turn {
        do throws(LedgerError) {
            let ledger = try connected()
            let turn = try tell(ledger)
            try beatIfDue(ledger)
            return turn
        } catch {
            // The connection may be in a failed transaction; a new one is not.
            ledger = nil
            return .again(after: failed(error.message))
        }
    }

    private func connected() throws(LedgerError) -> RelayLedger {
        if let ledger { return ledger }
        let fresh = try RelayLedger(dsn: configuration.ledger)
        try fresh.register(configuration.sink, target: configuration.target)
        ledger = fresh
        return fresh
    }

    // MARK: Telling

    private func tell(_ ledger: RelayLedger) throws(LedgerError) -> Turn {
        let positions = try ledger.positions(configuration.sink)
        let behind = positions.filter { $0.last != $0.cursor.sequence }
        let readings = try read(behind, ledger)
        guard !readings.isEmpty else {
            if configuration.stopsAtEnd { return .end }
            sink?.idle()
            if behind.isEmpty { recovered() }
            return .again(after: pace.afterNothing())
        }
        let now = MonotonicTime.now()
        guard case .admitted(let permit) = breaker.admit(now) else {
            return .again(after: .milliseconds(100))
        }
        do throws(SinkError) {
            try deliver(readings, ledger)
            breaker.record(permit, .success, .now())
        } catch {
            breaker.record(permit, error.outcome, .now())
            return .again(after: failed(error.message))
        }
        recovered()
        return .again(after: pace.afterEntries(isMore: readings.contains { $0.isMore }))
    }

    /// Entries of one partition that the sink has not been told.
    private struct Fresh {
        let old: RelayCursor
        let new: RelayCursor
        let entries: [Entry]
        /// There are more.
        let isMore: Bool
    }

    private func read(_ behind: [RelayPosition], _ ledger: RelayLedger) throws(LedgerError) -> [Fresh] {
        guard !behind.isEmpty else {
            divergences.removeAll()
            return []
        }
        let limit = max(2, configuration.chunk / behind.count) + 1
        let found = try ledger.entries(from: behind.map(\.cursor), limit: limit)
        var fresh: [Fresh] = []
        for position in behind {
            let partition = position.cursor.partition
            switch Reading(position, found[partition] ?? []) {
            case .nothing: divergences[partition] = nil
            case .entries(let entries, let cursor):
                divergences[partition] = nil
                fresh.append(
                    Fresh(
                        old: position.cursor, new: cursor, entries: entries,
                        isMore: cursor.sequence < position.last))
            case .diverged(let divergence): tellOf(divergence, partition)
            }
        }
        return fresh
    }

    /// Never passed over in silence: what the sink was told and what the ledger says differ, and nobody but an operator
    /// knows what the consumers should do.
    private func tellOf(_ divergence: Reading.Divergence, _ partition: Partition) {
        guard divergences.updateValue(divergence, forKey: partition) != divergence else { return }
        logger.error(
            "The ledger is not the one that this sink was told of; tell it again with `stampede relay replay`",
            metadata: ["partition": "\(partition)", "reason": "\(divergence)"])
    }

    private func deliver(_ readings: [Fresh], _ ledger: RelayLedger) throws(SinkError) {
        let events = try self.events(readings, ledger)
        let sink = try sink(ledger)
        let dead = try sink.publish(events)
        do throws(LedgerError) {
            let moved = try ledger.transaction { () throws(LedgerError) in
                let moved = try ledger.move(
                    configuration.sink, readings.map { RelayMove(from: $0.old.sequence, to: $0.new) })
                try sink.record(events.filter { moved.contains($0.partition) }, in: ledger)
                try ledger.bury(dead.filter { moved.contains($0.partition) }, of: configuration.sink)
                return moved
            }
            published += events.count
            for letter in dead {
                logger.error(
                    "An event was refused for good and is a dead letter",
                    metadata: [
                        "event": "\(letter.partition)-\(letter.sequence)", "reason": "\(letter.reason)",
                    ])
            }
            if moved.count < readings.count {
                logger.debug(
                    "Another relay was faster", metadata: ["partitions": "\(readings.count - moved.count)"])
            }
        } catch {
            self.ledger = nil
            throw SinkError(error.message, .ignored)
        }
    }

    private func sink(_ ledger: RelayLedger) throws(SinkError) -> any Sink {
        if let sink { return sink }
        let fresh = try makeSink(ledger)
        sink = fresh
        return fresh
    }

    private func events(_ readings: [Fresh], _ ledger: RelayLedger) throws(SinkError) -> [Event] {
        var chunks: [Partition: [Entry]] = [:]
        for fresh in readings { chunks[fresh.old.partition] = fresh.entries }
        let needs = teller.needs(chunks)
        let histories: [OrderID: OrderHistory]
        do throws(LedgerError) {
            histories = try ledger.histories(of: needs.orders)
            teller.learn(try ledger.terms(of: needs.lanes))
        } catch {
            self.ledger = nil
            throw SinkError(error.message, .ignored)
        }
        var events: [Event] = []
        for fresh in readings {
            do throws(Teller.UnknownOrder) {
                events += try teller.tell(fresh.entries, of: fresh.old.partition, after: histories)
            } catch {
                throw SinkError(
                    "entry \(fresh.old.partition)-\(error.entry) is about order \(error.order), which was never placed:"
                        + " run `stampede audit`", .ignored)
            }
        }
        return events
    }

    /// Sends dead letters once more that an operator asked for.
    private func redeliver(_ ledger: RelayLedger) throws(LedgerError) {
        let letters = try ledger.deadLetters(of: configuration.sink, again: true, limit: Self.lettersAtOnce)
            .map(\.letter)
        guard !letters.isEmpty else { return }
        do throws(SinkError) {
            let refused = try sink(ledger).redeliver(letters)
            let places = Set(refused.map { OrderID(partition: $0.partition, sequence: $0.sequence) })
            let taken = letters.filter {
                !places.contains(OrderID(partition: $0.partition, sequence: $0.sequence))
            }
            try buried(refused, taken, ledger)
        } catch {
            _ = failed(error.message)
        }
    }

    private func buried(
        _ refused: [RelayDeadLetter], _ taken: [RelayDeadLetter], _ ledger: RelayLedger
    ) throws(SinkError) {
        do throws(LedgerError) {
            try ledger.transaction { () throws(LedgerError) in
                try ledger.unbury(taken, of: configuration.sink)
                try ledger.bury(refused, of: configuration.sink)
            }
        } catch {
            self.ledger = nil
            throw SinkError(error.message, .ignored)
        }
        logger.notice(
            "Dead letters were sent once more",
            metadata: ["taken": "\(taken.count)", "refused": "\(refused.count)"])
    }

    // MARK: Trouble

    /// Returns how long to wait before the next try.
    private func failed(_ message: String) -> TimeAmount {
        failures += 1
        trouble = message
        // Each reason once: an hour of the same is one line.
        if told.insert(message).inserted {
            logger.warning("Events are not taken; trying again", metadata: ["reason": "\(message)"])
        }
        return max(.milliseconds(10), Self.backoff.wait(after: failures, random: generator.next()))
    }

    private func recovered() {
        guard failures > 0 else { return }
        failures = 0
        trouble = nil
        told.removeAll()
        logger.notice("Events are taken again")
    }

    private func beatIfDue(_ ledger: RelayLedger) throws(LedgerError) {
        let now = MonotonicTime.now()
        guard now - beatAt >= Self.beat else { return }
        beatAt = now
        let diverged = divergences.min { $0.key < $1.key }.map {
            "partition \($0.key) is not the one that the sink was told of (\($0.value)): see `stampede relay replay`"
        }
        try ledger.beat(configuration.sink, trouble: trouble ?? diverged)
        if trouble == nil { try redeliver(ledger) }
    }
}

@available(*, unavailable)
extension Pump: Sendable {}
