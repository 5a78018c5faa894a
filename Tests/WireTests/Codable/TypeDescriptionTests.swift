import Testing
import Wire
import WireTestSupport

@Suite struct TypeDescriptionTests {
    enum Colour: String, Codable, CaseIterable {
        case red
        case green
    }

    /// Nothing can be made up for it.
    enum Secret: String, Codable {
        case only
    }

    struct Line: Codable, FieldNotes {
        var name: String
        var colour: Colour
        static let about = ["name": "What it is."]
    }

    struct Basket: CodableBody {
        var id: Int
        var lines: [Line]
        var prices: [String: Double]
        var note: String?
        var gift: Line?
        var photo: Binary
        var rest: MessagePackValue
        var maybe: [Int?]
        static let about = ["id": "Its number."]
    }

    struct Tree: Codable {
        var children: [Tree]
        var parent: [String: Tree]?
        var last: Bool
    }

    struct Hider: Codable {
        var first: Int
        var secret: Secret
        var after: Int
    }

    typealias Field = TypeDescription.Field

    @Test func `a type is described with those in it`() {
        let (names, types) = TypeDescription.describe([Basket.self])
        #expect(names == ["Basket"])
        #expect(types.map(\.name) == ["Basket", "Line"])
        #expect(
            types.first?.fields == [
                Field(name: "id", type: "int", about: "Its number."),
                Field(name: "lines", type: "array of Line"),
                Field(name: "prices", type: "map of double"),
                Field(name: "note", type: "string", optional: true),
                Field(name: "gift", type: "Line", optional: true),
                Field(name: "photo", type: "binary"),
                Field(name: "rest", type: "any"),
                Field(name: "maybe", type: "array of int"),
            ])
        #expect(
            types.last?.fields == [
                Field(name: "name", type: "string", about: "What it is."),
                Field(name: "colour", type: "string", about: "One of red, green."),
            ])
    }

    @Test func `a type that contains itself is described once`() {
        let (names, types) = TypeDescription.describe([Tree.self, [Tree].self])
        #expect(names == ["Tree", "array of Tree"])
        #expect(
            types == [
                TypeDescription(
                    name: "Tree",
                    fields: [
                        Field(name: "children", type: "array of Tree"),
                        Field(name: "parent", type: "map of Tree", optional: true),
                        Field(name: "last", type: "bool"),
                    ])
            ])
    }

    @Test func `what cannot be seen is said`() throws {
        let fields = try #require(TypeDescription.describe([Hider.self]).types.first?.fields)
        #expect(fields.map(\.name) == ["first", "secret", "…"])
        #expect(fields.last?.about.contains("Secret") == true)
    }

    @Test func `descriptions describe themselves`() {
        #expect(
            TypeDescription.describe([MethodDescription.self]).types.map(\.name) == [
                "MethodDescription", "TypeDescription", "Field",
            ])
    }

    @Test func `a method's description has the bytes of the page`() {
        let description = MethodDescription(
            name: "greeter.hello", kind: .unary, about: "Greets by name.", request: "Hello",
            reply: "Greeting",
            types: [
                TypeDescription(
                    name: "Hello",
                    fields: [Field(name: "name", type: "string", about: "Who is greeted.")])
            ])
        let frame = Frame.encode(Header(.describe), body: description)
        #expect(ProtocolDocument.shared.frame("DESCRIBE")?.bytes == frame)
    }
}
