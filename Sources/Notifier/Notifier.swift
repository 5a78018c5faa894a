import Ledger
public import Logging
import Notifications
import Service
import Wire
import ZeroMQ

/// A process that tells buyers of their orders: reads events, sends mail and short messages, and answers the calls about
/// contacts. Several may run.
public final class Notifier: Sendable {
    private let configuration: NotifierConfiguration
    private let logger: Logger
    private let shared: Shared

    public init(configuration: NotifierConfiguration, logger: Logger) {
        precondition(!configuration.carriers.isEmpty, "a notifier without carriers tells nobody")
        precondition(
            configuration.keepOver > configuration.policy.maximumAge,
            "an event that comes again would not be known")
        self.configuration = configuration
        self.logger = logger
        shared = Shared(channels: configuration.channels)
    }

    /// Runs until the task is cancelled; then finishes what is under way.
    ///
    /// - Throws: `LedgerError` when the ledger cannot be used at the start, `ConfigurationError` for endpoints that cannot
    ///   be.
    public func run() async throws {
        let desk = Store(dsn: configuration.ledger, name: "stampede-notify-contacts")
        try desk.connected()
        var host: ServiceHost?
        if !configuration.brokers.isEmpty {
            var options = HostConfiguration()
            options.keys = configuration.keys
            host = try ServiceHost(
                name: configuration.name,
                services: [
                    ContactDesk(store: desk, channels: configuration.channels, shared: shared).service
                ],
                brokers: configuration.brokers, configuration: options, logger: logger)
        }
        startThreads()
        logger.info("Sending", metadata: ["channels": "\(configuration.channels.map(\.rawValue).sorted())"])
        await withTaskCancellationHandler {
            if let host { await host.run() } else { await waitForStop() }
        } onCancel: {
            shared.stop()
        }
        shared.stop()
        await shared.waitForAll()
    }

    private func startThreads() {
        shared.start("intake") { [configuration, shared, logger] in
            Intake(configuration: configuration, shared: shared, logger: logger).run()
        }
        var random = SystemRandomNumberGenerator()
        for channel in configuration.channels {
            let breaker = Sender.Breaker(seed: random.next())
            for _ in 0..<configuration.senders {
                shared.start("sender") { [configuration, shared, logger] in
                    Sender(
                        channel: channel, configuration: configuration, shared: shared, breaker: breaker,
                        logger: logger
                    ).run()
                }
            }
        }
        shared.start("housekeeping") { [configuration, shared, logger] in
            Housekeeping(configuration: configuration, shared: shared, logger: logger).run()
        }
    }

    private func waitForStop() async {
        while !shared.isStopping { try? await Task.sleep(for: .milliseconds(50)) }
    }
}
