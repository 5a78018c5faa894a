import Client
import Foundation
import Methods
import Sales
import Testing
import Wire

/// Events of a whole cluster: its relay, its Redis server for events, and the commands about them.
@Suite struct RelayStoryTests {
    /// What `cluster.json` says now.
    static func cluster(_ folder: Folder) -> [String: Any] {
        let data = FileManager.default.contents(atPath: "\(folder.data)/cluster.json") ?? Data()
        return (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] ?? [:]
    }

    static func pid(_ name: String, _ folder: Folder) -> Int32? {
        (cluster(folder)["pids"] as? [String: Int])?[name].map { Int32($0) }
    }

    /// Every event in the stream, from the first on.
    static func events(_ folder: Folder) throws -> [[String: Any]] {
        let address = try #require(cluster(folder)["eventsAddress"] as? String)
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = [
            "redis-cli", "-s", String(address.dropFirst("unix:".count)), "--raw", "XRANGE", "stampede:events",
            "-", "+",
        ]
        process.standardOutput = output
        try process.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        return try text.split(separator: "\n").filter { $0.hasPrefix("{") }.map {
            try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    @Test
    func
        `relay and stream are killed again and again while orders live, and no event is lost or out of order`()
        async throws
    {
        let folder = try Folder()
        let (cluster, pids) = try await ClusterStoryTests.up(folder, ["--workers", "1"])
        #expect(pids["relay"] != nil && pids["events"] != nil)
        func stampede(_ line: String) async throws -> Program.Result {
            try await Program.run(
                line.split(separator: " ").map(String.init) + ["--data", folder.data], in: folder)
        }
        #expect(
            try await stampede("sale create x --units 100000 --price 1 --sale 7 --limit 9 --hold 1h").code
                == 0)
        let client = try BreakerStoryTests.client(folder)
        let sale = SaleID(rawValue: 7)
        let buyers = Task {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for buyer in Int64(1)...8 {
                    group.addTask {
                        for _ in 0..<60 {
                            let buyer = BuyerID(rawValue: buyer)
                            let order = try await client.placeOrder(sale: sale, buyer: buyer, quantity: 1)
                            let attempt = RequestKey.random()
                            if Bool.random() {
                                _ = try await client.cancelOrder(order.id, buyer: buyer)
                            } else {
                                _ = try await client.beginPayment(order.id, buyer: buyer, attempt: attempt)
                                _ = try await client.recordPayment(order.id, attempt: attempt, .failed)
                                _ = try await client.cancelOrder(order.id, buyer: buyer)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        // A second relay beside the one of the cluster, of the same sinks.
        let socket = "\(folder.data)/run/events.sock"
        let second = try Program(
            ["relay", "--sink", "tables", "--sink", "redis+unix:\(socket)", "--data", folder.data], in: folder
        )
        for round in 0..<8 {
            let name = round % 4 == 3 ? "events" : "relay"
            var victim: Int32?
            #expect(
                await eventually {
                    victim = Self.pid(name, folder)
                    return victim != nil
                })
            if let victim { kill(victim, SIGKILL) }
            #expect(
                await eventually {
                    let pid = Self.pid(name, folder)
                    return pid != nil && pid != victim
                }, "\(name) does not come back")
            try await Task.sleep(for: .milliseconds(150))
        }
        try await buyers.value
        await client.close()
        #expect(second.isRunning, "\(second.err)")
        second.signal(SIGTERM)
        #expect(try await second.result().code == 0)

        // All told.
        var status = try await stampede("relay status --json").json
        let isTold = try await eventually(within: .seconds(60)) {
            status = try await stampede("relay status --json").json
            let sinks = status["sinks"] as? [[String: Any]] ?? []
            return sinks.count == 2
                && sinks.allSatisfy { $0["lag"] as? Int == 0 && $0["running"] as? Bool == true }
        }
        #expect(isTold, "\(status)")
        let events = try Self.events(folder)
        var versions: [String: Int] = [:]
        var ids: Set<String> = []
        for event in events {
            let id = try #require(event["id"] as? String)
            guard ids.insert(id).inserted, let version = event["orderversion"] as? Int else { continue }
            let subject = try #require(event["subject"] as? String)
            #expect(version == versions[subject, default: 0] + 1, "\(id) of \(subject)")
            versions[subject] = version
        }
        // A yes is an entry, and an entry is an event: 480 orders, and two or four entries each.
        #expect(versions.count == 480)
        #expect(versions.values.allSatisfy { $0 == 2 || $0 == 4 })
        let audit = try await stampede("audit --json")
        #expect(audit.code == 0, "\(audit.out)")
        #expect((audit.json["skipped"] as? [String])?.isEmpty == true)

        // Told again, rebuilt, and what is typed wrong.
        #expect(try await stampede("relay replay --sink redis --from start").code == 0)
        let isDoubled = try await eventually { try Self.events(folder).count >= events.count + ids.count }
        #expect(isDoubled)
        let rebuilt = try await stampede("relay rebuild")
        #expect(rebuilt.code == 0, "\(rebuilt.err)")
        #expect(try await stampede("audit").code == 0)
        #expect(try await stampede("relay replay --sink rabbitmq --from end").err.contains("rabbitmq"))
        #expect(try await stampede("relay status").out.contains("telling"))

        cluster.signal(SIGINT)
        #expect(try await cluster.result().code == 0)
        #expect(folder.processes.isEmpty)
    }
}
