import ArgumentParser
import Cluster
import Ledger

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Judge the promises by the ledger alone.",
        discussion: """
            May run while orders come in. Exits with 0 when every check holds, 1 on any violation, 2 when the \
            audit could not run.
            """)

    @OptionGroup var ledger: LedgerOptions

    @Option(
        help: ArgumentHelp(
            "The folder of a local cluster, used when no ledger is named. (default: /var/tmp/stampede-UID)",
            valueName: "folder"))
    var data: String?

    @Flag(help: "Print one JSON object on one line.")
    var json = false

    func run() throws {
        let settings = try ledger.config.settings()
        let report: AuditReport
        do {
            report = try Audit.run(dsn: try dsn(settings))
        } catch let error as LedgerError {
            throw Failure(error, code: .unknown)
        } catch let failure as Failure where failure.code == .refused {
            throw Failure(.unknown, failure.sentence)
        }
        Terminal.result(json ? report.json.text : report.text)
        guard report.isClean else {
            throw Failure(
                .refused,
                "the ledger breaks \(report.violations.counted("promise")): stop selling, keep the ledger as it "
                    + "is, and look at the examples")
        }
    }

    private func dsn(_ settings: Settings) throws(Failure) -> String {
        if let named = try settings.string(ledger.ledger, "ledger") { return named }
        return try ClusterOptions.localCluster(data, settings).ledgerDSN
    }
}

extension AuditReport {
    var violations: Int { checks.reduce(0) { $0 + $1.violations } }

    var json: JSON {
        .object([
            ("ok", .bool(isClean)), ("violations", .integer(violations)), ("entries", .integer(entries)),
            ("skipped", .array(skipped.map { .string($0) })),
            (
                "checks",
                .array(
                    checks.map { check in
                        .object([
                            ("promise", .string(check.promise)), ("check", .string(check.sentence)),
                            ("rows", .integer(check.rows)), ("violations", .integer(check.violations)),
                            ("examples", .array(check.examples.map { .string($0) })),
                        ])
                    })
            ),
        ])
    }

    /// A row per check, and the examples of those that do not hold.
    var text: String {
        var table = Table([
            ("PROMISE", .left), ("ROWS", .right), ("VIOLATIONS", .right), ("CHECK", .left),
        ])
        for check in checks {
            table.add([check.promise, check.rows.grouped, check.violations.grouped, check.sentence])
        }
        let examples = checks.filter { !$0.holds }.flatMap { check in
            check.examples.map { "\(check.promise): \($0)" }
        }
        let verdict =
            isClean
            ? "Clean: \(checks.count) checks hold over \(entries.grouped) entries."
            : "BROKEN: \(violations.counted("violation")) in \(entries.grouped) entries."
        return ([table.text] + examples + skipped + [verdict]).joined(separator: "\n")
    }
}
