import CCurl
import Glibc
import Wire

/// Sends requests one after the other from a thread that has nothing else to do: a handle of libcurl, with the connections
/// that it keeps.
///
/// Blocks for no longer than a request's `timeout`. Belongs to one thread.
public final class HTTPConnection {
    private let handle: UnsafeMutableRawPointer

    /// "curl_global_init … must be called at least once within a program before the program calls any other function";
    /// from 7.84 on it is thread-safe. https://curl.se/libcurl/c/curl_global_init.html
    static let library: Void = {
        precondition(curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK, "curl_global_init failed")
    }()

    public init() {
        _ = HTTPConnection.library
        guard let handle = curl_easy_init() else { preconditionFailure("curl_easy_init: out of memory") }
        self.handle = handle
    }

    deinit { curl_easy_cleanup(handle) }

    public func send(_ request: HTTPRequest) throws(HTTPError) -> HTTPResponse {
        // A line end in a header would be another header.
        for (name, value) in request.headers {
            precondition(
                !(name + value).utf8.contains { $0 == 10 || $0 == 13 || $0 == 0 },
                "a header with a line end in it: \(name)")
        }
        curl_easy_reset(handle)
        var list: UnsafeMutablePointer<curl_slist>?
        for (name, value) in request.headers { list = curl_slist_append(list, "\(name): \(value)") }
        // curl would wait a second for "100 Continue" before a longer body.
        list = curl_slist_append(list, "Expect:")
        defer { curl_slist_free_all(list) }
        easy_set_text(handle, CURLOPT_URL, request.url)
        easy_set_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        // Timeouts by SIGALRM would hit any thread.
        easy_set_number(handle, CURLOPT_NOSIGNAL, 1)
        easy_set_number(handle, CURLOPT_CONNECTTIMEOUT_MS, Int(request.connectTimeout.milliseconds))
        easy_set_number(handle, CURLOPT_TIMEOUT_MS, Int(request.timeout.milliseconds))
        easy_set_number(handle, CURLOPT_FOLLOWLOCATION, 0)
        // No proxy out of the environment: a secret goes to the server that was named.
        easy_set_text(handle, CURLOPT_PROXY, "")
        easy_set_list(handle, CURLOPT_HTTPHEADER, list)
        var reply = Reply(limit: request.bodyLimit)
        let code = withUnsafeMutablePointer(to: &reply) { pointer in
            easy_set_writer(handle, HTTPConnection.write, pointer)
            guard request.method == .post else { return curl_easy_perform(handle) }
            easy_set_number(handle, CURLOPT_POST, 1)
            easy_set_size(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(request.body.count))
            return request.body.withUnsafeBytes { bytes in
                // An empty body needs a place, too: without one curl would read from standard input.
                let start = bytes.bindMemory(to: CChar.self).baseAddress
                return withUnsafePointer(to: CChar(0)) { nothing in
                    easy_set_text(handle, CURLOPT_POSTFIELDS, start ?? nothing)
                    return curl_easy_perform(handle)
                }
            }
        }
        return try response(code, reply)
    }

    private func response(_ code: CURLcode, _ reply: Reply) throws(HTTPError) -> HTTPResponse {
        let words = String(cString: curl_easy_strerror(code))
        switch code {
        case CURLE_OK:
            let wait = easy_retry_after(handle)
            return HTTPResponse(
                status: easy_number(handle, CURLINFO_RESPONSE_CODE),
                retryAfter: wait > 0 ? .seconds(Int64(min(wait, 86_400))) : nil, body: reply.body)
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL, CURLE_COULDNT_RESOLVE_HOST,
            CURLE_COULDNT_RESOLVE_PROXY, CURLE_COULDNT_CONNECT, CURLE_SSL_CONNECT_ERROR,
            CURLE_PEER_FAILED_VERIFICATION:
            throw .unreachable(words)
        // Nothing was sent before the connection stood.
        case _ where easy_seconds(handle, CURLINFO_PRETRANSFER_TIME) == 0:
            throw .unreachable(words)
        case CURLE_WRITE_ERROR: throw .unknown("the answer is longer than \(reply.limit) bytes")
        default: throw .unknown(words)
        }
    }

    private struct Reply {
        let limit: Int
        var body: [UInt8] = []
    }

    /// https://curl.se/libcurl/c/CURLOPT_WRITEFUNCTION.html
    private static let write: curl_write_callback = { buffer, size, count, state in
        guard let buffer, let reply = state?.assumingMemoryBound(to: Reply.self) else { return 0 }
        let some = size * count
        // Fewer than were given ends the transfer.
        guard reply.pointee.body.count + some <= reply.pointee.limit else { return 0 }
        reply.pointee.body.append(contentsOf: UnsafeRawBufferPointer(start: buffer, count: some))
        return some
    }
}

@available(*, unavailable)
extension HTTPConnection: Sendable {}
