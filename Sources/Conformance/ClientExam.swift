public import Wire

/// Examines a client: a server that answers a few methods by a script, and judges by `PROTOCOL.md` what it gets.
///
/// A value without I/O and clock: messages and times go in, frames come out. The methods:
///
/// | method | kind | what it does |
/// | --- | --- | --- |
/// | `conformance.echo` | unary | answers the request as it came |
/// | `conformance.busy` | unary | refuses the first attempt as not executed, for 200 ms |
/// | `conformance.maybe` | unary | says of the first attempt that it may have run |
/// | `conformance.refused` | unary | refuses for good |
/// | `conformance.silent` | unary | never answers |
/// | `conformance.count` | server-stream | sends `{"number": 0}` … as many as `items` says |
/// | `conformance.sum` | client-stream | adds up `number`; allows more than 16 only after 300 ms |
/// | `conformance.chat` | bidirectional | sends each item back |
public struct ClientExam {
    /// Frames to send, each to the client by that number.
    public struct Sending: Hashable, Sendable {
        public let client: Int
        public let frame: [UInt8]
    }

    public private(set) var sendings: [Sending] = []
    private var findings: [Rule: Finding.Outcome] = [:]
    private var clients: [Int: Client] = [:]
    private var calls: [CallName: Call] = [:]
    /// What was seen of each request that is tried again, by method and key.
    private var attempts: [Attempt.Name: Attempt] = [:]

    private struct Client {
        var pings = 0
        var lastPing: MonotonicTime?
        var asked: UInt64?
    }

    private struct CallName: Hashable {
        let client: Int
        let callID: UInt64
    }

    private struct Call {
        var method: String
        var sent: UInt32 = 0
        var sendLimit = Limits.initialCredit
        var received: UInt32 = 0
        var receiveLimit = Limits.initialCredit
        var callerEnded = false
        var wanted: UInt32 = 0
        var sum: Int64 = 0
        var allowsAt: MonotonicTime?
        var echoes: [[UInt8]] = []
    }

    private struct Attempt {
        struct Name: Hashable {
            let method: String
            let keyHigh: UInt64
            let keyLow: UInt64
        }
        var count = 1
        var callID: UInt64
        var body: [UInt8]
        var at: MonotonicTime
    }

    /// What is judged, in the order of the report.
    public enum Rule: String, CaseIterable, Sendable {
        case greets = "The first message of a session is a PING"
        case wellFormed = "Every message is one frame with a header that can be read"
        case kinds = "A client sends CALL, DATA, CREDIT, CANCEL, PING and PONG only"
        case answersPing = "A PING is answered by a PONG of the same number"
        case pingsSeldom = "A client that hears something sends no PING more often than each second"
        case deadlines = "A unary call says how much time is left"
        case callIDs = "No call is named 0, and no name is used twice"
        case echo = "`conformance.echo` is called"
        case retriesPassing = "A refusal that passes is followed by another attempt, after the time given"
        case retryFlag = "Every attempt after the first has the flag retry and a name of its own"
        case sameKey = "Every attempt has the same request key and body"
        case keepsMaybe = "What may have run is not repeated without a request key"
        case finalRefusal = "A refusal that was executed is not repeated"
        case raisesCredit = "A reader that takes items allows more, so that all of `conformance.count` arrive"
        case cancels = "A call whose caller has gone is cancelled"
        case itemOrder = "Items are numbered from 0 without gaps"
        case itemCredit = "A writer never sends more items than it was allowed"
        case callerEnd = "After its end a caller sends no items"

        var section: String {
            switch self {
            case .greets, .answersPing, .pingsSeldom, .kinds: "Clients' sessions"
            case .wellFormed, .callIDs: "Sockets and frames"
            case .deadlines: "Deadlines"
            case .echo: "How a call ends"
            case .retriesPassing, .retryFlag, .sameKey, .keepsMaybe, .finalRefusal: "Certainty and retries"
            case .cancels: "Cancelling"
            case .raisesCredit, .itemOrder, .itemCredit, .callerEnd: "Streams"
            }
        }

        /// What the author's client has to do for it to be seen.
        var howToShow: String {
            switch self {
            case .greets, .wellFormed, .kinds, .callIDs, .answersPing, .pingsSeldom:
                "connect and stay a while"
            case .deadlines, .echo: "call conformance.echo"
            case .retriesPassing, .retryFlag: "call conformance.busy with a request key"
            case .sameKey: "call conformance.maybe with a request key"
            case .keepsMaybe: "call conformance.maybe without a request key"
            case .finalRefusal: "call conformance.refused"
            case .raisesCredit: "call conformance.count with 40 items or more, and read them all"
            case .cancels: "call conformance.silent and cancel it"
            case .itemOrder, .itemCredit, .callerEnd: "send 40 items to conformance.sum, then the end"
            }
        }
    }

    public init() {}

    /// The methods by their numbers.
    private static let names = Dictionary(
        uniqueKeysWithValues: ["echo", "busy", "maybe", "refused", "silent", "count", "sum", "chat"].map {
            (MethodID("conformance.\($0)"), "conformance.\($0)")
        })

    /// Everything that has been judged so far.
    public var report: [Finding] {
        Rule.allCases.map { rule in
            Finding(rule.section, rule.rawValue, findings[rule] ?? .notSeen(rule.howToShow))
        }
    }

    public var isComplete: Bool { Rule.allCases.allSatisfy { findings[$0] != nil } }

    /// Takes what is to be sent.
    public mutating func takeSendings() -> [Sending] {
        defer { sendings = [] }
        return sendings
    }

    // MARK: Judging

    private mutating func judge(_ rule: Rule, _ holds: Bool, _ seen: @autoclosure () -> String) {
        // A rule that was broken once stays broken.
        if case .failed? = findings[rule] { return }
        findings[rule] = holds ? .passed : .failed(seen())
    }

    /// A message that is not one frame.
    public mutating func receivedSeveralFrames() { judge(.wellFormed, false, "a message of several frames") }

    /// A message of a client; clients are numbered by whoever has their sockets.
    public mutating func received(_ frame: [UInt8], from client: Int, _ now: MonotonicTime) {
        let header: Header
        do throws(WireError) {
            header = try Header(decoding: frame.span)
            _ = try Metadata(decoding: frame.span, header: header)
        } catch {
            return judge(.wellFormed, false, "\(error)")
        }
        judge(.wellFormed, true, "")
        let isNew = clients[client] == nil
        if isNew {
            clients[client] = Client()
            judge(.greets, header.kind == .ping, "\(header.kind)")
        }
        let body = Array(frame[(Header.size + Int(header.metadataLength))...])
        switch header.kind {
        case .ping: ping(header, client, now)
        case .pong: judge(.answersPing, clients[client]?.asked == header.callID, "another number")
        case .call: call(header, frame, body, client, now)
        case .data: data(header, body, client, now)
        case .credit: credit(header, client)
        case .cancel:
            judge(.cancels, true, "")
            if calls.removeValue(forKey: CallName(client: client, callID: header.callID)) != nil {
                fail(header.callID, client, .cancelled, .maybeExecuted, .none)
            }
        case .goAway, .result, .returned, .ready, .beat, .own, .disown, .drain, .describe:
            return judge(.kinds, false, "\(header.kind)")
        }
        judge(.kinds, true, "")
    }

    private mutating func ping(_ header: Header, _ client: Int, _ now: MonotonicTime) {
        if let last = clients[client]?.lastPing {
            // A tenth of slack for timers of both sides.
            judge(
                .pingsSeldom, now - last >= .milliseconds(900), "PINGs \((now - last).milliseconds) ms apart")
        }
        clients[client]?.lastPing = now
        clients[client]?.pings += 1
        var pong = Header(.pong)
        pong.callID = header.callID
        send(pong, to: client)
        guard clients[client]?.asked == nil else { return }
        var question = Header(.ping)
        question.callID = 0xfeed_0000 + UInt64(client)
        clients[client]?.asked = question.callID
        send(question, to: client)
    }

    // MARK: Calls

    private mutating func call(
        _ header: Header, _ frame: [UInt8], _ body: [UInt8], _ client: Int, _ now: MonotonicTime
    ) {
        let name = CallName(client: client, callID: header.callID)
        judge(.callIDs, header.callID != 0 && calls[name] == nil, "the name \(header.callID) again, or 0")
        guard let method = ClientExam.names[header.method] else {
            return fail(header.callID, client, .unimplemented, .notExecuted, .unknownMethod)
        }
        if !header.flags.contains(.stream) {
            judge(.deadlines, header.milliseconds > 0, "no deadline in \(method)")
        }
        var call = Call(method: method)
        call.callerEnded = header.flags.contains(.end)
        switch method {
        case "conformance.echo":
            judge(.echo, true, "")
            answer(header.callID, client, body)
        case "conformance.silent": calls[name] = call
        case "conformance.count":
            var offset = 0
            let request = try? MessagePackValue(decoding: body.span, at: &offset)
            if case .int(let items)? = request?["items"] { call.wanted = UInt32(clamping: items) }
            calls[name] = call
            sendItems(name)
        case "conformance.sum", "conformance.chat":
            if method == "conformance.sum" { call.allowsAt = now + .milliseconds(300) }
            calls[name] = call
        default: attempt(header, body, method, client, now)
        }
    }

    private mutating func attempt(
        _ header: Header, _ body: [UInt8], _ method: String, _ client: Int, _ now: MonotonicTime
    ) {
        let name = Attempt.Name(
            method: method, keyHigh: UInt64(truncatingIfNeeded: header.requestKey >> 64),
            keyLow: UInt64(truncatingIfNeeded: header.requestKey))
        guard let before = attempts[name], header.flags.contains(.retry) else {
            if let before = attempts[name], header.requestKey != 0 {
                judge(.retryFlag, false, "attempt \(before.count + 1) without the flag retry")
            }
            attempts[name] = Attempt(callID: header.callID, body: body, at: now)
            return refuseFirst(header, method, client)
        }
        attempts[name]?.count += 1
        judge(.retryFlag, before.callID != header.callID, "the same name for two attempts")
        switch method {
        case "conformance.busy":
            judge(
                .retriesPassing, now - before.at >= .milliseconds(200),
                "\((now - before.at).milliseconds) ms later")
            judge(.sameKey, before.body == body, "another body")
            answer(header.callID, client, body)
        case "conformance.maybe":
            if header.requestKey == 0 {
                judge(.keepsMaybe, false, "another attempt")
            } else {
                judge(.sameKey, before.body == body, "another body")
            }
            answer(header.callID, client, body)
        default:
            judge(.finalRefusal, false, "another attempt")
            fail(header.callID, client, .failedPrecondition, .executed, .closed)
        }
    }

    private mutating func refuseFirst(_ header: Header, _ method: String, _ client: Int) {
        switch method {
        case "conformance.busy":
            fail(header.callID, client, .unavailable, .notExecuted, .overloaded, retryAfter: 200)
        case "conformance.maybe":
            if header.requestKey == 0 { judge(.keepsMaybe, true, "") }
            fail(header.callID, client, .unavailable, .maybeExecuted, .ownerLost)
        default:
            judge(.finalRefusal, true, "")
            fail(header.callID, client, .failedPrecondition, .executed, .closed)
        }
    }

    // MARK: Streams

    private mutating func sendItems(_ name: CallName) {
        guard var call = calls[name] else { return }
        while call.sent < min(call.wanted, call.sendLimit) {
            item(["number": .int(Int64(call.sent))], name, call.sent)
            call.sent += 1
        }
        calls[name] = call
        guard call.sent == call.wanted else { return }
        calls[name] = nil
        if call.wanted > Limits.initialCredit { judge(.raisesCredit, true, "") }
        end(name, call.sent)
    }

    private mutating func data(_ header: Header, _ body: [UInt8], _ client: Int, _ now: MonotonicTime) {
        let name = CallName(client: client, callID: header.callID)
        guard var call = calls[name] else { return }
        judge(.callerEnd, !call.callerEnded, "an item after the end")
        judge(.itemOrder, header.sequence == call.received, "\(header.sequence) after \(call.received) items")
        if !body.isEmpty {
            judge(
                .itemCredit, call.received < call.receiveLimit,
                "item \(call.received + 1) of \(call.receiveLimit)")
            call.received += 1
            if call.method == "conformance.chat" {
                call.echoes.append(body)
                allow(&call, name)
            } else {
                var offset = 0
                if case .int(let number)? = (try? MessagePackValue(decoding: body.span, at: &offset))?[
                    "number"]
                {
                    call.sum &+= number
                }
                if call.allowsAt == nil { allow(&call, name) }
            }
        }
        if header.flags.contains(.end) { call.callerEnded = true }
        calls[name] = call
        finish(name)
    }

    /// Time goes on: allows what was held back.
    public mutating func tick(_ now: MonotonicTime) {
        for name in calls.keys {
            guard var call = calls[name], let time = call.allowsAt, time <= now else { continue }
            call.allowsAt = nil
            allow(&call, name)
            calls[name] = call
        }
    }

    private mutating func allow(_ call: inout Call, _ name: CallName) {
        call.receiveLimit = call.received + Limits.initialCredit
        var header = Header(.credit)
        header.callID = name.callID
        header.sequence = call.receiveLimit
        send(header, to: name.client)
    }

    private mutating func credit(_ header: Header, _ client: Int) {
        let name = CallName(client: client, callID: header.callID)
        guard let call = calls[name] else { return }
        judge(
            .raisesCredit,
            header.sequence >= call.sendLimit && header.sequence <= call.sent + Limits.largestCredit,
            "credit for \(header.sequence) after \(call.sendLimit), \(call.sent) sent")
        calls[name]?.sendLimit = max(call.sendLimit, header.sequence)
        if call.method == "conformance.count" { sendItems(name) } else { finish(name) }
    }

    private mutating func finish(_ name: CallName) {
        guard var call = calls[name] else { return }
        while !call.echoes.isEmpty, call.sent < call.sendLimit {
            var header = Header(.data)
            header.callID = name.callID
            header.sequence = call.sent
            sendings.append(
                Sending(client: name.client, frame: Frame.encode(header, body: call.echoes.removeFirst())))
            call.sent += 1
        }
        calls[name] = call
        guard call.callerEnded, call.echoes.isEmpty else { return }
        calls[name] = nil
        if call.method == "conformance.sum" {
            var writer = MessagePackWriter()
            MessagePackValue.map([.init("sum", .int(call.sum)), .init("items", .int(Int64(call.received)))])
                .encode(into: &writer)
            answer(name.callID, name.client, writer.bytes)
        } else {
            end(name, call.sent)
        }
    }

    // MARK: Frames

    private mutating func send(_ header: Header, to client: Int, body: [UInt8] = []) {
        sendings.append(Sending(client: client, frame: Frame.encode(header, body: body)))
    }

    private mutating func item(_ value: MessagePackValue, _ name: CallName, _ sequence: UInt32) {
        var header = Header(.data)
        header.callID = name.callID
        header.sequence = sequence
        sendings.append(Sending(client: name.client, frame: Frame.encode(header, body: value)))
    }

    private func result(_ callID: UInt64) -> Header {
        var header = Header(.result)
        header.flags = .end
        header.callID = callID
        return header
    }

    private mutating func answer(_ callID: UInt64, _ client: Int, _ body: [UInt8]) {
        send(result(callID), to: client, body: body)
    }

    private mutating func end(_ name: CallName, _ items: UInt32) {
        var header = result(name.callID)
        header.sequence = items
        send(header, to: name.client)
    }

    private mutating func fail(
        _ callID: UInt64, _ client: Int, _ status: Status, _ certainty: Certainty, _ reason: Reason,
        retryAfter: UInt32 = 0
    ) {
        var header = result(callID)
        header.status = status
        header.certainty = certainty
        header.reason = reason
        header.milliseconds = retryAfter
        let body: MessagePackValue = ["message": "Refused by the script of the examination."]
        sendings.append(Sending(client: client, frame: Frame.encode(header, body: body)))
    }
}
