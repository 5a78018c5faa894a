import ArgumentParser
import Client
import Methods
import Sales
import Wire

/// What every command that calls the cluster has in common.
struct CallingOptions: ParsableArguments {
    @OptionGroup var cluster: ClusterOptions

    @Option(
        help: ArgumentHelp("How long the command waits for its answer. (default: 10)", valueName: "seconds"))
    var timeout: Int?

    @Flag(help: "Print one JSON object on one line.")
    var json = false

    /// Connects, calls, and disconnects. A call's error becomes a sentence with the next step in it.
    func run(
        _ context: CallContext = CallContext(),
        _ body: @escaping @Sendable (StampedeClient, CallOptions) async throws -> Void
    ) throws {
        let brokers = try cluster.brokers()
        let seconds = try cluster.config.settings().integer(timeout, "timeout", in: 1...300, default: 10)
        var configuration = ClientConfiguration()
        configuration.keys = try cluster.keys.load(try cluster.config.settings(), for: brokers)
        let options = CallOptions(deadline: .seconds(Int64(seconds)), maximumAttempts: 15)
        try Waiting.run { [configuration] in
            do {
                let client = try StampedeClient(brokers: brokers, configuration: configuration)
                do {
                    try await body(client, options)
                } catch {
                    await client.close()
                    throw error
                }
                await client.close()
            } catch let error as CallError {
                throw Failure(error, brokers: brokers, context)
            }
        }
    }
}

/// What a command was about, for the next step in its error.
struct CallContext: Sendable {
    var sale: SaleID?
    /// Ends an unknown outcome, if there is a command that does.
    var settle: String?
    /// The command only looks: nothing can have been done by it.
    var isRead = false
}
