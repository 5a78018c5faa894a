import RabbitMQ
import Redis
import Resilience
import ZeroMQ

extension SinkAddress {
    /// Finds what is wrong with the address that shows without connecting.
    ///
    /// - Parameter secret: that signs what webhooks get, where no file is named.
    public func check(secret: String?) throws(Mistake) {
        if case .redis(let redis) = target { _ = try Self.redisAddress(redis) }
        if case .webhook(let webhook) = target { _ = try Self.secret(webhook, secret) }
        if case .rabbit(let rabbit) = target { _ = try Self.password(rabbit) }
    }

    /// Makes the sink, which connects when it is told the first event.
    ///
    /// - Parameters:
    ///   - source: the attribute `source` of its events.
    ///   - secret: that signs what webhooks get, where no file is named.
    public func makeSink(source: String, secret: String?, seed: UInt64) throws(SinkError) -> any Sink {
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
        case .webhook(let webhook):
            do throws(Mistake) {
                return WebhookSink(
                    url: webhook.url, secret: try Self.secret(webhook, secret), attempts: webhook.attempts,
                    parallel: webhook.parallel, source: source)
            } catch {
                throw SinkError(error.sentence, .ignored)
            }
        }
    }

    /// RFC 2104 §3 wants as many bytes as the hash has; fewer than half of that can be guessed.
    private static let shortestSecret = 16

    private static func secret(_ webhook: Webhook, _ given: String?) throws(Mistake) -> [UInt8] {
        let text =
            try webhook.secretFile.map { path throws(Mistake) in try secret(path, "stampede-secret-file") }
            ?? given
        guard let text else {
            throw Mistake(
                sentence:
                    "a webhook needs a secret to sign with: set STAMPEDE_WEBHOOK_SECRET, or name its file with"
                    + " ?stampede-secret-file=")
        }
        guard text.utf8.count >= shortestSecret else {
            throw Mistake(
                sentence: "the webhook's secret is too short: take \(shortestSecret) bytes or more at random")
        }
        return Array(text.utf8)
    }

    private static func password(_ rabbit: Rabbit) throws(Mistake) -> String {
        guard let file = rabbit.passwordFile else { return rabbit.password }
        return try secret(file, "password-file")
    }

    private static func secret(_ path: String, _ option: String) throws(Mistake) -> String {
        do throws(SecurityError) {
            return try SecretFile.line(path, what: option)
        } catch {
            throw Mistake(sentence: error.message)
        }
    }

    private static func redisAddress(_ redis: Redis) throws(Mistake) -> RedisAddress {
        do throws(RedisError) {
            return try RedisAddress(redis.server)
        } catch {
            throw Mistake(sentence: error.message)
        }
    }
}
