import ArgumentParser
import Glibc
import Ledger
import Logging
import Relay
import Wire
import ZeroMQ

struct RelayRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Publish every change until SIGTERM.",
        discussion: """
            Sinks, each of which goes on by itself where it stopped:
              tables                                  the tables stampede.orders and stampede.buyers
              redis://HOST:PORT                       a stream; ?stream=stampede:events&maxlen=1000000
              redis+unix:/PATH                        the same over a Unix socket
              amqp://USER:PASSWORD@HOST:PORT/VHOST    RabbitMQ; ?exchange=stampede.events&queue=stampede.events\
            &type=quorum&password-file=FILE
              https://HOST/PATH                       signed POSTs; ?stampede-secret-file=FILE&stampede-attempts=12\
            &stampede-parallel=8
            Each may have &name=NAME (a webhook &stampede-name=NAME), under which its place is kept; a second sink of a kind \
            needs one. Without a file, the secret that signs is that of STAMPEDE_WEBHOOK_SECRET.

            Each change is published at least once, and those of an order in their order. Several relays may run at once: \
            that costs duplicates and loses nothing.
            """)

    @Option(
        help: ArgumentHelp("Where events go; repeat for each. (default: tables)", valueName: "address"))
    var sink: [String] = []

    @Option(
        help: ArgumentHelp(
            "The attribute `source` of events. (default: /stampede/ and a name of the ledger)",
            valueName: "uri"))
    var source: String?

    @Flag(help: "Publish what there is, say how much and how fast, and end.")
    var once = false

    @OptionGroup var place: SomeLedger
    @OptionGroup var log: LogOptions

    func run() throws {
        let settings = try place.settings()
        let logger = try log.logger("relay", settings)
        let secret = try SinkOptions.secret(settings)
        let sinks = try sinks(settings)
        let source = try source(settings)
        let dsn = try place.dsn(settings)
        // What no retry mends is told now, and not in a log.
        do throws(LedgerError) {
            _ = try RelayLedger(dsn: dsn)
        } catch  where [.configuration, .schema].contains(error.code) {
            throw Failure(error)
        } catch {
            logger.warning(
                "The ledger cannot be reached; trying again", metadata: ["reason": "\(error.message)"])
        }
        let loop = EventLoop()
        let stop = StopFlag()
        // Before the first thread.
        loop.watch(signals: [SIGTERM, SIGINT]) { signal in
            // Whoever asks twice does not want to wait; what was published is published again.
            if stop.isRaised { _exit(128 + signal) }
            stop.raise()
            loop.stop()
        }
        let crew = RelayCrew(
            dsn: dsn, source: source, secret: secret, isOnce: once, stop: stop, logger: logger)
        for sink in sinks { crew.start(sink) }
        if once { loop.schedule(every: .milliseconds(20)) { if crew.isOver(within: .zero) { loop.stop() } } }
        loop.run()
        // A sink that hangs does not keep us: its cursor has not moved.
        let isOver = crew.isOver(within: .seconds(5))
        guard once else {
            logger.info("Stopped", metadata: ["complete": "\(isOver)"])
            if !isOver { _exit(0) }
            return
        }
        for line in crew.lines { Terminal.result(line) }
        guard isOver, !stop.isRaised, !crew.isDiverged else {
            throw Failure(
                .refused, "not everything was told: `stampede relay status` says what is missing and why")
        }
    }

    private func sinks(_ settings: Settings) throws(Failure) -> [SinkAddress] {
        let texts = try settings.strings(sink, "sink")
        let sinks = try SinkOptions.parse(texts.isEmpty ? ["tables"] : texts, settings)
        for (index, sink) in sinks.enumerated()
        where sinks[..<index].contains(where: { $0.name == sink.name }) {
            throw Failure(
                .usage,
                "two sinks are called ‘\(sink.name)’: give one of them another name, as in ?name=second")
        }
        return sinks
    }

    private func source(_ settings: Settings) throws(Failure) -> String? {
        guard let source = try settings.string(source, "source") else { return nil }
        guard !source.isEmpty, source.utf8.count <= 255, source.utf8.allSatisfy({ $0 > 32 && $0 < 127 })
        else {
            throw Failure(
                .usage, "--source is no URI: write something like /stampede/shop, at most 255 bytes")
        }
        return source
    }
}

enum SinkOptions {
    /// Never on the command line, which everybody on the machine can read.
    static func secret(_ settings: Settings) throws(Failure) -> String? {
        try settings.string(nil, "webhook-secret")
    }

    static func parse(_ texts: [String], _ settings: Settings) throws(Failure) -> [SinkAddress] {
        let secret = try secret(settings)
        var sinks: [SinkAddress] = []
        for text in texts {
            do throws(SinkAddress.Mistake) {
                let address = try SinkAddress(text)
                try address.check(secret: secret)
                sinks.append(address)
            } catch {
                throw Failure(.usage, "--sink: \(error.sentence)")
            }
        }
        return sinks
    }

    /// The texts themselves, when all of them can be read.
    static func addresses(_ texts: [String], _ settings: Settings) throws(Failure) -> [String] {
        _ = try parse(texts, settings)
        return texts
    }
}
