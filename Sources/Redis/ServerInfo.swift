public import Wire

/// What a server says about itself in `INFO`: enough to judge whether it may be trusted with leases.
public struct ServerInfo: Hashable, Sendable {
    /// Forty random hex digits, new in every process.
    public let runID: String
    /// For how long the process has run. Redis counts in whole seconds of the wall clock, so the true age
    /// may be up to a second less or more.
    public let uptime: TimeAmount
    /// False for a replica, which does not decide anything.
    public let isMaster: Bool
    /// What the server does when its memory is full, for example `noeviction`.
    public let maxmemoryPolicy: String

    public init(runID: String, uptime: TimeAmount, isMaster: Bool, maxmemoryPolicy: String) {
        self.runID = runID
        self.uptime = uptime
        self.isMaster = isMaster
        self.maxmemoryPolicy = maxmemoryPolicy
    }

    /// Reads the answer to `INFO` (https://redis.io/docs/latest/commands/info), or returns nil when one of
    /// the four lines is missing.
    package init?(parsing text: String) {
        var fields: [Substring: Substring] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            fields[line[..<colon]] = line[line.index(after: colon)...]
        }
        guard let runID = fields["run_id"], let role = fields["role"],
            let uptime = fields["uptime_in_seconds"].flatMap({ Int64($0) }),
            let policy = fields["maxmemory_policy"]
        else { return nil }
        self.init(
            runID: String(runID), uptime: .seconds(uptime), isMaster: role == "master",
            maxmemoryPolicy: String(policy))
    }
}
