/// Signs the body of a webhook: `t=TIME,v1=CODE`, where CODE is the HMAC-SHA256 of `TIME.BODY` in hexadecimal, as Stripe does
/// it (https://docs.stripe.com/webhooks#verify-manually). The time is signed too, so that an old request cannot be sent again.
public enum WebhookSignature {
    /// The header that carries it.
    public static let header = "stampede-signature"
    /// How far the clocks of sender and receiver may differ, the way included: 5 minutes.
    public static let tolerance: Int64 = 300

    public enum Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        /// Not of that form.
        case malformed
        /// Older or newer than the tolerance allows.
        case expired
        /// Made with another secret, or for another body.
        case wrong

        public var description: String {
            switch self {
            case .malformed: "the signature is not t=UNIX SECONDS,v1=HEXADECIMAL"
            case .expired: "the signature is of another time: sign anew, and look at the clocks"
            case .wrong: "the signature is not this body's by the shared secret"
            }
        }
    }

    /// - Parameter time: seconds since 1970.
    public static func header(secret: [UInt8], time: Int64, body: [UInt8]) -> String {
        "t=\(time),v1=\(Hexadecimal.text(code(secret, time, body)))"
    }

    /// - Throws: `Mistake` unless the signature is that of this body, and of now.
    public static func check(
        _ header: String, secret: [UInt8], now: Int64, tolerance: Int64 = tolerance, body: [UInt8]
    ) throws(Mistake) {
        var time: Int64?
        var codes: [[UInt8]] = []
        for part in header.split(separator: ",", omittingEmptySubsequences: false).prefix(8) {
            let pair = part.split(separator: "=", maxSplits: 1)
            guard pair.count == 2 else { throw .malformed }
            switch pair[0] {
            case "t":
                guard time == nil, let value = Int64(pair[1]), value >= 0, "\(value)" == pair[1] else {
                    throw .malformed
                }
                time = value
            // While a secret is changed there are two of them.
            case "v1":
                guard let code = Hexadecimal.bytes(String(pair[1])), code.count == HMAC.size else {
                    throw .malformed
                }
                codes.append(code)
            // Other versions are for others.
            default: break
            }
        }
        guard let time, !codes.isEmpty else { throw .malformed }
        let right = code(secret, time, body)
        guard codes.contains(where: { HMAC.areSame($0, right) }) else { throw .wrong }
        let (age, overflows) = now.subtractingReportingOverflow(time)
        guard !overflows, age.magnitude <= tolerance.magnitude else { throw .expired }
    }

    private static func code(_ secret: [UInt8], _ time: Int64, _ body: [UInt8]) -> [UInt8] {
        HMAC.sha256(key: secret, Array("\(time).".utf8) + body)
    }
}
