import Resilience
import Wire

/// What a host decides: its sessions with brokers, and the calls in its hands. Events and times go in,
/// actions come out.
struct ServiceCore {
    /// What the core knows of a method.
    struct Shape {
        let kind: MethodKind
        let isInline: Bool
        /// Index of its service.
        let service: Int
    }

    enum Action: Equatable {
        case connect(broker: Int)
        /// The socket may be connected by now: try READY.
        case introduce(broker: Int)
        case drop(broker: Int)
        /// Nobody hears the call's answer any more; its handler should stop.
        case stop(slot: Int)
        /// Likewise, and the broker is told why.
        case end(slot: Int, Address, Failure)
    }

    /// Where an answer goes, and how many items went there before.
    struct Address: Hashable {
        let broker: Int
        let callID: UInt64
        let sent: UInt32
    }

    let configuration: HostConfiguration
    private(set) var sessions: [BrokerSession]
    private(set) var table: CallTable
    /// To be performed after each event, in their order.
    var actions: [Action] = []
    private(set) var isDraining = false
    /// Bytes that were no message, and messages that came too late. For logs.
    var counts = (malformed: 0, late: 0)

    private let methods: [MethodID: Int]
    private let shapes: [Shape]
    private var isServing: [Bool]
    /// No call's deadline is before this.
    private var nextDeadline = MonotonicTime.distantFuture

    init(
        configuration: HostConfiguration, brokers: Int, methods: [(id: MethodID, shape: Shape)],
        now: MonotonicTime
    ) {
        self.configuration = configuration
        sessions = Array(
            repeating: BrokerSession(state: .waiting(until: now), heardAt: now), count: brokers)
        table = CallTable(capacity: brokers * (configuration.calls.reduce(0, +) + configuration.streams))
        self.methods = Dictionary(uniqueKeysWithValues: methods.enumerated().map { ($1.id, $0) })
        shapes = methods.map(\.shape)
        isServing = Array(repeating: true, count: (shapes.map(\.service).max() ?? -1) + 1)
    }

    /// Nobody waits for an answer.
    var isIdle: Bool { table.runningCount == 0 }

    // MARK: Sessions

    /// READY was sent.
    mutating func introduced(_ broker: Int) { sessions[broker].state = .introduced }

    /// A message of the broker came.
    mutating func heard(from broker: Int, _ now: MonotonicTime) { sessions[broker].heardAt = now }

    /// The broker's beat. Returns true when it is the first of the session.
    mutating func beat(stamp: UInt64, from broker: Int) -> Bool {
        sessions[broker].stamp = stamp
        guard sessions[broker].state == .introduced else { return false }
        sessions[broker].state = .joined
        sessions[broker].failures = 0
        return true
    }

    /// The session is over: nobody hears the answers of its calls.
    ///
    /// - Parameter wait: what the broker asked for.
    mutating func lost(_ broker: Int, after wait: TimeAmount = .zero, _ now: MonotonicTime, random: UInt64) {
        if case .waiting = sessions[broker].state { return }
        for slot in sessions[broker].calls.values.sorted() {
            table.abandon(slot)
            actions.append(.stop(slot: slot))
        }
        let failures = sessions[broker].failures + 1
        let backoff = configuration.reconnect.wait(after: failures, random: random)
        sessions[broker] = BrokerSession(state: .waiting(until: now + max(wait, backoff)), heardAt: now)
        sessions[broker].failures = failures
        actions.append(.drop(broker: broker))
    }

    // MARK: Time

    /// Called every 20 ms or so.
    mutating func tick(_ now: MonotonicTime, random: () -> UInt64) {
        for broker in sessions.indices {
            if case .waiting(let until) = sessions[broker].state {
                guard until <= now, !isDraining else { continue }
                sessions[broker].state = .connecting
                sessions[broker].heardAt = now
                actions.append(.connect(broker: broker))
            } else if now - sessions[broker].heardAt > configuration.silence {
                lost(broker, now, random: random())
            } else if sessions[broker].state == .connecting {
                actions.append(.introduce(broker: broker))
            }
        }
        if nextDeadline <= now { expire(now) }
    }

    private mutating func expire(_ now: MonotonicTime) {
        nextDeadline = .distantFuture
        for slot in table.calls.indices where table[slot].state == .running {
            guard table[slot].deadline <= now else {
                nextDeadline = min(nextDeadline, table[slot].deadline)
                continue
            }
            end(
                slot,
                Failure(
                    .deadlineExceeded, "The deadline passed while the service worked on it.",
                    certainty: .maybeExecuted))
        }
    }

    /// Ends a call for its caller before its handler has.
    private mutating func end(_ slot: Int, _ failure: Failure) {
        let address = abandon(slot)
        actions.append(.end(slot: slot, address, failure))
    }

    private mutating func abandon(_ slot: Int) -> Address {
        let call = table[slot]
        sessions[call.broker].calls[call.callID] = nil
        table.abandon(slot)
        return Address(broker: call.broker, callID: call.callID, sent: call.sent)
    }

    // MARK: Stopping

    /// No new calls; sessions go on until those in hand are done.
    mutating func drain() { isDraining = true }

    /// Ends every call that is still in hand.
    mutating func endAll() {
        for slot in table.calls.indices where table[slot].state == .running {
            end(
                slot,
                Failure(
                    .unavailable, "The service was stopped while it worked on the call.",
                    certainty: .maybeExecuted, reason: .draining))
        }
    }

    // MARK: Calls

    /// What is to be done with a CALL.
    enum Admission: Equatable {
        case inline(method: Int)
        case start(slot: Int, method: Int)
        case refuse(CallRefusal)
        /// RETURN: another worker can have it.
        case giveBack
        /// It has no name, or that of a call in hand.
        case malformed
    }

    mutating func admit(_ header: Header, from broker: Int, _ now: MonotonicTime) -> Admission {
        guard header.callID != 0 else { return .malformed }
        guard !isDraining else { return .giveBack }
        guard let method = methods[header.method] else { return .refuse(.unknownMethod) }
        let shape = shapes[method]
        guard isServing[shape.service] else { return .refuse(.notServing) }
        guard header.flags.contains(.stream) == (shape.kind != .unary) else { return .refuse(.wrongKind) }
        if shape.isInline { return .inline(method: method) }
        guard sessions[broker].calls[header.callID] == nil else { return .malformed }
        guard let slot = table.take() else { return .refuse(.busy) }
        begin(slot, header, shape.kind, broker, now)
        return .start(slot: slot, method: method)
    }

    private mutating func begin(
        _ slot: Int, _ header: Header, _ kind: MethodKind, _ broker: Int, _ now: MonotonicTime
    ) {
        table[slot].broker = broker
        table[slot].callID = header.callID
        if header.milliseconds > 0 {
            table[slot].deadline = now + .milliseconds(Int64(header.milliseconds))
            nextDeadline = min(nextDeadline, table[slot].deadline)
        }
        table[slot].isStream = kind != .unary
        table[slot].hasAllItems = header.flags.contains(.end)
        table[slot].granted = Limits.initialCredit
        table[slot].credit = Limits.initialCredit
        sessions[broker].calls[header.callID] = slot
    }

    /// The caller has given up; the broker has answered it.
    mutating func cancel(_ callID: UInt64, from broker: Int) {
        guard let slot = sessions[broker].calls[callID] else { return counts.late += 1 }
        _ = abandon(slot)
        actions.append(.stop(slot: slot))
    }

    /// For tests: the handler goes on, and its answer is lost.
    mutating func loseAnswer(_ callID: UInt64, from broker: Int) {
        guard let slot = sessions[broker].calls[callID] else { return }
        _ = abandon(slot)
    }

    /// What is to be done with a DATA.
    enum Delivery: Equatable {
        case item(slot: Int, isLast: Bool)
        /// No item: it only says that there are no more.
        case end(slot: Int)
        /// Late, or it broke its stream.
        case none
    }

    mutating func data(_ header: Header, isEmpty: Bool, from broker: Int) -> Delivery {
        guard let slot = sessions[broker].calls[header.callID] else {
            counts.late += 1
            return .none
        }
        let call = table[slot]
        let isLast = header.flags.contains(.end)
        let isItem = !(isLast && isEmpty)
        guard call.isStream, !call.hasAllItems, header.sequence == call.received,
            !isItem || call.received < call.granted
        else {
            breakFlow(slot)
            return .none
        }
        if isItem { table[slot].received += 1 }
        table[slot].hasAllItems = isLast
        return isItem ? .item(slot: slot, isLast: isLast) : .end(slot: slot)
    }

    /// The caller takes more items. Returns the slot whose handler may send them.
    mutating func credit(_ header: Header, from broker: Int) -> Int? {
        guard let slot = sessions[broker].calls[header.callID] else {
            counts.late += 1
            return nil
        }
        let call = table[slot]
        guard call.isStream, header.sequence >= call.credit,
            header.sequence - call.sent <= Limits.largestCredit
        else {
            breakFlow(slot)
            return nil
        }
        table[slot].credit = header.sequence
        return slot
    }

    private mutating func breakFlow(_ slot: Int) {
        end(
            slot,
            Failure(
                .internal, "An item was out of order or beyond its credit.", certainty: .maybeExecuted,
                reason: .flowControl))
    }

    // MARK: What handlers do

    /// The handler has returned. Nil when nobody waits for its answer.
    mutating func finish(_ token: CallToken) -> (slot: Int, to: Address?)? {
        guard let slot = table.slot(token) else { return nil }
        let address: Address?
        if table[slot].state == .running {
            let call = table[slot]
            sessions[call.broker].calls[call.callID] = nil
            address = Address(broker: call.broker, callID: call.callID, sent: call.sent)
        } else {
            address = nil
        }
        table.release(slot)
        return (slot, address)
    }

    /// The handler sends an item: where to, and as which in the address's `sent`. Nil when nobody takes it.
    mutating func send(_ token: CallToken) -> Address? {
        guard let slot = table.slot(token), table[slot].state == .running,
            table[slot].sent < table[slot].credit
        else { return nil }
        let call = table[slot]
        table[slot].sent += 1
        return Address(broker: call.broker, callID: call.callID, sent: call.sent)
    }

    /// The handler takes so many items in all. Nil when nobody will send them.
    mutating func grant(_ token: CallToken, _ total: UInt32) -> Address? {
        guard let slot = table.slot(token), table[slot].state == .running, !table[slot].hasAllItems else {
            return nil
        }
        let call = table[slot]
        table[slot].granted = max(call.granted, total)
        return Address(broker: call.broker, callID: call.callID, sent: call.sent)
    }

    // MARK: Health

    mutating func setServing(_ service: Int, _ isServing: Bool) { self.isServing[service] = isServing }

    var servicesNotServing: [Int] { isServing.indices.filter { !isServing[$0] } }
}
