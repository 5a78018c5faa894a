import ArgumentParser
import Broker
import Glibc
import Logging
import Wire
import ZeroMQ

struct BrokerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "broker", abstract: "Run one broker until SIGTERM.",
        discussion: """
            Brokers share nothing: run several, and give all their endpoints to every client and worker.
            """)

    @Option(help: "Unique among the brokers; shown in status and logs.")
    var name: String?

    @Option(help: ArgumentHelp("Where clients connect; may be repeated.", valueName: "endpoint"))
    var clients: [String] = []

    @Option(help: ArgumentHelp("Where workers connect; may be repeated.", valueName: "endpoint"))
    var workers: [String] = []

    @Option(
        name: .customLong("lease-ttl"),
        help: ArgumentHelp(
            "Lifetime of the workers' leases, the same everywhere. (default: 3000)", valueName: "ms"))
    var leaseTTL: Int?

    @Option(
        help: ArgumentHelp(
            "The broker's own .key file, made by `stampede keygen`: TCP endpoints then ask for keys.",
            valueName: "file"))
    var curveKey: String?

    @Option(
        help: ArgumentHelp(
            "The keys that are let in, a line for each: ROLE[,ROLE] NAME KEY. Read again when it changes.",
            valueName: "file"))
    var allow: String?

    @Flag(
        name: .customLong("insecure-tcp"),
        help: """
            Listen on TCP and ask nobody who they are. Anybody who reaches it may do anything, and can end \
            the broker with two packets.
            """)
    var insecureTCP = false

    @OptionGroup var log: LogOptions
    @OptionGroup var config: ConfigOptions

    func run() throws {
        let settings = try config.settings()
        let name = try settings.required(try settings.string(name, "name"), "name")
        let clients = try settings.required(try settings.strings(clients, "clients"), "clients")
        let workers = try settings.required(try settings.strings(workers, "workers"), "workers")
        let door = try Door(
            curveKey: try settings.string(curveKey, "curve-key"), allow: try settings.string(allow, "allow"),
            isInsecure: try settings.bool(insecureTCP, "insecure-tcp"), endpoints: clients + workers)
        let configuration = BrokerConfiguration(
            name: name, leaseTTL: .milliseconds(Int64(try settings.leaseTTL(leaseTTL))))
        try run(configuration, clients, workers, door, try log.logger(name, settings))
    }

    /// Refuses to run beside an open door.
    private static func test(_ broker: Broker) throws(Failure) {
        do throws(SecurityError) {
            try broker.selfTest()
        } catch {
            throw Failure(.refused, "the self-test failed: \(error)")
        }
    }

    /// How long farewells may take to leave.
    private static let flushTime = TimeAmount.milliseconds(100)

    private func run(
        _ configuration: BrokerConfiguration, _ clients: [String], _ workers: [String], _ door: Door,
        _ logger: Logger
    ) throws {
        // Unix sockets are files, and whoever may write them may connect: that is to be nobody else.
        umask(0o077)
        let loop = EventLoop()
        var stop: (Int32) -> Void = { _ in }
        // Before libzmq makes the process's second thread.
        loop.watch(signals: [SIGTERM, SIGINT, SIGHUP]) { stop($0) }
        let context = Context()
        let doorkeeper = try door.doorkeeper(context, loop, logger)
        do {
            let broker = try Broker(
                configuration: configuration, clients: clients, workers: workers, context: context,
                loop: loop, logger: logger, doorkeeper: doorkeeper)
            try BrokerCommand.test(broker)
            broker.start()
            stop = { signal in
                if signal == SIGHUP {
                    doorkeeper?.reload()
                    return
                }
                logger.info("Stopping", metadata: ["signal": "\(signal)"])
                broker.sayGoodbye()
                loop.schedule(after: BrokerCommand.flushTime) { loop.stop() }
            }
            logger.info(
                "Listening",
                metadata: [
                    "clients": "\(broker.clientEndpoints.joined(separator: ","))",
                    "workers": "\(broker.workerEndpoints.joined(separator: ","))",
                ])
            loop.run()
            stop = { _ in }
        } catch let error as ZeroMQError {
            let advice =
                error.isAddressInUse ? "" : "; check that its path exists and is yours, or its address"
            throw Failure(.refused, "the broker cannot listen: \(error)\(advice)")
        }
    }
}
