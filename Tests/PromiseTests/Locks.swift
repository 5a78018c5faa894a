import Client
import Foundation
import Methods
import Redis
import RedisTestSupport
import Sales
import Synchronization
import TestCluster
import Testing
import Wire
import Workers

extension OwnerPromises {
    /// Locks of services: one holder at a time, and a fence that holds where time cannot.
    @Suite struct Locks {
        /// A resource that refuses a lower fence than it has seen, as `docs/locks.md` has it.
        private final class FencedCounter: Sendable {
            private let state = Mutex((fence: Int64(0), value: 0))
            var value: Int { state.withLock { $0.value } }
            func read(_ fence: Int64) throws -> Int {
                try state.withLock { state in
                    guard fence >= state.fence else { throw StaleFence() }
                    state.fence = fence
                    return state.value
                }
            }
            func write(_ value: Int, _ fence: Int64) throws {
                try state.withLock { state in
                    guard fence >= state.fence else { throw StaleFence() }
                    state = (fence, value)
                }
            }
        }

        struct StaleFence: Error {}

        /// What holders leave for the test to judge.
        private final class Record: Sendable {
            let holders = Atomic<Int>(0)
            let fences = Mutex<[Int64]>([])
            let isHeld = Atomic<Bool>(false)
        }

        @Test func `many contenders through two workers hold a lock one at a time, with fences that grow`()
            async throws
        {
            try await TestCluster.with(workers: 2) { cluster in
                let client = try cluster.client()
                let counter = FencedCounter()
                let record = Record()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<20 {
                        group.addTask {
                            for _ in 0..<5 {
                                try await client.withLock("counter", wait: .seconds(60)) { lease in
                                    let others = record.holders.add(1, ordering: .sequentiallyConsistent)
                                        .oldValue
                                    #expect(others == 0)
                                    let value = try counter.read(lease.fence)
                                    await Task.yield()
                                    try counter.write(value + 1, lease.fence)
                                    #expect(lease.remaining > .zero)
                                    record.fences.withLock { $0.append(lease.fence) }
                                    record.holders.subtract(1, ordering: .sequentiallyConsistent)
                                }
                            }
                        }
                    }
                    try await group.waitForAll()
                }
                #expect(counter.value == 100)
                let taken = record.fences.withLock { $0 }
                #expect(zip(taken, taken.dropFirst()).allSatisfy { $0 < $1 })
                await client.close()
            }
        }

        @Test func `a holder that does not wake in time loses the lock, and its fence is refused`()
            async throws
        {
            try await TestCluster.with { cluster in
                let client = try cluster.client()
                let counter = FencedCounter()
                let name = LockName("paused")!
                // A holder that extends nothing, as one that is stopped.
                let old = try await client.call(LockMethods.acquire, AcquireLock(name: name, ttl: 200))
                _ = try counter.read(old.fence)
                try await client.withLock("paused", wait: .seconds(20)) { lease in
                    #expect(lease.fence > old.fence)
                    try counter.write(1, lease.fence)
                }
                #expect(throws: StaleFence.self) { try counter.write(2, old.fence) }
                let error = await #expect(throws: CallError.self) {
                    try await client.call(
                        LockMethods.extend, ExtendLock(name: name, token: old.token, ttl: 200))
                }
                #expect(error?.reason == .lockLost && error?.certainty == .executed)
                await client.close()
            }
        }

        @Test
        func `a lock that is held is refused with its reason, extended by its holder, and released for good`()
            async throws
        {
            try await TestCluster.with(workers: 2) { cluster in
                let client = try cluster.client()
                let name = LockName("one")!
                let lock = try await client.call(LockMethods.acquire, AcquireLock(name: name, ttl: 5_000))
                #expect(lock.valid > 1_000 && lock.valid < 5_000)
                let error = await #expect(throws: CallError.self) {
                    try await client.call(LockMethods.acquire, AcquireLock(name: name, ttl: 5_000))
                }
                #expect(error?.reason == .lockHeld && error?.status == .aborted)
                #expect(error?.retryAfter.map { $0 > .zero && $0 <= .seconds(5) } == true)
                let extended = try await client.call(
                    LockMethods.extend, ExtendLock(name: name, token: lock.token, ttl: 60_000))
                #expect(extended.valid > 30_000)
                for _ in 0..<2 {
                    _ = try await client.call(
                        LockMethods.release, ReleaseLock(name: name, token: lock.token))
                }
                let next = try await client.call(LockMethods.acquire, AcquireLock(name: name, ttl: 5_000))
                #expect(next.fence == lock.fence + 1 && next.token != lock.token)
                await client.close()
            }
        }

        @Test func `two nodes of five may die under it; without a quorum it is refused with its reason`()
            async throws
        {
            try await TestCluster.with { cluster in
                let client = try cluster.client()
                try await client.withLock("nodes", ttl: .seconds(2)) { lease in
                    let fence = lease.fence
                    for server in cluster.redis.prefix(2) { server.kill() }
                    let start = ContinuousClock.now
                    // Longer than the lock lasts without being extended.
                    try await eventually("it was extended") { ContinuousClock.now - start > .seconds(3) }
                    try lease.check()
                    #expect(lease.fence == fence)
                }
                try await client.withLock("nodes") { _ in }
                cluster.redis[2].kill()
                let error = await #expect(throws: CallError.self) {
                    try await client.call(
                        LockMethods.acquire, AcquireLock(name: LockName("nodes")!, ttl: 1_000),
                        options: CallOptions(maximumAttempts: 1))
                }
                #expect(error?.reason == .noQuorum && error?.status == .unavailable)
                #expect(error?.certainty == .notExecuted && error?.retryAfter != nil)
                await client.close()
            }
        }

        @Test func `a lock that is lost ends the task that works under it`() async throws {
            try await TestCluster.with { cluster in
                let client = try cluster.client()
                let error = await #expect(throws: LockLost.self) {
                    try await client.withLock("lost", ttl: .milliseconds(500)) { lease in
                        for server in cluster.redis.prefix(3) { server.kill() }
                        // Ends by its cancellation alone.
                        try await Task.sleep(for: .seconds(3_600))
                    }
                }
                #expect(error?.name == "lost")
                await client.close()
            }
        }

        @Test func `a lock is released even when the caller is cancelled`() async throws {
            try await TestCluster.with { cluster in
                let client = try cluster.client()
                let record = Record()
                let task = Task {
                    try await client.withLock("mine", ttl: .seconds(60)) { _ in
                        record.isHeld.store(true, ordering: .sequentiallyConsistent)
                        try await Task.sleep(for: .seconds(3_600))
                    }
                }
                try await eventually("it is held") { record.isHeld.load(ordering: .sequentiallyConsistent) }
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
                // Its time is far beyond this call's.
                try await client.withLock("mine", wait: .zero) { _ in }
                await client.close()
            }
        }

        @Test func `who waited through a broker that died keeps the lock from nobody`() async throws {
            try await TestCluster.with(brokers: 2) { cluster in
                let (client, lost) = (try cluster.client(["broker-1"]), try cluster.client(["broker-2"]))
                let name = LockName("left")!
                let lock = try await client.call(LockMethods.acquire, AcquireLock(name: name, ttl: 60_000))
                let waiting = Task {
                    try await lost.call(
                        LockMethods.acquire, AcquireLock(name: name, ttl: 60_000, wait: 50_000),
                        options: CallOptions(deadline: .seconds(60), maximumAttempts: 1))
                }
                try await eventually("the broker has handed the call on") {
                    await lost.brokerStatus().contains { _, result in
                        (try? result.get())?.workers.contains { $0.inFlight == 1 } == true
                    }
                }
                // Comes after it in the same session, so the worker has it.
                try await lost.withLock("reached", wait: .seconds(30)) { _ in }
                try await blocking { cluster.kill("broker-2") }
                await lost.close()
                _ = await waiting.result
                cluster.startBroker("broker-2")
                let again = try cluster.client(["broker-2"])
                try await again.withLock("joined", wait: .seconds(30)) { _ in }
                // The worker is in a new session with it: the last has ended.
                _ = try await client.call(LockMethods.release, ReleaseLock(name: name, token: lock.token))
                try await client.withLock("left", wait: .zero) { _ in }
                await client.close()
                await again.close()
            }
        }

        @Test func `a worker that is drained by a call sends away who waits for a lock there`() async throws {
            try await TestCluster.with { cluster in
                let (client, other) = (try cluster.client(), try cluster.client())
                let name = LockName("drained")!
                _ = try await client.call(LockMethods.acquire, AcquireLock(name: name, ttl: 60_000))
                let waiting = Task {
                    try await other.call(
                        LockMethods.acquire, AcquireLock(name: name, ttl: 60_000, wait: 50_000),
                        options: CallOptions(deadline: .seconds(60), maximumAttempts: 1))
                }
                try await eventually("the broker has handed the call on") {
                    await client.brokerStatus().contains { _, result in
                        (try? result.get())?.workers.contains { $0.inFlight == 1 } == true
                    }
                }
                _ = try await client.call(SystemMethods.drain, DrainWorker(worker: "worker-1"))
                let error = await #expect(throws: CallError.self) { try await waiting.value }
                #expect(error?.reason == .draining && error?.certainty == .notExecuted)
                await client.close()
                await other.close()
            }
        }

        @Test
        func `without the ledger there is no fence, and so no lock; and nobody is kept out by what was won`()
            async throws
        {
            try await TestCluster.with(workers: 0) { cluster in
                let (relay, dsn) = try cluster.startRelay()
                cluster.startWorker("worker-1", dsn: dsn)
                try await cluster.waitUntilOwned()
                let client = try cluster.client()
                try await client.withLock("ledger") { _ in }
                let held = try await client.call(
                    LockMethods.acquire, AcquireLock(name: LockName("held")!, ttl: 60_000))
                relay.block()
                relay.cut()
                try await eventually("the broker hears that the worker is unfit") {
                    await client.brokerStatus().contains { _, result in
                        (try? result.get())?.workers.contains { $0.state == "unfit" } == true
                    }
                }
                let asked = ContinuousClock.now
                let error = await #expect(throws: CallError.self) {
                    try await client.call(
                        LockMethods.acquire,
                        AcquireLock(name: LockName("ledger")!, ttl: 60_000, wait: 30_000),
                        options: CallOptions(deadline: .seconds(40), maximumAttempts: 1))
                }
                #expect(error?.reason == .ledgerUnavailable && error?.status == .unavailable)
                #expect(error?.certainty == .notExecuted && error?.retryAfter != nil)
                // Long before the end of what it would have waited for, or been held.
                #expect(ContinuousClock.now - asked < .seconds(5))
                // What is held needs no fence to last.
                _ = try await client.call(
                    LockMethods.extend, ExtendLock(name: held.name, token: held.token, ttl: 60_000),
                    options: CallOptions(maximumAttempts: 1))
                relay.unblock()
                try await eventually("locks are given again") {
                    (try? await client.withLock("ledger", wait: .zero) { $0.fence }) != nil
                }
                await client.close()
            }
        }
    }
}
