import Compression
import Methods
import Testing
import Wire

@testable import Service

@Suite(.timeLimit(.minutes(2))) struct UnaryTests {
    @Test func `a handler answers, with metadata both ways`() async throws {
        try await Stage.run { stage in
            var metadata = Metadata()
            metadata[text: "from"] = "test"
            try stage.caller.call("greeter.hello", id: 1, metadata: metadata, body: Hello(name: "Ada").bytes)
            let result = try await stage.caller.next(.result)
            #expect(result.header.callID == 1 && result.header.status == .ok)
            #expect(result.header.certainty == .executed)
            #expect(try result.body(as: Greeting.self).text == "Hello, Ada!")
            // Without items the initial metadata come with the trailing.
            #expect(result.metadata[text: "first"] == "1" && result.metadata[text: "last"] == "test")
        }
    }

    @Test func `an inline handler answers`() async throws {
        try await Stage.run { stage in
            try stage.caller.call("greeter.echo", id: 1, body: Hello(name: "Ada").bytes)
            #expect(try await stage.caller.next(.result).body(as: Greeting.self).text == "Ada")
            try stage.caller.call("greeter.echo", id: 2, body: Hello(name: "bad").bytes)
            let refused = try await stage.caller.next(.result)
            #expect(refused.header.status == .outOfRange && refused.header.certainty == .executed)
            #expect(try refused.body(as: FailureBody.self).message == "Not that one.")
        }
    }

    @Test func `a failure travels with all that it says`() async throws {
        try await Stage.run { stage in
            try stage.caller.call("greeter.hello", id: 1, body: Hello(name: "").bytes)
            let result = try await stage.caller.next(.result)
            #expect(result.header.status == .invalidArgument && result.header.certainty == .notExecuted)
            #expect(result.header.reason == .badField && result.header.milliseconds == 70)
            let body = try result.body(as: MessagePackValue.self)
            #expect(body == ["message": "Say a name.", "details": ["field": "name"]])
        }
    }

    @Test func `the words of other errors stay in the service`() async throws {
        try await Stage.run { stage in
            try stage.caller.call("greeter.fail", id: 1, body: Hello(name: "x").bytes)
            let result = try await stage.caller.next(.result)
            #expect(result.header.status == .unknown && result.header.certainty == .executed)
            #expect(try !result.body(as: FailureBody.self).message.contains("Secret"))
        }
    }

    @Test(arguments: ["greeter.hello", "greeter.echo"])
    func `a request that cannot be read is malformed`(method: String) async throws {
        try await Stage.run { stage in
            for (id, body) in [[UInt8](), [0xc1], Number(number: 1).bytes].enumerated() {
                try stage.caller.call(method, id: UInt64(id + 1), body: body)
                let result = try await stage.caller.next(.result)
                #expect(result.header.status == .invalidArgument)
                #expect(result.header.reason == .malformed && result.header.certainty == .notExecuted)
            }
        }
    }

    @Test(arguments: ["greeter.repeat", "greeter.repeatInline"])
    func `large replies are compressed for those who read that, or refused`(method: String) async throws {
        try await Stage.run { stage in
            try stage.caller.call(method, id: 1, body: Number(number: 5_000).bytes)
            let plain = try await stage.caller.next(.result)
            #expect(!plain.header.flags.contains(.compressed))
            #expect(try plain.body(as: Greeting.self).text.utf8.count == 5_000)

            try stage.caller.call(
                method, id: 2, flags: [.end, .takesCompressed], body: Number(number: 500_000).bytes)
            let packed = try await stage.caller.next(.result)
            #expect(packed.header.flags.contains(.compressed) && packed.bytes.count < 10_000)
            let body = try Compression.decompress(packed.body.span)
            var offset = 0
            #expect(try Greeting(decoding: body.span, at: &offset).text.utf8.count == 500_000)

            try stage.caller.call(method, id: 3, body: Number(number: 70_000).bytes)
            let refused = try await stage.caller.next(.result)
            #expect(refused.header.status == .resourceExhausted && refused.header.certainty == .executed)
        }
    }

    @Test(arguments: ["greeter.hello", "greeter.echo"])
    func `compressed requests are read`(method: String) async throws {
        try await Stage.run { stage in
            let body = try #require(
                Compression.compress(Hello(name: String(repeating: "ha", count: 1_000)).bytes))
            try stage.caller.call(method, id: 1, flags: [.end, .compressed], body: body)
            let result = try await stage.caller.next(.result)
            #expect(try result.body(as: Greeting.self).text.utf8.count >= 2_000)
            try stage.caller.call(method, id: 2, flags: [.end, .compressed], body: Array(body.dropLast()))
            #expect(try await stage.caller.next(.result).header.reason == .malformed)
        }
    }

    @Test func `cancelling reaches the handler`() async throws {
        try await Stage.run { stage in
            try stage.caller.call("greeter.wait", id: 1, body: Hello(name: "a").bytes)
            await stage.diary.wait(for: "begun a")
            stage.caller.cancel(1)
            await stage.diary.wait(for: "stopped a")
            let result = try await stage.caller.next(.result)
            #expect(result.header.status == .cancelled && result.header.certainty == .maybeExecuted)
        }
    }

    @Test func `the deadline reaches the handler`() async throws {
        try await Stage.run { stage in
            try stage.caller.call("greeter.wait", id: 1, milliseconds: 150, body: Hello(name: "a").bytes)
            await stage.diary.wait(for: "stopped a")
            #expect(try await stage.caller.next(.result).header.status == .deadlineExceeded)
        }
    }

    @Test func `a stream's flags on a unary method are refused`() async throws {
        try await Stage.run { stage in
            try stage.caller.call("greeter.hello", id: 1, flags: [.stream, .end])
            let result = try await stage.caller.next(.result)
            #expect(result.header.status == .invalidArgument && result.header.certainty == .notExecuted)
        }
    }

    @Test func `many calls at once are all answered`() async throws {
        try await Stage.run { stage in
            for id in 1...1_000 {
                let name = id.isMultiple(of: 2) ? "greeter.hello" : "greeter.echo"
                try stage.caller.call(name, id: UInt64(id), body: Hello(name: "\(id)").bytes)
            }
            var answered = Set<UInt64>()
            for result in try await stage.caller.next(.result, count: 1_000) {
                #expect(result.header.status == .ok)
                answered.insert(result.header.callID)
            }
            #expect(answered.count == 1_000)
        }
    }
}
