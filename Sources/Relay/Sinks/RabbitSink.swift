import Glibc
public import Ledger
public import RabbitMQ
import Resilience
import Sales
import Wire

/// Publishes events to a topic exchange of RabbitMQ, with the event's type as routing key.
///
/// A cursor moves when the server has confirmed every message. Of one order only one is ever on its way, because the
/// server may refuse one and take the next.
public final class RabbitSink: Sink {
    private let configuration: RabbitConnection.Configuration
    private let exchange: String
    private let queue: String
    private let queueType: String
    private let source: String
    private var connection: RabbitConnection?

    /// How often a message that was refused, or returned, is sent before the sink gives up for now.
    static let tries = 5
    static let pause = TimeAmount.milliseconds(50)
    static let contentType = "application/cloudevents+json; charset=utf-8"

    public init(
        _ configuration: RabbitConnection.Configuration, exchange: String, queue: String, queueType: String,
        source: String
    ) {
        self.configuration = configuration
        self.exchange = exchange
        self.queue = queue
        self.queueType = queueType
        self.source = source
    }

    public func publish(_ events: [Event]) throws(SinkError) -> [RelayDeadLetter] {
        do throws(RabbitError) {
            let connection = try connected()
            for wave in Waves.divide(events) {
                var rest = wave[...]
                while !rest.isEmpty {
                    try publish(Array(rest.prefix(RabbitConnection.window)), connection)
                    rest = rest.dropFirst(RabbitConnection.window)
                }
            }
            return []
        } catch {
            connection = nil
            throw SinkError(error.message, error.isUnreachable ? .unreachable : .failure)
        }
    }

    private func connected() throws(RabbitError) -> RabbitConnection {
        if let connection { return connection }
        let fresh = try RabbitConnection(configuration)
        try fresh.declare(exchange: exchange, queue: queue, queueType: queueType)
        connection = fresh
        return fresh
    }

    private func publish(_ events: [Event], _ connection: RabbitConnection) throws(RabbitError) {
        var left = events.map { event in
            RabbitMessage(
                id: event.id, type: event.type,
                timestamp: UInt64(max(0, event.entry.at.rawValue / 1_000_000)),
                contentType: Self.contentType, body: event.json(source: source))
        }
        for attempt in 1... {
            let outcomes = try connection.publish(left, to: exchange)
            guard let failure = outcomes.first(where: { $0 != .confirmed }) else { return }
            left = zip(left, outcomes).filter { $0.1 != .confirmed }.map(\.0)
            guard attempt < Self.tries else { throw problem(failure) }
            usleep(UInt32(Self.pause.microseconds) << UInt32(attempt))
            // Somebody may have deleted the queue or its binding.
            try connection.declare(exchange: exchange, queue: queue, queueType: queueType)
        }
    }

    private func problem(_ outcome: RabbitOutcome) -> RabbitError {
        switch outcome {
        case .returned(let why):
            RabbitError(
                refusal:
                    "RabbitMQ at \(configuration.address) returned events (\(why)): bind a queue to the exchange \(exchange)"
            )
        case .refused, .confirmed:
            RabbitError(
                refusal:
                    "RabbitMQ at \(configuration.address) refused to keep events: see whether the queues bound to"
                    + " \(exchange) are full, or without a majority")
        }
    }

    public func idle() {
        guard let connection else { return }
        do throws(RabbitError) { try connection.beat() } catch { self.connection = nil }
    }
}
