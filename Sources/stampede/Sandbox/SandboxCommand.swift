import ArgumentParser
import HTTPServer
import Logging
import Sandbox

struct SandboxCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sandbox-provider", abstract: "Run a payment provider to try things on, until SIGTERM.",
        discussion: """
            Speaks the interface that `stampede payments` speaks. No money moves, and all else is as real as it gets: it \
            charges once per attempt, remembers through a kill -9, and behaves by the payer's token:

              tok_ok, tok_declined   what they say
              tok_hang               charges, and never answers
              tok_error              500, before anything is charged
              tok_pending            answers pending, charges a second later
              tok_twice              sends its webhook twice
              tok_slow               answers after two seconds
              tok_late               sends its webhook three seconds later
              tok_forged             sends its webhook with a wrong signature first

            `stampede up --payments` starts one. With --fail 10, ten of a hundred charges fail on the way as well: before or after charging, or without an \
            answer.
            """)

    @Option(help: ArgumentHelp("Where the charges are written down.", valueName: "file"))
    var file: String?

    @Option(
        help: ArgumentHelp(
            "A file with the key that callers show, for its owner alone (mode 0600).", valueName: "file"))
    var providerKeyFile: String?

    @Option(help: ArgumentHelp("Where it listens. (default: 127.0.0.1)", valueName: "address"))
    var address: String?

    @Option(help: ArgumentHelp("Its port, 0 for any that is free. (default: 7181)", valueName: "port"))
    var port: Int?

    @Option(
        help: ArgumentHelp(
            "Where webhooks go, such as http://127.0.0.1:7180/webhooks/provider.", valueName: "url"))
    var webhook: String?

    @Option(
        help: ArgumentHelp(
            "A file with the secret that webhooks are signed with, for its owner alone (mode 0600).",
            valueName: "file"))
    var webhookSecretFile: String?

    @Option(
        help: ArgumentHelp(
            "How many of a hundred charges fail on the way. (default: 0)", valueName: "percent"))
    var fail: Int?

    @Option(help: "Draws the failures. (default: a random one)")
    var seed: UInt64?

    @OptionGroup var log: LogOptions
    @OptionGroup var config: ConfigOptions

    func run() throws {
        let settings = try config.settings()
        let configuration = try configuration(settings)
        let logger = try log.logger("sandbox-provider", settings)
        let interrupts = Interrupts()
        do {
            let sandbox = try Sandbox(configuration, logger: logger)
            let server = try sandbox.listen()
            logger.notice(
                "Listening", metadata: ["url": "http://\(configuration.address):\(server.port)/v1/charges"])
            try Waiting.run {
                await interrupts.wait()
                await sandbox.close()
                await server.stop()
            }
        } catch let error as SandboxError {
            throw Failure(.refused, error.description)
        } catch let error as HTTPServerError {
            throw Failure(.refused, error.description)
        }
        logger.info("Stopped")
    }

    private func configuration(_ settings: Settings) throws(Failure) -> Sandbox.Configuration {
        let file = try settings.required(try settings.string(file, "file"), "file")
        let keyFile = try settings.required(
            try settings.string(providerKeyFile, "provider-key-file"), "provider-key-file")
        var configuration = Sandbox.Configuration(
            file: file, key: try SecretText.load(keyFile, what: "provider's key"))
        configuration.address = try settings.string(address, "address") ?? "127.0.0.1"
        configuration.port = UInt16(try settings.integer(port, "port", in: 0...65_535, default: 7_181))
        configuration.failures = try settings.integer(fail, "fail", in: 0...100, default: 0)
        configuration.seed = seed ?? .random(in: .min ... .max)
        let secretFile = try settings.string(webhookSecretFile, "webhook-secret-file")
        switch (try settings.string(webhook, "webhook"), secretFile) {
        case (nil, nil): break
        case (let url?, let secretFile?):
            guard url.hasPrefix("http://") || url.hasPrefix("https://"), !url.contains(where: \.isWhitespace)
            else { throw Failure(.usage, "‘\(url)’ is no address of a webhook: write http://… or https://…") }
            let secret = try SecretText.load(secretFile, what: "webhooks' secret")
            configuration.webhook = (url, Array(secret.utf8))
        default:
            throw Failure(.usage, "--webhook and --webhook-secret-file go together: give both or neither")
        }
        return configuration
    }
}
