import Methods
import Wire
import ZeroMQ

/// The broker's own methods.
extension Broker {
    /// Answers the call that came in.
    func answerSelf(_ client: Int32, _ callID: UInt64) {
        guard let header = decodeHeader() else { return }
        do throws(WireError) {
            switch header.method {
            case SystemMethods.brokerStatus.id: sendStatus(to: client, callID)
            case HealthMethods.check.id:
                answer(client, callID, core.health(of: try body(of: header, as: HealthCheck.self).service))
            case HealthMethods.watch.id:
                guard header.flags.contains(.stream) else {
                    throw WireError(.badValue, at: 3, field: "flags")
                }
                let service = try body(of: header, as: HealthCheck.self).service
                guard service?.utf8.count ?? 0 <= Limits.nameLength else {
                    throw WireError(.badValue, at: Header.size, field: "service")
                }
                core.watch(service, header, from: client, loop.now)
            case ReflectionMethods.list.id: sendMethods(to: client, callID)
            case ReflectionMethods.describe.id:
                try describe(try body(of: header, as: DescribeMethod.self).method, to: client, callID)
            default: preconditionFailure("a method of the broker's own that it does not answer")
            }
        } catch {
            core.refuse(
                client, callID,
                Verdict(status: .invalidArgument, certainty: .notExecuted, reason: .malformed))
        }
    }

    private func answer(_ client: Int32, _ callID: UInt64, _ body: some MessageBody) {
        writer.removeAll()
        body.encode(into: &writer)
        answer(client, okHeader(callID))
    }

    private func okHeader(_ callID: UInt64) -> Header {
        var header = Header(.result)
        header.flags = .end
        header.callID = callID
        return header
    }

    private func sendMethods(to client: Int32, _ callID: UInt64) {
        var list = MethodList(methods: core.catalog.list)
        writer.removeAll()
        list.encode(into: &writer)
        while writer.bytes.count > Limits.messageSize - Header.size {
            // The words go first: a name is enough to ask for more.
            for index in list.methods.indices { list.methods[index].about = "" }
            if list.methods.count > 256 { list.methods.removeLast(list.methods.count / 4) }
            writer.removeAll()
            list.encode(into: &writer)
        }
        answer(client, okHeader(callID))
    }

    private func describe(_ method: String, to client: Int32, _ callID: UInt64) throws(WireError) {
        guard let description = core.catalog.description(of: method) else {
            return core.refuse(
                client, callID,
                Verdict(status: .notFound, certainty: .notExecuted, reason: .unknownMethod))
        }
        writer.removeAll()
        writer.raw(description)
        answer(client, okHeader(callID))
    }

    private func sendStatus(to client: Int32, _ callID: UInt64) {
        var status = core.status(loop.now)
        writer.removeAll()
        status.encode(into: &writer)
        // A longer message would end the asker's connection; the longest lists are cut until it fits.
        while writer.bytes.count > Limits.messageSize - Header.size {
            status.halveLongestList()
            writer.removeAll()
            status.encode(into: &writer)
        }
        answer(client, okHeader(callID))
    }

    /// Sends a header and the writer's content to a client.
    func answer(_ client: Int32, _ header: Header) {
        outgoing = Message(header: header, body: writer)
        send(&outgoing, to: client)
    }
}
