import Foundation
import Testing
import Wire
import ZeroMQ

@testable import Broker

@Suite struct AllowListTests {
    private let keys: [CurveKey]

    init() throws { keys = try (0..<3).map { _ in try CurveKeyPair().publicKey } }

    @Test func `a line is a key with its roles`() throws {
        let list = try AllowList(
            parsing: """
                # The shop's two edges.
                service edge-1 \(keys[0])

                  operator,service\tops\t\(keys[1])  \r
                worker worker-1 \(keys[2])
                """, path: "x")
        #expect(list.entries.map(\.roles) == [.service, [.operator, .service], .worker])
        #expect(list.entries.map(\.name) == ["edge-1", "ops", "worker-1"])
        #expect(list.entries.map(\.key) == keys)
    }

    @Test func `a key may contain what begins a comment`() throws {
        var key = try CurveKeyPair().publicKey
        while !"\(key)".contains("#") { key = try CurveKeyPair().publicKey }
        #expect(try AllowList(parsing: "service x \(key)", path: "x").entries.map(\.key) == [key])
    }

    @Test func `every mistake is named with its line`() throws {
        let text = """
            service one \(keys[0])
            boss two \(keys[1])
            service \(keys[1])
            worker,, three \(keys[1])
            # service four short
            service five short
            operator six \(keys[0])
            service \(String(repeating: "n", count: 121)) \(keys[2])
            """
        let error = #expect(throws: SecurityError.self) { try AllowList(parsing: text, path: "/a/list") }
        let sentence = try #require(error?.message)
        for words in [
            "‘/a/list’", "line 2: ‘boss’ is no role", "line 3: write ROLE", "line 4: ‘’ is no role",
            "line 6: the key is not", "line 7: the key is in line 1 already", "line 8: the name is longer",
        ] { #expect(sentence.contains(words), "\(words): \(sentence)") }
        #expect(!sentence.contains("line 1:") && !sentence.contains("line 5"))
    }

    @Test func `many mistakes are counted, not all told`() {
        let text = String(repeating: "x\n", count: 50)
        let error = #expect(throws: SecurityError.self) { try AllowList(parsing: text, path: "x") }
        #expect(error?.message.contains("and 40 more") == true)
    }

    @Test(arguments: ["", "\n\n", "# nobody\n"]) func `a list of nobody is a mistake`(text: String) {
        #expect(throws: SecurityError.self) { try AllowList(parsing: text, path: "x") }
    }

    @Test func `a list that others may write decides nothing`() throws {
        let path = NSTemporaryDirectory() + "list-\(UUID().uuidString)"
        try SecretFile.create(path, what: "list", mode: 0o600, content: "service x \(keys[0])")
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(try AllowList.load(path).entries.count == 1)
        try FileManager.default.setAttributes([.posixPermissions: 0o664], ofItemAtPath: path)
        let error = #expect(throws: SecurityError.self) { try AllowList.load(path) }
        #expect(error?.message.contains("chmod go-w \(path)") == true)
    }
}
