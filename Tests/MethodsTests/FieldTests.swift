import Foundation
import Testing
import WireTestSupport

@testable import Wire

@Suite struct FieldTests {
    /// The names, read from the source: their hashes alone would not show that one is missing.
    private func names() throws -> [String] {
        let path = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/Methods/Field.swift")
        let text = try String(contentsOf: path, encoding: .utf8)
        return text.matches(of: /FieldName = "([a-z_]+)"/).map { String($0.output.1) }
    }

    @Test func `no two names share a hash`() throws {
        let names = try self.names()
        #expect(names.count > 40)
        #expect(Set(names).count == names.count)
        #expect(Set(names.map { FNV1a.hash($0.utf8) }).count == names.count)
    }

    @Test func `the page names every field`() throws {
        for name in try self.names() {
            #expect(ProtocolDocument.shared.text.contains("`\(name)`"), "\(name)")
        }
    }

    @Test(arguments: [
        ("", 0xcbf2_9ce4_8422_2325), ("a", 0xaf63_dc4c_8601_ec8c), ("foobar", 0x8594_4171_f739_67e8),
    ])
    func `the hash is FNV-1a of 64 bits`(text: String, hash: UInt64) {
        // Test vectors of draft-eastlake-fnv.
        #expect(FNV1a.hash(text.utf8) == hash)
    }
}
