import Foundation
import Sales
import Testing

/// A receipt, from the worker that decided to whoever checks it without a connection.
@Suite struct ReceiptStoryTests {
    private let folder: Folder

    init() throws { folder = try Folder() }

    private func stampede(_ line: String) async throws -> Program.Result {
        try await Program.run(
            line.split(separator: " ").map(String.init) + ["--data", folder.data], in: folder)
    }

    /// Checks a receipt where no cluster is.
    private func check(_ file: String, _ key: String) async throws -> Program.Result {
        try await Program.run(["audit", "--receipt", file, "--public-key", key], in: folder)
    }

    @Test func `a receipt proves an order without a connection, and whatever is changed in it is found`()
        async throws
    {
        let (cluster, _) = try await ClusterStoryTests.up(folder, ["--workers", "2"])
        #expect(try await stampede("sale create x --units 9 --price 9.95 --limit 2 --sale 7").code == 0)
        let placed = try await stampede("order place --sale 7 --buyer 42 --quantity 2 --json")
        let order = try #require(placed.json["order"] as? String, "\(placed.err)")
        let id = try #require(OrderID(order))
        let file = "\(folder.path)/order.json"
        let written = try await stampede("order receipt \(order) --out \(file)")
        #expect(written.code == 0 && written.err.contains("Wrote"), "\(written.err)")
        #expect(try await stampede("order receipt \(order) --out \(file)").err.contains("there already"))
        let cancelled = try await stampede("order cancel \(order) --buyer 42 --json")
        #expect(cancelled.code == 0, "\(cancelled.err)")
        // The entry that cancelled it is the partition's next.
        let second = "\(folder.path)/cancelled.json"
        #expect(
            try await stampede("order receipt \(order) --entry \(id.sequence + 1) --out \(second)").code == 0)
        #expect(try await stampede("order receipt \(order) --entry 1").err.contains("unknownOrder"))
        #expect(try await stampede("order receipt \(id.partition)-999").err.contains("unknownOrder"))
        let audit = try await stampede("audit --json --public-key \(folder.data)/receipts.pub")
        #expect(audit.code == 0, "\(audit.out)")
        cluster.signal(SIGINT)
        #expect(try await cluster.result().code == 0)

        let key = "\(folder.data)/receipts.pub"
        let proof = try await check(file, key)
        #expect(proof.code == 0, "\(proof.err)")
        #expect(
            proof.out.contains("order \(order) of buyer 42 was placed, for 2 units of sale 7"), "\(proof.out)"
        )
        #expect(try await check(second, key).out.contains("order \(order) of buyer 42 was cancelled"))
        #expect(try await Program.run(["audit", "--receipt", file], in: folder).code == 64)
        #expect(try await check("\(folder.path)/none.json", key).code == 2)
        try await tamper(file, key)
    }

    private func tamper(_ file: String, _ key: String) async throws {
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let entry = try #require(object["entry"] as? [String: Any])
        let batch = try #require(object["batch"] as? [String: Any])
        let signature = try #require(object["signature"] as? [String: Any])
        func changed(_ part: [String: Any], _ field: String) -> [String: Any] {
            var part = part
            switch part[field] {
            case let text as String:
                // Another digit, so that it stays what it was in form.
                part[field] = (text.hasPrefix("1") ? "2" : "1") + text.dropFirst()
            case let number as Int: part[field] = number + 1
            default: break
            }
            return part
        }
        var tampered: [(String, [String: Any])] = []
        for field in entry.keys {
            tampered.append(("entry.\(field)", object.merging(["entry": changed(entry, field)]) { $1 }))
        }
        for field in batch.keys {
            tampered.append(("batch.\(field)", object.merging(["batch": changed(batch, field)]) { $1 }))
        }
        for field in signature.keys {
            tampered.append(
                ("signature.\(field)", object.merging(["signature": changed(signature, field)]) { $1 }))
        }
        tampered.append(("no signature", object.filter { $0.key != "signature" }))
        tampered.append(("version", object.merging(["stampede_receipt": 2]) { $1 }))
        tampered.append(("another path", object.merging(["path": [batch["root"] ?? ""]]) { $1 }))
        tampered.append(
            ("size", object.merging(["transaction": ["place": 0, "size": 2, "siblings": [String]()]]) { $1 }))
        let copy = "\(folder.path)/tampered.json"
        for (what, object) in tampered {
            try JSONSerialization.data(withJSONObject: object).write(to: URL(filePath: copy))
            let result = try await check(copy, key)
            #expect(result.code == 1, "\(what): \(result.out)")
            #expect(result.out == "" && result.err.contains("proves nothing"), "\(what): \(result.err)")
        }
        try Data("{".utf8).write(to: URL(filePath: copy))
        #expect(try await check(copy, key).code == 1)
        let other = try await Program.run(
            ["keygen", "other", "--receipts", "--out", folder.path], in: folder)
        #expect(other.code == 0)
        let stranger = other.out.trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(try await check(file, stranger).err.contains("not among those that are trusted"))
    }
}
