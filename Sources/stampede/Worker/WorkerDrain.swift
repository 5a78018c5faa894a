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
        guard !name.isEmpty, name.utf8.count <= Limits.nameLength else {
            throw Failure(.usage, "‘\(name)’ is no worker's name: `stampede worker list` shows them")
        }
        try calling.run { client, options in
            let end = ContinuousClock.now + .nanoseconds((options.deadline ?? .seconds(10)).nanoseconds)
            let before = try await Crew.ask(client, options)
            guard before.members.contains(where: { $0.name == name }) else {
                throw Failure(
                    .refused,
                    "there is no worker ‘\(name)’: there are \(before.members.map(\.name).joined(separator: ", "))"
                )
            }
            try await WorkerDrain.drain(name, client, options)
            if wait { try await WorkerDrain.awaitEnd(of: name, client, options, until: end) }
            let answer = JSON.object([("worker", .string(name)), ("drained", .bool(wait))])
            let words =
                wait ? "\(name) has handed over all its partitions." : "\(name) hands its partitions over."
            Terminal.result(json ? answer.text : words)
        }
    }

    /// Any broker that has the worker will do.
    private static func drain(_ name: String, _ client: StampedeClient, _ options: CallOptions) async throws {
        var refusal: CallError?
        for broker in client.brokers.indices {
            var options = options
            options.broker = broker
            do throws(CallError) {
                _ = try await client.call(SystemMethods.drain, DrainWorker(worker: name), options: options)
                return
            } catch {
                // What one that has the worker says tells more than that another does not have it.
                if refusal == nil || refusal?.reason == .unknownWorker { refusal = error }
            }
        }
        if let refusal { throw refusal }
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
