import Glibc
import Synchronization
import Wire
import ZeroMQ

/// Turns a host name into addresses without holding up the loop.
///
/// hiredis calls `getaddrinfo`, which may block for many seconds, and nothing in POSIX asks for a name
/// without blocking. So a name (not an address in digits) is asked for on a thread that lives for that one
/// question, and the loop looks whether it is answered.
final class NameLookup {
    private static let interval = TimeAmount.milliseconds(5)

    /// The only thing that both threads see.
    private final class Answer: Sendable {
        let host: String
        let addresses = Mutex<Result<[String], RedisError>?>(nil)
        init(host: String) { self.host = host }
    }

    private let answer: Answer
    private let loop: EventLoop
    private var completion: ((Result<[String], RedisError>) -> Void)?

    /// True for an IPv4 or IPv6 address in digits.
    static func isNumeric(_ host: String) -> Bool {
        var address = in6_addr()
        return inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1
    }

    /// Calls `completion` once, from the loop, unless `cancel()` is called before. A success is not empty.
    init(of host: String, loop: EventLoop, _ completion: @escaping (Result<[String], RedisError>) -> Void) {
        self.loop = loop
        self.completion = completion
        answer = Answer(host: host)
        ask()
        check()
    }

    /// Forgets about the answer. The thread ends when the resolver has given up.
    func cancel() { completion = nil }

    private func check() {
        loop.schedule(after: Self.interval) { [self] in
            guard let completion else { return }
            guard let result = answer.addresses.withLock({ $0 }) else { return check() }
            self.completion = nil
            completion(result)
        }
    }

    private func ask() {
        // Taken back by the thread.
        let pointer = Unmanaged.passRetained(answer)
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { pointer in
                let answer = Unmanaged<Answer>.fromOpaque(pointer!).takeRetainedValue()
                let result = NameLookup.addresses(of: answer.host)
                answer.addresses.withLock { $0 = result }
                return nil
            }, pointer.toOpaque())
        guard code == 0 else {
            pointer.release()
            return answer.addresses.withLock { $0 = .failure(Self.failure(answer.host, EAI_AGAIN)) }
        }
        pthread_detach(thread)
    }

    private static func addresses(of host: String) -> Result<[String], RedisError> {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, nil, &hints, &list)
        guard code == 0 else { return .failure(failure(host, code)) }
        defer { freeaddrinfo(list) }
        var found: [String] = []
        var next = list
        while let info = next {
            next = info.pointee.ai_next
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let code = getnameinfo(
                info.pointee.ai_addr, info.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0,
                NI_NUMERICHOST)
            if code == 0 {
                found.append(
                    String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self))
            }
        }
        return found.isEmpty ? .failure(failure(host, EAI_NONAME)) : .success(found)
    }

    private static func failure(_ host: String, _ code: Int32) -> RedisError {
        RedisError(
            .notConnected,
            "the host name was not found (\(String(cString: gai_strerror(code)))): check it, or write the "
                + "address in digits")
    }
}
