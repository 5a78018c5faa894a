import ArgumentParser
import Client
import Methods

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
                let view = StatusView(await client.brokerStatus(options: options))
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
}
