import Resilience
import Wire

@testable import Client

/// Streams between callers and services that keep every rule, through brokers that come, go and refuse as a
/// seed says. Notes each fault of the core's.
struct StreamSoup {
    /// What the two ends of one stream know.
    private struct Stream {
        let flow: StreamTerms
        // The caller's side.
        var permits = Int(Limits.initialCredit)
        /// Items that the shell keeps for another attempt.
        var kept = 0
        var isCommitted = false
        var delivered = 0
        var taken = 0
        // The service's side, of the newest attempt.
        var attempt: (broker: Int, id: CallID, slot: Int)?
        var received = 0
        var allowed = Int(Limits.initialCredit)
        var sent = 0
        var maySend = Int(Limits.initialCredit)
    }

    var client: CoreHarness
    var faults: [String] = []
    var begunCalls = 0
    var endedCalls = 0

    private var random: SplitMix64
    /// By slot.
    private var streams: [Int: Stream] = [:]
    private var seen = (
        sent: 0, endings: 0, delivered: 0, permitted: 0, committed: 0, replayed: 0, credits: 0
    )

    init(seed: UInt64) {
        random = SplitMix64(seed: seed)
        client = CoreHarness(brokers: Int.random(in: 1...3, using: &random)) { $0.maximumCallsInFlight = 12 }
        client.tick()
        for broker in client.core.sessions.indices { client.comeUp(broker) }
    }

    mutating func step() {
        let slot = streams.keys.sorted().randomElement(using: &random)
        let broker = client.core.sessions.indices.randomElement(using: &random) ?? 0
        switch (Int.random(in: 0..<30, using: &random), slot) {
        case (0..<3, _), (_, nil): begin()
        case (3..<9, let slot?): callerSends(slot)
        case (9..<16, let slot?): serviceSends(slot)
        case (16..<21, let slot?): readerTakes(slot)
        case (21..<24, let slot?): serviceAllows(slot)
        case (24, let slot?): serviceEnds(slot)
        case (25, let slot?): refuse(slot)
        case (26, let slot?): if Bool.random(using: &random) { client.cancel(slot) }
        case (27, _): if client.core.sessions[broker].isOpen { client.lose(broker) }
        case (28, _): if client.core.sessions[broker].state == .opening { client.comeUp(broker) }
        default: client.pass(.milliseconds(Int64.random(in: 1...200, using: &random)))
        }
        notice()
    }

    mutating func finish() {
        client.close()
        notice()
    }

    // MARK: Events

    private mutating func begin() {
        let sends = Bool.random(using: &random)
        let flow = StreamTerms(
            sendsItems: sends, receivesItems: !sends || Bool.random(using: &random),
            window: [16, 17, 64, 1_024].randomElement(using: &random) ?? 16)
        let deadline: TimeAmount =
            Bool.random(using: &random)
            ? .seconds(100_000) : .milliseconds(Int64.random(in: 1...2_000, using: &random))
        let endings = client.endings.count
        // The harness performs at once, so the stream must be known before its first attempt is noticed.
        let slot = client.begin(deadline: deadline, isRepeatable: Bool.random(using: &random), stream: flow)
        guard slot >= 0 else { return }
        begunCalls += 1
        streams[slot] = Stream(flow: flow)
        if client.endings.count > endings { notice() }
    }

    private mutating func callerSends(_ slot: Int) {
        guard var stream = streams[slot], stream.flow.sendsItems, stream.permits > 0 else { return }
        stream.permits -= 1
        let passage = client.core.passage(slot)
        if passage.isKept { stream.kept += 1 }
        streams[slot] = stream
        if passage.isSent { arrive(slot) }
    }

    /// An item of the caller reaches the service.
    private mutating func arrive(_ slot: Int) {
        let header = client.core.itemHeader(slot, isEnd: false)
        guard var stream = streams[slot] else { return }
        if Int(header.sequence) != stream.received { faults.append("item \(header.sequence) out of order") }
        if stream.received >= stream.allowed { faults.append("item \(header.sequence) beyond its credit") }
        stream.received += 1
        streams[slot] = stream
    }

    private mutating func serviceSends(_ slot: Int) {
        guard var stream = streams[slot], let attempt = stream.attempt, stream.flow.receivesItems,
            stream.sent < stream.maySend
        else { return }
        let before = client.delivered.count
        client.item(attempt, UInt32(stream.sent))
        stream.sent += 1
        streams[slot] = stream
        if client.core.isLive(attempt.id), client.delivered.count == before,
            client.core.isOpen(slot, attempt.id.attempt, at: attempt.broker)
        {
            faults.append("an item was not delivered")
        }
    }

    private mutating func serviceAllows(_ slot: Int) {
        guard var stream = streams[slot], let attempt = stream.attempt, stream.flow.sendsItems else { return }
        stream.allowed = max(
            stream.allowed, stream.received + Int.random(in: 0...1_024, using: &random))
        streams[slot] = stream
        client.credit(attempt, UInt32(stream.allowed))
    }

    private mutating func readerTakes(_ slot: Int) {
        guard var stream = streams[slot], stream.delivered > stream.taken else { return }
        let count = Int.random(in: 1...(stream.delivered - stream.taken), using: &random)
        stream.taken += count
        streams[slot] = stream
        client.take(UInt32(count), slot: slot)
    }

    private mutating func serviceEnds(_ slot: Int) {
        guard let stream = streams[slot], let attempt = stream.attempt else { return }
        client.end(attempt, items: UInt32(stream.sent))
        guard client.endings[seen.endings...].contains(where: { $0.slot == slot && $0.ending.status != .ok })
        else { return }
        faults.append("a whole stream was called a loss")
    }

    private mutating func refuse(_ slot: Int) {
        guard let attempt = streams[slot]?.attempt else { return }
        client.answer(
            attempt, .unavailable, Certainty.allCases.randomElement(using: &random) ?? .executed,
            Reason.allCases.randomElement(using: &random) ?? .none)
    }

    // MARK: What the core did

    /// Follows the harness's notes in an order that the shell could have seen.
    private mutating func notice() {
        for attempt in client.sent[seen.sent...] where streams[attempt.slot] != nil {
            if streams[attempt.slot]?.isCommitted == true {
                faults.append("a committed stream was sent again")
            }
            streams[attempt.slot]?.attempt = attempt
            streams[attempt.slot]?.received = 0
            streams[attempt.slot]?.allowed = Int(Limits.initialCredit)
            streams[attempt.slot]?.sent = 0
            streams[attempt.slot]?.maySend = Int(Limits.initialCredit)
        }
        seen.sent = client.sent.count
        for credit in client.credits[seen.credits...] {
            guard let stream = streams[credit.id.slot], stream.attempt?.id == credit.id else { continue }
            if Int(credit.total) > stream.sent + Int(Limits.largestCredit) {
                faults.append("too much credit")
            }
            if Int(credit.total) <= stream.maySend { faults.append("credit that says nothing new") }
            streams[credit.id.slot]?.maySend = Int(credit.total)
        }
        seen.credits = client.credits.count
        for slot in client.delivered[seen.delivered...] { deliver(slot) }
        seen.delivered = client.delivered.count
        for slot in client.committed[seen.committed...] {
            streams[slot]?.isCommitted = true
            streams[slot]?.kept = 0
        }
        seen.committed = client.committed.count
        for (slot, count) in client.permitted[seen.permitted...] { streams[slot]?.permits += Int(count) }
        seen.permitted = client.permitted.count
        for (slot, _) in client.endings[seen.endings...] {
            endedCalls += 1
            if streams.removeValue(forKey: slot) == nil { faults.append("slot \(slot) ended twice") }
        }
        seen.endings = client.endings.count
        for slot in client.replayed[seen.replayed...] {
            for _ in 0..<(streams[slot]?.kept ?? 0) { arrive(slot) }
        }
        seen.replayed = client.replayed.count
    }

    private mutating func deliver(_ slot: Int) {
        guard var stream = streams[slot] else { return faults.append("an item of nobody was delivered") }
        stream.delivered += 1
        if stream.delivered - stream.taken > Int(stream.flow.window) {
            faults.append("\(stream.delivered - stream.taken) items wait for the reader")
        }
        streams[slot] = stream
    }
}
