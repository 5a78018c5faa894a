import ArgumentParser
import Client
import Glibc
import Methods
import Wire

struct LockCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lock", abstract: "Run a command under a lock of the cluster.",
        discussion: """
            The lock is extended while the command runs and released when it ends. The command finds its fence, a \
            number that grows with every holder, in STAMPEDE_FENCE, and the lock's name in STAMPEDE_LOCK.

              stampede lock nightly --wait 0 -- ./report.sh

            Exit codes: the command's own (128 + N if signal N ended it); 1 if the lock was not to be had, or was lost \
            (then the command gets SIGTERM first); 127 if the command cannot be run. SIGINT, SIGTERM and SIGHUP are \
            passed on to it.
            """)

    @Argument(help: "The lock's name: 1 to 128 letters, digits and -_.:/")
    var name: String

    @Option(help: ArgumentHelp("How long others are kept out if this machine dies.", valueName: "seconds"))
    var ttl = 10.0

    @Option(help: ArgumentHelp("How long to wait for the lock.", valueName: "seconds"))
    var wait = 60.0

    @OptionGroup var cluster: ClusterOptions

    @Argument(parsing: .postTerminator, help: ArgumentHelp("The command to run.", valueName: "command"))
    var command: [String] = []

    func run() throws {
        guard !command.isEmpty else {
            throw Failure(.usage, "there is no command to run: write it after ‘--’")
        }
        let (ttl, wait) = (try Self.time(ttl, in: 0.1...60), try Self.time(wait, in: 0...60))
        let brokers = try cluster.brokers()
        var configuration = ClientConfiguration()
        configuration.keys = try cluster.keys.load(try cluster.config.settings(), for: brokers)
        let status = ExitStatus()
        try Waiting.run { [configuration, name, command] in
            do {
                let client = try StampedeClient(brokers: brokers, configuration: configuration)
                let result = await Self.locked(client, name, ttl, wait, command)
                await client.close()
                status.set(try result.get())
            } catch let error as CallError {
                throw Failure(error, brokers: brokers, CallContext(isRead: true))
            } catch let error as LockLost {
                throw Failure(.refused, error.description)
            }
        }
        if status.value != 0 { Glibc.exit(status.value) }
    }

    private static func locked(
        _ client: StampedeClient, _ name: String, _ ttl: TimeAmount, _ wait: TimeAmount, _ command: [String]
    ) async -> Result<Int32, any Error> {
        do {
            return .success(
                try await client.withLock(name, ttl: ttl, wait: wait) { lease in
                    let child = try Child(
                        command, environment: ["STAMPEDE_LOCK=\(name)", "STAMPEDE_FENCE=\(lease.fence)"])
                    return await child.run()
                })
        } catch {
            return .failure(error)
        }
    }

    private static func time(_ seconds: Double, in range: ClosedRange<Double>) throws(Failure) -> TimeAmount {
        guard range ~= seconds else {
            throw Failure(
                .usage, "\(seconds) is not within \(range.lowerBound) to \(range.upperBound) seconds")
        }
        return .milliseconds(Int64(seconds * 1_000))
    }
}
