package import Methods
package import Sales
package import Wire

/// Who is live, who should own what, and which partitions are free, as far as the brokers say.
package struct Membership {
    private struct View {
        var live: [String]?
        var unowned: Set<Partition>
        var dead: [Partition: HolderToken]
    }

    /// A partition that some broker sees without an owner.
    package struct Free: Equatable {
        /// The first that any broker said so.
        package let since: MonotonicTime
        /// All brokers say so. Else one of them may be blind, or know more than the others.
        package var isAgreed: Bool
        /// The lease of the last owner, whose connection a broker saw end while no other sees it own the partition.
        package var dead: HolderToken?
    }

    private let name: String
    private let partitions: Int
    private var views: [UInt32: View] = [:]
    /// Whom any broker sees, as they last said. Stays when there is no broker. We are missing ourselves when we
    /// drain or are unfit: who is not to be counted on counts for nobody.
    package private(set) var live: [String] = []
    /// False until a broker has spoken: whoever knows nothing of the others takes nothing.
    package private(set) var isKnown = false
    /// Of the workers that are live.
    package private(set) var targets: Targets
    /// When any broker last spoke, and when one last counted us as live or was too young to say.
    private var heardAt = MonotonicTime.distantPast
    private var seenAt = MonotonicTime.distantPast
    /// Since when the same workers have been live.
    private var standing = MonotonicTime.distantPast
    private(set) var free: [Partition: Free] = [:]

    package init(name: String, partitions: Int) {
        self.name = name
        self.partitions = partitions
        targets = Targets(workers: [], partitions: partitions)
    }

    /// A broker's beat.
    package mutating func heard(_ beat: BrokerBeat, from session: UInt32, _ now: MonotonicTime) {
        views[session] = View(
            live: beat.live, unowned: Set(beat.unowned ?? []),
            dead: Dictionary(beat.dead.map { ($0.partition, $0.token) }) { $1 })
        heardAt = now
        if beat.live?.contains(name) ?? true { seenAt = now }
        merge(now)
    }

    /// A broker is gone.
    package mutating func lost(_ session: UInt32, _ now: MonotonicTime) {
        views[session] = nil
        merge(now)
        // What is free may have changed since, and nobody would be told who took it.
        if views.isEmpty { free = [:] }
    }

    /// Whether no broker would send us anything: those that speak count others as live and not us, or none has spoken
    /// for a while. Where nobody is live nobody could do better.
    package func isUnseen(_ now: MonotonicTime, patience: TimeAmount) -> Bool {
        if views.isEmpty { return now - heardAt > patience }
        guard views.values.contains(where: { $0.live != nil }) else { return false }
        return !live.isEmpty && !live.contains(name) && now - seenAt > patience
    }

    private mutating func merge(_ now: MonotonicTime) {
        let speaking = views.values.filter { $0.live != nil }
        guard !speaking.isEmpty else { return }
        isKnown = true
        let seen = Set(speaking.flatMap { $0.live ?? [] }).sorted()
        if seen != live {
            live = seen
            targets = Targets(workers: live, partitions: partitions)
            standing = now
        }
        var unowned: [Partition: Free] = [:]
        for partition in speaking.flatMap(\.unowned) where unowned[partition] == nil {
            let isAgreed = speaking.allSatisfy { $0.unowned.contains(partition) }
            unowned[partition] = Free(
                since: free[partition]?.since ?? now, isAgreed: isAgreed,
                dead: isAgreed ? speaking.lazy.compactMap { $0.dead[partition] }.first : nil)
        }
        free = unowned
    }

    /// Whether a broker sees an owner of the partition.
    package func sees(ownerOf partition: Partition, _ session: UInt32) -> Bool {
        views[session].map { $0.live != nil && !$0.unowned.contains(partition) } ?? false
    }

    /// How long the same workers have been live. A view that has just changed is not yet everybody's, and may be a
    /// short one.
    package func age(_ now: MonotonicTime) -> TimeAmount { now - standing }

    /// A hand-over was agreed: nobody else knows yet that the partition is free.
    package mutating func release(_ partition: Partition) {
        free[partition] = Free(since: .distantPast, isAgreed: true)
    }

    /// How many live workers come before `worker` for a partition: first its target, then the others by rendezvous
    /// hashing. Nil when it is not live.
    package func rank(of worker: String, for partition: Partition) -> Int? {
        guard live.contains(worker) else { return nil }
        let target = targets.target(of: partition)
        guard worker != target else { return 0 }
        let own = Membership.weight(of: worker, for: partition)
        return 1
            + live.count { $0 != target && (Membership.weight(of: $0, for: partition), $0) > (own, worker) }
    }

    /// Our own rank. When we are not live ourselves, all others come first.
    package func rank(for partition: Partition) -> Int? {
        isKnown ? rank(of: name, for: partition) ?? live.count : nil
    }

    /// Whether the partition should be ours.
    package func isOurs(_ partition: Partition) -> Bool { targets.target(of: partition) == name }

    /// FNV-1a over the name, then SplitMix64's finalizer with the partition: near names must not give near weights.
    package static func weight(of worker: String, for partition: Partition) -> UInt64 {
        weight(hash: hash(of: worker), partition)
    }

    package static func hash(of worker: String) -> UInt64 { MethodID(worker).rawValue }

    package static func weight(hash: UInt64, _ partition: Partition) -> UInt64 {
        var hash = hash &+ UInt64(UInt16(bitPattern: partition.rawValue)) &* 0x9e37_79b9_7f4a_7c15
        hash = (hash ^ (hash >> 30)) &* 0xbf58_476d_1ce4_e5b9
        hash = (hash ^ (hash >> 27)) &* 0x94d0_49bb_1331_11eb
        return hash ^ (hash >> 31)
    }
}
