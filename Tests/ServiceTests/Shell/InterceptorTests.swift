import InMemoryTracing
import Logging
import MetricsTestKit
import Testing
import TraceContext
import Tracing
import Wire

@testable import Service

@Suite(.timeLimit(.minutes(2))) struct InterceptorTests {
    struct Doorman: ServiceInterceptor {
        let diary: Diary
        let name: String

        func intercept(_ call: ServiceCall, next: @Sendable () async throws -> Void) async throws {
            guard call.metadata[text: "pass"] != name else { throw Failure(.permissionDenied, "Not you.") }
            diary.write("\(name) in")
            try await next()
            call.trailingMetadata[text: name] = "out"
        }
    }

    @Test func `interceptors stand around each other and may refuse`() async throws {
        let diary = Diary()
        let interceptors = [Doorman(diary: diary, name: "outer"), Doorman(diary: diary, name: "inner")]
        try await Stage.run(interceptors: interceptors) { stage in
            try stage.caller.call("greeter.hello", id: 1, body: Hello(name: "x").bytes)
            let result = try await stage.caller.next(.result)
            #expect(result.header.status == .ok)
            #expect(result.metadata[text: "outer"] == "out" && result.metadata[text: "last"] == "nobody")
            #expect(diary.all == ["outer in", "inner in"])
            var metadata = Metadata()
            metadata[text: "pass"] = "inner"
            try stage.caller.call("greeter.hello", id: 2, metadata: metadata, body: Hello(name: "x").bytes)
            #expect(try await stage.caller.next(.result).header.status == .permissionDenied)
        }
    }

    /// Ends calls without a word.
    struct Thief: ServiceInterceptor {
        func intercept(_ call: ServiceCall, next: @Sendable () async throws -> Void) async throws {}
    }

    @Test func `a call that nobody answered is a failure`() async throws {
        try await Stage.run(interceptors: [Thief()]) { stage in
            try stage.caller.call("greeter.hello", id: 1, body: Hello(name: "x").bytes)
            #expect(try await stage.caller.next(.result).header.status == .internal)
        }
    }

    @Test func `calls are counted by status and timed`() async throws {
        let metrics = TestMetrics()
        try await Stage.run(interceptors: [MetricsInterceptor(factory: metrics)]) { stage in
            for (id, name) in ["a", "b", ""].enumerated() {
                try stage.caller.call("greeter.hello", id: UInt64(id + 1), body: Hello(name: name).bytes)
                _ = try await stage.caller.next(.result)
            }
            func count(_ status: String) throws -> Int64 {
                try metrics.expectCounter(
                    "stampede_service_calls", [("method", "greeter.hello"), ("status", status)]
                ).totalValue
            }
            #expect(try count("ok") == 2)
            #expect(try count("invalidArgument") == 1)
            let timer = try metrics.expectTimer("stampede_service_duration", [("method", "greeter.hello")])
            #expect(timer.values.count == 3 && timer.values.allSatisfy { $0 > 0 })
            let inHand = try metrics.expectMeter("stampede_service_in_hand", [("method", "greeter.hello")])
            #expect(inHand.values.last == 0)
        }
    }

    @Test func `a call is a span`() async throws {
        let tracer = InMemoryTracer()
        try await Stage.run(interceptors: [TracingInterceptor(tracer: tracer)]) { stage in
            try stage.caller.call("greeter.hello", id: 1, body: Hello(name: "x").bytes)
            _ = try await stage.caller.next(.result)
            try stage.caller.call("greeter.fail", id: 2, body: Hello(name: "x").bytes)
            _ = try await stage.caller.next(.result)
        }
        let spans = tracer.finishedSpans
        #expect(spans.map(\.operationName) == ["greeter.hello", "greeter.fail"])
        #expect(spans.first?.kind == .server && spans.first?.status == nil)
        #expect(spans.last?.status?.code == .error && spans.last?.errors.count == 1)
    }

    @Test func `handlers know where they stand in the trace`() async throws {
        let diary = Diary()
        struct Teller: ServiceInterceptor {
            let diary: Diary
            func intercept(_ call: ServiceCall, next: @Sendable () async throws -> Void) async throws {
                diary.write(ServiceContext.current?.traceParent?.text ?? "none")
                try await next()
            }
        }
        let parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        try await Stage.run(interceptors: [TracingInterceptor(), Teller(diary: diary)]) { stage in
            for (id, text) in [parent, "nonsense"].enumerated() {
                var metadata = Metadata()
                metadata[text: "traceparent"] = text
                try stage.caller.call(
                    "greeter.hello", id: UInt64(id + 1), metadata: metadata, body: Hello(name: "x").bytes)
                _ = try await stage.caller.next(.result)
            }
        }
        #expect(diary.all == [parent, "none"])
    }

    @Test func `calls are logged by what became of them`() async throws {
        let diary = Diary()
        var logger = Logger(label: "test") { _ in DiaryHandler(diary: diary) }
        logger.logLevel = .debug
        try await Stage.run(interceptors: [LoggingInterceptor(logger)]) { stage in
            for (id, call) in [("hello", "a"), ("hello", ""), ("fail", "a")].enumerated() {
                try stage.caller.call(
                    "greeter.\(call.0)", id: UInt64(id + 1), body: Hello(name: call.1).bytes)
                _ = try await stage.caller.next(.result)
            }
        }
        #expect(
            diary.all == [
                "debug A call was answered greeter.hello", "info A call failed greeter.hello",
                "error A call failed greeter.fail",
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
