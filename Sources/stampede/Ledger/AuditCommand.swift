import ArgumentParser
import Cluster
import Digests
import Ledger
import Receipts
import ZeroMQ

struct AuditCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit", abstract: "Judge the promises by the ledger alone.",
        discussion: """
            May run while orders come in. Exits with 0 when every check holds, 1 on any violation, 2 when the \
            audit could not run.

            With --receipt it judges one receipt instead, made by `stampede order receipt`. That needs no connection, only \
            the public key of whoever signs receipts.

              stampede audit --receipt order.json --public-key keys/receipts.pub
            """)

    @OptionGroup var ledger: LedgerOptions

    @Option(
        help: ArgumentHelp(
            "The folder of a local cluster, used when no ledger is named. (default: /var/tmp/stampede-UID)",
            valueName: "folder"))
    var data: String?

    @Option(help: ArgumentHelp("Check one receipt, without any connection.", valueName: "file"))
    var receipt: String?

    @Option(
        help: ArgumentHelp(
            """
            A public key for receipts that is trusted, or the .pub file with it; repeat for each. Without one, an audit \
            takes the keys that the ledger lists.
            """, valueName: "key"))
    var publicKey: [String] = []

    @Flag(help: "Print one JSON object on one line.")
    var json = false

    func run() throws {
        let settings = try ledger.config.settings()
        let keys = try publicKeys(settings)
        if let receipt { return try check(receipt, keys) }
        let report: AuditReport
        do {
            report = try Audit.run(dsn: try dsn(settings), trusting: keys.isEmpty ? nil : keys)
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

    private func publicKeys(_ settings: Settings) throws(Failure) -> [PublicKey] {
        var keys: [PublicKey] = []
        for key in try settings.strings(publicKey, "public-key") {
            do throws(SecurityError) {
                keys.append(try ReceiptKeyFile.publicKey(key))
            } catch {
                throw Failure(.usage, error.message)
            }
        }
        return keys
    }

    private func check(_ path: String, _ keys: [PublicKey]) throws {
        guard !keys.isEmpty else {
            throw Failure(
                .usage,
                "--public-key is missing: a receipt is worth as much as the key that is trusted; ask the seller for it"
            )
        }
        let text: String
        do throws(SecurityError) {
            text = try SecretFile.read(path, what: "receipt", .anybody)
        } catch {
            throw Failure(.unknown, error.message)
        }
        do throws(ReceiptFlaw) {
            let file = try ReceiptFile(text)
            let leaf = try file.receipt().check(trusting: keys)
            let proof = ReceiptProof(leaf: leaf, file: file)
            Terminal.result(json ? proof.json.text : proof.text)
        } catch {
            throw Failure(.refused, "‘\(path)’ proves nothing: \(error)")
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
