import Testing
import ZeroMQ

@testable import Broker

@Suite struct KeyTableTests {
    private let shop: CurveKey
    private let ops: CurveKey
    private let worker: CurveKey

    init() throws {
        shop = try CurveKeyPair().publicKey
        ops = try CurveKeyPair().publicKey
        worker = try CurveKeyPair().publicKey
    }

    private func list(_ lines: String...) throws -> AllowList {
        try AllowList(parsing: lines.joined(separator: "\n"), path: "x")
    }

    private func table(_ random: UInt64 = 7) throws -> KeyTable {
        KeyTable(
            try list("service a \(shop)", "operator b \(ops)", "worker c \(worker)"), random: random)
    }

    @Test func `a key opens the port of its role and no other`() throws {
        let table = try table()
        for key in [shop, ops] {
            #expect(table.userID(of: key, at: .clients) != nil)
            #expect(table.userID(of: key, at: .workers) == nil)
        }
        #expect(table.userID(of: worker, at: .workers) != nil)
        #expect(table.userID(of: worker, at: .clients) == nil)
        #expect(table.userID(of: try CurveKeyPair().publicKey, at: .clients) == nil)
    }

    @Test func `a user id leads to the roles that its key has now`() throws {
        var table = try table()
        let id = try #require(table.userID(of: shop, at: .clients))
        #expect(table.roles(of: id.span) == .service)
        table.replace(with: try list("operator a \(shop)", "operator b \(ops)"))
        #expect(table.roles(of: id.span) == .operator)
        table.replace(with: try list("operator b \(ops)"))
        #expect(table.roles(of: id.span) == [])
        #expect(table.userID(of: shop, at: .clients) == nil)
        table.replace(with: try list("service,worker a \(shop)"))
        #expect(table.roles(of: id.span) == [.service, .worker])
        #expect(table.userID(of: shop, at: .workers) == id)
    }

    @Test func `a user id that was not given here is nobody's`() throws {
        let table = try table()
        let id = try #require(table.userID(of: ops, at: .clients))
        // Of another process.
        let other = try self.table(8)
        #expect(other.roles(of: id.span) == [])
        for index in id.indices {
            for byte: UInt8 in [0, 0x2f, 0x39, 0x3a, 0x60, 0x67, 0xff] where byte != id[index] {
                var forged = id
                forged[index] = byte
                #expect(table.roles(of: forged.span).isSubset(of: index < 16 ? [] : .worker))
            }
        }
        for forged in [[], [UInt8](id.dropLast()), id + [0x30], [UInt8](repeating: 0x66, count: 24)] {
            #expect(table.roles(of: forged.span) == [])
        }
    }

    /// Every message asks; this is what it may cost.
    @Test func `looking up a sender does not depend on how many keys there are`() throws {
        let lines = try (0..<500).map { "service s\($0) \(try CurveKeyPair().publicKey)" }
        let table = KeyTable(
            try AllowList(parsing: (lines + ["operator o \(ops)"]).joined(separator: "\n"), path: "x"),
            random: 1)
        let id = try #require(table.userID(of: ops, at: .clients))
        #expect(table.roles(of: id.span) == .operator)
    }
}
