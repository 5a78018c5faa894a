public import Wire

/// Whether a service can be called (gRPC's health checking, grpc/doc/health-checking.md, with numbers).
public enum HealthMethods {
    public static let check = Method<HealthCheck, Health>("health.check")
    /// The state at once, and then with every change.
    public static let watch = StreamMethod<HealthCheck, Health>("health.watch", .serverStream)
}

public struct HealthCheck: CodableBody, Hashable {
    /// What stands before the last dot of its methods' names; nil for any.
    public var service: String?
    public init(service: String? = nil) { self.service = service }
}

public struct Health: CodableBody, Hashable {
    public var service: String
    public var status: Status
    /// Workers that serve it.
    public var workers: Int64
    /// Partitions without an owner, when it is a service that owns partitions.
    public var unowned: Int64

    public enum Status: String, Codable, Sendable {
        case serving
        case notServing = "not-serving"
        /// No worker that this broker knows has such a service.
        case unknown
    }

    public init(service: String, status: Status, workers: Int64, unowned: Int64) {
        self.service = service
        self.status = status
        self.workers = workers
        self.unowned = unowned
    }
}
