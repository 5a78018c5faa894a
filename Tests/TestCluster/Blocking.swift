import Dispatch

/// Runs what waits (for a process, a thread, a server) where it holds up no task of other tests: the threads
/// that tasks share are as few as the cores.
public func blocking<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
        DispatchQueue.global().async { continuation.resume(with: Result { try body() }) }
    }
}
