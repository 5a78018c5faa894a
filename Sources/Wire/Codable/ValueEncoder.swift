/// Turns an `Encodable` value into a tree.
struct ValueEncoder: Encoder {
    /// A place in the tree that is filled bit by bit: containers are values, and several may write into one.
    final class Node {
        var content = Content.empty

        enum Content {
            case empty
            case value(MessagePackValue)
            case array([Node])
            case map([(key: String, node: Node)])
        }

        /// What was written. A type that writes nothing at all, such as `struct Nothing: Codable {}` does not
        /// do, is an empty map, as a body has to be.
        var value: MessagePackValue {
            switch content {
            case .empty: .map([])
            case .value(let value): value
            case .array(let nodes): .array(nodes.map(\.value))
            case .map(let pairs): .map(pairs.map { .init($0.key, $0.node.value) })
            }
        }

        func append() -> Node {
            let node = Node()
            if case .array(var nodes) = content {
                nodes.append(node)
                content = .array(nodes)
            } else {
                content = .array([node])
            }
            return node
        }

        func insert(_ key: String) -> Node {
            let node = Node()
            if case .map(var pairs) = content {
                pairs.append((key, node))
                content = .map(pairs)
            } else {
                content = .map([(key, node)])
            }
            return node
        }

        func encode(_ value: some Encodable, _ codingPath: [any CodingKey]) throws {
            switch value {
            case let value as MessagePackValue: content = .value(value)
            case let value as Binary: content = .value(.binary(value.bytes))
            default: try value.encode(to: ValueEncoder(node: self, codingPath: codingPath))
            }
        }
    }

    let node: Node
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    static func encode(_ value: some Encodable) throws -> MessagePackValue {
        let node = Node()
        try node.encode(value, [])
        return node.value
    }

    func container<Key: CodingKey>(keyedBy: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .empty = node.content { node.content = .map([]) }
        return KeyedEncodingContainer(Keyed<Key>(node: node, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .empty = node.content { node.content = .array([]) }
        return Unkeyed(node: node, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        Single(node: node, codingPath: codingPath)
    }
}

extension ValueEncoder {
    struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let node: Node
        let codingPath: [any CodingKey]

        private func put(_ value: MessagePackValue, _ key: Key) {
            node.insert(key.stringValue).content = .value(value)
        }

        func encodeNil(forKey key: Key) { put(.null, key) }
        func encode(_ value: Bool, forKey key: Key) { put(.bool(value), key) }
        func encode(_ value: String, forKey key: Key) { put(.string(value), key) }
        func encode(_ value: Double, forKey key: Key) { put(.double(value), key) }
        func encode(_ value: Float, forKey key: Key) { put(.double(Double(value)), key) }
        func encode(_ value: Int, forKey key: Key) { put(.int(Int64(value)), key) }
        func encode(_ value: Int8, forKey key: Key) { put(.int(Int64(value)), key) }
        func encode(_ value: Int16, forKey key: Key) { put(.int(Int64(value)), key) }
        func encode(_ value: Int32, forKey key: Key) { put(.int(Int64(value)), key) }
        func encode(_ value: Int64, forKey key: Key) { put(.int(value), key) }
        func encode(_ value: UInt, forKey key: Key) { put(MessagePackValue(UInt64(value)), key) }
        func encode(_ value: UInt8, forKey key: Key) { put(.int(Int64(value)), key) }
        func encode(_ value: UInt16, forKey key: Key) { put(.int(Int64(value)), key) }
        func encode(_ value: UInt32, forKey key: Key) { put(.int(Int64(value)), key) }
        func encode(_ value: UInt64, forKey key: Key) { put(MessagePackValue(value), key) }
        func encode(_ value: some Encodable, forKey key: Key) throws {
            try node.insert(key.stringValue).encode(value, codingPath + [key])
        }

        func nestedContainer<Nested: CodingKey>(
            keyedBy: Nested.Type, forKey key: Key
        ) -> KeyedEncodingContainer<Nested> {
            nested(key).container(keyedBy: Nested.self)
        }
        func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
            nested(key).unkeyedContainer()
        }
        func superEncoder() -> any Encoder {
            ValueEncoder(node: node.insert("super"), codingPath: codingPath)
        }
        func superEncoder(forKey key: Key) -> any Encoder { nested(key) }

        private func nested(_ key: Key) -> ValueEncoder {
            ValueEncoder(node: node.insert(key.stringValue), codingPath: codingPath + [key])
        }
    }

    struct Unkeyed: UnkeyedEncodingContainer {
        let node: Node
        let codingPath: [any CodingKey]

        var count: Int {
            if case .array(let nodes) = node.content { nodes.count } else { 0 }
        }

        func encodeNil() { node.append().content = .value(.null) }
        func encode(_ value: some Encodable) throws {
            try node.append().encode(value, codingPath + [IndexKey(count - 1)])
        }
        func nestedContainer<Nested: CodingKey>(keyedBy: Nested.Type) -> KeyedEncodingContainer<Nested> {
            nested().container(keyedBy: Nested.self)
        }
        func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nested().unkeyedContainer() }
        func superEncoder() -> any Encoder { nested() }

        private func nested() -> ValueEncoder {
            ValueEncoder(node: node.append(), codingPath: codingPath + [IndexKey(count - 1)])
        }
    }

    struct Single: SingleValueEncodingContainer {
        let node: Node
        let codingPath: [any CodingKey]

        private func put(_ value: MessagePackValue) { node.content = .value(value) }

        func encodeNil() { put(.null) }
        func encode(_ value: Bool) { put(.bool(value)) }
        func encode(_ value: String) { put(.string(value)) }
        func encode(_ value: Double) { put(.double(value)) }
        func encode(_ value: Float) { put(.double(Double(value))) }
        func encode(_ value: Int) { put(.int(Int64(value))) }
        func encode(_ value: Int8) { put(.int(Int64(value))) }
        func encode(_ value: Int16) { put(.int(Int64(value))) }
        func encode(_ value: Int32) { put(.int(Int64(value))) }
        func encode(_ value: Int64) { put(.int(value)) }
        func encode(_ value: UInt) { put(MessagePackValue(UInt64(value))) }
        func encode(_ value: UInt8) { put(.int(Int64(value))) }
        func encode(_ value: UInt16) { put(.int(Int64(value))) }
        func encode(_ value: UInt32) { put(.int(Int64(value))) }
        func encode(_ value: UInt64) { put(MessagePackValue(value)) }
        func encode(_ value: some Encodable) throws { try node.encode(value, codingPath) }
    }
}

/// The place of an element in an array, as a key of a coding path.
struct IndexKey: CodingKey {
    let index: Int
    init(_ index: Int) { self.index = index }
    var stringValue: String { String(index) }
    var intValue: Int? { index }
    init?(stringValue: String) { return nil }
    init?(intValue: Int) { index = intValue }
}
