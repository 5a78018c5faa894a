import Wire

/// Why a call never reached its handler. Nothing was done, so any retry is safe.
enum CallRefusal: Hashable, CaseIterable {
    case unknownMethod
    /// The flags of the call are those of another kind of method.
    case wrongKind
    case notServing
    /// More calls are in hand than were asked for: handlers that go on after their calls ended.
    case busy

    var failure: Failure {
        switch self {
        case .unknownMethod:
            Failure(
                .unimplemented,
                "This service does not have the method; check its name and the service's version.",
                certainty: .notExecuted, reason: .unknownMethod)
        case .wrongKind:
            Failure(
                .invalidArgument,
                "The method is of another kind; ask reflection.describe whether it is unary or a stream.",
                certainty: .notExecuted, reason: .malformed)
        case .notServing:
            Failure(
                .unavailable, "The service does not serve now; try another broker, or later.",
                certainty: .notExecuted, reason: .notServing,
                retryAfter: .milliseconds(500))
        case .busy:
            Failure(
                .resourceExhausted,
                "The host has all the calls that it can take in hand; try again after the time given.",
                certainty: .notExecuted, reason: .busy,
                retryAfter: .milliseconds(100))
        }
    }
}
