import Wire

/// How a call ended, with the answer, which the calling task decodes.
struct Outcome: Sendable {
    var ending: Ending
    var answer = Parcel()

    /// The client itself refuses, before anything was sent.
    static func refused(_ status: Status, _ cause: Ending.Cause) -> Outcome {
        Outcome(ending: Ending(status: status, certainty: .notExecuted, cause: cause))
    }
}
