/// Where events go, as ops write it:
///
///     tables
///     redis://HOST:PORT?stream=stampede:events&maxlen=1000000
///     redis+unix:/run/events.sock?stream=…
///     amqp://USER:PASSWORD@HOST:PORT/VHOST?exchange=stampede.events&queue=stampede.events&type=quorum
///     https://HOST/PATH?…
///
/// Each may have `name=`, by which its cursors are kept; otherwise that is the kind. What a webhook's address has after
/// the question mark is the receiver's, but for our own options, which begin with `stampede-`.
public struct SinkAddress: Hashable, Sendable {
    public enum Target: Hashable, Sendable {
        case tables
        case redis(Redis)
        case rabbit(Rabbit)
        case webhook(Webhook)
    }

    public struct Redis: Hashable, Sendable {
        /// As `RedisAddress` reads it.
        public var server: String
        public var stream = "stampede:events"
        /// About how many items the stream keeps; 0 for all.
        public var maxLength = 1_000_000
    }

    public struct Rabbit: Hashable, Sendable {
        public enum QueueType: String, Sendable, CaseIterable { case quorum, classic }
        public var host: String
        public var port = 5_672
        public var user = "guest"
        public var password = "guest"
        /// A file whose one line is the password, for its owner alone.
        public var passwordFile: String?
        public var virtualHost = "/"
        public var exchange = "stampede.events"
        public var queue = "stampede.events"
        public var queueType = QueueType.quorum
    }

    public struct Webhook: Hashable, Sendable {
        public var url: String
        /// A file whose one line is the secret that signs, for its owner alone.
        public var secretFile: String?
        /// How often one event is sent before it is a dead letter.
        public var attempts = 12
        /// Events on their way at once.
        public var parallel = 8
    }

    /// Under which its cursors are kept.
    public let name: String
    public let target: Target

    /// What is wrong with an address, and how to write it.
    public struct Mistake: Error, Equatable {
        public let sentence: String
    }

    public init(name: String, target: Target) {
        self.name = name
        self.target = target
    }

    /// Without passwords, for people.
    public var description: String {
        switch target {
        case .tables: "stampede.orders, stampede.buyers"
        case .redis(let redis): "\(redis.server) stream \(redis.stream)"
        case .rabbit(let rabbit):
            "amqp://\(rabbit.host):\(rabbit.port)\(rabbit.virtualHost == "/" ? "/" : "/" + rabbit.virtualHost) exchange "
                + rabbit.exchange
        // What follows the question mark may be a token.
        case .webhook(let webhook): String(webhook.url.prefix { $0 != "?" })
        }
    }

    public init(_ text: String) throws(Mistake) {
        if text == "tables" {
            self.init(name: "tables", target: .tables)
            return
        }
        let parts = try Parts(text)
        var options = parts.options
        let name: String
        let target: Target
        switch parts.scheme {
        case "redis", "redis+unix":
            name = "redis"
            target = .redis(try Self.redis(parts, &options))
        case "amqp":
            name = "rabbitmq"
            target = .rabbit(try Self.rabbit(parts, &options))
        case "http", "https":
            self = try Self.webhook(parts, text)
            return
        default:
            throw Mistake(
                sentence:
                    "‘\(parts.scheme)’ is no kind of sink: write tables, redis://…, redis+unix:/…, amqp://… or https://…"
            )
        }
        let chosen = try Self.name(options.take("name") ?? name)
        if let unknown = options.rest {
            throw Mistake(
                sentence:
                    "a sink of \(parts.scheme):// has no option ‘\(unknown)’: see `stampede relay --help`")
        }
        self.init(name: chosen, target: target)
    }

    private static func name(_ text: String) throws(Mistake) -> String {
        let first: ClosedRange<UInt8> = UInt8(ascii: "a")...UInt8(ascii: "z")
        let isName =
            text.utf8.first.map(first.contains) == true && text.utf8.count <= 63
            && text.utf8.allSatisfy {
                first.contains($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || $0 == UInt8(ascii: "-")
            }
        guard isName, text != "tables" else {
            throw Mistake(
                sentence:
                    "‘\(text)’ cannot name a sink: write small letters, digits and hyphens, a letter first, not ‘tables’"
            )
        }
        return text
    }

    private static func redis(_ parts: Parts, _ options: inout Options) throws(Mistake) -> Redis {
        guard parts.user == nil, parts.password == nil else {
            throw Mistake(
                sentence: "the relay does not log in to Redis: give an address without a user and a password")
        }
        var redis: Redis
        if parts.scheme == "redis+unix" {
            redis = Redis(server: "unix:\(parts.path)")
        } else {
            guard parts.path.isEmpty || parts.path == "/" || parts.path == "/0" else {
                throw Mistake(
                    sentence: "the relay writes to database 0 of Redis: leave ‘\(parts.path)’ out")
            }
            let host = parts.host.contains(":") ? "[\(parts.host)]" : parts.host
            redis = Redis(server: "\(host):\(parts.port ?? 6_379)")
        }
        if let stream = options.take("stream") { redis.stream = stream }
        if let length = try options.number("maxlen", 0...1_000_000_000) { redis.maxLength = length }
        return redis
    }

    private static func rabbit(_ parts: Parts, _ options: inout Options) throws(Mistake) -> Rabbit {
        guard !parts.host.isEmpty else {
            throw Mistake(
                sentence: "an amqp address names a host: write amqp://USER:PASSWORD@HOST:PORT/VHOST")
        }
        var rabbit = Rabbit(host: parts.host)
        rabbit.port = parts.port ?? rabbit.port
        rabbit.user = parts.user ?? rabbit.user
        rabbit.password = parts.password ?? rabbit.password
        if parts.path.count > 1 { rabbit.virtualHost = String(parts.path.dropFirst()) }
        rabbit.passwordFile = options.take("password-file")
        rabbit.exchange = options.take("exchange") ?? rabbit.exchange
        rabbit.queue = options.take("queue") ?? rabbit.exchange
        if let type = options.take("type") {
            guard let known = Rabbit.QueueType(rawValue: type) else {
                throw Mistake(sentence: "‘\(type)’ is no type of a durable queue: write quorum or classic")
            }
            rabbit.queueType = known
        }
        // AMQP 0-9-1: short strings have at most 255 bytes.
        for text in [rabbit.exchange, rabbit.queue] where !(1...255).contains(text.utf8.count) {
            throw Mistake(sentence: "an exchange and a queue have names of 1 to 255 bytes")
        }
        return rabbit
    }

    private static func webhook(_ parts: Parts, _ text: String) throws(Mistake) -> SinkAddress {
        guard !parts.host.isEmpty else {
            throw Mistake(sentence: "a webhook names a host: write https://HOST/PATH")
        }
        guard parts.user == nil, !text.utf8.contains(where: { $0 <= 32 || $0 == 127 }) else {
            throw Mistake(
                sentence: "a webhook's address has no user, password or spaces: it is signed instead")
        }
        guard parts.scheme == "https" || ["127.0.0.1", "::1", "localhost"].contains(parts.host) else {
            throw Mistake(
                sentence: "events leave the machine encrypted only: write https:// for ‘\(parts.host)’")
        }
        var webhook = Webhook(url: "")
        var (own, theirs) = (Options(), [Substring]())
        let halves = text.split(separator: "?", maxSplits: 1)
        for pair in halves.count > 1 ? halves[1].split(separator: "&") : [] {
            if pair.hasPrefix("stampede-") {
                try own.add(pair.dropFirst("stampede-".count))
            } else {
                theirs.append(pair)
            }
        }
        webhook.url = String(halves[0]) + (theirs.isEmpty ? "" : "?" + theirs.joined(separator: "&"))
        webhook.secretFile = own.take("secret-file")
        if let attempts = try own.number("attempts", 1...1_000) { webhook.attempts = attempts }
        if let parallel = try own.number("parallel", 1...64) { webhook.parallel = parallel }
        let chosen = try name(own.take("name") ?? "webhook")
        if let unknown = own.rest {
            throw Mistake(
                sentence: "a webhook has no option ‘stampede-\(unknown)’: see `stampede relay --help`")
        }
        return SinkAddress(name: chosen, target: .webhook(webhook))
    }
}
