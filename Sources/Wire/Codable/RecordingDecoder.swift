/// The decoder of a `TypeRecorder`: every question is noted and answered with something of the right type.
struct RecordingDecoder: Decoder {
    let recorder: TypeRecorder
    let note: TypeRecorder.Note
    /// Called when the type turns out to have fields.
    let hasFields: () -> Void
    var codingPath: [any CodingKey] { [] }
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy: Key.Type) -> KeyedDecodingContainer<Key> {
        KeyedDecodingContainer(Keyed<Key>(decoder: self))
    }

    func unkeyedContainer() -> any UnkeyedDecodingContainer { Unkeyed(decoder: self) }
    func singleValueContainer() -> any SingleValueDecodingContainer { self }

    func noteField(_ finding: TypeRecorder.Finding, _ name: String, optional: Bool) {
        if note.fields == nil {
            note.fields = []
            hasFields()
        }
        note.fields?.append(
            .init(
                name: name, type: finding.name, optional: optional || finding.isOptional,
                about: finding.about))
    }

    func value<Value: Decodable>(_ finding: TypeRecorder.Finding, as: Value.Type) throws -> Value {
        guard let value = finding.value as? Value else {
            note.hiddenBy = "\(Value.self)"
            throw TypeRecorder.Stuck()
        }
        return value
    }
}

extension RecordingDecoder: SingleValueDecodingContainer {
    /// Only optional types ask.
    func decodeNil() -> Bool {
        note.isOptional = true
        return false
    }

    private func answer<Value>(_ name: String, _ value: Value) -> Value {
        note.name = name
        return value
    }

    func decode(_: Bool.Type) -> Bool { answer("bool", false) }
    func decode(_: String.Type) -> String { answer("string", "") }
    func decode(_: Double.Type) -> Double { answer("double", 0) }
    func decode(_: Float.Type) -> Float { answer("double", 0) }
    func decode(_: Int.Type) -> Int { answer("int", 0) }
    func decode(_: Int8.Type) -> Int8 { answer("int", 0) }
    func decode(_: Int16.Type) -> Int16 { answer("int", 0) }
    func decode(_: Int32.Type) -> Int32 { answer("int", 0) }
    func decode(_: Int64.Type) -> Int64 { answer("int", 0) }
    func decode(_: UInt.Type) -> UInt { answer("int", 0) }
    func decode(_: UInt8.Type) -> UInt8 { answer("int", 0) }
    func decode(_: UInt16.Type) -> UInt16 { answer("int", 0) }
    func decode(_: UInt32.Type) -> UInt32 { answer("int", 0) }
    func decode(_: UInt64.Type) -> UInt64 { answer("int", 0) }

    func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
        let finding = recorder.visit(type)
        note.name = finding.name
        return try value(finding, as: type)
    }
}

extension RecordingDecoder {
    struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let decoder: RecordingDecoder
        var codingPath: [any CodingKey] { [] }

        /// The one key of a made-up dictionary. A number, for dictionaries whose keys are.
        private static var placeholder: String { "1" }
        /// Nil when the type knows its keys, so that it has fields.
        private let openKey = Key(stringValue: placeholder)

        init(decoder: RecordingDecoder) {
            self.decoder = decoder
            if openKey == nil, decoder.note.fields == nil {
                decoder.note.fields = []
                decoder.hasFields()
            }
        }

        var allKeys: [Key] { decoder.note.isEmpty ? [] : openKey.map { [$0] } ?? [] }
        func contains(_ key: Key) -> Bool { true }
        func decodeNil(forKey key: Key) -> Bool { false }

        private func find<Value: Decodable>(
            _ type: Value.Type, _ key: Key, optional: Bool = false
        ) -> TypeRecorder.Finding {
            let finding = decoder.recorder.visit(type)
            if openKey?.stringValue == key.stringValue {
                decoder.note.name = "map of \(finding.name)"
            } else {
                decoder.noteField(finding, key.stringValue, optional: optional)
            }
            return finding
        }

        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
            try decoder.value(find(type, key), as: type)
        }

        func decodeIfPresent<Value: Decodable>(_ type: Value.Type, forKey key: Key) -> Value? {
            find(type, key, optional: true).value as? Value
        }

        func decodeIfPresent(_ type: Bool.Type, forKey key: Key) -> Bool? { present(type, key) }
        func decodeIfPresent(_ type: String.Type, forKey key: Key) -> String? { present(type, key) }
        func decodeIfPresent(_ type: Double.Type, forKey key: Key) -> Double? { present(type, key) }
        func decodeIfPresent(_ type: Float.Type, forKey key: Key) -> Float? { present(type, key) }
        func decodeIfPresent(_ type: Int.Type, forKey key: Key) -> Int? { present(type, key) }
        func decodeIfPresent(_ type: Int8.Type, forKey key: Key) -> Int8? { present(type, key) }
        func decodeIfPresent(_ type: Int16.Type, forKey key: Key) -> Int16? { present(type, key) }
        func decodeIfPresent(_ type: Int32.Type, forKey key: Key) -> Int32? { present(type, key) }
        func decodeIfPresent(_ type: Int64.Type, forKey key: Key) -> Int64? { present(type, key) }
        func decodeIfPresent(_ type: UInt.Type, forKey key: Key) -> UInt? { present(type, key) }
        func decodeIfPresent(_ type: UInt8.Type, forKey key: Key) -> UInt8? { present(type, key) }
        func decodeIfPresent(_ type: UInt16.Type, forKey key: Key) -> UInt16? { present(type, key) }
        func decodeIfPresent(_ type: UInt32.Type, forKey key: Key) -> UInt32? { present(type, key) }
        func decodeIfPresent(_ type: UInt64.Type, forKey key: Key) -> UInt64? { present(type, key) }

        private func present<Value: Decodable>(_ type: Value.Type, _ key: Key) -> Value? {
            find(type, key, optional: true).value as? Value
        }

        // What is nested by hand is not followed.
        func nestedContainer<Nested: CodingKey>(
            keyedBy: Nested.Type, forKey key: Key
        ) -> KeyedDecodingContainer<Nested> {
            nested(key).container(keyedBy: Nested.self)
        }
        func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedDecodingContainer {
            nested(key).unkeyedContainer()
        }
        func superDecoder() -> any Decoder { decoder }
        func superDecoder(forKey key: Key) -> any Decoder { nested(key) }

        private func nested(_ key: Key) -> RecordingDecoder {
            decoder.noteField(.init(name: "any"), key.stringValue, optional: false)
            return RecordingDecoder(recorder: decoder.recorder, note: .init()) {}
        }
    }

    /// An array of one element.
    struct Unkeyed: UnkeyedDecodingContainer {
        let decoder: RecordingDecoder
        var codingPath: [any CodingKey] { [] }
        private(set) var currentIndex = 0

        init(decoder: RecordingDecoder) {
            self.decoder = decoder
            decoder.note.name = "array of any"
        }

        var count: Int? { decoder.note.isEmpty ? 0 : 1 }
        var isAtEnd: Bool { currentIndex == count }

        mutating func decodeNil() -> Bool { false }
        mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            let finding = decoder.recorder.visit(type)
            if currentIndex == 0 { decoder.note.name = "array of \(finding.name)" }
            currentIndex += 1
            return try decoder.value(finding, as: type)
        }
        mutating func nestedContainer<Nested: CodingKey>(
            keyedBy: Nested.Type
        ) -> KeyedDecodingContainer<Nested> {
            nested().container(keyedBy: Nested.self)
        }
        mutating func nestedUnkeyedContainer() -> any UnkeyedDecodingContainer {
            nested().unkeyedContainer()
        }
        mutating func superDecoder() -> any Decoder { nested() }

        private mutating func nested() -> RecordingDecoder {
            currentIndex += 1
            return RecordingDecoder(recorder: decoder.recorder, note: .init()) {}
        }
    }
}
