import ArgumentParser
import Cluster
import HTTP
import Payments
import Wire
import ZeroMQ

struct PaymentsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "payments",
        abstract: "Run the process that pays for orders; compare its provider with the ledger.",
        discussion:
            "Without a subcommand it runs: `stampede payments --provider …` is `stampede payments run --provider …`.",
        subcommands: [PaymentsRun.self, PaymentsReconcile.self], defaultSubcommand: PaymentsRun.self)
}

/// Which payment provider, and how we are known there.
struct ProviderOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The payment provider, such as https://payments.example.", valueName: "url"))
    var provider: String?

    @Option(
        help: ArgumentHelp(
            "A file with our key at the provider, for its owner alone (mode 0600).", valueName: "file"))
    var providerKeyFile: String?

    @Option(
        help: ArgumentHelp("How long one request to the provider may take. (default: 10000)", valueName: "ms")
    )
    var providerTimeout: Int?

    struct Provider: Sendable {
        let url: String
        let key: String
        let timeout: TimeAmount
    }

    /// - Parameter local: the sandbox of a local cluster, which is meant when no provider is named.
    func load(_ settings: Settings, local: ClusterFile.Payments? = nil) throws(Failure) -> Provider {
        let named = try settings.string(provider, "provider")
        let url = try settings.required(named ?? local?.provider, "provider")
        guard url.hasPrefix("https://") || ProviderOptions.isLocal(url), url.utf8.count <= 1_024,
            !url.contains(where: { $0.isWhitespace || $0 == "?" || $0 == "#" })
        else {
            throw Failure(
                .usage,
                "‘\(url)’ is not a provider's address: write https://host[:port], or http:// for this machine's own"
            )
        }
        let file = try settings.required(
            try settings.string(providerKeyFile, "provider-key-file")
                ?? (named == nil ? local?.providerKeyFile : nil), "provider-key-file")
        let timeout = try settings.integer(
            providerTimeout, "provider-timeout", in: 100...120_000, default: 10_000)
        return Provider(
            url: url, key: try SecretText.load(file, what: "provider's key"),
            timeout: .milliseconds(Int64(timeout)))
    }

    /// Money's secrets go in the clear only to ourselves.
    private static func isLocal(_ url: String) -> Bool {
        ["http://127.0.0.1", "http://localhost"].contains { url == $0 || url.hasPrefix("\($0):") }
    }
}

/// A secret in a file of its own.
enum SecretText {
    /// Its one line, without its end.
    static func load(_ path: String, what: String) throws(Failure) -> String {
        let line: String
        do throws(SecurityError) {
            line = try SecretFile.line(path, what: what)
        } catch {
            throw Failure(.usage, error.message)
        }
        guard 16...1_024 ~= line.utf8.count, line.utf8.allSatisfy({ 0x21...0x7e ~= $0 })
        else {
            throw Failure(
                .usage,
                "the \(what) ‘\(path)’ is not one line of 16 to 1,024 visible ASCII characters: write one, as with "
                    + "`openssl rand -hex 32`")
        }
        return line
    }
}
