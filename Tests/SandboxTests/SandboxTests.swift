import Digests
import Foundation
import HTTP
import HTTPServer
import Logging
import Synchronization
import Testing
import Wire

@testable import Sandbox

@Suite struct SandboxTests {
    private let client = HTTPClient(connections: 4)
    private let path = FileManager.default.temporaryDirectory.appending(path: "charges-\(UUID())").path()
    private static let attempt = String(repeating: "a", count: 32)

    private func run(_ body: (String) async throws -> Void) async throws { try await run({ _ in }, body) }

    private func run(
        _ change: (inout Sandbox.Configuration) -> Void, _ body: (String) async throws -> Void
    ) async throws {
        var configuration = Sandbox.Configuration(file: path, key: "key")
        change(&configuration)
        let sandbox = try Sandbox(
            configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let server = try sandbox.listen()
        try await body("http://127.0.0.1:\(server.port)/v1/charges")
        // Whoever gets no answer is let go.
        await sandbox.close()
        await server.stop()
    }

    private func send(
        _ method: HTTPRequest.Method, _ url: String, _ body: String = "", key: String = "key",
        attempt: String = attempt, timeout: Int64 = 10_000
    ) async throws -> (status: Int, body: String) {
        var request = HTTPRequest(
            method, url, headers: [("authorization", "Bearer \(key)"), ("idempotency-key", attempt)],
            body: Array(body.utf8))
        request.timeout = .milliseconds(timeout)
        let response = try await client.send(request)
        return (response.status, String(decoding: response.body, as: UTF8.self))
    }

    private func charge(_ token: String, attempt: String = attempt) -> String {
        #"{"attempt":"\#(attempt)","amount":"100","currency":"EUR","order":"1-2","token":"\#(token)"}"#
    }

    @Test func `a charge outlives the sandbox, and a line that was cut off does not`() async throws {
        try await run { (url: String) async throws in
            #expect(try await send(.post, url, charge("tok_ok")).status == 200)
            #expect(throws: SandboxError.self) {
                try Sandbox(
                    Sandbox.Configuration(file: path, key: "key"),
                    logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
            }
        }
        let handle = try #require(FileHandle(forWritingAtPath: path))
        try handle.seekToEnd()
        try handle.write(contentsOf: Data(#"{"id":"ch_2","att"#.utf8))
        try handle.close()
        try await run { (url: String) async throws in
            let found = try await send(.get, "\(url)/\(Self.attempt)")
            #expect(found.status == 200 && found.body.contains(#""status":"taken""#))
            #expect(try await send(.get, url).body.components(separatedBy: "ch_").count == 2)
            #expect(try await send(.post, "\(url)/\(Self.attempt)/refund").body.contains(#""refunded":true"#))
        }
    }

    @Test func `who gets no answer was charged all the same`() async throws {
        try await run { (url: String) async throws in
            await #expect { try await send(.post, url, charge("tok_hang"), timeout: 300) } throws: {
                if case HTTPError.unknown = $0 { true } else { false }
            }
            #expect(try await send(.get, "\(url)/\(Self.attempt)").body.contains(#""status":"taken""#))
        }
    }

    @Test func `every mistake has a status of its own, and charges nothing`() async throws {
        try await run { (url: String) async throws in
            #expect(try await send(.post, url, charge("tok_ok"), key: "other").status == 401)
            #expect(try await send(.post, url, "{}").status == 400)
            #expect(try await send(.post, url, charge("tok_what")).status == 422)
            #expect(try await send(.post, url, charge("tok_ok"), attempt: "other").status == 400)
            #expect(try await send(.post, url, charge("tok_error")).status == 500)
            #expect(try await send(.get, "\(url)/\(Self.attempt)").status == 404)
            #expect(try await send(.post, "\(url)/\(Self.attempt)/refund").status == 409)
            #expect(try await send(.get, "\(url)?limit=0").status == 400)
            #expect(try await send(.get, url + "s").status == 404)
            #expect(try await send(.post, "\(url)/\(Self.attempt)/cancel").status == 200)
            #expect(try await send(.post, url, charge("tok_ok")).body.contains(#""status":"declined""#))
        }
    }

    @Test func `webhooks are signed, sent again until they are taken, and twice if wished`() async throws {
        let events = Mutex<[String]>([])
        let refusals = Mutex(2)
        let receiver = try HTTPServer { request in
            let isGood =
                (try? WebhookSignature.check(
                    request.headers[WebhookSignature.header] ?? "", secret: [1, 2],
                    now: Int64(Date().timeIntervalSince1970), body: request.body)) != nil
            guard isGood else { return OutgoingResponse(status: 401) }
            let isRefused = refusals.withLock { left in
                left -= 1
                return left >= 0
            }
            guard !isRefused else { return OutgoingResponse(status: 503) }
            events.withLock { $0.append(String(decoding: request.body, as: UTF8.self)) }
            return OutgoingResponse(status: 200)
        }
        let url = "http://127.0.0.1:\(receiver.port)/"
        try await run({ $0.webhook = (url, [1, 2]) }) { (url: String) async throws in
            _ = try await send(.post, url, charge("tok_twice"))
            let other = String(repeating: "b", count: 32)
            let pending = try await send(.post, url, charge("tok_pending", attempt: other), attempt: other)
            #expect(pending.body.contains(#""status":"pending""#))
            // The two of the first charge, and the one of the second when it is taken.
            while events.withLock({ $0.count }) < 3 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try await send(.get, "\(url)/\(other)").body.contains(#""status":"taken""#))
        }
        #expect(events.withLock { $0.filter { $0.contains(Self.attempt) }.count } == 2)
        await receiver.stop()
    }

    @Test func `a webhook comes late, or after a forged one that nobody can take for it`() async throws {
        let answers = Mutex<[Int]>([])
        let receiver = try HTTPServer { request in
            let isGood =
                (try? WebhookSignature.check(
                    request.headers[WebhookSignature.header] ?? "", secret: [1, 2],
                    now: Int64(Date().timeIntervalSince1970), body: request.body)) != nil
            let status = isGood ? 200 : 401
            answers.withLock { $0.append(status) }
            return OutgoingResponse(status: status)
        }
        try await run({ $0.webhook = ("http://127.0.0.1:\(receiver.port)/", [1, 2]) }) {
            (url: String) async throws in
            let start = ContinuousClock.now
            _ = try await send(.post, url, charge("tok_late"))
            while answers.withLock({ $0.isEmpty }) { try await Task.sleep(for: .milliseconds(5)) }
            #expect(ContinuousClock.now - start >= Sandbox.lateness)
            let other = String(repeating: "b", count: 32)
            _ = try await send(.post, url, charge("tok_forged", attempt: other), attempt: other)
            while answers.withLock({ $0.count }) < 3 { try await Task.sleep(for: .milliseconds(5)) }
        }
        #expect(answers.withLock { $0.sorted() } == [200, 200, 401])
        await receiver.stop()
    }

    @Test func `about as many charges fail as it was told, and none is lost or doubled`() async throws {
        try await run({ $0.failures = 50 }) { (url: String) async throws in
            var (answered, failed) = (0, 0)
            for number in 100..<160 {
                let attempt = String(repeating: "0", count: 29) + "\(number)"
                let status = try? await send(
                    .post, url, charge("tok_ok", attempt: attempt), attempt: attempt, timeout: 100
                ).status
                if status == 200 { answered += 1 } else { failed += 1 }
            }
            #expect(answered > 10 && failed > 10)
            #expect(try await send(.get, "\(url)?limit=1000").body.components(separatedBy: "ch_").count <= 61)
        }
    }
}
