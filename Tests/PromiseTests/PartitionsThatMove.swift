import Client
import Methods
import Sales
import TestCluster
import Testing
import Wire

extension OwnerPromises {
    /// Workers come and go in good order while orders flow: partitions move, and no caller hears of it. Every call is
    /// made with a single attempt, so that a failure is not hidden by a retry.
    @Suite struct PartitionsThatMove {
        private static let options = CallOptions(deadline: .seconds(20), maximumAttempts: 1)

        /// Runs `body` while orders flow, single ones and several in a call. All of them must succeed.
        private func underLoad(
            _ cluster: TestCluster, _ body: (StampedeClient) async throws -> Void
        ) async throws {
            let clients = try cluster.brokerNames.map { try cluster.client([$0]) }
            var crowds: [Crowd] = []
            for _ in 0..<4 {
                let sale = try await cluster.createSale(clients[0], units: 1_000_000)
                crowds.append(Crowd(in: sale, through: clients, options: Self.options))
            }
            let several = try await cluster.createSale(clients[0], units: 1_000_000)
            let load = Task { [crowds] in
                await withTaskGroup(of: Tally.self) { group in
                    for crowd in crowds { group.addTask { await crowd.keepPlacing(width: 3) } }
                    return await group.reduce(Tally(), +)
                }
            }
            let batches = Task { try await placeMany(in: several, clients[0]) }
            let answered = { crowds.reduce(0) { $0 + $1.answered.calls } }
            try await eventually("orders flow") { answered() >= 100 }
            do {
                try await body(clients[0])
                let before = answered()
                try await eventually("orders still flow") { answered() >= before + 100 }
            } catch {
                crowds.forEach { $0.stop() }
                batches.cancel()
                throw error
            }
            crowds.forEach { $0.stop() }
            batches.cancel()
            let tally = await load.value
            #expect(tally.messages() == [])
            #expect(try await batches.value > 0)
            #expect(try await cluster.violations() == [])
            for client in clients { await client.close() }
        }

        /// Places orders by eight until cancelled; returns how many there were.
        private func placeMany(in sale: SaleID, _ client: StampedeClient) async throws -> Int {
            var placed = 0
            while !Task.isCancelled {
                let orders = (1...8).map {
                    OrderRequest(buyer: BuyerID(rawValue: Int64(placed + $0)), quantity: 1, key: .random())
                }
                let call = PlaceMany(sale: sale, key: .random(), orders: orders)
                let answers: [PlacedAnswer]
                do throws(CallError) {
                    answers = try await client.call(OrderMethods.placeMany, call, options: Self.options)
                        .answers
                } catch {
                    // The last call is withdrawn by whoever ends the load: that is no failure.
                    if Task.isCancelled { break }
                    throw error
                }
                for case .refused(_, let reason, let body) in answers { Issue.record("\(reason): \(body)") }
                placed += answers.count
                try? await Task.sleep(for: .milliseconds(10))
            }
            return placed
        }

        /// Waits until every broker sees the partitions in even shares with these workers.
        private func waitUntilBalanced(_ cluster: TestCluster, _ names: [String], _ client: StampedeClient)
            async throws
        {
            try await eventually("the partitions are in even shares with \(names)") {
                let owners = await cluster.statuses(client).map { $0.partitions.map(\.owner) }
                return !owners.isEmpty
                    && owners.allSatisfy { owners in
                        let counts = names.map { name in owners.count { $0 == name } }
                        return counts.reduce(0, +) == owners.count
                            && (counts.max() ?? 0) - (counts.min() ?? 0) <= 1
                    }
            }
        }

        @Test func `no request fails while workers are added and drained`() async throws {
            try await TestCluster.with(brokers: 2, workers: 1, partitions: 16) { cluster in
                try await underLoad(cluster) { client in
                    cluster.startWorker("worker-2")
                    cluster.startWorker("worker-3")
                    try await waitUntilBalanced(cluster, ["worker-1", "worker-2", "worker-3"], client)
                    try await blocking { cluster.drain("worker-1") }
                    try await waitUntilBalanced(cluster, ["worker-2", "worker-3"], client)
                    try await blocking { cluster.drain("worker-3") }
                    try await waitUntilBalanced(cluster, ["worker-2"], client)
                }
            }
        }

        @Test func `no request fails while every worker is drained and started again`() async throws {
            try await TestCluster.with(brokers: 2, workers: 3, partitions: 16) { cluster in
                let names = ["worker-1", "worker-2", "worker-3"]
                try await underLoad(cluster) { client in
                    try await waitUntilBalanced(cluster, names, client)
                    for name in names {
                        try await blocking { cluster.drain(name) }
                        try await waitUntilBalanced(cluster, names.filter { $0 != name }, client)
                        cluster.startWorker(name)
                        try await waitUntilBalanced(cluster, names, client)
                    }
                }
            }
        }
    }
}
