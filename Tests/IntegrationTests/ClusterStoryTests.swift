import Foundation
import Testing

/// The commands against a whole cluster, in the order in which an operator would use them.
@Suite struct ClusterStoryTests {
    private static let key = "00000000-0000-0000-0000-00000000002a"

    /// A cluster that answers, started by `up`.
    static func up(
        _ folder: Folder, _ arguments: [String] = [], environment: [String: String] = [:]
    ) async throws -> (Program, pids: [String: Int32]) {
        let program = try Program(
            ["up", "--data", folder.data, "--json", "--lease-ttl", "1000"] + arguments, in: folder,
            environment: environment)
        let isReady = await eventually(within: .seconds(90)) {
            program.out.contains("\n") || !program.isRunning
        }
        try #require(isReady && program.isRunning, "\(program.err)")
        let ready = try #require(
            try JSONSerialization.jsonObject(with: Data(program.out.utf8)) as? [String: Any])
        let pids = try #require(ready["pids"] as? [String: Int])
        return (program, pids.mapValues(Int32.init))
    }

    @Test func `from up to Ctrl-C: a sale, an order, its end, the audit, and nothing left behind`()
        async throws
    {
        let folder = try Folder()
        let (cluster, pids) = try await Self.up(folder)
        // Five Redis nodes, Postgres, a broker, two workers, the relay and its Redis server.
        #expect(pids.count == 11)
        func stampede(_ line: String, _ name: String? = nil) async throws -> Program.Result {
            let arguments = line.split(separator: " ").map { $0 == "NAME" ? name ?? "" : String($0) }
            let data = line.hasPrefix("audit") ? ["--data", folder.data] : ["--data", folder.data]
            return try await Program.run(arguments + data, in: folder)
        }

        // Sales.
        let created = try await stampede(
            "sale create NAME --units 3 --price 19.99 --currency EUR --limit 2 --sale 42 --json", "Air “1”")
        #expect(created.code == 0, "\(created.err)")
        #expect(created.json["name"] as? String == "Air “1”")
        #expect(created.json["price_minor"] as? Int == 1_999)
        #expect(created.json["state"] as? String == "open")
        let again = try await stampede("sale create NAME --units 3 --price 1 --sale 42", "Other")
        #expect(again.code == 1 && again.err.contains("saleExists"))
        #expect(try await stampede("sale show 42").out.contains("19.99 EUR"))
        let later = try await stampede(
            "sale create NAME --units 5 --price 1 --sale 43 --opens +1h --json", "Later")
        #expect(later.json["state"] as? String == "scheduled")
        let listed = try await stampede("sale list")
        #expect(listed.code == 0 && listed.out.contains("Air “1”") && listed.out.contains("Later"))

        // Orders.
        let placed = try await stampede(
            "order place --sale 42 --buyer 7 --quantity 2 --key \(Self.key) --json")
        #expect(placed.code == 0, "\(placed.err)")
        #expect(placed.json["amount_minor"] as? Int == 3_998)
        let id = try #require(placed.json["order"] as? String)
        let repeated = try await stampede(
            "order place --sale 42 --buyer 7 --quantity 2 --key \(Self.key) --json")
        #expect(repeated.json["order"] as? String == id)
        #expect(try await stampede("order show \(id) --json").json["key"] as? String == Self.key)
        let settled = try await stampede("order settle --sale 42 --buyer 7 --key \(Self.key) --json")
        #expect(settled.json["outcome"] as? String == "placed")
        let voided = try await stampede("order settle --sale 42 --buyer 8 --key \(Self.key) --json")
        #expect(voided.json["outcome"] as? String == "voided")

        // Every refusal is its own sentence.
        for (line, words) in [
            ("order place --sale 42 --buyer 7 --quantity 1 --key \(Self.key)", ["keyReused"]),
            ("order place --sale 42 --buyer 8 --quantity 1 --key \(Self.key)", ["keyVoided"]),
            ("order place --sale 42 --buyer 7", ["overLimit"]),
            ("order place --sale 42 --buyer 9 --quantity 2", ["notEnough", "1 unit"]),
            ("order place --sale 42 --buyer 9 --quantity 2000000", ["("]),
            ("order place --sale 43 --buyer 9", ["notYetOpen", "stampede sale open 43"]),
            ("order place --sale 44 --buyer 9", ["unknownSale", "stampede sale list"]),
            ("sale show 44", ["unknownSale"]),
            ("order show 1-999999", ["unknownOrder"]),
        ] {
            let refused = try await stampede(line)
            #expect(refused.code == 1, "\(line): \(refused.err)")
            #expect(refused.out == "")
            for word in words { #expect(refused.err.contains(word), "\(line): \(refused.err)") }
        }

        // Sold out, more units, closed, open.
        #expect(try await stampede("order place --sale 42 --buyer 9").code == 0)
        let soldOut = try await stampede("order place --sale 42 --buyer 10")
        #expect(soldOut.code == 1 && soldOut.err.contains("stampede order wait --sale 42"))
        #expect(try await stampede("sale add-units 42 2 --json").json["left"] as? Int == 2)
        #expect(try await stampede("order place --sale 42 --buyer 10").code == 0)
        #expect(try await stampede("sale close 42 --confirm 42 --json").json["state"] as? String == "closed")
        let closed = try await stampede("order place --sale 42 --buyer 11")
        #expect(closed.code == 1 && closed.err.contains("stampede sale open 42"))
        #expect(try await stampede("sale open 42 --json").json["state"] as? String == "open")
        #expect(try await stampede("order place --sale 42 --buyer 11").code == 0)

        // What runs, and who owns what.
        let status = try await stampede("status --json")
        let partitions = try #require(status.json["partitions"] as? [[String: Any]])
        #expect(partitions.count == 64)
        #expect(partitions.allSatisfy { $0["owner"] is String })
        #expect((status.json["workers"] as? [[String: Any]])?.count == 2)
        #expect(try await stampede("status").out.contains("worker-1"))

        // A second cluster in the folder, and an audit.
        let second = try await Program.run(["up", "--data", folder.data], in: folder)
        #expect(second.code == 1 && second.err.contains("\(cluster.pid)"))
        let audit = try await stampede("audit --json")
        #expect(audit.code == 0, "\(audit.err)")
        #expect(audit.json["ok"] as? Bool == true)
        #expect((audit.json["checks"] as? [Any])?.isEmpty == false)

        cluster.signal(SIGINT)
        let end = try await cluster.result()
        #expect(end.code == 0, "\(end.err)")
        #expect(await eventually { folder.processes.isEmpty })
        #expect(try await stampede("status").code == 1)

        // The ledger goes on where it was.
        let (next, _) = try await Self.up(folder, ["--workers", "1"])
        let kept = try await stampede("order show \(id) --json")
        #expect(kept.json["key"] as? String == Self.key, "\(kept.err)")
        next.signal(SIGTERM)
        #expect(try await next.result().code == 0)
        #expect(folder.processes.isEmpty)
    }

    @Test func `a Redis node that is missing is named, and sales go on`() async throws {
        let folder = try Folder()
        let (cluster, pids) = try await Self.up(folder, ["--workers", "1", "--redis", "3"])
        let file = URL(fileURLWithPath: folder.data).appendingPathComponent("cluster.json")
        let text = try String(contentsOf: file, encoding: .utf8)
        let json = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        let redis = try #require(json["redisAddresses"] as? [String])
        let ledger = try #require(json["ledgerDSN"] as? String)
        let broker = try #require((json["brokers"] as? [[String: String]])?.first?["workers"])
        let worker = try Program(
            [
                "worker", "--name", "extra", "--broker", broker, "--redis", redis[0], "--redis", redis[1],
                "--redis", "127.0.0.1:9", "--ledger", ledger, "--lease-ttl", "1000",
            ], in: folder)
        #expect(await eventually { worker.err.contains("redis=127.0.0.1:9") })
        worker.signal(SIGTERM)
        #expect(try await worker.result().code == 0)

        // The cluster's own worker stands a kill, and the supervisor tells of it.
        kill(try #require(pids["worker-1"]), SIGKILL)
        let create = [
            "sale", "create", "x", "--units", "1", "--price", "1", "--sale", "5", "--data", folder.data,
        ]
        let created = try await Program.run(create, in: folder)
        #expect(created.code == 0, "\(created.err)")
        #expect(await eventually { cluster.err.contains("worker-1 runs again") })
        cluster.signal(SIGINT)
        #expect(try await cluster.result().code == 0)
        #expect(await eventually { folder.processes.isEmpty })
    }

    @Test func `Ctrl-C while the cluster comes up leaves nothing behind`() async throws {
        let folder = try Folder()
        let program = try Program(["up", "--data", folder.data], in: folder)
        #expect(await eventually { folder.processes.count > 1 })
        program.signal(SIGINT)
        #expect(try await program.result().code == 0)
        #expect(await eventually { folder.processes.isEmpty })
    }
}
