import Client
import FoundationEssentials
import Sales
import Wire

/// The types of a method, by which JSON becomes MessagePack and back.
struct TypeBook: Sendable {
    private let description: MethodDescription
    private let types: [String: TypeDescription]

    init(_ description: MethodDescription) {
        self.description = description
        types = Dictionary(description.types.map { ($0.name, $0) }) { first, _ in first }
    }

    // MARK: Requests

    /// Reads a request, and makes a key when the type has one and the text has none.
    func request(fromJSON text: String) throws(Failure) -> (MessagePackValue, made: RequestKey?) {
        let value: MessagePackValue
        do {
            value = try JSONDecoder().decode(MessagePackValue.self, from: Data(text.utf8))
        } catch {
            throw Failure(.usage, "‘\(text)’ is not JSON: write an object, as in '{\"sale\": 7}'")
        }
        guard case .map(var pairs) = value else {
            throw Failure(.usage, "‘\(text)’ is not a JSON object: write one, as in '{\"sale\": 7}'")
        }
        var made: RequestKey?
        let needsKey = types[description.request]?.fields.contains { $0.name == "key" && $0.type == "key" }
        if needsKey == true, value["key"] == nil {
            let key = RequestKey.random()
            pairs.append(.init("key", .string(key.text)))
            made = key
        }
        return (try convert(.map(pairs), to: description.request, at: "the request"), made)
    }

    private func convert(
        _ value: MessagePackValue, to type: String, at place: String
    ) throws(Failure) -> MessagePackValue {
        if let element = type.removing(prefix: "array of ") {
            guard case .array(let values) = value else { throw wrong(place, "an array") }
            var converted: [MessagePackValue] = []
            for value in values { converted.append(try convert(value, to: element, at: place)) }
            return .array(converted)
        }
        if let described = types[type] { return try convert(value, to: described, at: place) }
        switch (type, value) {
        case ("int", .int), ("int", .uint), ("bool", .bool), ("string", .string), ("double", .double):
            return value
        case ("double", .int(let number)): return .double(Double(number))
        case ("order id", .string(let text)):
            guard OrderID(text) != nil else { throw wrong(place, "an order id, as in 12-4711") }
            return value
        case ("key", .string(let text)): return .binary(try RequestKey(text: text).bytes)
        case ("time", .int): return value
        case ("time", .string(let text)):
            let moment = try Moment(text, now: Date())
            return moment.time.map { .int($0.rawValue) } ?? .null
        case ("binary", .string(let text)):
            guard let bytes = [UInt8](hexadecimal: text) else { throw wrong(place, "hexadecimal digits") }
            return .binary(bytes)
        case ("int", _): throw wrong(place, "a whole number")
        case ("bool", _): throw wrong(place, "true or false")
        case ("double", _): throw wrong(place, "a number")
        case ("string", _), ("order id", _), ("key", _), ("time", _), ("binary", _):
            throw wrong(place, "a string")
        default: return value
        }
    }

    private func convert(
        _ value: MessagePackValue, to type: TypeDescription, at place: String
    ) throws(Failure) -> MessagePackValue {
        guard case .map(let pairs) = value else { throw wrong(place, "an object") }
        var converted: [MessagePackValue.Pair] = []
        for pair in pairs {
            guard let field = type.fields.first(where: { $0.name == pair.key }) else {
                let names = type.fields.map(\.name).joined(separator: ", ")
                throw Failure(.usage, "\(type.name) has no field ‘\(pair.key)’: there are \(names)")
            }
            if field.optional, pair.value == .null { continue }
            converted.append(
                .init(pair.key, try convert(pair.value, to: field.type, at: "‘\(pair.key)’")))
        }
        for field in type.fields where !field.optional && !converted.contains(where: { $0.key == field.name })
        {
            let about = field.about.isEmpty ? field.type : "\(field.type), \(field.about.lowercasedFirst)"
            throw Failure(
                .usage, "‘\(field.name)’ is missing in \(type.name): give it (\(about))".withoutStop)
        }
        return .map(converted)
    }

    private func wrong(_ place: String, _ kind: String) -> Failure {
        Failure(
            .usage,
            "\(place) must be \(kind): `stampede call --describe \(description.name)` shows the fields")
    }

    // MARK: Replies

    func json(_ value: MessagePackValue, as type: String) -> JSON {
        switch (type, value) {
        case ("key", .binary(let bytes)) where bytes.count == 16:
            return .string(RequestKey(bytes: bytes).text)
        case ("time", .int(let time)): return .string(LedgerTime(rawValue: time).text)
        default: break
        }
        switch value {
        case .null: return .null
        case .bool(let value): return .bool(value)
        case .int(let value): return .number(value)
        case .uint(let value): return .string("\(value)")
        case .double(let value): return .decimal(value)
        case .string(let value): return .string(value)
        case .binary(let bytes): return .string(bytes.hexadecimal)
        case .array(let values):
            let element = type.removing(prefix: "array of ") ?? ""
            return .array(values.map { json($0, as: element) })
        case .map(let pairs):
            let fields = types[type]?.fields ?? []
            return .object(
                pairs.map { pair in
                    (pair.key, json(pair.value, as: fields.first { $0.name == pair.key }?.type ?? ""))
                })
        case .other(_, let bytes): return .string(bytes.hexadecimal)
        }
    }
}

extension RequestKey {
    fileprivate var bytes: [UInt8] {
        (0..<16).map { UInt8(truncatingIfNeeded: rawValue >> UInt128(8 * (15 - $0))) }
    }
}

extension [UInt8] {
    fileprivate init?(hexadecimal text: String) {
        let digits = [Character](text)
        guard digits.count.isMultiple(of: 2) else { return nil }
        self = []
        for index in stride(from: 0, to: digits.count, by: 2) {
            guard let byte = UInt8(String(digits[index...index + 1]), radix: 16) else { return nil }
            append(byte)
        }
    }

    fileprivate var hexadecimal: String {
        map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}

extension String {
    fileprivate func removing(prefix: String) -> String? {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil
    }

    fileprivate var lowercasedFirst: String { prefix(1).lowercased() + dropFirst() }
    fileprivate var withoutStop: String { replacing(".)", with: ")") }
}
