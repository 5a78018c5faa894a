import Client
import Foundation
import Methods
import Synchronization
import Testing
import Wire
import ZeroMQ

/// A client that calls without a break, one call after the other, and notes how long it had to wait.
final class GoodClient: Sendable {
    struct Report {
        var calls = 0
        var longest = Duration.zero
        var failure: CallError?
    }

    /// Whoever waits longer has been stalled. Far above what a busy machine alone does.
    private static let deadline = TimeAmount.seconds(5)

    private let client: StampedeClient
    private let report = Mutex(Report())
    private let isOver = Atomic<Bool>(false)

    init(_ endpoint: String, _ keys: ConnectionKeys?) throws {
        var configuration = ClientConfiguration()
        configuration.keys = keys
        client = try StampedeClient(brokers: [endpoint], configuration: configuration)
    }

    /// Runs `body` beside the calls, and returns how they went.
    func beside(_ body: () async throws -> Void) async throws -> Report {
        // Connected, before anybody disturbs.
        _ = try await client.call(SystemMethods.brokerStatus, Empty(), options: .init(deadline: .seconds(20)))
        let calling = Task { await call() }
        do {
            try await body()
        } catch {
            isOver.store(true, ordering: .relaxed)
            throw error
        }
        isOver.store(true, ordering: .relaxed)
        await calling.value
        await client.close()
        return report.withLock { $0 }
    }

    private func call() async {
        while !isOver.load(ordering: .relaxed) {
            let start = ContinuousClock.now
            do throws(CallError) {
                _ = try await client.call(
                    SystemMethods.brokerStatus, Empty(),
                    options: CallOptions(deadline: Self.deadline, maximumAttempts: 1))
                let took = ContinuousClock.now - start
                report.withLock {
                    $0.calls += 1
                    $0.longest = max($0.longest, took)
                }
            } catch {
                report.withLock { $0.failure = error }
                return
            }
        }
    }
}

/// Runs what blocks on a thread of its own, away from those that Swift's tasks share.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
    await withCheckedContinuation { continuation in
        Thread.detachNewThread { continuation.resume(returning: body()) }
    }
}
