import Glibc
import Ledger
import Logging
import Notifications
import Redis
import Wire
import ZeroMQ

/// Reads the stream of events as a consumer of its group, and stores what buyers are to be told. An item is acknowledged
/// when its rows have committed, so a process that dies loses none: another takes its items over.
struct Intake {
    let configuration: NotifierConfiguration
    let shared: Shared
    let logger: Logger

    private static let batch: Int64 = 256
    private static let block = TimeAmount.milliseconds(500)

    func run() {
        let loop = EventLoop()
        var generator = SystemRandomNumberGenerator()
        let connection = RedisConnection(
            to: configuration.redis, loop: loop, random: { generator.next() }, onEvent: { _ in })
        defer { connection.close() }
        let store = Store(dsn: configuration.ledger, name: "stampede-notify-intake")
        let redis = Commands(connection: connection, loop: loop)
        while !shared.isStopping {
            do {
                try follow(redis, store)
            } catch {
                logger.error(
                    "Events are not read; trying again", metadata: ["error": "\(error)"])
                loop.run(atMost: .milliseconds(500)) { false }
            }
        }
    }

    /// Until it is told to stop, or something fails.
    private func follow(_ redis: Commands, _ store: Store) throws {
        try makeGroup(redis)
        // What this consumer had in hand when it died.
        while try take(try redis.ask(read(after: "0"), Intake.patience).items(ofStream: true), redis, store)
            > 0
        {}
        var nextRescue = MonotonicTime.now()
        var nextReport = MonotonicTime.now() + .seconds(1)
        while !shared.isStopping {
            if .now() >= nextRescue {
                try rescue(redis, store)
                nextRescue = .now() + min(configuration.lease, .seconds(5))
            }
            if .now() >= nextReport {
                try report(redis)
                nextReport = .now() + .seconds(60)
            }
            guard !shared.isFull else {
                shared.sleep(.milliseconds(500))
                continue
            }
            _ = try take(try redis.ask(read(after: ">"), Intake.patience).items(ofStream: true), redis, store)
        }
    }

    private static let patience = TimeAmount.seconds(5)

    private func makeGroup(_ redis: Commands) throws {
        let reply = try redis.reply(
            [
                "XGROUP", "CREATE", .text(configuration.stream), .text(configuration.group), "0", "MKSTREAM",
            ], Intake.patience)
        guard case .error(let words) = reply, !words.hasPrefix("BUSYGROUP") else { return }
        throw Commands.Refused(words: words)
    }

    private func read(after id: RedisArgument) -> [RedisArgument] {
        [
            "XREADGROUP", "GROUP", .text(configuration.group), .text(configuration.name), "COUNT",
            .integer(Intake.batch), "BLOCK", .integer(Intake.block.milliseconds), "STREAMS",
            .text(configuration.stream), id,
        ]
    }

    /// Takes over what other consumers have had in hand for too long.
    private func rescue(_ redis: Commands, _ store: Store) throws {
        var cursor = "0-0"
        repeat {
            let reply = try redis.ask(
                [
                    "XAUTOCLAIM", .text(configuration.stream), .text(configuration.group),
                    .text(configuration.name), .integer(configuration.lease.milliseconds), .text(cursor),
                    "COUNT",
                    .integer(Intake.batch),
                ], Intake.patience)
            guard case .array(let parts) = reply, parts.count >= 2, let next = parts[0].text else {
                throw Commands.Refused(words: "an XAUTOCLAIM answer that is none")
            }
            _ = try take(parts[1].items(ofStream: false), redis, store)
            cursor = next
        } while cursor != "0-0" && !shared.isStopping
    }

    /// Stores the items' rows, then acknowledges the items.
    ///
    /// - Returns: how many items there were.
    private func take(_ items: [Item], _ redis: Commands, _ store: Store) throws -> Int {
        guard !items.isEmpty else { return 0 }
        var events: [OrderEvent] = []
        let now = Intake.wallClock()
        for item in items {
            // Trimmed after it was read: its number is all that is left.
            guard let bytes = item.event else {
                try store.bury(item: item.id, reason: "the item has no field “event”, or was trimmed")
                continue
            }
            switch OrderEvent.read(bytes) {
            case .order(let event):
                let age = TimeAmount.microseconds(now - event.time.microseconds)
                if age < configuration.policy.maximumAge {
                    events.append(event)
                } else {
                    logger.debug("An event was too old to be told", metadata: ["event": "\(event.id)"])
                }
            case .other: break
            case .unreadable(let why):
                logger.error(
                    "An item of the stream is no event", metadata: ["item": "\(item.id)", "reason": "\(why)"])
                try store.bury(item: item.id, reason: why)
            }
        }
        if !events.isEmpty,
            try store.take(events, channels: configuration.channels, grace: configuration.grace) > 0
        {
            shared.ring()
        }
        try redis.ask(
            ["XACK", .text(configuration.stream), .text(configuration.group)] + items.map { .text($0.id) },
            Intake.patience)
        return items.count
    }

    // MARK: Lag

    /// Says how far behind the group is, and whether events were trimmed before it had read them.
    private func report(_ redis: Commands) throws {
        let groups = try redis.ask(["XINFO", "GROUPS", .text(configuration.stream)], Intake.patience)
        guard case .array(let list) = groups,
            let own = list.first(where: { $0.member("name")?.text == configuration.group })
        else { return }
        logger.info(
            "Events to read",
            metadata: [
                "lag": "\(own.member("lag")?.number.map(String.init) ?? "unknown")",
                "pending": "\(own.member("pending")?.number ?? 0)",
            ])
        let stream = try redis.ask(["XINFO", "STREAM", .text(configuration.stream)], Intake.patience)
        if let added = stream.member("entries-added")?.number, let length = stream.member("length")?.number,
            let read = own.member("entries-read")?.number, added - length > read
        {
            logger.error(
                "Events were trimmed before they were read: have the relay keep more of them",
                metadata: ["lost": "\(added - length - read)"])
        }
    }

    private static func wallClock() -> Int64 {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Int64(now.tv_sec) * 1_000_000 + Int64(now.tv_nsec) / 1_000
    }
}

/// One item of the stream.
struct Item {
    let id: String
    /// The field `event`; nil if there is none.
    let event: [UInt8]?
}

extension RedisReply {
    /// The items of an answer to XREADGROUP (those of the first stream), or of a plain list of items.
    func items(ofStream: Bool) -> [Item] {
        guard case .array(let outer) = self else { return [] }
        guard ofStream else { return outer.compactMap(Item.init) }
        guard case .array(let pair)? = outer.first, pair.count == 2 else { return [] }
        return pair[1].items(ofStream: false)
    }

    var number: Int64? { if case .integer(let number) = self { number } else { nil } }

    /// The value after a name, of XINFO's flat lists.
    func member(_ name: String) -> RedisReply? {
        guard case .array(let elements) = self else { return nil }
        for index in stride(from: 0, to: elements.count - 1, by: 2) where elements[index].text == name {
            return elements[index + 1]
        }
        return nil
    }
}

extension Item {
    init?(_ reply: RedisReply) {
        guard case .array(let pair) = reply, pair.count == 2, let id = pair[0].text else { return nil }
        var event: [UInt8]?
        if case .array(let fields) = pair[1] {
            for index in stride(from: 0, to: fields.count - 1, by: 2) where fields[index].text == "event" {
                if case .bytes(let bytes) = fields[index + 1] { event = bytes }
            }
        }
        self.init(id: id, event: event)
    }
}

/// Commands to Redis, one after the other, for a thread that has nothing else to do.
struct Commands {
    let connection: RedisConnection
    let loop: EventLoop

    /// Redis answered with an error, or not at all.
    struct Refused: Error, CustomStringConvertible {
        let words: String
        var description: String { words }
    }

    /// The answer, where an error of the server's is one, too.
    func reply(_ command: [RedisArgument], _ patience: TimeAmount) throws -> RedisReply {
        guard loop.run(atMost: patience, until: { connection.info != nil }) else {
            throw Refused(
                words: connection.lastError?.message ?? "Redis at \(connection.address) is not connected")
        }
        var result: Result<RedisReply, RedisError>?
        try connection.command(command) { result = $0 }
        loop.run(atMost: patience) { result != nil }
        guard let result else {
            throw Refused(
                words: "Redis at \(connection.address) did not answer within \(patience.milliseconds) ms")
        }
        return try result.get()
    }

    @discardableResult
    func ask(_ command: [RedisArgument], _ patience: TimeAmount) throws -> RedisReply {
        let reply = try reply(command, patience)
        if case .error(let words) = reply {
            throw Refused(words: "Redis at \(connection.address) refused: \(words)")
        }
        return reply
    }
}
