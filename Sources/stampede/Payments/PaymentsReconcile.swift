import ArgumentParser
import Client
import Cluster
import HTTP
import Payments
import Sales

struct PaymentsReconcile: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "reconcile",
        abstract: "Compare every charge at the provider with the ledger's orders.",
        discussion: """
            Every charge has to belong to a paid order, or to have been given back. Exit codes: 0 all do; 1 some do \
            not, or attempts are still open; 2 it could not be found out. Without --provider it is the sandbox of the \
            local cluster, when `stampede up --payments` runs it.
            """)

    @OptionGroup var provider: ProviderOptions
    @OptionGroup var calling: CallingOptions

    func run() throws {
        let settings = try calling.cluster.config.settings()
        // Without a local cluster a provider has to be named.
        let local =
            calling.cluster.broker.isEmpty
            ? try? ClusterOptions.localCluster(calling.cluster.data, settings).payments : nil
        let provider = try provider.load(settings, local: local)
        let json = calling.json
        try calling.run(CallContext(isRead: true)) { client, _ in
            let http = HTTPClient(connections: 1)
            defer { http.close() }
            let reconciler = Reconciler(
                owners: CalledOwners(client: client),
                provider: HTTPProvider(
                    url: provider.url, key: provider.key, client: http, timeout: provider.timeout))
            let report: Reconciler.Report
            do throws(Reconciler.Problem) {
                report = try await reconciler.run()
            } catch {
                throw Failure(error, provider.url)
            }
            Terminal.result(json ? report.json.text : report.text)
            guard report.isClean else {
                throw Failure(
                    .refused,
                    "\(report.findingCount) charges belong to nothing, \(report.open) attempts are open: look again when "
                        + "the payments process has seen to these")
            }
        }
    }
}

extension Failure {
    fileprivate init(_ problem: Reconciler.Problem, _ url: String) {
        switch problem {
        case .owner(let error):
            self.init(.unknown, "the owners of the orders could not be asked: \(error.message)")
        case .noCluster:
            self.init(.unknown, "no broker answers that knows the cluster: check it with `stampede status`")
        case .provider(.refused(let words)):
            self.init(
                .unknown, "the provider at \(url) refused the question, \(words): check --provider-key-file")
        case .provider(.unreachable), .provider(.unknown), .provider(.contentDiffers),
            .provider(.nothingTaken):
            self.init(.unknown, "the provider at \(url) gave no answer that can be read: check --provider")
        }
    }
}

extension Reconciler.Report {
    fileprivate var json: JSON {
        .object([
            ("ok", .bool(isClean)), ("charges", .integer(charges)), ("matched", .integer(matched)),
            ("open", .integer(open)), ("differing", .integer(findingCount)),
            (
                "findings",
                .array(
                    findings.map { finding in
                        .object([
                            ("attempt", .string(finding.charge.attempt.text)),
                            ("order", .string(finding.charge.order?.description)),
                            ("charge", .string(finding.charge.id)), ("finding", .string(finding.sentence)),
                        ])
                    })
            ),
        ])
    }

    fileprivate var text: String {
        let lines = findings.map { finding in
            "  \(finding.charge.attempt.text)  order \(finding.charge.order?.description ?? "none"): \(finding.sentence)"
        }
        return
            (["\(charges) charges, \(matched) match, \(open) attempts open, \(findingCount) differ"] + lines)
            .joined(separator: "\n")
    }
}
