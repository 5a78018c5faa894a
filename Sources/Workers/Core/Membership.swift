package import Methods
package import Sales
package import Wire

/// Who is live and which partitions are free, as far as the brokers say; and by rendezvous hashing
/// (Thaler and Ravishankar 1998) who should own what.
package struct Membership {
    private struct View {
        var live: [String]?
        var unowned: Set<Partition>
    }

    private let name: String
    private var views: [UInt32: View] = [:]
    /// The last that any broker said. Stays when there is no broker.
    private(set) var live: [String] = []
    /// Since when each partition has been seen free.
    private(set) var freeSince: [Partition: MonotonicTime] = [:]

    package init(name: String) { self.name = name }

    /// False until a broker has spoken: whoever knows nothing of the others takes nothing.
    package var isKnown: Bool { !live.isEmpty }

    /// A broker's beat.
    package mutating func heard(_ beat: BrokerBeat, from session: UInt32, _ now: MonotonicTime) {
        views[session] = View(live: beat.live, unowned: Set(beat.unowned ?? []))
        merge(now)
    }

    /// A broker is gone.
    package mutating func lost(_ session: UInt32, _ now: MonotonicTime) {
        views[session] = nil
        merge(now)
    }

    private mutating func merge(_ now: MonotonicTime) {
        let speaking = views.values.filter { $0.live != nil }
        guard !speaking.isEmpty else { return }
        // Live is who any broker sees. We ourselves are, or we would not be here.
        live = Set(speaking.flatMap { $0.live ?? [] }).union([name]).sorted()
        var unowned: Set<Partition> = []
        for view in speaking { unowned.formUnion(view.unowned) }
        freeSince = freeSince.filter { unowned.contains($0.key) }
        for partition in unowned where freeSince[partition] == nil { freeSince[partition] = now }
    }

    /// A hand-over was agreed: nobody else knows yet that the partition is free.
    package mutating func release(_ partition: Partition) { freeSince[partition] = .distantPast }

    /// How many live workers come before `worker` for a partition; nil when it is not live.
    package func rank(of worker: String, for partition: Partition) -> Int? {
        guard live.contains(worker) else { return nil }
        let own = Membership.weight(of: worker, for: partition)
        return live.count { (Membership.weight(of: $0, for: partition), $0) > (own, worker) }
    }

    package func rank(for partition: Partition) -> Int? { rank(of: name, for: partition) }

    /// FNV-1a over the name, then SplitMix64's finalizer with the partition: near names must not give near weights.
    package static func weight(of worker: String, for partition: Partition) -> UInt64 {
        var hash =
            MethodID(worker).rawValue &+ UInt64(UInt16(bitPattern: partition.rawValue))
            &* 0x9e37_79b9_7f4a_7c15
        hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
        return hash ^ (hash >> 31)
    }
}
