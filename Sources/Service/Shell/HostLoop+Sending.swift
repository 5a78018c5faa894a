import Methods
import Sales
import Wire
import ZeroMQ

extension HostLoop {
    /// READY, and all that follows it. Not sent: the socket is not connected yet.
    func introduce(to broker: Int) {
        let ready = Ready(
            name: plan.name, incarnation: plan.ownership?.incarnation ?? "",
            partitions: Int32(plan.ownership?.partitions ?? 0),
            hash: plan.ownership == nil ? "" : RoutingKey.hashName, methods: plan.methods.map(\.id),
            credit: plan.configuration.credit, leaseTTL: HostConfiguration.leaseTTL.milliseconds)
        writer.removeAll()
        ready.encode(into: &writer)
        outgoing = Message(header: Header(.ready), body: writer)
        guard let socket = sockets[broker], socket.send(&outgoing) else { return }
        core.introduced(broker)
        for method in plan.methods {
            writer.removeAll()
            method.description.encode(into: &writer)
            // One that is too large for a message is not worth a session.
            guard Header.size + writer.bytes.count <= Limits.messageSize else { continue }
            outgoing = Message(header: Header(.describe), body: writer)
            sendOutgoing(to: broker)
        }
        guard let ownership = plan.ownership else { return }
        for partition in 0..<ownership.partitions { claim(partition, ownership, to: broker) }
    }

    func sendBeats() {
        let idle = core.servicesNotServing.prefix(WorkerBeat.maximumServices).map { plan.services[$0] }
        let beat = WorkerBeat(isFit: true, leaseLeft: nil, gates: [], notServing: idle)
        for broker in sockets.indices where core.sessions[broker].isUp {
            var header = Header(.beat)
            header.callID = core.sessions[broker].stamp
            writer.removeAll()
            beat.encode(into: &writer)
            outgoing = Message(header: header, body: writer)
            sendOutgoing(to: broker)
        }
    }

    // MARK: Partitions

    private func claim(_ partition: Int, _ ownership: HostOwnership, to broker: Int) {
        var header = Header(.own)
        header.callID = core.sessions[broker].stamp
        writer.removeAll()
        Own(
            partition: Partition(rawValue: Int16(partition)), fence: Fence(rawValue: 1),
            incarnation: ownership.incarnation, gates: []
        ).encode(into: &writer)
        outgoing = Message(header: header, body: writer)
        sendOutgoing(to: broker)
    }

    /// A broker that sees no owner where this host is one has missed its claim.
    func reclaim(_ header: Header, _ frame: Span<UInt8>, from broker: Int) {
        guard let ownership = plan.ownership,
            let beat = try? Frame.decodeBody(frame, header: header, as: BrokerBeat.self)
        else { return }
        for partition in beat.unowned ?? [] where partition.rawValue < ownership.partitions {
            claim(Int(partition.rawValue), ownership, to: broker)
        }
    }

    // MARK: Answers

    func send(_ answer: Answer, to address: ServiceCore.Address) {
        var header = Header(.result)
        header.flags = .end
        header.callID = address.callID
        header.sequence = address.sent
        answer.failure?.fill(&header)
        send(header, answer.parcel, to: address.broker)
    }

    func send(_ header: Header, _ parcel: Parcel, to broker: Int) {
        var header = header
        header.metadataLength = UInt16(parcel.metadata.count)
        if parcel.isCompressed { header.flags.insert(.compressed) }
        outgoing = Message(size: Header.size + parcel.metadata.count + parcel.body.count)
        outgoing.withMutableSpan { header.encode(into: &$0) }
        unsafe outgoing.withMutableBytes { bytes in
            let body = Header.size + parcel.metadata.count
            unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[Header.size..<body])
                .copyBytes(from: parcel.metadata)
            unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[body...]).copyBytes(from: parcel.body)
        }
        sendOutgoing(to: broker)
    }

    func send(_ header: Header, to broker: Int) {
        writer.removeAll()
        outgoing = Message(header: header, body: writer)
        sendOutgoing(to: broker)
    }

    /// Credit keeps far below what a pipe holds, so a message that is not taken means that the broker is gone.
    func sendOutgoing(to broker: Int) {
        guard !isMuted, let socket = sockets[broker], !socket.send(&outgoing) else { return }
        lost(broker)
    }
}
