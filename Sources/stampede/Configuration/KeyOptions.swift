import ArgumentParser
import ZeroMQ

/// Who a process is towards its brokers, and who they are. Only TCP endpoints ask.
struct KeyOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The brokers' public key, or the .pub file with it; for TCP endpoints that ask for keys.",
            valueName: "key"))
    var brokerKey: String?

    // Not --key, which in some commands is the request's.
    @Option(
        help: ArgumentHelp("The own .key file, made by `stampede keygen`.", valueName: "file"))
    var keyFile: String?

    /// Nil when none are given.
    func load(_ settings: Settings, for brokers: [String]) throws(Failure) -> ConnectionKeys? {
        // A cluster that is reached by its Unix sockets needs no file that happens to be configured.
        guard brokers.contains(where: { $0.hasPrefix("tcp://") }) else { return nil }
        let server = try settings.string(brokerKey, "broker-key")
        let own = try settings.string(keyFile, "key-file")
        switch (server, own) {
        case (nil, nil): return nil
        case (let server?, let own?):
            do throws(SecurityError) {
                return try ConnectionKeys(broker: server, file: own)
            } catch {
                throw Failure(.usage, error.message)
            }
        case (_?, nil): throw Failure(.usage, "--broker-key needs --key-file: give both or neither")
        case (nil, _?): throw Failure(.usage, "--key-file needs --broker-key: give both or neither")
        }
    }
}
