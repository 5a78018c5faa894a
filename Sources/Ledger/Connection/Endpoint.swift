import CPostgres

/// One host of a connection string, with everything else the string says.
///
/// libpq tries several hosts by itself, but without a time limit when it is not allowed to block
/// (PQconnectStart: "the connect_timeout connection parameter is ignored"), so each is tried by us.
struct Endpoint {
    private(set) var parameters: [(keyword: String, value: String)]
    /// For messages: `host:port`, or the folder of a unix socket and the port.
    let address: String

    /// Reads a connection string or URI.
    static func parse(_ dsn: String) throws(LedgerError) -> [Endpoint] {
        guard let options = PQconninfoParse(dsn, nil) else {
            // libpq's own message quotes the part it did not understand, which may be a password.
            throw LedgerError(
                .configuration,
                "the ledger's connection string cannot be read; write postgres://USER@HOST:PORT/DATABASE"
                    + " or host=… port=… dbname=… user=…")
        }
        defer { PQconninfoFree(options) }
        var parameters: [(keyword: String, value: String)] = []
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val {
                parameters.append((String(cString: keyword), String(cString: value)))
            }
            option += 1
        }
        return split(parameters)
    }

    private static func split(_ parameters: [(keyword: String, value: String)]) -> [Endpoint] {
        let perHost: Set = ["host", "hostaddr", "port"]
        var lists: [String: [String]] = [:]
        for (keyword, value) in parameters where perHost.contains(keyword) {
            lists[keyword] = value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        }
        let shared = parameters.filter { !perHost.contains($0.keyword) }
        let count = max(1, lists["host"]?.count ?? 0, lists["hostaddr"]?.count ?? 0)
        return (0..<count).map { index in
            var own: [String: String] = [:]
            // One port serves all hosts, as in libpq.
            for (keyword, list) in lists {
                own[keyword] = list.count == 1 ? list[0] : list[index % list.count]
            }
            let host = own["hostaddr"] ?? own["host"] ?? "the default host"
            let sorted = own.sorted { $0.key < $1.key }.map { (keyword: $0.key, value: $0.value) }
            return Endpoint(
                parameters: shared + sorted, address: "\(host):\(own["port", default: "5432"])")
        }
    }

    /// Sets a parameter over whatever the string said.
    mutating func set(_ keyword: String, _ value: String) {
        parameters.removeAll { $0.keyword == keyword }
        parameters.append((keyword, value))
    }

    /// Sets a parameter of which the string said nothing.
    mutating func setDefault(_ keyword: String, _ value: String) {
        if !parameters.contains(where: { $0.keyword == keyword }) { parameters.append((keyword, value)) }
    }

    /// Lends the parameters as the two null-terminated arrays that `PQconnectStartParams` takes.
    func withCArrays<R>(
        _ body: (UnsafePointer<UnsafePointer<CChar>?>, UnsafePointer<UnsafePointer<CChar>?>) -> R
    ) -> R {
        // One buffer of all strings, so that the pointers into it live exactly as long as it does.
        var bytes: [CChar] = []
        var places: [(keyword: Int, value: Int)] = []
        for (keyword, value) in parameters {
            places.append((bytes.count, bytes.count + keyword.utf8.count + 1))
            bytes += keyword.utf8CString
            bytes += value.utf8CString
        }
        return bytes.withUnsafeBufferPointer { buffer in
            let start = buffer.baseAddress
            let keywords: [UnsafePointer<CChar>?] = places.map { start?.advanced(by: $0.keyword) } + [nil]
            let values: [UnsafePointer<CChar>?] = places.map { start?.advanced(by: $0.value) } + [nil]
            return keywords.withUnsafeBufferPointer { keywords in
                values.withUnsafeBufferPointer { values in
                    // Both arrays hold at least their terminator, so they have an address.
                    body(keywords.baseAddress!, values.baseAddress!)
                }
            }
        }
    }
}
