import Foundation
import Testing

/// `docs/safety.md` names nothing that is not there.
@Suite struct SafetyPageTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")

    private static func read(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    @Test func `every promise and every event of the safety page names tests that exist`() throws {
        let page = try Self.read("docs/safety.md")
        let parts = page.split(separator: "\n## ").dropFirst()
        let promises = try #require(parts.first { $0.hasPrefix("The promises") })
        let events = try #require(parts.first { $0.hasPrefix("What fails") })
        #expect((1...8).allSatisfy { promises.contains("### P\($0) ") })
        for promise in promises.split(separator: "\n### ").dropFirst() {
            #expect(Self.rows(promise).count >= 2, "\(promise.prefix { $0 != "\n" })")
        }
        for row in (Self.rows(promises) + Self.rows(events)) {
            #expect(row.contains("](../Tests/"), "\(row)")
        }
        for link in page.matches(of: /\[([^\]]+)\]\(\.\.\/(Tests\/[^)]+)\)/) {
            let source = try Self.read(String(link.output.2))
            #expect(source.contains("func `\(link.output.1)`"), "\(link.output.1)")
        }
    }

    @Test func `every file, function and planted bug of the safety page exists`() throws {
        let page = try Self.read("docs/safety.md")
        let schema = try Self.read("Sources/Ledger/Migrations/0001_ledger.sql")
        let simulated = try Self.read("Sources/PlantedBugs/PlantedBug.swift")
        let modelled = try Self.read("proof/check")
        var planted = 0
        for name in page.matches(of: /`([^` ]+)`/).map({ String($0.output.1) }) {
            if name.hasPrefix("Sources/") || name.hasPrefix("proof/") {
                #expect(
                    FileManager.default.fileExists(atPath: Self.root.appending(path: name).path), "\(name)")
            } else if name.hasPrefix("stampede.") {
                #expect(schema.contains(name), "\(name)")
            } else if name.wholeMatch(of: /[a-z]+(-[a-z]+)+/) != nil {
                #expect(simulated.contains("\"\(name)\""), "\(name)")
                planted += 1
            } else if name.wholeMatch(of: /[A-Z]+(_[A-Z]+)+/) != nil, name != "CLOCK_BOOTTIME" {
                #expect(modelled.contains("\"\(name) "), "\(name)")
                planted += 1
            }
        }
        #expect(planted > 20)
    }

    /// The rows of tables, without their heads.
    private static func rows(_ text: Substring) -> [Substring] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return lines.indices.filter { index in
            lines[index].hasPrefix("| ") && !lines[index].hasPrefix("| ---")
                && (index + 1 == lines.endIndex || !lines[index + 1].hasPrefix("| ---"))
        }.map { lines[$0] }
    }
}
