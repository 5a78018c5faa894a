/// A task that waits for one value from another thread. Must be resumed exactly once.
///
/// A checked continuation allocates an object per use to say so when it is not; here each is resumed in one
/// place, and the tests count the endings.
@safe struct Waiter<Value: Sendable>: Sendable {
    private let continuation: UnsafeContinuation<Value, Never>

    func resume(returning value: Value) { unsafe continuation.resume(returning: value) }

    /// Suspends the task and lends its waiter to `body`, which keeps or resumes it.
    @inline(__always)
    nonisolated(nonsending)
        static func wait(_ body: (Waiter<Value>) -> Void) async -> Value
    {
        await unsafe withUnsafeContinuation { continuation in
            body(unsafe Waiter(continuation: continuation))
        }
    }
}
