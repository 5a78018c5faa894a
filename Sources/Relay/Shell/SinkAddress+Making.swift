import Glibc
import RabbitMQ
import Redis
import Resilience

extension SinkAddress {
    /// Finds what is wrong with the address that shows without connecting.
    public func check() throws(Mistake) {
        if case .redis(let redis) = target { _ = try Self.redisAddress(redis) }
        if case .webhook = target {
            throw Mistake(sentence: "this stampede has no webhooks")
        }
        if case .rabbit(let rabbit) = target { _ = try Self.password(rabbit) }
    }

    /// Makes the sink, which connects when it is told the first event.
    ///
    /// - Parameter source: the attribute `source` of its events.
    public func makeSink(source: String, seed: UInt64) throws(SinkError) -> any Sink {
        var generator = SplitMix64(seed: seed)
        switch target {
        case .tables: return TablesSink()
        case .redis(let redis):
            do throws(Mistake) {
                return RedisStreamSink(
                    try Self.redisAddress(redis), stream: redis.stream, maxLength: redis.maxLength,
                    source: source, random: { generator.next() })
            } catch {
                throw SinkError(error.sentence, .ignored)
            }
        case .rabbit(let rabbit):
            do throws(Mistake) {
                let configuration = RabbitConnection.Configuration(
                    host: rabbit.host, port: UInt16(rabbit.port), user: rabbit.user,
                    password: try Self.password(rabbit), virtualHost: rabbit.virtualHost)
                return RabbitSink(
                    configuration, exchange: rabbit.exchange, queue: rabbit.queue,
                    queueType: rabbit.queueType.rawValue, source: source)
            } catch {
                throw SinkError(error.sentence, .ignored)
            }
        case .webhook:
            throw SinkError("this stampede has no such sink", .ignored)
        }
    }

    private static func password(_ rabbit: Rabbit) throws(Mistake) -> String {
        guard let file = rabbit.passwordFile else { return rabbit.password }
        return try secret(file, "password-file")
    }

    /// The first line of a file.
    private static func secret(_ path: String, _ option: String) throws(Mistake) -> String {
        guard let text = ShortFile.read(path),
            let line = text.split(separator: "\n", omittingEmptySubsequences: false).first, !line.isEmpty
        else {
            throw Mistake(
                sentence: "the \(option) ‘\(path)’ cannot be read, or its first line is empty: mend it")
        }
        return String(line)
    }

    private static func redisAddress(_ redis: Redis) throws(Mistake) -> RedisAddress {
        do throws(RedisError) {
            return try RedisAddress(redis.server)
        } catch {
            throw Mistake(sentence: error.message)
        }
    }
}
