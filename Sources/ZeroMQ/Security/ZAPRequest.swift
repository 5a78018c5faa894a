/// libzmq's question whether a peer may connect: the ZeroMQ Authentication Protocol, RFC 27.
public struct ZAPRequest: Sendable, Equatable {
    /// Of the ROUTER's peer that asks: libzmq's side of one connection.
    let identity: [UInt8]
    let requestID: [UInt8]
    public let domain: String
    /// The peer's IP address.
    public let address: String
    /// The key that the peer has proved to hold; nil for another mechanism than CURVE.
    public let key: CurveKey?

    /// Where the handler listens, in the same context.
    public static let endpoint = "inproc://zeromq.zap.01"
    /// Frames of a request, the ROUTER's identity included: identity, empty, version, request id, domain,
    /// address, routing id, mechanism, and one of credentials for CURVE.
    public static let frames = 9
    static let version = Array("1.0".utf8)

    /// Reads a request as it comes to a ROUTER; nil when it is not one of ZAP 1.0.
    public init?(parts: [[UInt8]]) {
        guard parts.count >= 8, parts[1].isEmpty, parts[2] == Self.version else { return nil }
        identity = parts[0]
        requestID = parts[3]
        domain = String(decoding: parts[4], as: UTF8.self)
        address = String(decoding: parts[5], as: UTF8.self)
        key = parts[7] == Array("CURVE".utf8) && parts.count == 9 ? CurveKey(bytes: parts[8]) : nil
    }

    /// The answer's frames. `userID` is what every message of the peer will be marked with; nil turns it away.
    public func answer(userID: [UInt8]?) -> [[UInt8]] {
        // RFC 27: "200 … success", "400 … authentication failed". The text is for logs of the handler's side.
        let status = userID == nil ? "400" : "200"
        return [
            identity, [], Self.version, requestID, Array(status.utf8), [], userID ?? [], [],
        ]
    }
}
