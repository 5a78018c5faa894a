public import Methods
public import Wire

extension StampedeClient {
    /// Asks every broker what it sees, in the order of `brokers`. One that does not answer within the
    /// deadline has its error in its place.
    public func brokerStatus(
        options: CallOptions = .init(deadline: .seconds(2))
    ) async -> [(endpoint: String, status: Result<BrokerStatus, CallError>)] {
        await withTaskGroup(of: (Int, Result<BrokerStatus, CallError>).self) { group in
            for broker in brokers.indices {
                var options = options
                options.broker = broker
                group.addTask { [options] in
                    do throws(CallError) {
                        let status = try await self.call(
                            SystemMethods.brokerStatus, Empty(), options: options)
                        return (broker, .success(status))
                    } catch {
                        return (broker, .failure(error))
                    }
                }
            }
            let answers = await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
            return brokers.indices.compactMap { broker in
                answers[broker].map { (endpoint: brokers[broker], status: $0) }
            }
        }
    }
}
