import Glibc

/// The processes that pay, when a cluster has them: one that pays, and the sandbox that it pays at.
extension ClusterConfiguration {
    /// Where the two listen for each other.
    struct PaymentPorts: Equatable, Sendable {
        var provider: UInt16
        var webhook: UInt16
    }

    static let sandboxName = "sandbox"
    static let paymentsName = "payments-1"

    /// The same with ports that are free now, if there are payments at all.
    func withPorts() throws(ClusterError) -> ClusterConfiguration {
        guard hasPayments else { return self }
        let ports = try LoopbackPort.free(2)
        var configuration = self
        configuration.paymentPorts = PaymentPorts(provider: ports[0], webhook: ports[1])
        return configuration
    }

    /// What others need to know of them.
    var payments: ClusterFile.Payments? {
        paymentPorts.map {
            ClusterFile.Payments(
                provider: "http://127.0.0.1:\($0.provider)", providerKeyFile: layout.providerKey,
                webhook: "http://127.0.0.1:\($0.webhook)/webhooks/provider",
                webhookSecretFile: layout.webhookSecret)
        }
    }

    func sandboxCommand(_ ports: PaymentPorts, _ payments: ClusterFile.Payments) -> Command {
        stampede(
            Self.sandboxName,
            [
                "sandbox-provider", "--address", "127.0.0.1", "--port", "\(ports.provider)", "--file",
                layout.charges,
                "--provider-key-file", payments.providerKeyFile, "--webhook", payments.webhook,
                "--webhook-secret-file", payments.webhookSecretFile,
            ] + paymentsArguments)
    }

    func paymentsCommand(_ ports: PaymentPorts, _ payments: ClusterFile.Payments) -> Command {
        stampede(
            Self.paymentsName,
            ["payments", "run", "--name", Self.paymentsName]
                + brokers.flatMap { ["--clients", $0.clients, "--workers", $0.workers] }
                + [
                    "--provider", payments.provider, "--provider-key-file", payments.providerKeyFile,
                    "--webhook-secret-file", payments.webhookSecretFile, "--webhook-address", "127.0.0.1",
                    "--webhook-port", "\(ports.webhook)",
                ] + paymentsArguments)
    }
}

extension Startup {
    /// The sandbox before the process that asks it.
    func startPayments() throws(ClusterError) {
        let (configuration, layout) = (roster.configuration, roster.layout)
        guard let ports = configuration.paymentPorts, let payments = configuration.payments else { return }
        try DataFolder(layout: layout).makeSecrets()
        let sandbox = try roster.add(
            ClusterConfiguration.sandboxName, configuration.sandboxCommand(ports, payments))
        try sandbox.awaitReady(unless: cancellation) { LoopbackPort.accepts(ports.provider) }
        let process = try roster.add(
            ClusterConfiguration.paymentsName, configuration.paymentsCommand(ports, payments))
        try process.awaitReady(unless: cancellation) { LoopbackPort.accepts(ports.webhook) }
    }
}

extension DataFolder {
    /// Makes the secrets that sandbox and payments share, unless a start before has made them.
    func makeSecrets() throws(ClusterError) {
        try make(layout.payments, mode: 0o700)
        for path in [layout.providerKey, layout.webhookSecret] where access(path, F_OK) != 0 {
            let text = (0..<32).map { _ in
                let byte = UInt8.random(in: 0...255)
                return (byte < 16 ? "0" : "") + String(byte, radix: 16)
            }
            try write(text.joined() + "\n", to: path)
        }
    }

    /// All of it or nothing, for its owner alone.
    private func write(_ text: String, to path: String) throws(ClusterError) {
        let draft = "\(path).draft"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        let bytes = Array(text.utf8)
        let isWritten = descriptor >= 0 && Glibc.write(descriptor, bytes, bytes.count) == bytes.count
        if descriptor >= 0 { close(descriptor) }
        guard isWritten, rename(draft, path) == 0 else {
            throw ClusterError(
                .folder, "“\(path)” cannot be written: free some disk space or use another --data.")
        }
    }
}
