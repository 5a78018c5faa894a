/// What a type of bodies consists of, for reflection. `PROTOCOL.md`, TypeDescription.
public struct TypeDescription: CodableBody, Hashable {
    public var name: String
    public var fields: [Field]

    public struct Field: Codable, Hashable, Sendable {
        public var name: String
        /// `bool`, `int`, `double`, `string`, `binary`, `any`, the name of another type, or `array of` or
        /// `map of` one of these.
        public var type: String
        /// It may be left out.
        public var optional: Bool
        /// Words for people; empty when there are none.
        public var about: String

        public init(name: String, type: String, optional: Bool = false, about: String = "") {
            self.name = name
            self.type = type
            self.optional = optional
            self.about = about
        }
    }

    public init(name: String, fields: [Field]) {
        self.name = name
        self.fields = fields
    }
}
