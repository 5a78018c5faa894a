import Methods
import Testing
import Wire

@testable import Service

@Suite(.timeLimit(.minutes(2))) struct StreamTests {
    @Test func `a server stream sends items in order, then its end`() async throws {
        try await Stage.run { stage in
            try stage.caller.call(
                "greeter.count", id: 1, flags: [.stream, .end], body: Number(number: 3).bytes)
            for sequence in 0..<3 {
                let item = try await stage.caller.next(.data, .result)
                #expect(item.header.kind == .data && item.header.sequence == UInt32(sequence))
                #expect(try item.body(as: Number.self).number == sequence)
                #expect(item.metadata[text: "first"] == (sequence == 0 ? "1" : nil))
            }
            let result = try await stage.caller.next(.data, .result)
            #expect(result.header.kind == .result && result.header.status == .ok)
            #expect(result.header.sequence == 3 && result.body.isEmpty)
            #expect(result.metadata[text: "last"] == "1" && result.metadata[text: "first"] == nil)
        }
    }

    @Test func `a reader that takes nothing stops its writer`() async throws {
        try await Stage.run { stage in
            try stage.caller.call(
                "greeter.count", id: 1, flags: [.stream, .end], body: Number(number: 40).bytes)
            let first = try await stage.caller.next(.data, count: 16)
            #expect(first.last?.header.sequence == 15)
            // A round trip through the host and its one task: had the writer gone on, more would be here.
            try stage.caller.call("greeter.hello", id: 2, body: Hello(name: "x").bytes)
            #expect(try await stage.caller.next(.data, .result).header.callID == 2)
            #expect(!stage.diary.all.contains("sent 16"))
            stage.caller.credit(1, 20)
            #expect(try await stage.caller.next(.data, count: 4).last?.header.sequence == 19)
            stage.caller.credit(1, 1_000)
            #expect(try await stage.caller.next(.data, count: 20).last?.header.sequence == 39)
            #expect(try await stage.caller.next(.data, .result).header.sequence == 40)
        }
    }

    @Test func `a client stream is read to its end`() async throws {
        try await Stage.run { stage in
            for (id, hasEmptyEnd) in [(UInt64(1), true), (2, false)] {
                try stage.caller.call("greeter.sum", id: id, flags: .stream, body: [])
                for sequence in 0..<3 {
                    let isLast = sequence == 2 && !hasEmptyEnd
                    stage.caller.data(
                        id, UInt32(sequence), Number(number: sequence + 1).bytes, flags: isLast ? .end : [])
                }
                if hasEmptyEnd { stage.caller.data(id, 3, flags: .end) }
                let result = try await stage.caller.next(.result)
                #expect(result.header.callID == id && result.header.sequence == 0)
                #expect(try result.body(as: Number.self).number == 6)
            }
        }
    }

    @Test func `a handler that reads allows more`() async throws {
        try await Stage.run { stage in
            try stage.caller.call("greeter.sum", id: 1, flags: .stream, body: [])
            var allowed = Limits.initialCredit
            for sequence in 0..<200 as Range<UInt32> {
                if sequence == allowed { allowed = try await stage.caller.next(.credit).header.sequence }
                #expect(sequence < allowed && allowed - sequence <= Limits.largestCredit)
                stage.caller.data(1, sequence, Number(number: 1).bytes)
            }
            stage.caller.data(1, 200, flags: .end)
            #expect(try await stage.caller.next(.result).body(as: Number.self).number == 200)
        }
    }

    @Test func `both sides talk at once`() async throws {
        try await Stage.run { stage in
            try stage.caller.call("greeter.double", id: 1, flags: .stream, body: [])
            for sequence in 0..<10 {
                stage.caller.data(1, UInt32(sequence), Number(number: sequence).bytes)
                let item = try await stage.caller.next(.data)
                #expect(try item.body(as: Number.self).number == 2 * sequence)
            }
            stage.caller.data(1, 10, flags: .end)
            #expect(try await stage.caller.next(.result).header.sequence == 10)
        }
    }

    @Test func `an item that cannot be read ends its stream`() async throws {
        try await Stage.run { stage in
            try stage.caller.call("greeter.double", id: 1, flags: .stream, body: [])
            stage.caller.data(1, 0, Hello(name: "x").bytes)
            let result = try await stage.caller.next(.result)
            #expect(result.header.status == .invalidArgument && result.header.certainty == .executed)
        }
    }

    @Test func `an item beyond its credit ends its stream`() async throws {
        try await Stage.run { stage in
            try stage.caller.call("greeter.double", id: 1, flags: .stream, body: [])
            stage.caller.data(1, 1, Number(number: 1).bytes)
            let result = try await stage.caller.next(.result)
            #expect(result.header.status == .internal && result.header.reason == .flowControl)
            await stage.diary.wait(for: "ended cancelled")
        }
    }

    @Test func `cancelling reaches a handler that reads`() async throws {
        try await Stage.run { stage in
            try stage.caller.call("greeter.double", id: 1, flags: .stream, body: [])
            stage.caller.data(1, 0, Number(number: 1).bytes)
            _ = try await stage.caller.next(.data)
            stage.caller.cancel(1)
            await stage.diary.wait(for: "ended cancelled")
            #expect(try await stage.caller.next(.result).header.status == .cancelled)
        }
    }
}
