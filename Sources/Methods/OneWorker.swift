public import Wire

/// Methods that are for the one worker that the call names, and no other.
public enum OneWorker {
    /// The one list of them: whoever routes calls asks here.
    public static func serves(_ method: MethodID) -> Bool {
        method == SystemMethods.drain.id || method == SystemMethods.breaker.id
            || method == SystemMethods.redis.id
    }

    /// Where such a call goes: brokers do not read the worker's name, but know this number of it.
    public static func routing(of worker: String) -> RoutingKey {
        RoutingKey(sale: Int64(bitPattern: MethodID(worker).rawValue), lane: 0)
    }
}
