import ArgumentParser
import Client
import Methods
import Wire

struct StatusCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Show brokers, workers, owners, fences, leases, gates and rates.")

    @Flag(name: .shortAndLong, help: "Show it again every second, until Ctrl-C.")
    var watch = false

    @Flag(help: "Show one line per partition.")
    var wide = false

    @OptionGroup var calling: CallingOptions

    func run() throws {
        let (json, watch, wide) = (calling.json, watch, wide)
        try calling.run { client, options in
            while true {
                let answers = await client.brokerStatus(options: options)
                let view = StatusView(answers)
                if view.answers == 0 && !watch, let refusal = StatusCommand.refusal(in: answers) {
                    throw refusal
                }
                guard view.answers > 0 || watch else {
                    throw Failure(
                        .refused,
                        "no broker answers at \(client.brokers.joined(separator: ", ")): check the endpoint"
                            + "\(Failure.keys(client.brokers)), or start a cluster with `stampede up`")
                }
                if watch && !json { Terminal.clear() }
                Terminal.result(json ? view.json.text : view.text(wide: wide))
                guard watch else { return }
                try await Task.sleep(for: .seconds(1))
            }
        }
    }

    /// What a broker says to who may not ask.
    private static func refusal(
        in answers: [(endpoint: String, status: Result<BrokerStatus, CallError>)]
    ) -> CallError? {
        for answer in answers {
            if case .failure(let error) = answer.status,
                [.permissionDenied, .unauthenticated].contains(error.status)
            {
                return error
            }
        }
        return nil
    }
}
