/// Why a command was not answered, or an address cannot be used.
///
/// What a server answers with `-ERR …` is an answer: see `RedisReply.error(_:)`.
public struct RedisError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What kind of failure it is; the message says the rest.
    public enum Code: Hashable, Sendable {
        /// The text is not an address of a Redis server.
        case invalidAddress
        /// Nothing was sent, because the server has not been reached or has not said who it is.
        case notConnected
        /// Nothing was sent, because as many commands as allowed are waiting for their answers.
        case tooManyInFlight
        /// The connection was lost. A command that was on its way may have been executed.
        case connectionLost
        /// We closed the connection. A command that was on its way may have been executed.
        case closed
    }

    /// The kind of failure.
    public let code: Code
    /// One sentence that says what happened and what to do about it.
    public let message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
