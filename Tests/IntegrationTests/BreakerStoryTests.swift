import Client
import Foundation
import Sales
import Testing
import Wire

/// What keeps a running worker off its ledger and its Redis nodes: real processes, and the commands that show and force.
@Suite struct BreakerStoryTests {
    @Test func `what an operator forces open refuses at once, and sells again when it is lifted`()
        async throws
    {
        let folder = try Folder()
        let (cluster, _) = try await ClusterStoryTests.up(folder, ["--workers", "1", "--brokers", "2"])
        func stampede(_ line: String) async throws -> Program.Result {
            try await Program.run(
                line.split(separator: " ").map(String.init) + ["--data", folder.data], in: folder)
        }
        func breakers() async throws -> [[String: Any]] {
            let shown = try await stampede("worker breaker worker-1 --json")
            #expect(shown.code == 0, "\(shown.err)")
            return try #require(shown.json["breakers"] as? [[String: Any]])
        }
        let created = try await stampede("sale create x --units 10 --price 1 --sale 7 --timeout 60")
        #expect(created.code == 0, "\(created.err)")
        let client = try Self.client(folder)
        func place(_ buyer: Int64, attempts: Int) async throws(CallError) {
            _ = try await client.placeOrder(
                sale: SaleID(rawValue: 7), buyer: BuyerID(rawValue: buyer),
                options: CallOptions(deadline: .seconds(30), maximumAttempts: attempts))
        }
        try await place(1, attempts: 15)
        #expect(try await breakers().allSatisfy { $0["forced"] is NSNull && $0["state"] is String })

        let forced = try await stampede(
            "worker breaker worker-1 --force open --purpose commit --for 1h --actor ada")
        #expect(forced.code == 0 && forced.out.contains("ada"), "\(forced.err)")
        for buyer in 2...4 as ClosedRange<Int64> {
            let refusal = await #expect(throws: CallError.self) { try await place(buyer, attempts: 1) }
            #expect(refusal?.status == .unavailable && refusal?.reason == .ledgerUnavailable)
            #expect(refusal?.certainty == .notExecuted)
            #expect(refusal?.retryAfter == .milliseconds(500))
        }
        let commit = try #require(try await breakers().first { $0["purpose"] as? String == "commit" })
        #expect(commit["forced"] as? String == "open" && commit["actor"] as? String == "ada")
        #expect(try #require(commit["refused"] as? Int) >= 3)
        #expect(try #require(commit["left_ms"] as? Int) > 3_000_000)

        let lifted = try await stampede("worker breaker worker-1 --lift --purpose commit")
        #expect(lifted.code == 0 && !lifted.out.contains("ada"), "\(lifted.err)")
        try await place(2, attempts: 15)

        // The fences of locks have a breaker of their own: orders pass while it is open, and its probe brings locks back.
        try await client.withLock("till") { _ in }
        #expect(try await stampede("worker breaker worker-1 --force open --purpose locks").code == 0)
        let noLock = await #expect(throws: CallError.self) {
            try await client.withLock("till") { _ in }
        }
        #expect(noLock?.reason == .ledgerUnavailable && noLock?.certainty == .notExecuted)
        try await place(3, attempts: 1)
        #expect(try await stampede("worker breaker worker-1 --lift --purpose locks").code == 0)
        try await client.withLock("till") { _ in }

        let bad = try await stampede("call worker.breaker {\"worker\":\"worker-1\",\"purpose\":\"redis\"}")
        #expect(bad.code == 1 && bad.err.contains("purpose"), "\(bad.err)")
        #expect(try await stampede("worker breaker nobody").err.contains("there are worker-1"))

        await client.close()
        #expect(try await stampede("audit").code == 0)
        let log = try String(contentsOfFile: folder.data + "/logs/worker-1.log", encoding: .utf8)
        for words in ["A breaker was forced", "A breaker is its own again", "ada"] {
            #expect(log.contains(words))
        }
        cluster.signal(SIGINT)
        #expect(try await cluster.result().code == 0)
    }

    @Test func `a Redis node that hangs is seen, and seen to be back`() async throws {
        let folder = try Folder()
        let (cluster, pids) = try await ClusterStoryTests.up(folder, ["--workers", "2"])
        func leases() async throws -> [String: Any] {
            let shown = try await Program.run(
                ["worker", "redis", "worker-1", "--json", "--data", folder.data], in: folder)
            #expect(shown.code == 0, "\(shown.err)")
            let workers = try JSONSerialization.jsonObject(with: Data(shown.out.utf8)) as? [[String: Any]]
            let uses = try #require(workers?.first?["uses"] as? [[String: Any]])
            return try #require(uses.first { $0["purpose"] as? String == "leases" })
        }
        func second() async throws -> [String: Any] {
            try #require((try await leases()["nodes"] as? [[String: Any]])?[1])
        }
        #expect(try await eventually { try await leases()["extended"] as? Int ?? 0 > 0 })
        #expect(try await second()["breaker"] as? String == "closed")
        let node = try #require(pids["redis-2"])
        kill(node, SIGSTOP)
        #expect(
            try await eventually {
                let hung = try await second()
                return hung["breaker"] as? String != "closed" && hung["state"] as? String == "silent"
            })
        kill(node, SIGCONT)
        #expect(try await eventually { try await second()["breaker"] as? String == "closed" })
        let all = try await Program.run(["worker", "redis", "--data", folder.data], in: folder)
        #expect(all.code == 0 && all.out.contains("worker-1") && all.out.contains("worker-2"))
        #expect(all.out.contains("redis-5"))
        cluster.signal(SIGINT)
        #expect(try await cluster.result().code == 0)
    }

    static func client(_ folder: Folder) throws -> StampedeClient {
        let file = URL(fileURLWithPath: folder.data).appendingPathComponent("cluster.json")
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any]
        let brokers = try #require(json?["brokers"] as? [[String: String]])
        return try StampedeClient(brokers: brokers.compactMap { $0["clients"] })
    }
}
