import Wire

/// How a call ended, without its words and numbers: those are in the answer's body.
struct Ending: Hashable, Sendable {
    var status: Status
    var certainty: Certainty
    var reason: Reason = .none
    var retryAfter: TimeAmount = .zero
    var cause: Cause
    /// Attempts that were begun.
    var attempts: UInt8 = 0

    /// Who ended it.
    enum Cause: Hashable, Sendable {
        /// An answer. Its body is the one at hand while the action is performed.
        case answer
        /// An answer that came while another attempt was open. Its body was held since.
        case heldAnswer
        case deadline
        case cancellation
        case sessionLost
        /// The worker or broker broke the rules of a stream.
        case flowControl
        /// The worker sent another number of items than have come.
        case itemsLost
        case closing
        /// More calls in flight than the client allows.
        case tooMany
        /// A request beyond `Limits.messageSize`.
        case tooLarge
        /// Metadata beyond its limits.
        case badMetadata
        /// The options name a broker that the client was not given.
        case noSuchBroker
        /// The deadline came while every broker turned the client's key away.
        case keyRefused
    }
}
