import Wire
import ZeroMQ

extension HostLoop {
    /// Lets a call go wrong as a test wants it.
    func perform(_ twist: HostTwist, _ header: Header, _ frame: Span<UInt8>, from broker: Int) {
        switch twist {
        case .refuse(let failure):
            send(Answer(failure), to: .init(broker: broker, callID: header.callID, sent: 0))
        case .delay(let wait):
            let (bytes, session) = (frame.copy(from: 0), sockets[broker])
            loop.schedule(after: wait) { [unowned self] in
                // A call of a session that is over has nobody to answer to.
                guard let session, session === sockets[broker] else { return }
                call(header, bytes.span, from: broker)
            }
        case .loseAnswer:
            callInVain(header, frame, from: broker)
        case .loseSession:
            callInVain(header, frame, from: broker)
            lost(broker)
        }
    }

    private func callInVain(_ header: Header, _ frame: Span<UInt8>, from broker: Int) {
        isMuted = true
        call(header, frame, from: broker)
        isMuted = false
        core.loseAnswer(header.callID, from: broker)
    }
}
