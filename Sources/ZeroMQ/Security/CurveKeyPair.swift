import CZeroMQ

/// A key pair of CURVE. Who has the secret is who the public key names.
///
/// The secret is never printed: descriptions, dumps and mirrors show the public key alone.
public struct CurveKeyPair: Sendable, Equatable {
    public let publicKey: CurveKey
    /// The 32 bytes of the secret key.
    let secret: [UInt8]

    /// Makes a pair nobody else has (zmq_curve_keypair(3)).
    ///
    /// - Throws: when this libzmq was built without CURVE.
    public init() throws(ZeroMQError) {
        var publicText = [CChar](repeating: 0, count: CurveKey.textLength + 1)
        var secretText = publicText
        guard zmq_curve_keypair(&publicText, &secretText) == 0 else {
            throw ZeroMQError("zmq_curve_keypair")
        }
        guard let pair = CurveKeyPair(secretText: Self.text(secretText)) else {
            preconditionFailure("zmq_curve_keypair made a key that is none")
        }
        self = pair
    }

    /// Reads a secret key's text and derives the public key from it (zmq_curve_public(3)); nil when it is no key.
    public init?(secretText: String) {
        guard let secret = Z85.decode(secretText) else { return nil }
        var publicText = [CChar](repeating: 0, count: CurveKey.textLength + 1)
        guard zmq_curve_public(&publicText, secretText) == 0, let key = CurveKey(Self.text(publicText)) else {
            return nil
        }
        publicKey = key
        self.secret = secret
    }

    /// The secret key's text, for the one file that keeps it.
    var secretText: String { Z85.encode(secret) }

    private static func text(_ characters: [CChar]) -> String {
        String(decoding: characters.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

extension CurveKeyPair: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "the key pair of \(publicKey)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["publicKey": publicKey]) }
}
