import Wire
import ZeroMQ

extension Worker {
    /// A broker that says nothing for so long is not waited for.
    private static let farewellTime = TimeAmount.milliseconds(500)

    /// Everything is given up, but what the brokers sent before they knew may still be on its way. What is sent to
    /// one peer arrives in order, so a broker's PONG shows that all of it is here, and has been handed back.
    func leave() {
        guard farewells == nil else { return }
        var awaited: Set<UInt32> = []
        for link in links where link.isJoined && link.send(Header(.ping), Empty()) {
            awaited.insert(link.session)
        }
        farewells = awaited
        loop.schedule(after: Worker.farewellTime) { [weak self] in
            self?.farewells = []
            self?.abandonLocks()
        }
    }

    /// A broker has answered, or its session has ended.
    func partedFrom(_ session: UInt32) { farewells?.remove(session) }

    /// Ends the worker once nobody is waited for, neither broker nor Redis node nor who asked for a lock; what was
    /// handed back has been sent.
    func exitIfDone() {
        guard farewells?.isEmpty == true, releases == 0, lockService?.desk.isEmpty ?? true else { return }
        exit(.drained)
    }
}
