import Foundation
import Testing

/// The page's code is the example's, which is compiled and run.
@Suite struct ServicesPageTests {
    private func read(_ path: String) throws -> String {
        let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../")
        return try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// Lines without what differs between a page and a file: indentation and empty ones.
    private func lines(_ text: some StringProtocol) -> [String] {
        text.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty }
    }

    @Test func `every block of Swift on the page is in the example`() throws {
        let example = lines(try read("Tests/StampedeTestingTests/GreeterExample.swift"))
        let parts = try read("docs/services.md").components(separatedBy: "```")
        let blocks = parts.filter { $0.hasPrefix("swift\n") }.map { lines($0.dropFirst("swift\n".count)) }
        #expect(blocks.count >= 5)
        for block in blocks {
            let starts = example.indices.filter { example[$0...].starts(with: block) }
            #expect(!starts.isEmpty, "not in GreeterExample.swift: \(block.first ?? "")")
        }
    }
}
