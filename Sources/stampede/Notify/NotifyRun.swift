import ArgumentParser
import Ledger
import Logging
import Notifications
import Notifier
import Redis
import Service
import Wire

struct NotifyRun: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run", abstract: "Read events and send, until SIGTERM.",
        discussion: """
            Reads the events that `stampede relay` writes to a Redis stream, and sends once per event and channel to buyers \
            whose contact is known. With --broker it also serves contact.set, contact.erase and contact.get. Several may \
            run, each with a name of its own. A password or token comes from a file or the environment only.
            """)

    @Option(help: "Unique among these processes, the same after a restart.")
    var name: String?

    @Option(
        help: ArgumentHelp("The Redis server of the events, host:port or unix:/path.", valueName: "address"))
    var events: String?

    @Option(help: ArgumentHelp("The stream. (default: stampede:events)", valueName: "key"))
    var stream: String?

    @Option(help: ArgumentHelp("The ledger: host=… dbname=… user=…, or postgres://…", valueName: "dsn"))
    var ledger: String?

    @Option(
        help: ArgumentHelp(
            "A broker's endpoint for workers, to serve the methods about contacts; repeat for each.",
            valueName: "endpoint"))
    var broker: [String] = []

    @OptionGroup(title: "Ways out") var carrier: CarrierOptions
    @OptionGroup(title: "Words") var words: TemplateOptions

    @Option(help: ArgumentHelp("Threads that send, per channel. (default: 2)", valueName: "n"))
    var senders: Int?

    @Option(
        help: ArgumentHelp(
            "How long a claim on a message lasts; of a process that dies others take over then. (default: 60)",
            valueName: "seconds"))
    var claim: Int?

    @Option(
        help: ArgumentHelp(
            "How long an event waits for its buyer's contact. (default: 60)", valueName: "seconds"))
    var contactGrace: Int?

    @Option(
        help: ArgumentHelp(
            "An event that is older is not told any more. (default: 24)", valueName: "hours"))
    var maximumAge: Int?

    @Option(
        help: ArgumentHelp(
            "After how long contacts that were not set again are erased. (default: 90)", valueName: "days"))
    var keepContacts: Int?

    @OptionGroup var keys: KeyOptions
    @OptionGroup var log: LogOptions
    @OptionGroup var config: ConfigOptions

    func run() throws {
        let settings = try config.settings()
        let configuration = try configuration(settings)
        let logger = try log.logger(configuration.name, settings)
        let interrupts = Interrupts()
        let notifier = Notifier(configuration: configuration, logger: logger)
        do {
            try Waiting.run { try await interrupts.cancelling { try await notifier.run() } }
        } catch let error as LedgerError {
            throw Failure(error)
        } catch let error as ConfigurationError {
            throw Failure(.usage, error.message)
        }
    }

    private func configuration(_ settings: Settings) throws(Failure) -> NotifierConfiguration {
        let address = try settings.required(try settings.string(events, "events"), "events")
        let redis: RedisAddress
        do throws(RedisError) {
            redis = try RedisAddress(address)
        } catch {
            throw Failure(.usage, error.message)
        }
        var configuration = NotifierConfiguration(
            name: try settings.required(try settings.string(name, "name"), "name"), redis: redis,
            ledger: try settings.required(try settings.string(ledger, "ledger"), "ledger"))
        configuration.stream = try settings.string(stream, "stream") ?? configuration.stream
        configuration.brokers = try settings.strings(broker, "broker")
        configuration.keys = try keys.load(settings, for: configuration.brokers)
        configuration.templates = try words.load(settings)
        configuration.offset = try words.offset(settings)
        configuration.carriers = try carrier.carriers(settings)
        configuration.senders = try settings.integer(senders, "senders", in: 1...32, default: 2)
        let seconds = try settings.integer(claim, "claim", in: 2...3_600, default: 60)
        configuration.lease = .seconds(Int64(seconds))
        let timeout = try carrier.sendTimeout(settings)
        guard configuration.lease > timeout else {
            throw Failure(
                .usage,
                "--claim is \(seconds) s, which a message may take to be sent (--send-timeout): give it more")
        }
        configuration.grace = .seconds(
            Int64(try settings.integer(contactGrace, "contact-grace", in: 1...3_600, default: 60)))
        configuration.policy.maximumAge = .seconds(
            3_600 * Int64(try settings.integer(maximumAge, "maximum-age", in: 1...144, default: 24)))
        configuration.keepContacts = .seconds(
            86_400 * Int64(try settings.integer(keepContacts, "keep-contacts", in: 1...3_650, default: 90)))
        return configuration
    }
}
