import CZeroMQ
import Glibc

/// How a socket's next `bind` or `connect` asks and says who is who.
public enum SocketSecurity: Sendable, Equatable {
    /// Nobody is asked (mechanism NULL, RFC 23). For Unix sockets, which have file permissions.
    case none
    /// Encrypted, and only for keys that the ZAP handler admits to the domain (RFC 25 to 27 of ZeroMQ).
    case curveServer(CurveKeyPair, domain: String)
    /// Encrypted, to the holder of `server`'s secret and nobody else, as the holder of `own`.
    case curveClient(server: CurveKey, own: CurveKeyPair)

    func apply(to socket: UnsafeMutableRawPointer) throws(ZeroMQError) {
        switch self {
        case .none:
            // What a new socket has. Once set, a ZAP domain cannot be taken back (4.3.4 refuses an empty one).
            return
        case .curveServer(let pair, let domain):
            precondition(!domain.isEmpty, "without a domain libzmq lets everybody in")
            try set(socket, ZMQ_ZAP_DOMAIN, Array(domain.utf8))
            // "The ZAP (ZMQ RFC 27) authentication protocol specifies that a domain must always be set. Older
            // versions of libzmq did not follow the spec and allowed an empty domain to be set. This option can
            // be used to enable or disable the stricter … behaviour" (zmq_setsockopt(3) of 4.3.3). It also
            // refuses everybody while there is no handler; the default lets everybody in.
            try set(socket, Self.enforceDomain, 1)
            try set(socket, ZMQ_CURVE_SECRETKEY, pair.secret)
            try set(socket, ZMQ_CURVE_SERVER, 1)
        case .curveClient(let server, let own):
            try set(socket, ZMQ_CURVE_SERVERKEY, server.bytes)
            try set(socket, ZMQ_CURVE_PUBLICKEY, own.publicKey.bytes)
            try set(socket, ZMQ_CURVE_SECRETKEY, own.secret)
        }
    }

    /// `ZMQ_ZAP_ENFORCE_DOMAIN`, which zmq.h shows to users of its draft functions only.
    private static let enforceDomain: Int32 = 93

    private func set(
        _ socket: UnsafeMutableRawPointer, _ option: Int32, _ value: Int32
    ) throws(ZeroMQError) {
        var value = value
        guard zmq_setsockopt(socket, option, &value, MemoryLayout<Int32>.size) == 0 else {
            throw ZeroMQError("zmq_setsockopt(\(option), \(value))")
        }
    }

    private func set(
        _ socket: UnsafeMutableRawPointer, _ option: Int32, _ bytes: [UInt8]
    ) throws(ZeroMQError) {
        guard zmq_setsockopt(socket, option, bytes, bytes.count) == 0 else {
            // The value may be a secret.
            throw ZeroMQError("zmq_setsockopt(\(option))")
        }
    }
}

/// libzmq draws the number that the first nameless peer of a ROUTER gets from `rand()`, and never seeds it: it
/// is the same in every process. A peer that claims the number as its own name before it is given out ends the
/// process (`Assertion failed: ok`, socket_base.cpp of 4.3.4). A seed makes it a number to be guessed.
enum Randomness {
    /// Seeds `rand()`, once per process.
    static func seed() { _ = isSeeded }

    private static let isSeeded: Bool = {
        var generator = SystemRandomNumberGenerator()
        srand(UInt32.random(in: 2...UInt32.max, using: &generator))
        return true
    }()
}
