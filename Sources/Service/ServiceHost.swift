public import Logging
import Methods
import Wire
import ZeroMQ

/// Connects services to brokers and runs their handlers, until it is told to stop.
///
/// One thread of its own does all I/O. A host serves every broker that it is given: brokers share nothing, and
/// any of them may send it calls. One that is not there yet is tried again.
public final class ServiceHost: Sendable {
    private let plan: HostPlan
    private let outbox = Outbox()
    private let logger: Logger

    /// - Parameters:
    ///   - name: shown by brokers; unique among the workers of a cluster, at most 120 bytes.
    ///   - services: 1 to 64, with different names.
    ///   - brokers: workers' endpoints, such as `ipc:///run/stampede/broker-1-workers.sock`.
    ///   - interceptors: the first is the outermost.
    /// - Throws: `ConfigurationError` for endpoints and numbers that cannot be.
    public convenience init(
        name: String, services: [Service], brokers: [String], configuration: HostConfiguration = .init(),
        interceptors: [any ServiceInterceptor] = [], logger: Logger = Logger(label: "stampede.service")
    ) throws(ConfigurationError) {
        try self.init(
            name: name, services: services, brokers: brokers, configuration: configuration,
            interceptors: interceptors, ownership: nil, script: nil, logger: logger)
    }

    /// A host that owns partitions, or whose calls go wrong as a test says.
    package init(
        name: String, services: [Service], brokers: [String], configuration: HostConfiguration,
        interceptors: [any ServiceInterceptor], ownership: HostOwnership?, script: (any HostScript)?,
        logger: Logger
    ) throws(ConfigurationError) {
        guard 1...Limits.nameLength ~= name.utf8.count else {
            throw ConfigurationError("a host's name has 1 to \(Limits.nameLength) bytes, unlike '\(name)'")
        }
        guard !brokers.isEmpty else {
            throw ConfigurationError("a host needs at least one broker's endpoint for workers")
        }
        for broker in brokers where !broker.hasPrefix("ipc://") && !broker.hasPrefix("tcp://") {
            throw ConfigurationError("'\(broker)' is not an endpoint; write tcp://host:port or ipc:///path")
        }
        if let mistake = configuration.mistake { throw ConfigurationError(mistake) }
        let names = services.map(\.name)
        precondition(
            !names.isEmpty && Set(names).count == names.count, "services need different names: \(names)")
        let methods = services.flatMap(\.methods)
        precondition(Set(methods.map(\.id)).count == methods.count, "two methods have the same number")
        plan = HostPlan(
            name: name, brokers: brokers, services: names, methods: methods, interceptors: interceptors,
            configuration: configuration, ownership: ownership, script: script)
        self.logger = logger
    }

    /// Serves until the task is cancelled, then stops in good order: no new calls, those in hand have their
    /// grace period, and brokers are told goodbye. To be called once.
    public func run() async {
        LoopThread.start { [plan, outbox, logger] in
            HostLoop(plan: plan, outbox: outbox, logger: logger).run()
        }
        await withTaskCancellationHandler {
            await outbox.waitForEnd()
        } onCancel: {
            outbox.drain()
        }
    }

    /// Waits until the first broker knows this host; false when the host has ended instead.
    public func waitForBroker() async -> Bool { await outbox.waitForBroker() }

    /// Says whether a service serves now. One that does not is still connected; brokers refuse its calls with
    /// UNAVAILABLE, not executed, and those who watch its health are told.
    public func setServing(_ service: String, _ isServing: Bool) {
        precondition(plan.services.contains(service), "the host has no service '\(service)'")
        outbox.push(.serving(service: service, isServing))
    }
}

/// A host cannot be made as it was asked for. The message says what to change.
public struct ConfigurationError: Error, Hashable, Sendable, CustomStringConvertible {
    public let message: String
    init(_ message: String) { self.message = message }
    public var description: String { message }
}
