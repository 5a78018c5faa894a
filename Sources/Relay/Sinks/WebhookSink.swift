import Dispatch
import HTTP
public import Ledger
import Resilience
import Sales
import Synchronization
import Wire

/// Posts each event to a URL, signed, several at once but of one order one after the other.
///
/// An event that is refused is sent again with growing pauses, and then becomes a dead letter: its order goes on without
/// it. While the receiver is away nothing does, and the cursor waits.
public final class WebhookSink: Sink {
    private let url: String
    private let secret: [UInt8]
    private let attempts: Int
    private let parallel: Int
    private let source: String
    private let client: HTTPClient
    /// Events of the publication that is being tried which have been taken: an outage in its middle does not send them
    /// again.
    private var taken: Set<String> = []

    static let contentType = "application/cloudevents+json; charset=utf-8"

    public init(url: String, secret: [UInt8], attempts: Int, parallel: Int, source: String) {
        self.url = url
        self.secret = secret
        self.attempts = attempts
        self.parallel = parallel
        self.source = source
        client = HTTPClient(connections: parallel, queue: parallel)
    }

    deinit { client.close() }

    public func publish(_ events: [Event]) throws(SinkError) -> [RelayDeadLetter] {
        var dead: [RelayDeadLetter] = []
        for wave in Waves.divide(events) {
            let letters = wave.filter { !taken.contains($0.id) }.map { event in
                RelayDeadLetter(
                    partition: event.partition, sequence: event.entry.sequence, subject: event.subject,
                    attempts: 0, reason: "",
                    event: String(decoding: event.json(source: source), as: UTF8.self))
            }
            dead += try deliver(letters, attempts: attempts)
        }
        taken.removeAll()
        return dead
    }

    public func redeliver(_ letters: [RelayDeadLetter]) throws(SinkError) -> [RelayDeadLetter] {
        defer { taken.removeAll() }
        var dead: [RelayDeadLetter] = []
        // In their order, and once each: an operator asked, and sees what became of it.
        for letter in letters { dead += try deliver([letter], attempts: 1) }
        return dead
    }

    /// Sends them, and returns those that were refused for good.
    private func deliver(_ letters: [RelayDeadLetter], attempts: Int) throws(SinkError) -> [RelayDeadLetter] {
        guard !letters.isEmpty else { return [] }
        let courier = Courier(
            client: client, url: url, secret: secret, attempts: attempts, parallel: parallel)
        var dead: [RelayDeadLetter] = []
        var outage: String?
        for (letter, outcome) in Self.wait(for: courier, letters) {
            switch outcome {
            case .taken: taken.insert("\(letter.partition)-\(letter.sequence)")
            case .dead(let refused): dead.append(refused)
            case .outage(let words): outage = words
            }
        }
        if let outage {
            throw SinkError(
                "the webhook does not take events (\(outage)): see that its server is well", .unreachable)
        }
        return dead
    }

    /// The pump's thread is its own and may wait; Swift's do the work.
    private static func wait(
        for courier: Courier, _ letters: [RelayDeadLetter]
    ) -> [(letter: RelayDeadLetter, outcome: Courier.Outcome)] {
        let found = Found()
        let done = DispatchSemaphore(value: 0)
        Task.detached {
            let outcomes = await courier.deliver(letters)
            found.outcomes.withLock { $0 = outcomes }
            done.signal()
        }
        done.wait()
        return found.outcomes.withLock { $0 }
    }

    private final class Found: Sendable {
        let outcomes = Mutex<[(letter: RelayDeadLetter, outcome: Courier.Outcome)]>([])
    }
}
