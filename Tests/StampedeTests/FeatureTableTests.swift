import Foundation
import Testing

/// `docs/rpc.md` claims nothing that no test shows.
@Suite struct FeatureTableTests {
    private static let docs = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "../../docs")

    @Test func `every row of the comparison names a test that exists`() throws {
        let page = try String(contentsOf: Self.docs.appending(path: "rpc.md"), encoding: .utf8)
        let rows = page.split(separator: "\n").filter { $0.hasPrefix("| ") && !$0.hasPrefix("| ---") }
            .dropFirst()
        #expect(rows.count > 30)
        for row in rows {
            let link = try #require(row.firstMatch(of: /\[([^\]]+)\]\(([^)]+)\)/), "\(row)")
            let source = try String(
                contentsOf: Self.docs.appending(path: String(link.output.2)), encoding: .utf8)
            #expect(source.contains("func `\(link.output.1)`"), "\(link.output.1)")
        }
    }
}
