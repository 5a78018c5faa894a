import Methods
import Wire

/// Whether services can be called here. The broker is the one that knows: it has the workers.
extension BrokerCore {
    /// Somebody who watches a service, and what it was told last.
    struct Watch {
        let service: String?
        var told: Health?
    }

    /// - Parameter service: nil for any.
    func health(of service: String?) -> Health {
        var serving = 0
        var known = service.map(catalog.isOwn(service:)) ?? true
        let isOwn = service.map(catalog.isOwn(service:)) ?? false
        var ownsPartitions = false
        for case let worker? in workers {
            let methods = worker.methods.filter { service == nil || catalog.service(of: $0) == service }
            guard !methods.isEmpty else { continue }
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

    func isServing(_ method: MethodID, _ worker: WorkerState) -> Bool {
        // Nearly always empty: the look-up by name is for a worker that has said so.
        guard !worker.notServing.isEmpty, let service = catalog.service(of: method) else { return true }
        return !worker.notServing.contains(service)
    }

    /// Begins a stream of a service's health: at once, and then with every change.
    mutating func watch(
        _ service: String?, _ header: Header, from client: Int32, _ now: MonotonicTime
    ) {
        guard let slot = admit(header, from: client, partition: -1, now) else { return }
        table[slot].place = .watching
        table.places.append(slot, to: &watching)
        watches[slot] = Watch(service: service)
        tell(slot, now)
    }

    /// Tells everybody who watches what has changed.
    mutating func tellWatchers(_ now: MonotonicTime) {
        var slot = watching.first
        while slot >= 0 {
            let next = table.places.next(after: slot)
            tell(slot, now)
            slot = next
        }
    }

    /// Sends the newest state if it differs and there is credit: a slow reader misses states in between.
    func tellable(_ slot: Int32) -> Health? {
        guard let watch = watches[slot] else { return nil }
        let health = health(of: watch.service)
        return health == watch.told ? nil : health
    }

    mutating func tell(_ slot: Int32, _ now: MonotonicTime) {
        guard let health = tellable(slot), let sequence = table[slot].stream?.received,
            table[slot].stream!.workerSends(sequence)
        else { return }
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
