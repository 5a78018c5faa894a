import Logging
import StampedeTesting
import Testing

@testable import Service

/// A broker, a host with the greeter, and a caller.
struct Stage {
    let broker: InProcessBroker
    let host: ServiceHost
    let caller: RawCaller
    let diary: Diary

    /// Runs a test with all of it, and ends the host after.
    static func run(
        _ configuration: HostConfiguration = .init(), interceptors: [any ServiceInterceptor] = [],
        _ test: (Stage) async throws -> Void
    ) async throws {
        let broker = try await InProcessBroker.start()
        let diary = Diary()
        let host = try ServiceHost(
            name: "greeter-1", services: [.greeter(diary)], brokers: [broker.workers],
            configuration: configuration, interceptors: interceptors, logger: Stage.logger)
        let running = Task { await host.run() }
        let stage = Stage(
            broker: broker, host: host, caller: RawCaller(broker.clients), diary: diary)
        #expect(await host.waitForBroker())
        do {
            try await test(stage)
        } catch {
            running.cancel()
            throw error
        }
        running.cancel()
        await running.value
        await broker.stop()
    }

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
}
