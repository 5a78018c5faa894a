/// Finds out what a type consists of: lets it decode from a decoder that notes what it is asked for and makes
/// every answer up.
final class TypeRecorder {
    /// What is known of a type, and a value of it if one can be made.
    struct Finding {
        var name: String
        var isOptional = false
        var about = ""
        var value: Any?
    }

    private var findings: [ObjectIdentifier: Finding] = [:]
    /// Types with fields, in the order in which they were met; nil while their fields are being noted.
    private var order: [ObjectIdentifier] = []
    private var described: [ObjectIdentifier: TypeDescription] = [:]

    /// Types within types beyond this are not looked into.
    private static let maximumDepth = 32
    private var depth = 0

    var types: [TypeDescription] { order.compactMap { described[$0] } }

    func visit<Value: Decodable>(_ type: Value.Type) -> Finding {
        let id = ObjectIdentifier(type)
        if let known = findings[id] { return known }
        let finding: Finding
        if type == Binary.self {
            finding = Finding(name: "binary", value: Binary([]))
        } else if type == MessagePackValue.self {
            finding = Finding(name: "any", value: MessagePackValue.null)
        } else if order.contains(id) || depth == TypeRecorder.maximumDepth {
            // A type that contains itself: its name says it all, and there is no value yet.
            return Finding(name: "\(type)")
        } else {
            finding = look(into: type, id)
        }
        findings[id] = finding
        return finding
    }

    private func look<Value: Decodable>(into type: Value.Type, _ id: ObjectIdentifier) -> Finding {
        depth += 1
        defer { depth -= 1 }
        let note = Note()
        let value = try? Value(from: RecordingDecoder(recorder: self, note: note) { self.order.append(id) })
        var finding = Finding(name: note.name ?? "\(type)", isOptional: note.isOptional, value: value)
        if let fields = note.fields {
            described[id] = describe(type, fields, hiddenBy: value == nil ? note.hiddenBy : nil)
        } else if value == nil {
            // An array or map of something that cannot be made up can still be empty.
            let decoder = RecordingDecoder(recorder: self, note: Note(isEmpty: true)) {}
            finding.value = try? Value(from: decoder)
        }
        if finding.value == nil, let type = type as? any CaseIterable.Type {
            (finding.value, finding.about) = TypeRecorder.cases(of: type)
        }
        if finding.value == nil { finding.value = (type as? any Exemplified.Type)?.example }
        return finding
    }

    private func describe(
        _ type: any Decodable.Type, _ fields: [TypeDescription.Field], hiddenBy hider: String?
    ) -> TypeDescription {
        var fields = fields
        let notes = (type as? any FieldNotes.Type)?.about ?? [:]
        for index in fields.indices {
            if let words = notes[fields[index].name] { fields[index].about = words }
        }
        if let hider {
            fields.append(
                .init(
                    name: "…", type: "any", optional: true,
                    about: "More fields may follow; make \(hider) CaseIterable or Exemplified to show them."))
        }
        return TypeDescription(name: "\(type)", fields: fields)
    }

    private static func cases<Value: CaseIterable>(of: Value.Type) -> (value: Any?, about: String) {
        let names = Value.allCases.compactMap { value -> String? in
            guard let value = value as? any Encodable,
                case .string(let name)? = try? ValueEncoder.encode(value)
            else { return nil }
            return name
        }
        let about = names.isEmpty ? "" : "One of " + names.joined(separator: ", ") + "."
        return (Value.allCases.first, about)
    }
}

extension TypeRecorder {
    /// What one type asked its decoder for.
    final class Note {
        /// Nil for a type with fields of its own.
        var name: String?
        var isOptional = false
        var fields: [TypeDescription.Field]?
        /// The type of which no value could be made.
        var hiddenBy: String?
        /// Let collections be empty instead of asking for an element.
        let isEmpty: Bool

        init(isEmpty: Bool = false) { self.isEmpty = isEmpty }
    }

    /// No value can be made up.
    struct Stuck: Error {}
}

extension TypeDescription {
    /// Describes a type and those it contains, the type itself first, by watching what it decodes.
    ///
    /// A field whose type takes only certain values hides those after it, because nothing can be made up for
    /// it: let such types be `CaseIterable` or `Exemplified`. What is hidden is said in a field named `…`.
    public static func describe(
        _ types: [any Decodable.Type]
    ) -> (names: [String], types: [TypeDescription]) {
        let recorder = TypeRecorder()
        let names = types.map { recorder.visit($0).name }
        return (names, recorder.types)
    }
}

/// A type that can show a value of itself, so that types which contain it can be described.
public protocol Exemplified {
    static var example: Self { get }
}
