import Service
import Synchronization
import Wire

struct Hello: CodableBody, Hashable {
    var name: String
    static let about = ["name": "Who is greeted."]
}

struct Greeting: CodableBody, Hashable {
    var text: String
}

struct Number: CodableBody, Hashable {
    var number: Int
}

/// What handlers tell a test.
final class Diary: Sendable {
    private let lines = Mutex<[String]>([])
    private let news: AsyncStream<String>
    private let writer: AsyncStream<String>.Continuation

    init() { (news, writer) = AsyncStream.makeStream() }

    func write(_ line: String) {
        lines.withLock { $0.append(line) }
        writer.yield(line)
    }

    var all: [String] { lines.withLock { $0 } }

    /// Waits for a line.
    func wait(for line: String) async {
        for await new in news where new == line { return }
    }
}

extension Service {
    /// One method of each kind, and some that misbehave.
    static func greeter(_ diary: Diary = Diary()) -> Service {
        var greeter = Service("greeter")
        greeter.unary("hello", about: "Greets by name.") { (request: Hello, call) in
            guard !request.name.isEmpty else {
                throw Failure(
                    .invalidArgument, "Say a name.", certainty: .notExecuted, reason: .badField,
                    details: ["field": "name"], retryAfter: .milliseconds(70))
            }
            call.initialMetadata[text: "first"] = "1"
            call.trailingMetadata[text: "last"] = call.metadata[text: "from"] ?? "nobody"
            return Greeting(text: "Hello, \(request.name)!")
        }
        greeter.unaryInline("echo") { (request: Hello, call) throws(Failure) in
            guard request.name != "bad" else { throw Failure(.outOfRange, "Not that one.") }
            return Greeting(text: String(repeating: request.name, count: 1))
        }
        greeter.unary("fail") { (request: Hello, _) -> Greeting in
            struct Secret: Error {}
            throw Secret()
        }
        greeter.unary("repeat") { (request: Number, _) in
            Greeting(text: String(repeating: "x", count: request.number))
        }
        greeter.unaryInline("repeatInline") { (request: Number, _) throws(Failure) in
            Greeting(text: String(repeating: "x", count: request.number))
        }
        greeter.unary("wait") { (request: Hello, call) -> Greeting in
            diary.write("begun \(request.name)")
            do {
                try await Task.sleep(for: .seconds(600))
            } catch {
                diary.write("stopped \(request.name)")
                throw error
            }
            return Greeting(text: "")
        }
        greeter.serverStream("count") { (request: Number, replies: ReplyWriter<Number>, call) in
            call.initialMetadata[text: "first"] = "1"
            for number in 0..<request.number {
                try await replies.send(Number(number: number))
                diary.write("sent \(number)")
            }
            call.trailingMetadata[text: "last"] = "1"
        }
        greeter.clientStream("sum") { (items: RequestItems<Number>, call) in
            var sum = 0
            for try await item in items { sum += item.number }
            return Number(number: sum)
        }
        greeter.bidirectional("double") {
            (items: RequestItems<Number>, replies: ReplyWriter<Number>, call) in
            do {
                for try await item in items { try await replies.send(Number(number: 2 * item.number)) }
            } catch {
                diary.write("ended \(Failure(error).status)")
                throw error
            }
        }
        return greeter
    }
}

extension CodableBody {
    var bytes: [UInt8] {
        var writer = MessagePackWriter()
        encode(into: &writer)
        return writer.bytes
    }
}
