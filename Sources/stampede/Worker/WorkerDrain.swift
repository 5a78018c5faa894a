import ArgumentParser
import Client
import Methods
import Wire

struct WorkerDrain: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "drain", abstract: "Have a worker hand its partitions over and end; no request fails.",
        discussion: """
            Whatever supervises the worker may start it again: drained one after the other, all workers are restarted \
            without a failed request. To have fewer of them in a local cluster, use `stampede scale`.
            """)

    @Argument(help: "The worker's name, as `stampede worker list` shows it.")
    var name: String

    @Flag(help: "Wait until it has handed everything over; --timeout is for that, too.")
    var wait = false

    @OptionGroup var calling: CallingOptions

    func run() throws {
        let (name, wait, json) = (name, wait, calling.json)
        try Crew.check(name: name)
        try calling.run { client, options in
            let end = ContinuousClock.now + .nanoseconds((options.deadline ?? .seconds(10)).nanoseconds)
            try await Crew.ask(client, options).check(has: name)
            _ = try await client.callWorker(
                SystemMethods.drain, DrainWorker(worker: name), options: options)
            if wait { try await WorkerDrain.awaitEnd(of: name, client, options, until: end) }
            let answer = JSON.object([("worker", .string(name)), ("drained", .bool(wait))])
            let words =
                wait ? "\(name) has handed over all its partitions." : "\(name) hands its partitions over."
            Terminal.result(json ? answer.text : words)
        }
    }

    /// Waits until no broker sees it drain, twice: brokers hear of it one after the other.
    private static func awaitEnd(
        of name: String, _ client: StampedeClient, _ options: CallOptions, until end: ContinuousClock.Instant
    ) async throws {
        var gone = 0
        while gone < 2 {
            try await Task.sleep(for: .milliseconds(200))
            let crew = try await Crew.ask(client, options)
            let isDraining = crew.members.contains { $0.name == name && $0.state == "draining" }
            gone = isDraining ? 0 : gone + 1
            guard .now < end || gone == 2 else {
                throw Failure(
                    .refused,
                    "\(name) still hands partitions over (\(crew.summary)): wait longer with --timeout, or see its log"
                )
            }
        }
    }
}
