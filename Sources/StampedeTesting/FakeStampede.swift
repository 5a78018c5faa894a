import Foundation
import Logging
import Sales
public import Service
import Synchronization
public import Wire

/// A small cluster in the process of a test, made of real parts: a broker, a service host, and the books that
/// decide about orders. Only the ledger and the leases are missing, so nothing has to be installed or started,
/// and limits, windows, keys and "sold out" are as in production.
///
/// ```swift
/// try await FakeStampede.run { fake in
///     let client = try StampedeClient(brokers: fake.brokers)
///     fake.refuse(of: "order.place", Failure(.unavailable, "Not now.", certainty: .notExecuted))
///     …
/// }
/// ```
public final class FakeStampede: Sendable {
    static let name = "fake"

    /// Endpoints for clients. They stay the same when the broker is restarted.
    public let brokers: [String]
    private let broker: Mutex<InProcessBroker>
    private let host: ServiceHost
    private let sales: SharedSales
    private let script: Script

    /// Runs a cluster for as long as `body`.
    ///
    /// - Parameters:
    ///   - services: of the test's own, beside those of orders and sales.
    ///   - interceptors: around the handlers of these services.
    /// - Throws: what `body` throws, or that the cluster could not be started.
    public static func run<Result>(
        services: [Service] = [], interceptors: [any ServiceInterceptor] = [],
        isolation: isolated (any Actor)? = #isolation, _ body: (FakeStampede) async throws -> Result
    ) async throws -> Result {
        let broker = try await InProcessBroker.start()
        let fake: FakeStampede
        do {
            fake = try FakeStampede(broker, services, interceptors)
        } catch {
            await broker.stop()
            throw error
        }
        let running = Task { [host = fake.host] in await host.run() }
        _ = await fake.host.waitForBroker()
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try await body(fake))
        } catch {
            result = .failure(error)
        }
        running.cancel()
        await running.value
        await fake.broker.withLock { $0 }.stop()
        return try result.get()
    }

    private init(
        _ broker: InProcessBroker, _ services: [Service], _ interceptors: [any ServiceInterceptor]
    ) throws {
        brokers = [broker.clients]
        self.broker = Mutex(broker)
        sales = SharedSales {
            LedgerTime(rawValue: Int64(Date().timeIntervalSince1970 * 1_000_000))
        }
        script = Script()
        var configuration = HostConfiguration()
        // A test that ends does not wait for handlers that it has forgotten.
        configuration.grace = .milliseconds(100)
        host = try ServiceHost(
            name: FakeStampede.name, services: sales.services + services, brokers: [broker.workers],
            configuration: configuration, interceptors: interceptors,
            ownership: HostOwnership(partitions: MemorySales.partitions, incarnation: "fake/1"),
            script: script, logger: Logger(label: FakeStampede.name) { _ in SwiftLogNoOpLogHandler() })
    }

    // MARK: What goes wrong

    /// Refuses the next calls of a method, or of any, without running them.
    public func refuse(next count: Int = 1, of method: String? = nil, _ failure: Failure) {
        script.add(.refuse(failure), next: count, of: method)
    }

    /// Runs the next calls only after a while.
    public func delay(next count: Int = 1, of method: String? = nil, by time: TimeAmount) {
        script.add(.delay(time), next: count, of: method)
    }

    /// Runs the next calls and loses their answers: they end at their deadlines, maybe executed.
    public func loseAnswer(next count: Int = 1, of method: String? = nil) {
        script.add(.loseAnswer, next: count, of: method)
    }

    /// Runs the next calls, and the worker is lost before it answers: a call with a request key goes to the
    /// next owner, any other ends as maybe executed.
    public func loseWorker(next count: Int = 1, of method: String? = nil) {
        script.add(.loseSession, next: count, of: method)
    }

    /// Ends the broker as a kill would and starts another in its place: clients lose their sessions. Returns
    /// when the new one listens; services and clients find it by themselves.
    public func restartBroker() async throws {
        let restarted = try await broker.withLock { $0 }.restarted()
        broker.withLock { $0 = restarted }
    }

    /// Says whether a service serves, for those who watch its health.
    public func setServing(_ service: String, _ isServing: Bool) { host.setServing(service, isServing) }

    /// Moves the clock by which the windows of sales open and close.
    public func advanceClock(by time: TimeAmount) { sales.advance(by: time) }

    // MARK: What has happened

    /// Calls of a method that reached the worker, attempts and calls that went wrong included.
    public func count(of method: String) -> Int { script.count(of: method) }
}
