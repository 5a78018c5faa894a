import Foundation
import Testing

@testable import ZeroMQ

@Suite final class KeyFileTests {
    private let folder = NSTemporaryDirectory() + "keys-" + UUID().uuidString

    init() throws {
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }
    deinit { try? FileManager.default.removeItem(atPath: folder) }

    private func write(_ text: String, mode: UInt32 = 0o600) throws -> String {
        let path = "\(folder)/\(UUID().uuidString)"
        try SecretFile.create(path, what: "file", mode: mode, content: text)
        try FileManager.default.setAttributes([.posixPermissions: Int(mode)], ofItemAtPath: path)
        return path
    }

    @Test func `what was written is read`() throws {
        let pair = try CurveKeyPair()
        let file = try write(KeyFile.text(of: pair, name: "shop"))
        #expect(try KeyFile.load(file) == pair)
        let published = try write(KeyFile.text(of: pair.publicKey, name: "shop"), mode: 0o644)
        for source in [file, published, "\(pair.publicKey)"] {
            #expect(try KeyFile.publicKey(source) == pair.publicKey)
        }
        #expect(try ConnectionKeys(broker: published, file: file).own == pair)
    }

    @Test func `a secret that others may read is refused, with the remedy`() throws {
        let text = KeyFile.text(of: try CurveKeyPair(), name: "shop")
        for mode: UInt32 in [0o640, 0o604, 0o660, 0o644] {
            let path = try write(text, mode: mode)
            let error = #expect(throws: SecurityError.self) { try KeyFile.load(path) }
            #expect(error?.message.contains("chmod 600 \(path)") == true)
        }
    }

    @Test func `a file is never overwritten`() throws {
        let path = try write("one")
        #expect(throws: SecurityError.self) {
            try SecretFile.create(path, what: "file", mode: 0o600, content: "two")
        }
        #expect(try SecretFile.read(path, what: "file", .anybody) == "one")
    }

    @Test func `a secret is the one line of a file that nobody else may use`() throws {
        #expect(try SecretFile.line(try write("s3cret \n\n", mode: 0o600), what: "secret") == "s3cret ")
        for text in ["", "\n", "one\ntwo\n"] {
            #expect(throws: SecurityError.self) {
                try SecretFile.line(try write(text, mode: 0o600), what: "secret")
            }
        }
        let error = #expect(throws: SecurityError.self) {
            try SecretFile.line(try write("s3cret\n", mode: 0o644), what: "secret")
        }
        #expect(error?.message.contains("chmod 600") == true)
    }

    @Test(arguments: [
        "", "public x", "secret", "hello world", "public \(CurveKeyTests.publicText)",
        "public \(CurveKeyTests.publicText)\nsecret \(CurveKeyTests.publicText)",
        "secret \(CurveKeyTests.secretText) more",
    ])
    func `a file that holds no pair is refused without showing what it holds`(text: String) throws {
        let path = try write(text)
        let error = #expect(throws: SecurityError.self) { try KeyFile.load(path) }
        #expect(error?.message.contains(path) == true)
        #expect(error?.message.contains(CurveKeyTests.secretText) == false)
    }

    @Test func `what cannot be read is named`() throws {
        for path in ["\(folder)/none", folder, "/dev/null"] {
            let error = #expect(throws: SecurityError.self) { try KeyFile.load(path) }
            #expect(error?.message.contains(path) == true)
        }
        #expect(throws: SecurityError.self) { try KeyFile.publicKey("neither a key nor a file") }
    }
}
