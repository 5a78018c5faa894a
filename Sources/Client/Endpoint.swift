/// Where a broker takes its clients' connections: `tcp://host:port` or `ipc:///path`.
struct Endpoint: Hashable, Sendable, CustomStringConvertible {
    let description: String

    /// `sun_path` of unix(7) has 108 bytes, the closing zero included.
    private static let longestPath = 107

    /// Nil when it is neither.
    init?(_ text: String) {
        if text.hasPrefix("ipc://") {
            let path = text.dropFirst("ipc://".count)
            guard !path.isEmpty, path != "*", path.utf8.count <= Endpoint.longestPath else { return nil }
        } else if text.hasPrefix("tcp://") {
            let address = text.dropFirst("tcp://".count)
            guard let colon = address.lastIndex(of: ":"), colon != address.startIndex,
                let port = UInt16(address[address.index(after: colon)...]), port != 0
            else { return nil }
        } else {
            return nil
        }
        description = text
    }
}
