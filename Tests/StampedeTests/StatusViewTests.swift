import Client
import Methods
import Sales
import Testing
import Wire

@testable import stampede

@Suite struct StatusViewTests {
    private func status(
        _ name: String, owners: [(String?, Int64)], rate: Int64 = 10, gates: [Int64] = []
    ) -> (endpoint: String, status: Result<BrokerStatus, CallError>) {
        let partitions = owners.enumerated().map { index, owner in
            BrokerStatus.PartitionOwner(
                partition: Partition(rawValue: Int16(index)), owner: owner.0, fence: Fence(rawValue: owner.1),
                parked: 1)
        }
        let worker = BrokerStatus.Worker(
            name: "worker-1", inFlight: 2, calls: 3, rate: rate, leaseLeftMilliseconds: 2_900, state: "fit")
        let closed = gates.map {
            BrokerStatus.Gate(sale: SaleID(rawValue: $0), lane: .only, partition: Partition(rawValue: 0))
        }
        return (
            "ipc:///\(name)",
            .success(
                BrokerStatus(
                    name: name, uptimeMilliseconds: 5_000, clients: 1, inFlight: 2, parked: 0, calls: 1_234,
                    malformed: 0, gateRefusals: 0, rate: 100, workers: [worker], partitions: partitions,
                    gates: closed))
        )
    }

    @Test func `owners with the same fence share a line`() {
        let view = StatusView([
            status(
                "broker-1", owners: [("worker-1", 1), ("worker-1", 1), ("worker-1", 2), (nil, 1)], gates: [9])
        ])
        let text = view.text(wide: false)
        #expect(view.answers == 1)
        #expect(text.contains("\nworker-1      1       2  0-1\n"))
        #expect(text.contains("\nworker-1      2       1  2\n"))
        #expect(text.contains("\n-             1       1  3\n"))
        #expect(text.contains("Sold out: sales 9"))
        #expect(view.text(wide: true).contains("\n        2  worker-1      2       1"))
    }

    @Test func `the highest fence that any broker heard of wins, and rates add up`() {
        let view = StatusView([
            status("broker-1", owners: [("old", 1)], rate: 10),
            status("broker-2", owners: [("new", 2)], rate: 5),
            (
                "ipc:///broker-3",
                .failure(CallError(status: .deadlineExceeded, certainty: .notExecuted, message: "none"))
            ),
        ])
        #expect(view.answers == 2)
        let json = view.json.text
        #expect(json.contains(#""owner":"new","fence":2,"parked":2"#))
        #expect(json.contains(#""name":"worker-1","state":"fit","rate":15,"in_flight":4"#))
        #expect(json.contains(#"{"endpoint":"ipc:///broker-3","error":"none"}"#))
        #expect(view.text(wide: false).contains("no-answer"))
    }
}
