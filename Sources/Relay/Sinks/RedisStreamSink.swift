public import Ledger
public import Redis
import Resilience
import Wire
import ZeroMQ

/// Appends events to a stream of a Redis server, each as an item with the one field `event`.
///
/// A script appends many in one call: it stops at the first that is refused, so that no later event of an order can be
/// in the stream without the earlier one.
public final class RedisStreamSink: Sink {
    private let loop = EventLoop()
    private let connection: RedisConnection
    private let stream: String
    private let maxLength: Int
    private let source: String

    /// Redis serves nobody else while a script runs: so many events take it about a millisecond.
    static let chunk = 250
    static let answerLimit = TimeAmount.seconds(10)
    static let connectLimit = TimeAmount.seconds(3)

    /// KEYS[1] is the stream, ARGV[1] its length or 0, the rest are events.
    private static let script = """
        local length = tonumber(ARGV[1])
        for index = 2, #ARGV do
            if length > 0 then
                redis.call('XADD', KEYS[1], 'MAXLEN', '~', length, '*', 'event', ARGV[index])
            else
                redis.call('XADD', KEYS[1], '*', 'event', ARGV[index])
            end
        end
        return #ARGV - 1
        """

    /// Begins to connect.
    public init(
        _ server: RedisAddress, stream: String, maxLength: Int, source: String,
        random: @escaping () -> UInt64
    ) {
        self.stream = stream
        self.maxLength = maxLength
        self.source = source
        connection = RedisConnection(to: server, loop: loop, random: random) { _ in }
    }

    deinit { connection.close() }

    public func publish(_ events: [Event]) throws(SinkError) -> [RelayDeadLetter] {
        guard loop.run(atMost: Self.connectLimit, until: { connection.info != nil }) else {
            throw SinkError(
                connection.lastError?.message
                    ?? "Redis at \(connection.address) does not answer: see that it runs",
                .unreachable)
        }
        var rest = events[...]
        while !rest.isEmpty {
            try append(rest.prefix(Self.chunk))
            rest = rest.dropFirst(Self.chunk)
        }
        return []
    }

    private func append(_ events: ArraySlice<Event>) throws(SinkError) {
        var answer: Result<RedisReply, RedisError>?
        let arguments: [RedisArgument] =
            ["EVAL", .text(Self.script), 1, .text(stream), .integer(Int64(maxLength))]
            + events.map { .bytes($0.json(source: source)) }
        do throws(RedisError) {
            try connection.command(arguments) { answer = $0 }
        } catch {
            throw SinkError(error.message, .unreachable)
        }
        loop.run(atMost: Self.answerLimit) { answer != nil }
        switch answer {
        case .success(.integer(Int64(events.count))): return
        case .success(.error(let words)):
            throw SinkError("Redis at \(connection.address) refused the events: \(words)")
        case .success:
            throw SinkError("Redis at \(connection.address) answered what no script of ours returns")
        case .failure(let error): throw SinkError(error.message, .unreachable)
        case nil:
            throw SinkError(
                "Redis at \(connection.address) did not answer within \(Self.answerLimit.milliseconds) ms")
        }
    }

    /// Reads what the server may have said meanwhile, so that a lost connection is noticed.
    public func idle() { loop.run(atMost: .zero) { true } }
}
