import Conformance
import Foundation
import TestCluster
import Testing
import Wire

@Suite(.serialized) struct ServerExamTests {
    @Test func `our own cluster passes every check`() async throws {
        try await TestCluster.with(workers: 2) { cluster in
            let endpoint = cluster.clientEndpoint(of: "broker-1")
            let findings = try await blocking {
                var findings: [Finding] = []
                ServerExam(endpoint, sellsOrders: true, saleNumber: 4_711).run { findings.append($0) }
                return findings
            }
            #expect(findings.count > 40)
            for finding in findings { #expect(finding.outcome == .passed, "\(finding.rule)") }
        }
    }

    @Test func `nobody there fails every check, and says so`() {
        var failures = 0
        // One check is enough: each waits for its connection.
        for finding in [firstFinding("ipc:///tmp/stampede-nobody-\(UUID().uuidString)")] {
            if case .failed(let seen) = finding?.outcome, seen.contains("no connection") { failures += 1 }
        }
        #expect(failures == 1)
    }

    private func firstFinding(_ endpoint: String) -> Finding? {
        ServerExam(endpoint, sellsOrders: false, saleNumber: 1).firstFinding()
    }
}
