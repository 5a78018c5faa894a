import Compression
import Wire
import ZeroMQ

extension HostLoop {
    func call(_ header: Header, _ frame: Span<UInt8>, from broker: Int) {
        switch core.admit(header, from: broker, loop.now) {
        case .inline(let method):
            guard case .inline(let handler) = plan.methods[method].handler else { return }
            runInline(handler, header, frame, from: broker)
        case .start(let slot, let method):
            guard case .task(let handler) = plan.methods[method].handler else { return }
            start(handler, plan.methods[method], in: slot, header, frame)
        case .refuse(let refusal):
            refuse(header, refusal.failure, broker)
        case .giveBack:
            var back = Header(.returned)
            back.flags = .end
            back.callID = header.callID
            send(back, to: broker)
        case .malformed:
            malformed(broker)
        }
    }

    private func refuse(_ call: Header, _ failure: Failure, _ broker: Int) {
        send(Answer(failure), to: .init(broker: broker, callID: call.callID, sent: 0))
    }

    // MARK: In a task

    private func start(
        _ handler: @escaping @Sendable (ServiceCall, [UInt8]) async throws -> [UInt8],
        _ method: ServiceMethod,
        in slot: Int, _ header: Header, _ frame: Span<UInt8>
    ) {
        let token = core.table.token(slot)
        let metadata: Metadata
        do throws(WireError) {
            metadata = try Metadata(decoding: frame, header: header)
        } catch {
            guard let (_, address) = core.finish(token), let address else { return }
            return send(Answer(.malformed("metadata", error)), to: address)
        }
        let channel = CallChannel(
            token: token, outbox: outbox, window: UInt32(plan.configuration.streamWindow),
            takesCompressed: header.flags.contains(.takesCompressed))
        if header.flags.contains(.end) { channel.deliver(nil, isLast: true) }
        let run = HandlerRun(
            handler: handler,
            call: ServiceCall(header, method: method, metadata: metadata, now: loop.now, channel: channel),
            body: frame.copy(from: Header.size + Int(header.metadataLength)),
            isCompressed: header.flags.contains(.compressed), interceptors: plan.interceptors, logger: logger)
        while tasks.count <= slot {
            tasks.append(nil)
            channels.append(nil)
        }
        channels[slot] = channel
        tasks[slot] = Task(priority: header.priority > .normal ? .high : nil) { [outbox] in
            let answer = await run.answer()
            outbox.push(.answer(token, answer))
        }
    }

    // MARK: On this thread

    private func runInline(
        _ handler: ServiceMethod.Inline, _ header: Header, _ frame: Span<UInt8>, from broker: Int
    ) {
        var reply = Header(.result)
        reply.flags = .end
        reply.callID = header.callID
        writer.removeAll()
        do throws(Failure) {
            let call = InlineCall(header, metadata: try metadata(header, frame))
            let start = Header.size + Int(header.metadataLength)
            if header.flags.contains(.compressed) {
                let plain = try BodyBytes.decompress(frame.extracting(start...))
                try handler(plain.span, 0, call, &writer)
            } else {
                try handler(frame, start, call, &writer)
            }
            guard writer.bytes.count <= Limits.smallestCompressed else {
                return try sendLarge(reply, header, to: broker)
            }
        } catch {
            return refuse(header, error, broker)
        }
        outgoing = Message(header: reply, body: writer)
        sendOutgoing(to: broker)
    }

    private func metadata(_ header: Header, _ frame: Span<UInt8>) throws(Failure) -> Metadata {
        guard header.metadataLength > 0 else { return Metadata() }
        do throws(WireError) {
            return try Metadata(decoding: frame, header: header)
        } catch {
            throw .malformed("metadata", error)
        }
    }

    /// A reply that may be worth compressing, or too large.
    private func sendLarge(_ reply: Header, _ call: Header, to broker: Int) throws(Failure) {
        let parcel = try Parcel(writer.bytes, mayCompress: call.flags.contains(.takesCompressed))
        try parcel.checkSize()
        send(reply, parcel, to: broker)
    }
}
