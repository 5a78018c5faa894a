public import Resilience
public import Wire
public import ZeroMQ

/// The bounds and periods of a client. The defaults suit a service beside its brokers.
public struct ClientConfiguration: Sendable {
    /// Calls that may await their answer together, 1 ... 1,048,576. One more is refused at once with
    /// `RESOURCE_EXHAUSTED`.
    public var maximumCallsInFlight = 32_768
    /// A session that has heard nothing for this long asks with a PING. Brokers mute clients that ask more
    /// often than every second (grpc/proposal A8 on keepalive that becomes an attack).
    public var pingInterval = TimeAmount.seconds(1)
    /// A session with calls in flight says at least this often that it lives: brokers forget a client with an
    /// open stream that says nothing for 15 s.
    public var aliveInterval = TimeAmount.seconds(5)
    /// A session that has heard nothing for this long is dead.
    public var silenceLimit = TimeAmount.seconds(3)
    /// How long a connection may take to be established.
    public var connectLimit = TimeAmount.seconds(1)
    /// Waits between connections to one broker.
    public var reconnect = Backoff(base: .milliseconds(100), ceiling: .seconds(5))
    /// Waits between attempts of one call.
    public var retry = Backoff(base: .milliseconds(10), ceiling: .seconds(1))

    /// For brokers at TCP endpoints, which ask for keys. Unix sockets need none.
    public var keys: ConnectionKeys?

    public init() {}
}
