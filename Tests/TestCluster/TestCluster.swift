public import Broker
public import Client
import Foundation
import Ledger
import Logging
public import Methods
public import PostgresTestSupport
import Redis
public import RedisTestSupport
public import Sales
import Synchronization
public import Wire
public import Workers
import ZeroMQ

/// A whole cluster in the test's process: real Postgres and Redis servers, brokers and workers on threads.
///
/// Everything stands in one temporary folder and is gone after `stop()`.
public final class TestCluster: @unchecked Sendable {
    // Unchecked: `nodes` and `relays` are guarded by `lock`, all else is set before the cluster is shared.
    public let folder: String
    public let postgres: PostgresServer
    public let redis: [RedisServer]
    public let dsn: String
    public let leaseTTL: TimeAmount
    private let context = Context()
    private let lock = NSLock()
    private var nodes: [String: Node] = [:]
    private var relays: [Relay] = []

    public init(partitions: Int = 8, leaseTTL: TimeAmount = .milliseconds(1_000), redis count: Int = 5) throws
    {
        self.leaseTTL = leaseTTL
        folder = "/tmp/stampede-test-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        postgres = try PostgresServer()
        dsn = try postgres.makeDatabase("stampede")
        redis = try RedisServer.start(count: count)
        _ = try Migrator(dsn: dsn).migrate(partitions: partitions)
    }

    /// A cluster with brokers and workers whose partitions all have owners.
    public static func running(
        brokers: Int = 1, workers: Int = 1, partitions: Int = 8, leaseTTL: TimeAmount = .milliseconds(1_000)
    ) async throws -> TestCluster {
        let cluster = try TestCluster(partitions: partitions, leaseTTL: leaseTTL)
        for number in 1...brokers { cluster.startBroker("broker-\(number)") }
        for number in 1...workers { cluster.startWorker("worker-\(number)") }
        try await cluster.waitUntilOwned()
        return cluster
    }

    /// Runs a test with a cluster of its own, which ends with it.
    public static func with(
        brokers: Int = 1, workers: Int = 1, partitions: Int = 8,
        leaseTTL: TimeAmount = .milliseconds(1_000), _ body: (TestCluster) async throws -> Void
    ) async throws {
        let cluster = try await blocking { try TestCluster(partitions: partitions, leaseTTL: leaseTTL) }
        do {
            for number in 0..<brokers { cluster.startBroker("broker-\(number + 1)") }
            for number in 0..<workers { cluster.startWorker("worker-\(number + 1)") }
            if brokers > 0, workers > 0 { try await cluster.waitUntilOwned() }
            try await body(cluster)
        } catch {
            try await blocking { cluster.stop() }
            throw error
        }
        try await blocking { cluster.stop() }
    }

    public func stop() {
        let all = lock.withLock { Array(nodes.values) }
        for node in all { node.resume() }
        for node in all { node.kill() }
        for relay in lock.withLock({ relays }) { relay.stop() }
        for server in redis { server.kill() }
        postgres.stop(.immediate)
        try? FileManager.default.removeItem(atPath: folder)
    }

    // MARK: Nodes

    public func clientEndpoint(of broker: String) -> String { "ipc://\(folder)/\(broker)-c" }
    public func workerEndpoint(of broker: String) -> String { "ipc://\(folder)/\(broker)-w" }

    public var brokerNames: [String] {
        lock.withLock { nodes.keys.filter { $0.hasPrefix("broker") }.sorted() }
    }

    public func node(_ name: String) -> Node { lock.withLock { nodes[name]! } }

    /// - Parameter change: of the configuration, before the broker starts.
    @discardableResult
    public func startBroker(_ name: String, _ change: (inout BrokerConfiguration) -> Void = { _ in }) -> Node
    {
        let (clients, workers) = (clientEndpoint(of: name), workerEndpoint(of: name))
        var configuration = BrokerConfiguration(name: name, leaseTTL: leaseTTL)
        change(&configuration)
        return add(
            Node(name) { [context, configuration] loop in
                let broker = try Broker(
                    configuration: configuration, clients: [clients],
                    workers: [workers], context: context, loop: loop, logger: TestCluster.logger(name))
                broker.start()
                return broker
            })
    }

    /// - Parameters:
    ///   - dsn: another way to the ledger, such as through a relay.
    ///   - change: of the configuration, before the worker starts.
    @discardableResult
    public func startWorker(
        _ name: String, dsn: String? = nil, brokers: [String]? = nil,
        _ change: (inout WorkerConfiguration) -> Void = { _ in }
    ) -> Node {
        var configuration = WorkerConfiguration(
            name: name, brokers: (brokers ?? brokerNames).map { workerEndpoint(of: $0) },
            redis: redis.map(\.address), ledger: dsn ?? self.dsn, leaseTTL: leaseTTL)
        change(&configuration)
        let body: @Sendable (EventLoop) throws -> Worker = { [context, configuration] loop in
            let worker = Worker(
                configuration: configuration, context: context, loop: loop,
                logger: TestCluster.logger(name))
            worker.start { exit in
                if case .failed(let reason) = exit { fatalError("\(name): \(reason)") }
                loop.stop()
            }
            return worker
        }
        return add(Node(name, body, drain: { $0.drain() }))
    }

    private func add(_ node: Node) -> Node {
        lock.withLock { nodes[node.name] = node }
        return node
    }

    public func kill(_ name: String) {
        let node = lock.withLock { nodes.removeValue(forKey: name) }
        node?.kill()
    }

    /// Drains a worker and returns when it has ended.
    public func drain(_ name: String) {
        let node = lock.withLock { nodes.removeValue(forKey: name) }
        node?.drain()
    }

    // MARK: Relays

    /// Another way to the ledger: pass `dsn` to `startWorker`.
    public func startRelay() throws -> (relay: Relay, dsn: String) {
        let number = lock.withLock { relays.count + 1 }
        let relayFolder = "\(folder)/relay-\(number)"
        try FileManager.default.createDirectory(atPath: relayFolder, withIntermediateDirectories: true)
        let relay = try Relay(
            .postgres, at: "\(relayFolder)/.s.PGSQL.5432", to: "\(postgres.folder.path)/.s.PGSQL.5432")
        lock.withLock { relays.append(relay) }
        return (relay, dsn.replacingOccurrences(of: postgres.folder.path, with: relayFolder))
    }

    /// Another way for a worker to a broker: put `endpoint` in its configuration.
    public func startRelay(toBroker broker: String) throws -> (relay: Relay, endpoint: String) {
        let number = lock.withLock { relays.count + 1 }
        let path = "\(folder)/relay-\(number)-w"
        let relay = try Relay(
            .zeroMQ, at: path, to: String(workerEndpoint(of: broker).dropFirst("ipc://".count)))
        lock.withLock { relays.append(relay) }
        return (relay, "ipc://\(path)")
    }

    private static func logger(_ name: String) -> Logger {
        var logger = Logger(label: name) { StreamLogHandler.standardError(label: $0) }
        let wanted = ProcessInfo.processInfo.environment["STAMPEDE_TEST_LOG"]
        logger.logLevel = wanted.flatMap { Logger.Level(rawValue: $0) } ?? .critical
        return logger
    }

    // MARK: Using it

    public func client(_ brokers: [String]? = nil) throws -> StampedeClient {
        try StampedeClient(brokers: (brokers ?? brokerNames).map { clientEndpoint(of: $0) })
    }

    /// Waits until every broker knows an owner of every partition.
    public func waitUntilOwned(by worker: String? = nil, atMost limit: Double = 30) async throws {
        let client = try client()
        try await eventually("every partition has an owner", atMost: limit) {
            let all = await client.brokerStatus()
            return all.allSatisfy { _, result in
                guard case .success(let status) = result, !status.partitions.isEmpty else { return false }
                return status.partitions.allSatisfy {
                    $0.owner != nil && (worker == nil || $0.owner == worker)
                }
            }
        }
        await client.close()
    }

    /// What every broker that answers sees.
    public func statuses(_ client: StampedeClient) async -> [BrokerStatus] {
        await client.brokerStatus().compactMap { try? $0.status.get() }
    }

    /// The owner of a sale's partition, as the first broker that answers sees it.
    public func owner(of sale: SaleID, _ client: StampedeClient) async -> String? {
        guard let status = await statuses(client).first else { return nil }
        let partition = RoutingKey(sale: sale.rawValue, lane: 0).partition(of: status.partitions.count)
        return status.partitions[partition].owner
    }

    /// Creates a sale that is open.
    @discardableResult
    public func createSale(
        _ client: StampedeClient, units: Int32, limit: Int32 = 1, sale: Int64? = nil
    ) async throws -> SaleID {
        let id = SaleID(rawValue: sale ?? Int64.random(in: 1...1_000_000_000))
        _ = try await client.createSale(
            CreateSale(
                sale: id, key: .random(), name: "Test", price: 1_999, currency: "USD", units: units,
                limit: limit),
            options: CallOptions(deadline: .seconds(20)))
        return id
    }
}

/// Waits for a condition; fails with its name when it does not come true.
public func eventually(
    _ what: String, atMost limit: Double = 20, _ condition: () async throws -> Bool
) async throws {
    let end = Date().addingTimeInterval(limit)
    while try await !condition() {
        guard Date() < end else { throw NeverHappened(what: what) }
        try await Task.sleep(nanoseconds: 10_000_000)
    }
}

public struct NeverHappened: Error, CustomStringConvertible {
    let what: String
    public var description: String { "it never came true that \(what)" }
}
