import Methods
import Sales
import Testing
import Wire

/// What reflection says of a body is what is written.
@Suite struct DescriptionTests {
    static let all =
        MethodDescription.ofBrokers + MethodDescription.ofSales + MethodDescription.ofLocks
        + MethodDescription.ofContacts
        + MethodDescription.ofPayments
    static let types = Dictionary(
        all.flatMap(\.types).map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })

    @Test func `every method is described once, and every type that is named`() {
        let names = DescriptionTests.all.map(\.name)
        #expect(Set(names).count == names.count)
        for description in DescriptionTests.all {
            #expect(!description.about.isEmpty)
            for name in [description.request, description.reply] where name != "Empty" {
                #expect(description.types.contains { $0.name == name }, "\(description.name): \(name)")
            }
            for field in description.types.flatMap(\.fields) where field.type.hasPrefix("array of ") {
                let name = String(field.type.dropFirst("array of ".count))
                #expect(description.types.contains { $0.name == name }, "\(description.name): \(name)")
            }
        }
    }

    @Test func `a description fits in a message`() {
        for description in DescriptionTests.all {
            #expect(Header.size + Sample.encode(description).count <= Limits.messageSize)
        }
    }

    @Test(arguments: (Sample.requests + Sample.replies).filter { types[$0.type] != nil })
    func `the fields of a body are those that are described`(sample: Sample) throws {
        let described = try #require(DescriptionTests.types[sample.type])
        var offset = 0
        guard case .map(let pairs) = try MessagePackValue(decoding: sample.bytes.span, at: &offset) else {
            Issue.record("a body is a map")
            return
        }
        let written = Set(pairs.map(\.key))
        #expect(written.isSubset(of: described.fields.map(\.name)))
        #expect(written.isSuperset(of: described.fields.filter { !$0.optional }.map(\.name)))
    }
}

extension Sample {
    fileprivate var type: String { String(description.prefix { $0 != "," }) }
}
