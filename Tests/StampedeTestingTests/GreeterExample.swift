import Client
import Logging
import Methods
import RateLimit
import Redis
import Resilience
import Service
import StampedeTesting
import Testing
import Wire

// The code of docs/services.md, compiled and run. `ServicesPageTests` compares the two.

struct Hello: CodableBody {
    var name: String
    var language: String?
    static let about = ["name": "Who is greeted.", "language": "Two letters; English when left out."]
}

struct Greeting: CodableBody {
    var text: String
}

struct Number: CodableBody {
    var number: Int
}

func greeter() -> Service {
    var greeter = Service("greeter")
    greeter.unary("hello", about: "Greets by name.") { (request: Hello, call) async throws -> Greeting in
        guard !request.name.isEmpty else {
            throw Failure(.invalidArgument, "Say a name.", certainty: .notExecuted)
        }
        return Greeting(text: request.language == "de" ? "Hallo \(request.name)" : "Hello \(request.name)")
    }
    greeter.serverStream("count", about: "Counts from 1.") { (request: Number, replies, call) in
        for number in 1...max(1, request.number) { try await replies.send(Number(number: number)) }
    }
    greeter.clientStream("sum", about: "Adds numbers.") { (items: RequestItems<Number>, call) in
        var sum = 0
        for try await item in items { sum += item.number }
        return Number(number: sum)
    }
    greeter.bidirectional("double", about: "Doubles each number.") {
        (items: RequestItems<Number>, replies, call) in
        for try await item in items { try await replies.send(Number(number: 2 * item.number)) }
    }
    greeter.unaryInline("echo", about: "Says it back.") { (request: Hello, call) throws(Failure) in
        Greeting(text: request.name)
    }
    return greeter
}

func serve(_ brokers: [String]) async throws {
    let host = try ServiceHost(
        name: "greeter-1", services: [greeter()], brokers: brokers,
        interceptors: [
            LoggingInterceptor(.init(label: "greeter")), MetricsInterceptor(), TracingInterceptor(),
        ])
    await host.run()
}

enum Greeter {
    static let hello = Method<Hello, Greeting>("greeter.hello")
    static let echo = Method<Hello, Greeting>("greeter.echo")
    static let count = StreamMethod<Number, Number>("greeter.count", .serverStream)
    static let sum = StreamMethod<Number, Number>("greeter.sum", .clientStream)
    static let double = StreamMethod<Number, Number>("greeter.double", .bidirectional)
}

@Suite(.timeLimit(.minutes(2))) struct GreeterTests {
    @Test func `a name is greeted`() async throws {
        try await FakeStampede.run(services: [greeter()]) { fake in
            let client = try StampedeClient(brokers: fake.brokers)
            let greeting = try await client.call(Greeter.hello, Hello(name: "Ada", language: "de"))
            #expect(greeting.text == "Hallo Ada")
            await client.close()
        }
    }

    @Test func `a refusal that ran nothing is tried again`() async throws {
        try await FakeStampede.run(services: [greeter()]) { fake in
            let client = try StampedeClient(brokers: fake.brokers)
            fake.refuse(
                next: 2, of: "greeter.hello", Failure(.unavailable, "Not now.", certainty: .notExecuted))
            #expect(try await client.call(Greeter.hello, Hello(name: "Ada")).text == "Hello Ada")
            #expect(fake.count(of: "greeter.hello") == 3)
            await client.close()
        }
    }
}

func limits() throws -> [any ServiceInterceptor] {
    let perTenant = RateRule(100, per: .seconds(1), burst: 20, fallback: .share(of: 4))
    let shared = SharedRateLimiter(nodes: [try RedisAddress("127.0.0.1:6379")])
    return [
        RateLimitInterceptor(shared) { call in [RateClaim(call.metadata[text: "tenant"] ?? "", perTenant)] },
        ConcurrencyLimitInterceptor(),
    ]
}
