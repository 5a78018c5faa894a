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

    @Test func `where nobody is, the first check says so and the others are not tried`() throws {
        var findings: [Finding] = []
        ServerExam(
            "ipc:///tmp/stampede-nobody-\(UUID().uuidString)", sellsOrders: true, saleNumber: 1
        ).run { findings.append($0) }
        #expect(findings.count == 1)
        guard case .failed(let seen)? = findings.first?.outcome else {
            Issue.record("nobody passed a check")
            return
        }
        #expect(seen.contains("no connection"))
    }
}
