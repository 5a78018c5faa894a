import CCurl
import Glibc
import Wire

/// Hands messages to a mail server, one after the other, over a connection that it keeps (RFC 5321).
///
/// Blocks, for no longer than the server's `timeout`. Belongs to one thread.
public final class MailClient {
    /// What became of a message.
    public enum Reply: Hashable, Sendable {
        /// The server took it: 250 after the message.
        case taken
        /// The server refused it with this code: 4xx for now, 5xx for good.
        case refused(code: Int)
        /// It was not handed over: no connection, or none with TLS.
        case unreachable(String)
        /// The server does not take our user and password.
        case loginRefused
        /// The connection ended, or the time, while it was under way: nobody knows whether it was taken.
        case unknown(String)
    }

    private let handle: UnsafeMutableRawPointer
    private let server: MailServer

    public init(_ server: MailServer) {
        _ = HTTPConnection.library
        guard let handle = curl_easy_init() else { preconditionFailure("curl_easy_init: out of memory") }
        self.handle = handle
        self.server = server
    }

    deinit { curl_easy_cleanup(handle) }

    /// Hands one message over.
    ///
    /// - Parameters:
    ///   - from: envelope sender; an address in ASCII, as is `to`. Line ends in either trap: they would be commands.
    ///   - message: header and body, with line ends of SMTP.
    public func send(from: String, to: String, message: [UInt8]) -> Reply {
        for address in [from, to] {
            precondition(
                !address.isEmpty && address.utf8.allSatisfy { 0x21...0x7e ~= $0 && $0 != 0x3c && $0 != 0x3e },
                "an address that was not checked")
        }
        curl_easy_reset(handle)
        var recipients = curl_slist_append(nil, "<\(to)>")
        defer {
            curl_slist_free_all(recipients)
            recipients = nil
        }
        setUp(from: from, recipients: recipients)
        var source = Source(message: message)
        let code = withUnsafeMutablePointer(to: &source) { pointer in
            easy_set_size(handle, CURLOPT_INFILESIZE_LARGE, curl_off_t(message.count))
            easy_set_reader(handle, MailClient.read, pointer)
            return curl_easy_perform(handle)
        }
        return reply(to: code, begun: source.offset > 0)
    }

    private struct Source {
        let message: [UInt8]
        var offset = 0
    }

    /// https://curl.se/libcurl/c/CURLOPT_READFUNCTION.html
    private static let read: curl_read_callback = { buffer, size, count, state in
        guard let buffer, let source = state?.assumingMemoryBound(to: Source.self) else { return 0 }
        let some = min(size * count, source.pointee.message.count - source.pointee.offset)
        source.pointee.message.withUnsafeBytes { bytes in
            if some > 0 { memcpy(buffer, bytes.baseAddress! + source.pointee.offset, some) }
        }
        source.pointee.offset += some
        return some
    }

    private func setUp(from: String, recipients: UnsafeMutablePointer<curl_slist>?) {
        easy_set_text(handle, CURLOPT_URL, server.url)
        easy_set_text(handle, CURLOPT_PROTOCOLS_STR, "smtp,smtps")
        easy_set_text(handle, CURLOPT_PROXY, "")
        // Timeouts by SIGALRM would hit any thread.
        easy_set_number(handle, CURLOPT_NOSIGNAL, 1)
        easy_set_number(handle, CURLOPT_CONNECTTIMEOUT_MS, Int(server.connectTimeout.milliseconds))
        easy_set_number(handle, CURLOPT_TIMEOUT_MS, Int(server.timeout.milliseconds))
        // Servers close what idles; half a minute is within everybody's patience.
        easy_set_number(handle, CURLOPT_MAXAGE_CONN, 30)
        let tls = server.allowsPlain ? CURLUSESSL_TRY : CURLUSESSL_ALL
        easy_set_number(handle, CURLOPT_USE_SSL, Int(tls.rawValue))
        easy_set_number(handle, CURLOPT_SSL_VERIFYPEER, 1)
        easy_set_number(handle, CURLOPT_SSL_VERIFYHOST, 2)
        if let authorities = server.authorities { easy_set_text(handle, CURLOPT_CAINFO, authorities) }
        if let user = server.user { easy_set_text(handle, CURLOPT_USERNAME, user) }
        if let password = server.password { easy_set_text(handle, CURLOPT_PASSWORD, password) }
        easy_set_text(handle, CURLOPT_MAIL_FROM, "<\(from)>")
        easy_set_list(handle, CURLOPT_MAIL_RCPT, recipients)
        easy_set_number(handle, CURLOPT_UPLOAD, 1)
    }

    /// - Parameter begun: some of the message has left.
    private func reply(to code: CURLcode, begun: Bool) -> Reply {
        if code == CURLE_OK { return .taken }
        // Of curl's words only those that are the same for everybody: the server's own may hold the address.
        let words = String(cString: curl_easy_strerror(code))
        switch code {
        case CURLE_LOGIN_DENIED: return .loginRefused
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_CONNECT, CURLE_USE_SSL_FAILED, CURLE_SSL_CONNECT_ERROR,
            CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CACERT_BADFILE, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER,
            CURLE_COULDNT_RESOLVE_PROXY, CURLE_UNSUPPORTED_PROTOCOL:
            return .unreachable(words)
        default: break
        }
        let last = easy_number(handle, CURLINFO_RESPONSE_CODE)
        switch last {
        // RFC 4954 §6: about who we are, not about the message.
        case 454, 530, 534, 535, 538: return .loginRefused
        case 400...599: return .refused(code: last)
        default: return begun ? .unknown(words) : .unreachable(words)
        }
    }
}

@available(*, unavailable)
extension MailClient: Sendable {}
