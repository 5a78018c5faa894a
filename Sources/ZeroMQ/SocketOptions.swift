import CZeroMQ
public import Wire

/// The settings of a socket, each with its reason. Defaults of libzmq that are wrong for us are all here.
public struct SocketOptions: Sendable {
    /// The largest frame that is taken, in bytes. libzmq's default is no limit: a peer could declare a
    /// frame of a terabyte (`ZMQ_MAXMSGSIZE`).
    public var maximumMessageSize = 1 << 20
    /// Messages queued per peer and direction (`ZMQ_SNDHWM`, `ZMQ_RCVHWM`). Only a fuse: the broker's credit
    /// is what limits, and a full pipe means a peer that no longer reads.
    public var highWaterMark: Int32 = 100_000
    /// How long closing waits for what is queued (`ZMQ_LINGER`). The default waits for ever.
    public var linger: TimeAmount = .milliseconds(200)
    /// Who is asked and told who is who.
    public var security = SocketSecurity.none

    public init() {}

    func apply(to socket: UnsafeMutableRawPointer, kind: Socket.Kind) throws(ZeroMQError) {
        var size = Int64(maximumMessageSize)
        guard zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &size, MemoryLayout<Int64>.size) == 0 else {
            throw ZeroMQError("zmq_setsockopt(ZMQ_MAXMSGSIZE)")
        }
        try set(socket, ZMQ_SNDHWM, highWaterMark)
        try set(socket, ZMQ_RCVHWM, highWaterMark)
        try set(socket, ZMQ_LINGER, Int32(linger.milliseconds))
        // A peer that vanished without closing is noticed in 6 s, also while its process is busy. (TTL is
        // what the other side uses; it must stay below 65.6 s, libzmq issue 4226.)
        try set(socket, ZMQ_HEARTBEAT_IVL, 2_000)
        try set(socket, ZMQ_HEARTBEAT_TIMEOUT, 6_000)
        try set(socket, ZMQ_HEARTBEAT_TTL, 6_000)
        // A connection that never finishes its greeting holds a descriptor; the default is 30 s.
        try set(socket, ZMQ_HANDSHAKE_IVL, 3_000)
        switch kind {
        case .router:
            // Without it a message to an unknown or stuck peer vanishes without a word.
            try set(socket, ZMQ_ROUTER_MANDATORY, 1)
            // A newcomer that claims a taken identity is ignored; it must not take over the session.
            try set(socket, ZMQ_ROUTER_HANDOVER, 0)
            try set(socket, ZMQ_BACKLOG, 1_024)
        case .dealer:
            // Queue nothing for a peer that is not there: such requests would arrive at a restarted broker
            // long after the caller gave up.
            try set(socket, ZMQ_IMMEDIATE, 1)
            // One socket is one connection is one session. We reconnect ourselves, with a new socket.
            try set(socket, ZMQ_RECONNECT_IVL, -1)
            try set(socket, ZMQ_CONNECT_TIMEOUT, 2_000)
        case .pair:
            break
        }
        try security.apply(to: socket)
    }

    private func set(_ socket: UnsafeMutableRawPointer, _ option: Int32, _ value: Int32) throws(ZeroMQError) {
        var value = value
        guard zmq_setsockopt(socket, option, &value, MemoryLayout<Int32>.size) == 0 else {
            throw ZeroMQError("zmq_setsockopt(\(option), \(value))")
        }
    }
}
