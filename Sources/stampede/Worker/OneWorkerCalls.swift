import Client
import Methods
import Wire

extension StampedeClient {
    /// Calls one worker, through the first broker that has it.
    func callWorker<Request: MessageBody & Routed, Reply: MessageBody>(
        _ method: Method<Request, Reply>, _ request: Request, options: CallOptions
    ) async throws(CallError) -> Reply {
        var refusals: [CallError] = []
        for broker in brokers.indices {
            var options = options
            options.broker = broker
            do throws(CallError) {
                return try await call(method, request, options: options)
            } catch {
                refusals.append(error)
            }
        }
        // What a broker that has the worker says tells more than that another does not have it.
        throw refusals.first { $0.reason != .unknownWorker } ?? refusals[0]
    }
}

extension Crew {
    /// A name that can be a worker's.
    static func check(name: String) throws(Failure) {
        guard !name.isEmpty, name.utf8.count <= Limits.nameLength else {
            throw Failure(.usage, "‘\(name)’ is no worker's name: `stampede worker list` shows them")
        }
    }

    /// There is such a worker.
    func check(has name: String) throws(Failure) {
        guard members.contains(where: { $0.name == name }) else {
            throw Failure(
                .refused,
                "there is no worker ‘\(name)’: there are \(members.map(\.name).joined(separator: ", "))")
        }
    }
}
