import Broker
import Logging
import ZeroMQ

/// Who a broker lets in: by keys, by the permissions of Unix sockets, or, when told so, anybody.
struct Door {
    private let keys: (pair: CurveKeyPair, allow: String)?
    /// TCP endpoints that ask nobody, because the operator wants it.
    private let open: [String]

    /// - Throws: when an endpoint would be open to anybody unasked, or a file is not as it must be.
    init(curveKey: String?, allow: String?, isInsecure: Bool, endpoints: [String]) throws(Failure) {
        for endpoint in endpoints {
            try Listener(endpoint).check(asksForKeys: curveKey != nil || allow != nil, isInsecure: isInsecure)
        }
        open = isInsecure ? endpoints.filter { $0.hasPrefix("tcp://") } : []
        guard curveKey != nil || allow != nil else {
            keys = nil
            return
        }
        guard !isInsecure else {
            throw Failure(
                .usage, "--insecure-tcp asks nobody, --curve-key and --allow ask everybody: choose one")
        }
        guard let curveKey else { throw Failure(.usage, "--allow needs --curve-key: give both") }
        guard let allow else { throw Failure(.usage, "--curve-key needs --allow: give both") }
        do throws(SecurityError) {
            keys = (try KeyFile.load(curveKey), allow)
            // Told now, rather than after sockets were made.
            _ = try AllowList.load(allow)
        } catch {
            throw Failure(.usage, error.message)
        }
    }

    /// Nil when nobody is asked.
    func doorkeeper(_ context: Context, _ loop: EventLoop, _ logger: Logger) throws(Failure) -> Doorkeeper? {
        for endpoint in open {
            logger.warning(
                "Nobody is asked who they are here: anybody who reaches it may do anything",
                metadata: ["endpoint": "\(endpoint)"])
        }
        guard let keys else { return nil }
        do throws(SecurityError) {
            return try Doorkeeper(
                key: keys.pair, allowList: keys.allow, context: context, loop: loop, logger: logger)
        } catch {
            throw Failure(.refused, error.message)
        }
    }
}
