package import Methods
package import Wire

/// Whether services can be called here. The broker is the one that knows: it has the workers.
extension BrokerCore {
    /// Somebody who watches a service, and what it was told last.
    package struct Watch {
        let service: String?
        var told: Health?
    }

    /// Watchers that are looked at in one turn of the loop.
    private static let watchersPerTurn = 2_000

    /// - Parameter service: nil for any.
    package func health(of service: String?) -> Health {
        // Whoever asks for what nobody has must not cost a look at every worker.
        if let service, !catalog.has(service: service) {
            return Health(service: service, status: .unknown, workers: 0, unowned: 0)
        }
        var serving = 0
        var known = service.map(catalog.isOwn(service:)) ?? true
        let isOwn = service.map(catalog.isOwn(service:)) ?? false
        var ownsPartitions = false
        for case let worker? in workers {
            guard
                worker.methods.contains(where: { service == nil || catalog.service(of: $0) == service })
            else { continue }
            known = true
            ownsPartitions = ownsPartitions || !worker.incarnation.isEmpty
            if worker.isFit, !worker.isDraining, service.map(worker.notServing.contains) != true {
                serving += 1
            }
        }
        let unowned = ownsPartitions ? partitions.count { $0.owner < 0 } : 0
        return Health(
            service: service ?? "",
            status: !known ? .unknown : serving > 0 || isOwn ? .serving : .notServing,
            workers: Int64(serving), unowned: Int64(unowned))
    }

    package func isServing(_ method: MethodID, _ worker: Int) -> Bool {
        // Nearly always empty: the look-up by name is for a worker that has said so.
        guard workers[worker]?.notServing.isEmpty == false, let service = catalog.service(of: method) else {
            return true
        }
        return workers[worker]?.notServing.contains(service) == false
    }

    /// Begins a stream of a service's health: at once, and then with every change.
    package mutating func watch(
        _ service: String?, _ header: Header, from client: Int32, _ now: MonotonicTime
    ) {
        guard let slot = admit(header, from: client, partition: -1, now) else { return }
        table[slot].place = .watching
        table.places.append(slot, to: &watching)
        watches[slot] = Watch(service: service)
        tell(slot)
    }

    /// Something has changed that a service's health may follow from.
    package mutating func healthMayHaveChanged() { healthVersion &+= 1 }

    /// Tells everybody who watches what has changed. However many watch, a service is judged once.
    package mutating func tellWatchers(_ now: MonotonicTime) {
        if untold == 0 {
            guard !watching.isEmpty, healthVersion != toldVersion, now - toldAt >= .milliseconds(100) else {
                return
            }
            toldVersion = healthVersion
            toldAt = now
            untold = watching.count
        }
        var judged: [String?: Health] = [:]
        // A part of them per turn, so that nobody else waits. Whoever was looked at goes to the end of the list.
        let part = min(untold, BrokerCore.watchersPerTurn)
        untold -= part
        for _ in 0..<part {
            let slot = watching.first
            guard slot >= 0 else { break }
            table.places.remove(slot, from: &watching)
            table.places.append(slot, to: &watching)
            guard let watch = watches[slot] else { continue }
            let health = judged[watch.service] ?? health(of: watch.service)
            judged[watch.service] = health
            if health != watch.told { tell(slot, health) }
        }
    }

    /// Sends the newest state if it differs: a reader that had no credit misses states in between.
    package mutating func tell(_ slot: Int32) {
        guard let watch = watches[slot] else { return }
        let health = health(of: watch.service)
        if health != watch.told { tell(slot, health) }
    }

    private mutating func tell(_ slot: Int32, _ health: Health) {
        guard let sequence = table[slot].stream?.received, table[slot].stream!.workerSends(sequence) else {
            return
        }
        watches[slot]!.told = health
        var writer = MessagePackWriter()
        health.encode(into: &writer)
        bodies.append(writer.bytes)
        effects.append(
            .item(
                client: table[slot].client, callID: table[slot].clientCallID, sequence: sequence,
                body: Int32(bodies.count - 1)))
    }
}
