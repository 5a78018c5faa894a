import Client
import Foundation
import Sales
import Synchronization
import Testing
import Wire

/// Workers of a local cluster come, go and die while orders flow: real processes, and the commands of an operator.
@Suite(.serialized) struct ScalingStoryTests {
    private func stampede(_ line: String, _ folder: Folder) async throws -> Program.Result {
        try await Program.run(
            line.split(separator: " ").map(String.init) + ["--data", folder.data], in: folder)
    }

    private func client(_ folder: Folder) throws -> StampedeClient {
        let file = URL(fileURLWithPath: folder.data).appendingPathComponent("cluster.json")
        let json = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any]
        let brokers = try #require(json?["brokers"] as? [[String: String]])
        return try StampedeClient(brokers: brokers.compactMap { $0["clients"] })
    }

    /// Places orders, one attempt each, until it is stopped.
    private final class Load: Sendable {
        private let isOver = Atomic(false)
        private let count = Atomic(0)
        private let failures = Mutex<[String]>([])

        var placed: Int { count.load(ordering: .relaxed) }
        var failed: [String] { failures.withLock { $0 } }
        func stop() { isOver.store(true, ordering: .relaxed) }

        func run(_ client: StampedeClient, _ sales: [SaleID]) async {
            await withTaskGroup(of: Void.self) { group in
                for lane in sales.indices {
                    group.addTask { [self] in await place(in: sales[lane], client) }
                }
            }
        }

        private func place(in sale: SaleID, _ client: StampedeClient) async {
            var buyer: Int64 = 0
            while !isOver.load(ordering: .relaxed) {
                buyer += 1
                do throws(CallError) {
                    _ = try await client.placeOrder(
                        sale: sale, buyer: BuyerID(rawValue: buyer),
                        options: CallOptions(deadline: .seconds(20), maximumAttempts: 1))
                    count.add(1, ordering: .relaxed)
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
                try? await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    @Test func `no request fails while workers are added, restarted in turn and taken away`() async throws {
        let folder = try Folder()
        let (cluster, _) = try await ClusterStoryTests.up(folder, ["--brokers", "2"])
        var sales: [SaleID] = []
        for number in 1...6 {
            let created = try await stampede(
                "sale create x --units 1000000 --price 1 --limit 1 --sale \(number) --timeout 60", folder)
            #expect(created.code == 0, "\(created.err)")
            sales.append(SaleID(rawValue: Int64(number)))
        }
        let client = try client(folder)
        let load = Load()
        let loading = Task { [sales] in await load.run(client, sales) }
        #expect(await eventually { load.placed >= 100 })

        let more = try await stampede("scale 3 --json --timeout 120", folder)
        #expect(more.code == 0, "\(more.err)")
        #expect(more.json["added"] as? [String] == ["worker-3"])
        for name in ["worker-1", "worker-2", "worker-3"] {
            let drained = try await stampede("worker drain \(name) --wait --timeout 60 --json", folder)
            #expect(drained.code == 0, "\(drained.err)")
            #expect(await eventually { cluster.err.contains("\(name) runs again") })
            let balanced = try await stampede("scale 3 --json --timeout 120", folder)
            #expect(balanced.code == 0, "\(balanced.err)")
        }
        let list = try await stampede("worker list --json", folder)
        let workers = try #require(list.json["workers"] as? [[String: Any]])
        #expect(workers.compactMap { $0["name"] as? String } == ["worker-1", "worker-2", "worker-3"])
        #expect(workers.compactMap { $0["partitions"] as? Int }.reduce(0, +) == 64)
        #expect(workers.allSatisfy { $0["brokers"] as? Int == 2 && $0["state"] as? String == "fit" })
        let fewer = try await stampede("scale 1 --json --timeout 120", folder)
        #expect(fewer.code == 0, "\(fewer.err)")
        #expect(fewer.json["ended"] as? [String] == ["worker-2", "worker-3"])
        #expect(try await stampede("worker list", folder).out.contains("worker-1"))

        let before = load.placed
        #expect(await eventually { load.placed >= before + 100 })
        load.stop()
        await loading.value
        await client.close()
        #expect(load.failed == [])
        #expect(try await stampede("worker drain nobody", folder).err.contains("there are worker-1"))
        #expect(try await stampede("audit", folder).code == 0)
        cluster.signal(SIGINT)
        #expect(try await cluster.result().code == 0)
        #expect(folder.processes.isEmpty)
    }

    @Test func `what a killed worker had is served again before its leases run out`() async throws {
        // They are renewed after a third of their six seconds, so at least 3.9 s are left of each.
        let folder = try Folder()
        let (cluster, pids) = try await ClusterStoryTests.up(folder, ["--lease-ttl", "6000"])
        let client = try client(folder)
        let options = CallOptions(deadline: .seconds(30), maximumAttempts: 15)
        // One of the sales is the killed worker's, whichever shares there are.
        for number in 1...8 {
            let created = try await stampede(
                "sale create x --units 10 --price 1 --sale \(number) --timeout 60", folder)
            #expect(created.code == 0, "\(created.err)")
        }
        #expect(try await stampede("scale 2 --timeout 120", folder).code == 0)
        let start = ContinuousClock.now
        kill(try #require(pids["worker-1"]), SIGKILL)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...8 {
                group.addTask {
                    _ = try await client.placeOrder(
                        sale: SaleID(rawValue: Int64(number)), buyer: BuyerID(rawValue: 7), options: options)
                }
            }
            try await group.waitForAll()
        }
        #expect(ContinuousClock.now - start < .milliseconds(3_500))
        await client.close()
        #expect(try await stampede("audit", folder).code == 0)
        cluster.signal(SIGINT)
        #expect(try await cluster.result().code == 0)
    }
}
