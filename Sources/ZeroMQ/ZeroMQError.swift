import CZeroMQ

/// A call of libzmq that failed.
public struct ZeroMQError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The errno that libzmq left.
    public let code: Int32
    /// The C function that failed.
    public let function: String

    init(_ function: String, code: Int32 = zmq_errno()) {
        self.function = function
        self.code = code
    }

    /// True when the call would have blocked.
    public var wouldBlock: Bool { code == EAGAIN }
    /// True when a ROUTER knows no peer of that identity.
    public var isUnroutable: Bool { code == EHOSTUNREACH }

    /// True when another socket listens on the endpoint.
    public var isAddressInUse: Bool { code == EADDRINUSE }

    public var description: String {
        let advice = isAddressInUse ? "; stop the process that listens there, or choose another endpoint" : ""
        return "\(function): \(String(cString: zmq_strerror(code)))\(advice)"
    }
}
