import FoundationEssentials
public import HTTP
public import Sales
public import Wire

/// A payment provider behind HTTP and JSON, as `docs/payments.md` has its interface. The sandbox speaks it.
public struct HTTPProvider: PaymentProvider {
    private let base: String
    private let key: String
    private let client: HTTPClient
    private let timeout: TimeAmount

    /// - Parameters:
    ///   - url: such as `https://payments.example`, without a path.
    ///   - key: goes with every request as a bearer token (RFC 6750); without line ends.
    ///   - timeout: of one request, from its first byte to the last of the answer.
    public init(url: String, key: String, client: HTTPClient, timeout: TimeAmount = .seconds(10)) {
        base = url.hasSuffix("/") ? String(url.dropLast()) : url
        self.key = key
        self.client = client
        self.timeout = timeout
    }

    public func charge(_ request: ChargeRequest) async throws(ProviderError) -> Charge {
        let body = Body(
            attempt: request.attempt.digits, amount: "\(request.amount)", currency: request.currency,
            order: "\(request.order)", token: request.token)
        guard let encoded = try? JSONEncoder().encode(body) else {
            throw .refused("the request cannot be written as JSON")
        }
        let response = try await send(
            .post, "/v1/charges", [("idempotency-key", body.attempt), ("content-type", "application/json")],
            [UInt8](encoded))
        guard response.status != 409 else { throw .contentDiffers }
        return try read(response, request.attempt)
    }

    public func find(_ attempt: RequestKey) async throws(ProviderError) -> Charge? {
        let response = try await send(.get, "/v1/charges/\(attempt.digits)")
        return response.status == 404 ? nil : try read(response, attempt)
    }

    public func cancel(_ attempt: RequestKey) async throws(ProviderError) -> Charge {
        try read(try await send(.post, "/v1/charges/\(attempt.digits)/cancel"), attempt)
    }

    public func refund(_ attempt: RequestKey) async throws(ProviderError) -> Charge {
        let response = try await send(.post, "/v1/charges/\(attempt.digits)/refund")
        guard response.status != 404 && response.status != 409 else {
            throw .nothingTaken("it answered \(response.status)")
        }
        return try read(response, attempt)
    }

    public func charges(after cursor: String?, limit: Int) async throws(ProviderError) -> ChargePage {
        let after = cursor.map { "&after=\(HTTPProvider.escaped($0))" } ?? ""
        let response = try await send(.get, "/v1/charges?limit=\(limit)\(after)")
        let page = try decode(Page.self, response)
        var charges: [Charge] = []
        for answer in page.charges { charges.append(try answer.charge) }
        return ChargePage(charges: charges, next: page.next)
    }

    // MARK: Requests and answers

    private func send(
        _ method: HTTPRequest.Method, _ path: String, _ headers: [(String, String)] = [], _ body: [UInt8] = []
    ) async throws(ProviderError) -> HTTPResponse {
        var request = HTTPRequest(
            method, base + path, headers: headers + [("authorization", "Bearer \(key)")], body: body)
        request.timeout = timeout
        let response: HTTPResponse
        do throws(HTTPError) {
            response = try await client.send(request)
        } catch {
            switch error {
            case .unreachable, .busy: throw .unreachable(retryAfter: nil)
            case .unknown(let words): throw .unknown(words)
            }
        }
        switch response.status {
        case 200, 404, 409: return response
        // RFC 6585 §4: refused before it was looked at.
        case 429: throw .unreachable(retryAfter: response.retryAfter)
        case 400..<500: throw .refused("it answered \(response.status)")
        default: throw .unknown("it answered \(response.status)")
        }
    }

    private func read(_ response: HTTPResponse, _ attempt: RequestKey) throws(ProviderError) -> Charge {
        guard response.status == 200 else { throw .unknown("it answered \(response.status)") }
        let charge = try decode(Answer.self, response).charge
        guard charge.attempt == attempt else { throw .unknown("it answered about another attempt") }
        return charge
    }

    private func decode<Value: Decodable>(
        _ type: Value.Type, _ response: HTTPResponse
    ) throws(ProviderError) -> Value {
        guard let value = try? JSONDecoder().decode(type, from: Data(response.body)) else {
            throw .unknown("its answer cannot be read")
        }
        return value
    }

    /// Percent-encoded, as RFC 3986 §2.1 has it, but for its unreserved characters.
    private static func escaped(_ text: String) -> String {
        text.utf8.map { byte in
            let isPlain =
                UInt8(ascii: "a")...UInt8(ascii: "z") ~= byte || UInt8(ascii: "A")...UInt8(ascii: "Z") ~= byte
                || UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte || byte == UInt8(ascii: "-")
                || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
            let digits = String(byte, radix: 16, uppercase: true)
            return isPlain ? String(Unicode.Scalar(byte)) : "%" + (byte < 16 ? "0" : "") + digits
        }.joined()
    }

    private struct Body: Encodable {
        let attempt: String
        let amount: String
        let currency: String
        let order: String
        let token: String
    }

    private struct Page: Decodable {
        let charges: [Answer]
        let next: String?
    }

    private struct Answer: Decodable {
        let id: String
        let attempt: String
        let order: String
        let status: String
        let amount: String
        let refunded: Bool
        let reason: String?

        var charge: Charge {
            get throws(ProviderError) {
                guard let attempt = RequestKey(digits: attempt), let status = Charge.Status(rawValue: status),
                    let amount = Int64(amount)
                else { throw .unknown("its answer cannot be read") }
                return Charge(
                    id: id, attempt: attempt, order: OrderID(order), status: status, amount: amount,
                    isRefunded: refunded, reason: reason)
            }
        }
    }
}

extension RequestKey {
    /// 32 hexadecimal digits.
    public var digits: String {
        let text = String(rawValue, radix: 16)
        return String(repeating: "0", count: 32 - text.count) + text
    }

    /// Reads 32 hexadecimal digits, not all zero.
    public init?(digits: String) {
        guard digits.utf8.count == 32, digits.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }),
            let value = UInt128(digits, radix: 16), value != 0
        else { return nil }
        self.init(rawValue: value)
    }
}
