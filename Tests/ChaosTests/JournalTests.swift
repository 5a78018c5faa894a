import Foundation
import Sales
import Testing

@testable import Chaos

@Suite struct JournalTests {
    @Test func `lines of many tasks never mix, and each is one JSON object`() async throws {
        let path = "/tmp/stampede-journal-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let journal = try Journal(path: path)
        await withTaskGroup { group in
            for task in 0..<8 {
                group.addTask {
                    for number in 0..<200 {
                        journal.write(journal.record("invoke").adding("op", task * 1_000 + number))
                    }
                }
            }
        }
        journal.write(journal.record("failure").adding("message", "“a\"b\\c\n”").adding("flags", [1, 2]))
        let lines = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
        let objects = try lines.map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
        #expect(Set(objects.compactMap { $0["op"] as? Int }).count == 1_600)
        #expect(objects.last?["message"] as? String == "“a\"b\\c ”")
        #expect(objects.last?["flags"] as? [Int] == [1, 2])
        #expect(objects.allSatisfy { ($0["t"] as? Int ?? -1) >= 0 })
    }

    @Test func `a key is written as Postgres writes a uuid`() {
        #expect(
            RequestKey(rawValue: 0x0123_4567_89ab_cdef_0011_2233_4455_6677).text
                == "01234567-89ab-cdef-0011-223344556677")
        #expect(RequestKey(rawValue: 1).text == "00000000-0000-0000-0000-000000000001")
    }
}
