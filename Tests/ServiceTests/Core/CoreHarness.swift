import Resilience
import Wire

@testable import Service

/// A core on a made-up clock, with a broker joined and one method of each kind.
final class CoreHarness {
    var core: ServiceCore
    var now = MonotonicTime(nanoseconds: 0)
    private var nextCall: UInt64 = 100

    static let inline = MethodID("a.inline")
    static let unary = MethodID("a.unary")
    static let stream = MethodID("b.stream")

    init(brokers: Int = 1, calls: [Int] = [2, 1, 1], streams: Int = 1) {
        var configuration = HostConfiguration()
        configuration.calls = calls
        configuration.streams = streams
        core = ServiceCore(
            configuration: configuration, brokers: brokers,
            methods: [
                (CoreHarness.inline, .init(kind: .unary, isInline: true, service: 0)),
                (CoreHarness.unary, .init(kind: .unary, isInline: false, service: 0)),
                (CoreHarness.stream, .init(kind: .bidirectional, isInline: false, service: 1)),
            ], now: now)
        for broker in 0..<brokers { join(broker) }
    }

    func join(_ broker: Int) {
        tick()
        core.introduced(broker)
        _ = core.beat(stamp: 1, from: broker)
        core.actions = []
    }

    func tick(after wait: TimeAmount = .zero) {
        now = now + wait
        core.tick(now) { 0 }
    }

    /// What was decided since the last look.
    func actions() -> [ServiceCore.Action] {
        defer { core.actions = [] }
        return core.actions
    }

    func call(
        _ method: MethodID = CoreHarness.unary, id: UInt64? = nil, milliseconds: UInt32 = 0,
        flags: Header.Flags = .end, from broker: Int = 0
    ) -> (admission: ServiceCore.Admission, id: UInt64) {
        nextCall += 1
        var header = Header(.call)
        header.method = method
        header.flags = flags
        header.callID = id ?? nextCall
        header.milliseconds = milliseconds
        return (core.admit(header, from: broker, now), header.callID)
    }

    /// A stream in hand, and its call.
    func openStream() -> (slot: Int, id: UInt64, token: CallToken) {
        let (admission, id) = call(CoreHarness.stream, flags: .stream)
        guard case .start(let slot, _) = admission else { preconditionFailure("\(admission)") }
        return (slot, id, core.table.token(slot))
    }

    func data(
        _ id: UInt64, _ sequence: UInt32, isEmpty: Bool = false, isLast: Bool = false
    ) -> ServiceCore.Delivery {
        var header = Header(.data)
        header.callID = id
        header.sequence = sequence
        if isLast { header.flags = .end }
        return core.data(header, isEmpty: isEmpty, from: 0)
    }

    func credit(_ id: UInt64, _ total: UInt32) -> Int? {
        var header = Header(.credit)
        header.callID = id
        header.sequence = total
        return core.credit(header, from: 0)
    }
}

extension ServiceCore.Action {
    /// The status and certainty that a broker is told.
    var told: (slot: Int, status: Status, certainty: Certainty, reason: Reason)? {
        guard case .end(let slot, _, let failure) = self else { return nil }
        return (slot, failure.status, failure.certainty, failure.reason)
    }
}
