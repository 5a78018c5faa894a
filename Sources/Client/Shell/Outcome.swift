import Wire

/// How a call ended, with the answer's body, which the calling task decodes.
struct Outcome: Sendable {
    var ending: Ending
    var body: [UInt8] = []

    /// The client itself refuses, before anything was sent.
    static func refused(_ status: Status, _ cause: Ending.Cause) -> Outcome {
        Outcome(ending: Ending(status: status, certainty: .notExecuted, cause: cause))
    }
}

/// A call on its way from the calling task to the I/O thread.
struct Submission: Sendable {
    /// Names the call for its cancellation.
    let ticket: UInt64
    let header: Header
    let body: [UInt8]
    let isRepeatable: Bool
    let maximumAttempts: Int
    let broker: Int?
    let deadline: MonotonicTime
    let continuation: CheckedContinuation<Outcome, Never>
}
