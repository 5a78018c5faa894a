import CZeroMQ
import Glibc

extension Message {
    /// Lends who sent the frame, as the ZAP handler named it (`User-Id` of zmq_msg_gets(3)); nil when nobody
    /// was asked.
    ///
    /// Only a payload frame is sure to have it: libzmq 4.3.4 loses it on an identity frame that a poll has
    /// fetched before. A peer that was *not* asked by ZAP may claim any `User-Id` in its READY command, so the
    /// handler's names must be such that nobody can guess them.
    public mutating func withUserID<R>(_ body: (Span<UInt8>?) -> R) -> R {
        withUnsafeMutablePointer(to: &raw) { raw in
            let name: StaticString = "User-Id"
            let text = name.withUTF8Buffer { name in
                name.withMemoryRebound(to: CChar.self) { zmq_msg_gets(raw, $0.baseAddress) }
            }
            guard let text else { return body(nil) }
            let bytes = UnsafeRawBufferPointer(start: text, count: strlen(text))
            return body(Span(_unsafeBytes: bytes))
        }
    }
}
