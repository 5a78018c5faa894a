import Broker
public import Client
import Foundation
import Ledger
import Logging
import Methods
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
    // Unchecked: `nodes` is guarded by `lock`, all else is set before the cluster is shared.
    public let folder: String
    public let postgres: PostgresServer
    public let redis: [RedisServer]
    public let dsn: String
    public let leaseTTL: TimeAmount
    private let context = Context()
    private let lock = NSLock()
    private var nodes: [String: Node] = [:]

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

    public func stop() {
        let all = lock.withLock { Array(nodes.values) }
        for node in all { node.resume() }
        for node in all { node.kill() }
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

    @discardableResult
    public func startBroker(_ name: String) -> Node {
        let (clients, workers) = (clientEndpoint(of: name), workerEndpoint(of: name))
        return add(
            Node(name) { [context, leaseTTL] loop in
                let broker = try Broker(
                    configuration: BrokerConfiguration(name: name, leaseTTL: leaseTTL), clients: [clients],
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
        return add(
            Node(name) { [context, configuration] loop in
                let worker = Worker(
                    configuration: configuration, context: context, loop: loop,
                    logger: TestCluster.logger(name))
                worker.start { exit in
                    if case .failed(let reason) = exit { fatalError("\(name): \(reason)") }
                }
                return worker
            })
    }

    private func add(_ node: Node) -> Node {
        lock.withLock { nodes[node.name] = node }
        return node
    }

    public func kill(_ name: String) {
        let node = lock.withLock { nodes.removeValue(forKey: name) }
        node?.kill()
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
