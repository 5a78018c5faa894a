import Methods
public import Wire
import ZeroMQ

extension StampedeClient {
    /// Runs `body` under a lock that every service of the cluster shares.
    ///
    /// The lock is extended for as long as the body runs, and released in the end even if the calling task was
    /// cancelled. When it is lost before, the body's task is cancelled, and once the body has returned `LockLost` is
    /// thrown whatever it returned.
    ///
    ///     try await client.withLock("report/2026-11") { lease in
    ///         try await write(report, fence: lease.fence)
    ///     }
    ///
    /// - Parameters:
    ///   - name: 1 to 128 letters, digits and `-_.:/`.
    ///   - ttl: For how long others are kept out if this process dies; 100 ms to 60 s.
    ///   - wait: For how long to wait for it, up to 60 s; zero tries once.
    ///   - need: The body begins only when the lock is surely held for so long, which is less than `ttl`.
    /// - Throws: What the body throws; `LockLost`; or `CallError`, with the reason `lockHeld` if another holds the lock
    ///   all the time, and `noQuorum` or `ledgerUnavailable` if the cluster cannot give it now.
    nonisolated(nonsending)
        public func withLock<Value: Sendable>(
            _ name: String, ttl: TimeAmount = .seconds(10), wait: TimeAmount = .seconds(5),
            need: TimeAmount = .zero, _ body: @escaping @Sendable (borrowing LockLease) async throws -> Value
        ) async throws -> Value
    {
        let lock = try await acquireLock(name, ttl: ttl, wait: wait)
        let term = LockTerm(end: lock.end)
        let result: Result<Value, any Error>
        do {
            if term.end - .now() <= need { try await extend(lock.held, ttl, term) }
            result = .success(try await run(body, under: lock.held, ttl, term))
        } catch {
            result = .failure(error)
        }
        await releaseLock(lock.held)
        return try result.get()
    }

    /// Takes a lock, and says until when it is held.
    private nonisolated(nonsending)
        func acquireLock(
            _ name: String, ttl: TimeAmount, wait: TimeAmount
        ) async throws(CallError) -> (held: HeldLock, end: MonotonicTime)
    {
        guard let name = LockName(name) else {
            throw StampedeClient.badLock(
                "'\(name)' is no name of a lock; use 1 to 128 letters, digits and -_.:/")
        }
        guard LockLimits.ttl ~= ttl.milliseconds, 0...LockLimits.longestWait ~= wait.milliseconds else {
            throw StampedeClient.badLock("a lock lasts 100 to 60,000 ms and is waited for 60,000 ms at most")
        }
        let sent = MonotonicTime.now()
        let held = try await call(
            LockMethods.acquire,
            AcquireLock(name: name, ttl: ttl.milliseconds, wait: wait.milliseconds),
            options: CallOptions(deadline: wait + .seconds(5)))
        return (held, sent + .milliseconds(held.waited + held.valid))
    }

    private static func badLock(_ message: String) -> CallError {
        CallError(status: .invalidArgument, certainty: .notExecuted, message: message)
    }

    /// Runs the body in a task that ends with the lock.
    private nonisolated(nonsending)
        func run<Value: Sendable>(
            _ body: @escaping @Sendable (borrowing LockLease) async throws -> Value, under lock: HeldLock,
            _ ttl: TimeAmount, _ term: LockTerm
        ) async throws -> Value
    {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask {
                let lease = LockLease(name: lock.name.rawValue, fence: lock.fence, term: term)
                return try await body(lease)
            }
            group.addTask {
                await self.keep(lock, ttl, term)
                return nil
            }
            defer { group.cancelAll() }
            // Whoever ends first: the body, or what keeps the lock when it is lost or the caller was cancelled.
            if let value = try await group.next()! { return value }
            group.cancelAll()
            let end = try? await group.next()
            // The caller was cancelled, but the body was done under the lock all the same.
            if let value = end ?? nil, .now() < term.end { return value }
            if .now() < term.end { throw CancellationError() }
            throw LockLost(name: lock.name.rawValue, fence: lock.fence)
        }
    }

    /// Extends the lock whenever a third of its time has passed. Returns when it is lost, or with its task.
    private nonisolated(nonsending) func keep(_ lock: HeldLock, _ ttl: TimeAmount, _ term: LockTerm) async {
        while true {
            let left = term.end - .now()
            guard left > .zero else { return }
            // After a try that failed, there is time for some more.
            let pause = max(left - ttl * 2 / 3, min(left, ttl / 10))
            do { try await Task.sleep(for: .nanoseconds(pause.nanoseconds)) } catch { return }
            do {
                try await extend(lock, ttl, term)
            } catch let error where error.reason == .lockLost {
                return term.move(to: .distantPast)
            } catch {
                if Task.isCancelled { return }
            }
        }
    }

    private nonisolated(nonsending)
        func extend(_ lock: HeldLock, _ ttl: TimeAmount, _ term: LockTerm) async throws(CallError)
    {
        let sent = MonotonicTime.now()
        let extended = try await call(
            LockMethods.extend, ExtendLock(name: lock.name, token: lock.token, ttl: ttl.milliseconds),
            options: CallOptions(deadline: max(.milliseconds(10), min(term.end - sent, ttl / 3))))
        term.move(to: sent + .milliseconds(extended.waited + extended.valid))
    }

    /// Detached from the caller's task: a cancelled one must not keep others waiting. If it fails, the lock runs out.
    private nonisolated(nonsending) func releaseLock(_ lock: HeldLock) async {
        let release = Task.detached {
            _ = try? await self.call(
                LockMethods.release, ReleaseLock(name: lock.name, token: lock.token),
                options: CallOptions(deadline: .seconds(2)))
        }
        await release.value
    }
}
