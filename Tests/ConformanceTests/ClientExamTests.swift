import Client
import Conformance
import Foundation
import Methods
import TestCluster
import Testing
import Wire
import ZeroMQ

@Suite struct ClientExamTests {
    // MARK: The script, by hand

    private func frame(
        _ kind: Header.Kind, _ callID: UInt64, method: String? = nil, flags: Header.Flags = .end,
        key: UInt128 = 0, sequence: UInt32 = 0, body: [UInt8] = []
    ) -> [UInt8] {
        var header = Header(kind)
        header.callID = callID
        header.flags = flags
        header.sequence = sequence
        header.requestKey = key
        if let method { header.method = MethodID("conformance.\(method)") }
        if kind == .call { header.milliseconds = 1_000 }
        return Frame.encode(header, body: body)
    }

    private func time(_ milliseconds: Int64) -> MonotonicTime {
        MonotonicTime(nanoseconds: 1_000_000_000_000 + milliseconds * 1_000_000)
    }

    private func outcome(_ exam: ClientExam, _ rule: ClientExam.Rule) -> Finding.Outcome? {
        exam.report.first { $0.rule == rule.rawValue }?.outcome
    }

    private func fails(_ exam: ClientExam, _ rule: ClientExam.Rule) -> Bool {
        exam.report.first { $0.rule == rule.rawValue }?.isFailure == true
    }

    @Test func `a client that begins with a call does not greet`() {
        var exam = ClientExam()
        exam.received(frame(.call, 1, method: "echo"), from: 0, time(0))
        #expect(fails(exam, .greets))
        #expect(outcome(exam, .echo) == .passed)
    }

    @Test func `a second attempt that comes too early, unmarked or under the same name is seen`() {
        var exam = ClientExam()
        exam.received(frame(.ping, 9), from: 0, time(0))
        exam.received(frame(.call, 1, method: "busy", key: 5, body: [0x80]), from: 0, time(10))
        exam.received(
            frame(.call, 2, method: "busy", flags: [.end, .retry], key: 5, body: [0x80]), from: 0, time(50))
        #expect(fails(exam, .retriesPassing))
        #expect(outcome(exam, .retryFlag) == .passed)
        exam = ClientExam()
        exam.received(frame(.call, 1, method: "busy", key: 5, body: [0x80]), from: 0, time(10))
        exam.received(frame(.call, 2, method: "busy", key: 5, body: [0x80]), from: 0, time(300))
        #expect(fails(exam, .retryFlag))
    }

    @Test func `what may have run and is repeated without a key, or with another body, is seen`() {
        var exam = ClientExam()
        exam.received(frame(.call, 1, method: "maybe", body: [0x80]), from: 0, time(0))
        #expect(outcome(exam, .keepsMaybe) == .passed)
        exam.received(
            frame(.call, 2, method: "maybe", flags: [.end, .retry], body: [0x80]), from: 0, time(5))
        #expect(fails(exam, .keepsMaybe))
        exam.received(frame(.call, 3, method: "maybe", key: 5, body: [0x80]), from: 0, time(9))
        exam.received(
            frame(.call, 4, method: "maybe", flags: [.end, .retry], key: 5, body: [0xc0]), from: 0, time(9))
        #expect(fails(exam, .sameKey))
        exam.received(frame(.call, 5, method: "refused"), from: 0, time(9))
        exam.received(frame(.call, 6, method: "refused", flags: [.end, .retry]), from: 0, time(9))
        #expect(fails(exam, .finalRefusal))
    }

    @Test func `a writer that does not wait for credit, or leaves gaps, is seen`() {
        var exam = ClientExam()
        exam.received(frame(.call, 1, method: "sum", flags: .stream), from: 0, time(0))
        for number in UInt32(0)..<16 {
            exam.received(frame(.data, 1, flags: [], sequence: number, body: [0x80]), from: 0, time(1))
        }
        #expect(outcome(exam, .itemCredit) == .passed)
        exam.received(frame(.data, 1, flags: [], sequence: 16, body: [0x80]), from: 0, time(2))
        #expect(fails(exam, .itemCredit))
        exam.received(frame(.data, 1, flags: [], sequence: 18, body: [0x80]), from: 0, time(3))
        #expect(fails(exam, .itemOrder))
    }

    @Test func `bytes that are no message, and messages that are not a client's, are seen`() {
        var exam = ClientExam()
        exam.received([1, 2, 3], from: 0, time(0))
        #expect(fails(exam, .wellFormed))
        exam.received(frame(.ready, 1), from: 0, time(0))
        #expect(fails(exam, .kinds))
        exam.received(frame(.ping, 1), from: 0, time(10))
        exam.received(frame(.ping, 2), from: 0, time(20))
        #expect(fails(exam, .pingsSeldom))
    }

    // MARK: Our own client

    @Test func `our own client passes every rule`() async throws {
        let folder = "/tmp/stampede-exam-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let endpoint = "ipc://\(folder)/exam"
        let finished = Thread.finished {
            let loop = EventLoop()
            let server = try ClientExamServer(endpoint, context: Context(), loop: loop)
            _ = loop.run(atMost: .seconds(30)) { server.exam.isComplete }
            return server.exam.report
        }
        try await sit(endpoint)
        for finding in try await finished() {
            #expect(finding.outcome == .passed, "\(finding.rule)")
        }
    }

    /// A body that carries its own routing, as requests do.
    private struct Request: MessageBody, Routed {
        var value: MessagePackValue
        var high: UInt64 = 0
        init(_ value: MessagePackValue, key: UInt64 = 0) {
            self.value = value
            high = key
        }
        init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(WireError) {
            value = try MessagePackValue(decoding: bytes, at: &offset)
        }
        func encode(into writer: inout MessagePackWriter) { value.encode(into: &writer) }
        var route: Route { Route(routing: RoutingKey(sale: 0, lane: 0), requestKey: UInt128(high) << 64) }
    }

    private func method(_ name: String) -> Method<Request, MessagePackValue> { Method("conformance.\(name)") }

    /// Sits the exam: does everything that it wants to see.
    private func sit(_ endpoint: String) async throws {
        let client = try StampedeClient(brokers: [endpoint])
        let echoed = try await client.call(method("echo"), Request(["a": 1]))
        #expect(echoed == ["a": 1])
        _ = try await client.call(method("busy"), Request(["b": 1], key: 1))
        _ = try await client.call(method("maybe"), Request(["c": 1], key: 2))
        let maybe = await #expect(throws: CallError.self) {
            try await client.call(method("maybe"), Request(["c": 1]))
        }
        #expect(maybe?.certainty == .maybeExecuted)
        let refused = await #expect(throws: CallError.self) {
            try await client.call(method("refused"), Request(["d": 1]))
        }
        #expect(refused?.certainty == .executed)
        let silent = Task { try await client.call(method("silent"), Request(["e": 1])) }
        try await Task.sleep(for: .milliseconds(50))
        silent.cancel()
        _ = try? await silent.value
        try await streams(client)
        // The PINGs of an idle client.
        try await Task.sleep(for: .milliseconds(2_500))
        await client.close()
    }

    private func streams(_ client: StampedeClient) async throws {
        let count = StreamMethod<Request, MessagePackValue>("conformance.count", .serverStream)
        let numbers = try await client.stream(count, Request(["items": 100])) { replies in
            var numbers: [MessagePackValue?] = []
            for try await reply in replies { numbers.append(reply["number"]) }
            return numbers
        }
        #expect(numbers == (0..<100).map { .int($0) })
        let sum = StreamMethod<Request, MessagePackValue>("conformance.sum", .clientStream)
        let total = try await client.stream(sum) { items, replies in
            for number in 1...100 { _ = try await items.send(Request(["number": .int(Int64(number))])) }
            items.finish()
            return try await replies.reply()
        }
        #expect(total["sum"] == 5_050 && total["items"] == 100)
        let chat = StreamMethod<Request, MessagePackValue>("conformance.chat", .bidirectional)
        let echoes = try await client.stream(chat) { items, replies in
            var echoes: [MessagePackValue] = []
            for number in 1...50 {
                _ = try await items.send(Request(["number": .int(Int64(number))]))
                if let echo = try await replies.next() { echoes.append(echo) }
            }
            items.finish()
            let rest = try await replies.next()
            #expect(rest == nil)
            return echoes
        }
        #expect(echoes.count == 50)
    }
}

extension Thread {
    /// Runs something on a thread of its own; the result can be awaited.
    fileprivate static func finished<Value: Sendable>(
        _ body: @escaping @Sendable () throws -> Value
    ) -> () async throws -> Value {
        let stream = AsyncStream<Result<Value, any Error>> { continuation in
            Thread.detachNewThread {
                continuation.yield(Result { try body() })
                continuation.finish()
            }
        }
        return {
            for await result in stream { return try result.get() }
            throw CancellationError()
        }
    }
}
