/// A text with places to fill in, the plainest sort: `{{order}}`.
public struct Template: Hashable, Sendable {
    /// What stands in for a word of the event.
    public enum Placeholder: String, Hashable, Sendable, CaseIterable {
        case order
        case sale
        case buyer
        case units
        case until
        case time
        case reason
    }

    private enum Part: Hashable, Sendable {
        case text(String)
        case place(Placeholder)
    }

    private let parts: [Part]

    /// Why a text is no template, or cannot be filled in.
    public struct Mistake: Error, Hashable, Sendable, CustomStringConvertible {
        public let words: String
        public init(words: String) { self.words = words }
        public var description: String { words }
    }

    /// - Throws: for a placeholder that is not known, or does not end.
    public init(_ text: String) throws(Mistake) {
        var parts: [Part] = []
        var rest = text[...]
        while let open = rest.firstRange(of: "{{") {
            if open.lowerBound > rest.startIndex { parts.append(.text(String(rest[..<open.lowerBound]))) }
            rest = rest[open.upperBound...]
            guard let close = rest.firstRange(of: "}}") else {
                throw Mistake(words: "a {{ without }}")
            }
            let name = String(
                rest[..<close.lowerBound].drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            guard let place = Placeholder(rawValue: name) else {
                let known = Placeholder.allCases.map { "{{\($0.rawValue)}}" }.joined(separator: ", ")
                throw Mistake(words: "an unknown placeholder {{\(name.prefix(40))}}: there are \(known)")
            }
            parts.append(.place(place))
            rest = rest[close.upperBound...]
        }
        if !rest.isEmpty { parts.append(.text(String(rest))) }
        self.parts = parts
    }

    /// The text with everything filled in.
    ///
    /// - Throws: if the event does not say what a placeholder stands for.
    public func filled(_ value: (Placeholder) -> String?) throws(Mistake) -> String {
        var text = ""
        for part in parts {
            switch part {
            case .text(let words): text += words
            case .place(let place):
                guard let word = value(place) else {
                    throw Mistake(words: "the event says nothing of {{\(place.rawValue)}}")
                }
                // A word from outside stays a word: no new line, no terminal's command.
                text += String(String.UnicodeScalarView(word.unicodeScalars.map { $0.isControl ? " " : $0 }))
            }
        }
        return text
    }
}

extension UnicodeScalar {
    fileprivate var isControl: Bool { value < 0x20 || 0x7f...0x9f ~= value || 0x2028...0x2029 ~= value }
}

extension OrderEvent {
    /// What a placeholder stands for.
    func word(_ place: Template.Placeholder, offset: UTCOffset) -> String? {
        switch place {
        case .order: order
        case .sale: "\(sale)"
        case .buyer: "\(buyer)"
        case .units: "\(units)"
        case .until: until?.text(offset: offset)
        case .time: time.text(offset: offset)
        case .reason: reason
        }
    }
}
