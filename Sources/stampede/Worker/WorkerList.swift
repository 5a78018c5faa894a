import ArgumentParser
import Client

struct WorkerList: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "Show the workers: state, partitions owned and due, leases.",
        discussion: """
            TARGET is how many partitions a worker should own; they move one by one when it differs from PARTITIONS. \
            BROKERS is how many of the brokers that answered see the worker.
            """)

    @OptionGroup var calling: CallingOptions

    func run() throws {
        let json = calling.json
        try calling.run(CallContext(isRead: true)) { client, options in
            let crew = try await Crew.ask(client, options)
            Terminal.result(json ? crew.json.text : crew.text)
        }
    }
}

extension Crew {
    /// Asks all brokers; one that answers is enough.
    static func ask(_ client: StampedeClient, _ options: CallOptions) async throws -> Crew {
        let answers = await client.brokerStatus(options: options)
        let crew = Crew(answers)
        if crew.brokers == 0, case .failure(let error)? = answers.first?.status { throw error }
        return crew
    }
}
