import InMemoryTracing
import Logging
import MetricsTestKit
import Synchronization
import Testing
import TraceContext
import Tracing
import Wire

@testable import Client

@Suite(.timeLimit(.minutes(2))) struct InterceptorTests {
    /// Lines that interceptors and handlers write.
    final class Diary: Sendable {
        private let lines = Mutex<[String]>([])
        func write(_ line: String) { lines.withLock { $0.append(line) } }
        var all: [String] { lines.withLock { $0 } }
    }

    struct Scribe: ClientInterceptor {
        let name: String
        let diary: Diary

        nonisolated(nonsending)
            func intercept(_ call: CallContext, next: Next) async throws(CallError) -> CallReport
        {
            diary.write("\(name) begins \(call.method)")
            guard call.options.metadata[text: "stop"] != name else {
                throw CallError(status: .permissionDenied, certainty: .notExecuted, message: "not you")
            }
            var call = call
            call.options.metadata[text: name] = "was here"
            do throws(CallError) {
                let report = try await next(call)
                diary.write("\(name) ends \(report.wasLeft ? "left" : "well")")
                return report
            } catch {
                diary.write("\(name) ends \(error.status)")
                throw error
            }
        }
    }

    private let service = StreamService()

    private func run(
        _ interceptors: [any ClientInterceptor], _ answer: TestBroker.Answer? = nil,
        _ test: (StampedeClient) async throws -> Void
    ) async throws {
        let broker = try TestBroker(answer ?? service.answer, others: service.others)
        let client = try StampedeClient(brokers: [broker.endpoint], interceptors: interceptors)
        try await test(client)
        await client.close()
    }

    @Test func `interceptors stand around a unary call, the first outermost`() async throws {
        let diary = Diary()
        try await run([Scribe(name: "a", diary: diary), Scribe(name: "b", diary: diary)]) { client in
            let response = try await client.response(NumberMethods.square, Number(3))
            #expect(response.reply == Number(9))
            #expect(response.metadata[text: "a"] == "was here" && response.metadata[text: "b"] == "was here")
        }
        #expect(
            diary.all == ["a begins numbers.square", "b begins numbers.square", "b ends well", "a ends well"])
    }

    @Test func `an interceptor may refuse a call`() async throws {
        let diary = Diary()
        try await run([Scribe(name: "a", diary: diary), Scribe(name: "b", diary: diary)]) { client in
            var metadata = Metadata()
            metadata[text: "stop"] = "b"
            let options = CallOptions(metadata: metadata)
            let unary = await #expect(throws: CallError.self) {
                try await client.call(NumberMethods.square, Number(3), options: options)
            }
            #expect(unary?.status == .permissionDenied)
            let stream = await #expect(throws: CallError.self) {
                try await client.stream(NumberMethods.count, Number(3), options: options) { _ in }
            }
            #expect(stream?.status == .permissionDenied)
        }
        #expect(
            diary.all.filter { $0.hasPrefix("a ends") }
                == Array(repeating: "a ends permissionDenied", count: 2))
    }

    @Test func `a stream is one scope, whose own error passes by`() async throws {
        struct Mine: Error {}
        let diary = Diary()
        try await run([Scribe(name: "a", diary: diary)]) { client in
            let sum = try await client.stream(NumberMethods.count, Number(5)) { replies in
                var sum: Int64 = 0
                for try await item in replies { sum += item.value }
                return sum
            }
            #expect(sum == 10)
            await #expect(throws: Mine.self) {
                try await client.stream(NumberMethods.count, Number(1_000)) { _ in throw Mine() }
            }
        }
        #expect(
            diary.all == [
                "a begins numbers.count", "a ends well", "a begins numbers.count", "a ends left",
            ])
    }

    @Test func `calls are counted by status, and their retries`() async throws {
        let metrics = TestMetrics()
        let calls = Atomic<Int>(0)
        let service = service
        let answer: TestBroker.Answer = { call, body in
            switch calls.add(1, ordering: .relaxed).newValue {
            case 1, 2: [TestBroker.refuse(call, .unavailable, .notExecuted, .noOwner)]
            case 4: [TestBroker.refuse(call, .notFound, .executed)]
            default: service.answer(call, body)
            }
        }
        try await run([CallMetrics(factory: metrics)], answer) { client in
            _ = try await client.call(NumberMethods.square, Number(3))
            _ = try? await client.call(NumberMethods.square, Number(3))
            _ = try await client.call(NumberMethods.square, Number(3))
        }
        let method = ("method", "numbers.square")
        let good = try metrics.expectCounter("stampede_client_calls", [method, ("status", "ok")])
        let bad = try metrics.expectCounter("stampede_client_calls", [method, ("status", "notFound")])
        #expect(good.totalValue == 2 && bad.totalValue == 1)
        #expect(try metrics.expectCounter("stampede_client_retries", [method]).totalValue == 2)
        let timer = try metrics.expectTimer("stampede_client_duration", [method])
        #expect(timer.values.count == 3 && timer.values.allSatisfy { $0 > 0 })
    }

    @Test func `a call is a span, and the tracer writes its metadata`() async throws {
        let tracer = InMemoryTracer()
        try await run([CallTracing(tracer: tracer)]) { client in
            _ = try await client.response(NumberMethods.square, Number(3))
            let error = await #expect(throws: CallError.self) {
                var options = CallOptions()
                options.metadata[text: "long"] = String(repeating: "x", count: 5_000)
                _ = try await client.call(NumberMethods.square, Number(3), options: options)
            }
            #expect(error?.status == .invalidArgument)
        }
        let spans = tracer.finishedSpans
        #expect(spans.map(\.operationName) == ["numbers.square", "numbers.square"])
        #expect(spans.first?.kind == .client && spans.first?.status == nil)
        #expect(spans.last?.status?.code == .error)
        #expect(tracer.performedContextInjections.count == 2)
    }

    @Test func `without a tracer a service's trace goes on`() async throws {
        let parent = try #require(TraceParent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))
        var context = ServiceContext.topLevel
        context.traceParent = parent
        try await run([CallTracing()]) { client in
            let metadata = try await ServiceContext.withValue(context) {
                try await client.response(NumberMethods.square, Number(3)).metadata
            }
            #expect(metadata.traceParent == parent)
            let none = try await client.response(NumberMethods.square, Number(3)).metadata
            #expect(none.traceParent == nil)
        }
    }

    @Test func `calls are logged by what became of them`() async throws {
        let diary = Diary()
        let count = Atomic<Int>(0)
        let service = service
        let answer: TestBroker.Answer = { call, body in
            switch count.add(1, ordering: .relaxed).newValue {
            case 1: service.answer(call, body)
            case 2: [TestBroker.refuse(call, .notFound, .executed)]
            default: [TestBroker.refuse(call, .internal, .maybeExecuted)]
            }
        }
        var logger = Logger(label: "test") { _ in DiaryHandler(diary: diary) }
        logger.logLevel = .debug
        try await run([CallLogging(logger)], answer) { client in
            for _ in 0..<3 { _ = try? await client.call(NumberMethods.square, Number(3)) }
        }
        #expect(
            diary.all == [
                "debug A call succeeded numbers.square", "info A call failed numbers.square",
                "warning A call failed numbers.square",
            ])
    }

    struct DiaryHandler: LogHandler {
        let diary: Diary
        var metadata = Logger.Metadata()
        var logLevel = Logger.Level.debug

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            diary.write("\(event.level) \(event.message) \(event.metadata?["method"] ?? "")")
        }
    }
}
