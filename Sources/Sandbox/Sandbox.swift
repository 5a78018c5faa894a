import Digests
import Foundation
import HTTP
public import HTTPServer
public import Logging
import Resilience
import Synchronization
import Wire

/// Why the sandbox cannot run, in a sentence.
public struct SandboxError: Error, Sendable, CustomStringConvertible {
    public let description: String
    init(_ description: String) { self.description = description }
}

/// A payment provider to try things on: no money moves, and all else is as real as it gets. It charges once per attempt,
/// remembers through a kill -9, declines, delays, breaks off after charging, and calls back, sometimes twice.
public actor Sandbox {
    public struct Configuration: Sendable {
        /// Where the charges are written down.
        public var file: String
        /// What callers must show as a bearer token.
        public var key: String
        public var address = "127.0.0.1"
        /// 0 for any that is free.
        public var port: UInt16 = 0
        /// Where webhooks go, and what they are signed with. Without one there are none.
        public var webhook: (url: String, secret: [UInt8])?
        /// How many of a hundred charges fail on the way, by no fault of the payer: a third before anything is charged (500), a
        /// third after it (502), a third without any answer.
        public var failures = 0
        /// Of the draws.
        public var seed: UInt64 = 1

        public init(file: String, key: String) {
            self.file = file
            self.key = key
        }
    }

    /// How often a webhook is sent until it is taken: 0.2, 0.4, … 6.4 s after one another, and up to as much again.
    static let webhookAttempts = 6
    /// How long nobody gets an answer who gets none: longer than anybody should wait.
    static let hang = Duration.seconds(40)
    /// After what time the webhook of `SandboxToken.late` comes.
    static let lateness = Duration.seconds(3)

    private let configuration: Configuration
    private let file: ChargeFile
    private let client = HTTPClient(connections: 4, queue: 4_096)
    private let logger: Logger
    private var generator: SplitMix64
    private var eventNumber = 0
    /// Part of the events' ids: a sandbox that was started again does not give one twice.
    private let era: Int64
    private var isClosed = false

    public init(_ configuration: Configuration, logger: Logger) throws(SandboxError) {
        self.configuration = configuration
        self.logger = logger
        file = try ChargeFile(configuration.file)
        generator = SplitMix64(seed: configuration.seed)
        era = Int64(Date().timeIntervalSince1970 * 1_000)
        // What was pending when it ended is decided now.
        Task { await self.decidePending() }
    }

    /// Listens. The server ends with its `stop`.
    public nonisolated func listen() throws(HTTPServerError) -> HTTPServer {
        try HTTPServer(address: configuration.address, port: configuration.port) { [self] request in
            await answer(request)
        }
    }

    /// Answers those who were to wait in vain, so that the server can stop, and sends no more webhooks.
    public func close() {
        isClosed = true
        client.close()
    }

    /// Nothing happens for so long, unless it is closed.
    private func pass(_ time: Duration) async {
        let end = ContinuousClock.now + time
        while !isClosed, .now < end { try? await Task.sleep(for: .milliseconds(50)) }
    }

    private static func now() -> Int64 { Int64(Date().timeIntervalSince1970) }

    // MARK: Requests

    private struct Problem: Encodable { let error: String }
    private struct Page: Encodable {
        let charges: [SandboxCharge]
        let next: String?
    }

    private func say(_ status: Int, _ value: some Encodable) -> OutgoingResponse {
        guard let body = try? JSONEncoder().encode(value) else {
            preconditionFailure("an answer can always be written as JSON")
        }
        return OutgoingResponse(
            status: status, headers: [("content-type", "application/json")], body: [UInt8](body))
    }

    private func say(_ status: Int, error: String) -> OutgoingResponse { say(status, Problem(error: error)) }

    private func answer(_ request: IncomingRequest) async -> OutgoingResponse {
        let shown = Array((request.headers["authorization"] ?? "").utf8)
        guard HMAC.areSame(shown, Array("Bearer \(configuration.key)".utf8)) else {
            return say(401, error: "show the key as a bearer token")
        }
        let path = request.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst()
            .map(String.init)
        guard path.count >= 2, path[0] == "v1", path[1] == "charges" else {
            return say(404, error: "there is /v1/charges")
        }
        switch (request.method, path.count) {
        case ("POST", 2): return await charge(request)
        case ("GET", 2): return list(request.query)
        case ("GET", 3):
            return file.book[path[2]].map { say(200, $0) } ?? say(404, error: "there is no such attempt")
        case ("POST", 4) where path[3] == "cancel" && ChargeBook.isAttempt(path[2]):
            return change(event: "charge.declined") { book throws(ChargeBook.Refusal) in
                try book.cancel(path[2])
            }
        case ("POST", 4) where path[3] == "refund":
            return change(event: "charge.refunded") { book throws(ChargeBook.Refusal) in
                try book.refund(path[2])
            }
        default: return say(404, error: "there is no such thing to do")
        }
    }

    private func change(
        event: String,
        _ body: (inout ChargeBook) throws(ChargeBook.Refusal) -> (charge: SandboxCharge, isNew: Bool)
    ) -> OutgoingResponse {
        do throws(ChargeBook.Refusal) {
            let (charge, isNew) = try file.change(body)
            if isNew { tell(event, charge) }
            return say(200, charge)
        } catch {
            return refuse(error)
        }
    }

    private func refuse(_ refusal: ChargeBook.Refusal) -> OutgoingResponse {
        switch refusal {
        case .contentDiffers: say(409, error: "the attempt was made with another content")
        case .nothingTaken: say(409, error: "nothing was taken that could be given back")
        case .full: say(507, error: "the sandbox is full: begin with another file")
        }
    }

    private func list(_ query: [String: String]) -> OutgoingResponse {
        guard let cursor = Int(query["after"] ?? "0"), cursor >= 0, let limit = Int(query["limit"] ?? "100"),
            1...1_000 ~= limit
        else { return say(400, error: "after is a cursor of ours, limit 1 to 1000") }
        let (charges, next) = file.book.page(after: cursor, limit: limit)
        return say(200, Page(charges: charges, next: next.map { "\($0)" }))
    }

    private enum Mishap: CaseIterable {
        case before, after, silence
    }

    private func drawMishap() -> Mishap? {
        guard Int.random(in: 0..<100, using: &generator) < configuration.failures else { return nil }
        return Mishap.allCases.randomElement(using: &generator)
    }

    private func charge(_ request: IncomingRequest) async -> OutgoingResponse {
        guard let ask = try? JSONDecoder().decode(ChargeAsk.self, from: Data(request.body)) else {
            return say(400, error: "a charge is {\"attempt\", \"amount\", \"order\", \"token\"}, all strings")
        }
        if let mistake = ask.mistake { return say(422, error: mistake) }
        guard request.headers["idempotency-key"] == ask.attempt, let token = SandboxToken(rawValue: ask.token)
        else { return say(400, error: "the header idempotency-key has to be the attempt") }
        let mishap = drawMishap()
        if token == .error || mishap == .before {
            return say(500, error: "the sandbox failed, as it was told to")
        }
        if token == .slow { await pass(.seconds(2)) }
        let status: SandboxCharge.Status =
            switch token {
            case .declined: .declined
            case .pending: .pending
            case .ok, .hang, .error, .twice, .slow, .late, .forged: .taken
            }
        let answer: OutgoingResponse
        do throws(ChargeBook.Refusal) {
            let (charge, isNew) = try file.change { book throws(ChargeBook.Refusal) in
                try book.charge(ask, status)
            }
            if isNew { follow(charge, token) }
            answer = say(200, charge)
        } catch {
            return refuse(error)
        }
        if token == .hang || mishap == .silence { await pass(Sandbox.hang) }
        return mishap == .after
            ? say(502, error: "the sandbox failed after charging, as it was told to") : answer
    }

    /// What comes after a charge was written down.
    private func follow(_ charge: SandboxCharge, _ token: SandboxToken) {
        switch charge.status {
        case .taken:
            guard let event = event("charge.taken", charge) else { return }
            if token == .forged { forge(event) }
            send(event, after: token == .late ? Sandbox.lateness : .zero)
            if token == .twice { send(event) }
        case .declined: tell("charge.declined", charge)
        case .pending: decide(charge.attempt)
        }
    }

    private func decide(_ attempt: String) {
        Task {
            try? await Task.sleep(for: .seconds(1))
            take(attempt)
        }
    }

    private func take(_ attempt: String) {
        guard file.book[attempt]?.status == .pending else { return }
        let result = try? file.change { book throws(ChargeBook.Refusal) in
            guard let charge = book.take(attempt) else { throw .nothingTaken }
            return (charge, true)
        }
        if let result { tell("charge.taken", result.charge) }
    }

    private func decidePending() {
        for charge in file.book.page(after: 0, limit: ChargeBook.limit).charges
        where charge.status == .pending {
            decide(charge.attempt)
        }
    }

    // MARK: Webhooks

    private struct Event: Encodable, Sendable {
        let id: String
        let type: String
        let attempt: String
        let order: String
        let created: Int64
    }

    private func tell(_ type: String, _ charge: SandboxCharge) {
        if let event = event(type, charge) { send(event) }
    }

    /// Nil when nobody is told.
    private func event(_ type: String, _ charge: SandboxCharge) -> Event? {
        guard configuration.webhook != nil, !charge.order.isEmpty else { return nil }
        eventNumber += 1
        return Event(
            id: "evt_\(era)_\(eventNumber)", type: type, attempt: charge.attempt, order: charge.order,
            created: Sandbox.now())
    }

    /// Somebody who does not know the secret sends the event.
    private func forge(_ event: Event) {
        guard let (url, secret) = configuration.webhook, let body = try? JSONEncoder().encode(event) else {
            return
        }
        let bytes = [UInt8](body)
        // Not + [0]: HMAC fills short keys up with zeros (RFC 2104 §2), so that would be the same secret.
        let header = WebhookSignature.header(secret: secret + [1], time: Sandbox.now(), body: bytes)
        let request = HTTPRequest(
            .post, url, headers: [(WebhookSignature.header, header), ("content-type", "application/json")],
            body: bytes)
        Task { [client, logger] in
            if let status = try? await client.send(request).status, status != 401 {
                logger.error("A forged webhook was not refused with 401", metadata: ["status": "\(status)"])
            }
        }
    }

    private func send(_ event: Event, after time: Duration = .zero) {
        guard let (url, secret) = configuration.webhook, let body = try? JSONEncoder().encode(event) else {
            return
        }
        Task { [client, logger] in
            try? await Task.sleep(for: time)
            for attempt in 0..<Sandbox.webhookAttempts {
                let header = WebhookSignature.header(
                    secret: secret, time: Sandbox.now(), body: [UInt8](body))
                var request = HTTPRequest(
                    .post, url,
                    headers: [(WebhookSignature.header, header), ("content-type", "application/json")],
                    body: [UInt8](body))
                request.timeout = .seconds(5)
                let status = try? await client.send(request).status
                // 409 says that it was seen before.
                if let status, 200..<300 ~= status || status == 409 { return }
                let longest = 200 << attempt
                try? await Task.sleep(for: .milliseconds(longest + Int.random(in: 0...longest)))
            }
            logger.warning("Nobody took a webhook", metadata: ["event": "\(event.id)", "url": "\(url)"])
        }
    }
}
