public import Methods
import Wire

/// How a call ended, with the answer, which the calling task decodes.
@usableFromInline
struct Outcome: Sendable {
    var ending: Ending
    var answer = Parcel()

    @usableFromInline var attempts: Int { Int(ending.attempts) }

    /// The answer that is a yes; throws any other ending.
    @usableFromInline
    func answer(_ route: Route) throws(CallError) -> Parcel {
        guard ending.status == .ok else { throw CallError(self, route) }
        return answer
    }

    /// The client itself refuses, before anything was sent.
    static func refused(_ status: Status, _ cause: Ending.Cause) -> Outcome {
        Outcome(ending: Ending(status: status, certainty: .notExecuted, cause: cause))
    }
}
