/// Where a call stands in a trace: the `traceparent` of W3C Trace Context, level 1
/// (https://www.w3.org/TR/trace-context/#traceparent-header), which travels in the metadata.
public struct TraceParent: Hashable, Sendable {
    /// The key under which it stands in the metadata.
    public static let key = "traceparent"
    /// Keys of what travels with it, unread: the vendors' own words, and W3C Baggage.
    public static let stateKey = "tracestate"
    public static let baggageKey = "baggage"

    /// 16 bytes that name the trace, in two words; never both zero.
    public var traceHigh: UInt64
    public var traceLow: UInt64
    /// Names the caller's span; never zero.
    public var span: UInt64
    /// The caller records this trace (bit 0 of the flags).
    public var isSampled: Bool

    /// Nil for a trace or span of zero, which the specification forbids.
    public init?(traceHigh: UInt64, traceLow: UInt64, span: UInt64, isSampled: Bool) {
        guard traceHigh | traceLow != 0, span != 0 else { return nil }
        self.traceHigh = traceHigh
        self.traceLow = traceLow
        self.span = span
        self.isSampled = isSampled
    }

    /// Reads `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`. Versions after 00 may have more at the
    /// end; nil for whatever the specification calls invalid.
    public init?(_ text: String) {
        let bytes = Array(text.utf8)
        let dash = UInt8(ascii: "-")
        guard bytes.count >= 55, bytes[2] == dash, bytes[35] == dash, bytes[52] == dash,
            let version = TraceParent.number(bytes[0..<2]), version != 0xff,
            version == 0 ? bytes.count == 55 : bytes.count == 55 || bytes[55] == dash,
            let high = TraceParent.number(bytes[3..<19]), let low = TraceParent.number(bytes[19..<35]),
            let span = TraceParent.number(bytes[36..<52]), let flags = TraceParent.number(bytes[53..<55])
        else { return nil }
        self.init(traceHigh: high, traceLow: low, span: span, isSampled: flags & 1 != 0)
    }

    /// The text, of version 00.
    public var text: String {
        var digits: [UInt8] = Array("00-".utf8)
        for word in [traceHigh, traceLow] { TraceParent.append(word, to: &digits) }
        digits.append(UInt8(ascii: "-"))
        TraceParent.append(span, to: &digits)
        digits.append(contentsOf: (isSampled ? "-01" : "-00").utf8)
        return String(decoding: digits, as: UTF8.self)
    }

    private static let digits = Array("0123456789abcdef".utf8)

    private static func append(_ word: UInt64, to text: inout [UInt8]) {
        for shift in stride(from: 60, through: 0, by: -4) { text.append(digits[Int(word >> shift & 15)]) }
    }

    /// Lower-case digits only, as the specification wants.
    private static func number(_ text: ArraySlice<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for byte in text {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): number = number << 4 | UInt64(byte - 0x30)
            case UInt8(ascii: "a")...UInt8(ascii: "f"): number = number << 4 | UInt64(byte - 0x57)
            default: return nil
            }
        }
        return number
    }
}

extension Metadata {
    /// The trace that a call belongs to. A value that is not one is as good as none.
    public var traceParent: TraceParent? {
        get { self[text: TraceParent.key].flatMap(TraceParent.init) }
        set { self[text: TraceParent.key] = newValue?.text }
    }
}
