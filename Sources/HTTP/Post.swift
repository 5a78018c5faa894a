import CCurl
import Glibc
public import Wire

/// Posts documents to one server, over a connection that it keeps. Blocks; belongs to one thread.
public final class Poster {
    public enum Reply: Sendable {
        case answered(status: Int, retryAfter: TimeAmount?, body: [UInt8])
        case unreachable(String)
        case unknown(String)
    }

    private let handle: UnsafeMutableRawPointer
    public static let longestReply = 65_536

    public init() {
        precondition(curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK, "curl_global_init failed")
        guard let handle = curl_easy_init() else { preconditionFailure("curl_easy_init: out of memory") }
        self.handle = handle
    }

    deinit { curl_easy_cleanup(handle) }

    public func post(_ url: String, headers: [(String, String)], body: [UInt8], timeout: TimeAmount) -> Reply
    {
        curl_easy_reset(handle)
        var list: UnsafeMutablePointer<curl_slist>?
        for (name, value) in headers { list = curl_slist_append(list, "\(name): \(value)") }
        defer { curl_slist_free_all(list) }
        mail_set_text(handle, CURLOPT_URL, url)
        mail_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        mail_set_number(handle, CURLOPT_NOSIGNAL, 1)
        mail_set_number(handle, CURLOPT_TIMEOUT_MS, Int(timeout.milliseconds))
        mail_set_number(handle, CURLOPT_CONNECTTIMEOUT_MS, Int(min(timeout, .seconds(10)).milliseconds))
        mail_set_number(handle, CURLOPT_FOLLOWLOCATION, 0)
        mail_set_list(handle, CURLOPT_HTTPHEADER, list)
        mail_set_number(handle, CURLOPT_POST, 1)
        mail_set_size(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
        var reply: [UInt8] = []
        let code = body.withUnsafeBufferPointer { bytes in
            withUnsafeMutablePointer(to: &reply) { pointer in
                bytes.baseAddress.map { start in
                    _ = start.withMemoryRebound(to: CChar.self, capacity: bytes.count) {
                        mail_set_text(handle, CURLOPT_POSTFIELDS, $0)
                    }
                }
                mail_set_writer(handle, Poster.write, pointer)
                return curl_easy_perform(handle)
            }
        }
        let words = String(cString: curl_easy_strerror(code))
        switch code {
        case CURLE_OK:
            let wait = mail_wait(handle)
            return .answered(
                status: mail_number(handle, CURLINFO_RESPONSE_CODE),
                retryAfter: wait > 0 ? .seconds(Int64(wait)) : nil,
                body: reply)
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_SSL_CONNECT_ERROR,
            CURLE_PEER_FAILED_VERIFICATION, CURLE_COULDNT_RESOLVE_PROXY, CURLE_UNSUPPORTED_PROTOCOL:
            return .unreachable(words)
        case _ where mail_seconds(handle, CURLINFO_PRETRANSFER_TIME) == 0: return .unreachable(words)
        default: return .unknown(words)
        }
    }

    private static let write: curl_write_callback = { buffer, size, count, state in
        guard let buffer, let reply = state?.assumingMemoryBound(to: [UInt8].self) else { return 0 }
        let some = size * count
        // Fewer than were given ends the transfer.
        guard reply.pointee.count + some <= longestReply else { return 0 }
        reply.pointee.append(contentsOf: UnsafeRawBufferPointer(start: buffer, count: some))
        return some
    }
}

@available(*, unavailable)
extension Poster: Sendable {}
