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
    /// Brokers whose sockets take nothing.
    var stuck: Set<Int> = []

    init(brokers: Int = 2, _ change: (inout ClientConfiguration) -> Void = { _ in }) {
        var configuration = ClientConfiguration()
        change(&configuration)
        core = ClientCore(brokers: brokers, configuration: configuration, now: now)
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

    @discardableResult
    mutating func begin(
        deadline: TimeAmount = .seconds(5), isRepeatable: Bool = true, attempts: Int = 5, pin: Int? = nil
    ) -> Int {
        let request = ClientCore.Request(
            isRepeatable: isRepeatable, maximumAttempts: attempts, deadline: now + deadline, pin: pin)
        let slot = core.begin(request, now: now) ?? -1
        perform()
        return slot
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

    mutating func lose(_ broker: Int) {
        core.disconnected(broker, now: now, random: random.next())
        perform()
    }

    mutating func cancel(_ slot: Int) {
        core.cancel(slot)
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

    private mutating func perform() {
        var index = 0
        while index < core.actions.count {
            let action = core.actions[index]
            index += 1
            switch action {
            case .open(let broker): opened.append(broker)
            case .drop(let broker): dropped.append(broker)
            case .ping(let broker, _): pinged.append(broker)
            case .cancel(_, let id): cancelled.append(id)
            case .end(let slot, let ending): endings.append((slot, ending))
            case .send(let slot):
                let call = core.calls[slot]
                guard call.state == .assigned, let broker = call.broker else { continue }
                if stuck.contains(broker) {
                    core.notTaken(slot, now: now, random: random.next())
                } else {
                    sent.append((broker, call.id(slot: slot), slot))
                    core.handedOver(slot)
                }
            }
        }
        core.actions.removeAll(keepingCapacity: true)
    }
}
