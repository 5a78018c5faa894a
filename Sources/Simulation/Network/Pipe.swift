import Broker
import Wire

/// One connection between a peer and a broker. What is sent arrives in order and once, after a while, as long as
/// the connection lasts. A cut holds it up; the connection's end loses what is on its way.
final class Pipe {
    let identity: PeerIdentity
    private let broker: Int
    private let peer: Peer
    unowned let server: Process
    unowned let client: Process
    /// False once the connection is broken. The broker learns it when it sends; the peer only by silence.
    private(set) var isOpen = true
    var onServer: ((Message) -> Void)?
    var onClient: ((Message) -> Void)?
    private var lastUp = MonotonicTime.distantPast
    private var lastDown = MonotonicTime.distantPast

    /// Who connects to a broker.
    enum Peer: Hashable {
        case worker(Int)
        case client(Int)
    }

    init(identity: PeerIdentity, from peer: Peer, of client: Process, to server: Process, broker: Int) {
        self.identity = identity
        self.peer = peer
        self.broker = broker
        self.server = server
        self.client = client
    }

    private var network: Network { server.world.network }

    func sendToServer(_ message: Message) {
        guard isOpen else { return }
        lastUp = network.arrival(after: lastUp, Network.Way(peer: peer, broker: broker, isUp: true))
        server.deliver(at: lastUp) { [self] in if isOpen { onServer?(message) } }
    }

    /// - Returns: false when the connection is known to be broken.
    func sendToClient(_ message: Message) -> Bool {
        guard isOpen else { return false }
        lastDown = network.arrival(after: lastDown, Network.Way(peer: peer, broker: broker, isUp: false))
        client.deliver(at: lastDown) { [self] in if isOpen { onClient?(message) } }
        return true
    }

    func close() {
        isOpen = false
        (onServer, onClient) = (nil, nil)
    }
}
