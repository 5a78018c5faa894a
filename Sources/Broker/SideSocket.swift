import ZeroMQ

/// A lock by reference, so that there can be a list of them.
final class HeldLock {
    private let lock: EndpointLock
    init(_ lock: consuming EndpointLock) { self.lock = lock }
}

/// A socket by reference, so that both sides can be passed about.
final class SideSocket {
    let socket: Socket
    var turnSize = TurnSize()
    init(socket: consuming Socket) { self.socket = socket }
}
