import Resilience
import Wire

@testable import Client

/// Drives a core by hand: performs its actions on counters, so that a test reads as a story.
struct CoreHarness {
    var core: ClientCore
    var now = MonotonicTime(nanoseconds: 1_000_000_000_000)
    var random = SplitMix64(seed: 1)
    /// Every ending, in order.
    var endings: [(slot: Int, ending: Ending)] = []
    /// Every message handed to a socket: calls by id and broker.
    var sent: [(broker: Int, id: CallID, slot: Int)] = []
    var opened: [Int] = []
    var dropped: [Int] = []
    var pinged: [Int] = []
    var cancelled: [CallID] = []
    var ponged: [UInt64] = []
    /// Words about streams, in order.
    var credits: [(id: CallID, total: UInt32)] = []
    var delivered: [Int] = []
    var permitted: [(slot: Int, count: UInt32)] = []
    var committed: [Int] = []
    var replayed: [Int] = []
    var held: [Int] = []
    var seats: Seats
    /// By slot: who sits there.
    var seated: [Int: CallID] = [:]
    /// Brokers whose sockets take nothing.
    var stuck: Set<Int> = []

    init(brokers: Int = 2, _ change: (inout ClientConfiguration) -> Void = { _ in }) {
        var configuration = ClientConfiguration()
        change(&configuration)
        core = ClientCore(brokers: brokers, configuration: configuration, now: now)
        seats = Seats(limit: configuration.maximumCallsInFlight)
    }

    /// With every session up.
    static func up(brokers: Int = 2, _ change: (inout ClientConfiguration) -> Void = { _ in }) -> CoreHarness
    {
        var harness = CoreHarness(brokers: brokers, change)
        harness.tick()
        for broker in 0..<brokers { harness.comeUp(broker) }
        return harness
    }

    mutating func comeUp(_ broker: Int) {
        core.connected(broker, now: now)
        perform()
        receive(Header(.pong), from: broker)
    }

    /// Returns the slot, or -1 when there is no seat.
    @discardableResult
    mutating func begin(
        deadline: TimeAmount = .seconds(5), isRepeatable: Bool = true, attempts: UInt8 = 5, pin: Int32 = -1,
        sale: Int64? = nil, hedge: Hedge = .never, stream: StreamTerms? = nil
    ) -> Int {
        guard let seat = seats.take() else { return -1 }
        seated[seat.slot] = seat
        core.begin(
            ClientCore.Request(
                isRepeatable: isRepeatable, maximumAttempts: attempts, deadline: now + deadline, pin: pin,
                method: MethodID(rawValue: 1),
                key: sale.map {
                    BrokerMemory.Key(routing: RoutingKey(sale: $0, lane: 0), isPartition: false)
                }, hedge: hedge, stream: stream), at: seat, now: now)
        perform()
        return seat.slot
    }

    mutating func receive(_ header: Header, from broker: Int) {
        core.received(header, from: broker, now: now, random: random.next())
        perform()
    }

    /// Answers an attempt.
    mutating func answer(
        _ attempt: (broker: Int, id: CallID, slot: Int), _ status: Status,
        _ certainty: Certainty = .executed, _ reason: Reason = .none, retryAfter: UInt32 = 0
    ) {
        var header = Header(.result)
        header.callID = attempt.id.rawValue
        header.status = status
        header.certainty = certainty
        header.reason = reason
        header.milliseconds = retryAfter
        receive(header, from: attempt.broker)
    }

    // MARK: Streams

    /// An item of the service.
    mutating func item(_ attempt: (broker: Int, id: CallID, slot: Int), _ sequence: UInt32) {
        var header = Header(.data)
        header.callID = attempt.id.rawValue
        header.sequence = sequence
        receive(header, from: attempt.broker)
    }

    mutating func credit(_ attempt: (broker: Int, id: CallID, slot: Int), _ total: UInt32) {
        var header = Header(.credit)
        header.callID = attempt.id.rawValue
        header.sequence = total
        receive(header, from: attempt.broker)
    }

    /// A yes that counts the items of the service.
    mutating func end(_ attempt: (broker: Int, id: CallID, slot: Int), items: UInt32) {
        var header = Header(.result)
        header.callID = attempt.id.rawValue
        header.sequence = items
        receive(header, from: attempt.broker)
    }

    /// The reader takes items.
    mutating func take(_ count: UInt32, slot: Int) {
        if let seat = seated[slot] { core.took(count, of: seat) }
        perform()
    }

    /// The caller's next message, if it goes out now.
    mutating func send(slot: Int, isEnd: Bool = false) -> Header? {
        core.passage(slot).isSent ? core.itemHeader(slot, isEnd: isEnd) : nil
    }

    // MARK: Sessions and time

    mutating func lose(_ broker: Int) {
        core.disconnected(broker, now: now, random: random.next())
        perform()
    }

    mutating func cancel(_ slot: Int) {
        if let seat = seated[slot] { core.cancel(seat) }
        perform()
    }

    mutating func close() {
        core.close()
        perform()
    }

    mutating func tick(after amount: TimeAmount = .zero) {
        now = now + amount
        core.tick(now: now, random: &random)
        perform()
    }

    /// Lets time pass in the steps of the client's loop; healthy brokers answer their pings.
    mutating func pass(_ amount: TimeAmount, answeringPings: Bool = true) {
        let end = now + amount
        while now < end {
            now = min(end, core.nextTick(after: now))
            core.tick(now: now, random: &random)
            let before = pinged.count
            perform()
            if answeringPings { for broker in pinged[before...] { receive(Header(.pong), from: broker) } }
        }
    }

    mutating func perform() {
        var index = 0
        while index < core.actions.count {
            let action = core.actions[index]
            index += 1
            switch action {
            case .open(let broker): opened.append(broker)
            case .drop(let broker): dropped.append(broker)
            case .ping(let broker, _): pinged.append(broker)
            case .pong(_, let nonce): ponged.append(nonce)
            case .cancel(_, let id): cancelled.append(id)
            case .credit(_, let id, let total): credits.append((id, total))
            case .deliver(let slot): delivered.append(slot)
            case .permit(let slot, let count): permitted.append((slot, count))
            case .commit(let slot): committed.append(slot)
            case .replay(let slot): replayed.append(slot)
            case .hold(let slot): held.append(slot)
            case .end(let slot, let ending):
                endings.append((slot, ending))
                seats.give(back: [Int32(slot)])
            case .send(let slot, let number):
                let call = core.calls[slot]
                let attempt = call.attempt.number == number ? call.attempt : call.hedge
                guard attempt.state == .assigned, attempt.number == number else { continue }
                if stuck.contains(Int(attempt.broker)) {
                    core.notTaken(slot, attempt: number, now: now, random: random.next())
                } else {
                    sent.append((Int(attempt.broker), call.id(slot: slot, attempt: number), slot))
                    core.handedOver(slot, attempt: number)
                }
            }
        }
        core.actions.removeAll(keepingCapacity: true)
    }
}
