package import Wire

/// What goes wrong with calls, decided by a test. Hosts outside of tests have none.
package protocol HostScript: Sendable {
    /// Asked once for every call that comes in; nil lets it pass. On the I/O thread.
    func twist(of method: MethodID) -> HostTwist?
}

package enum HostTwist: Sendable {
    /// Answered so, without being run.
    case refuse(Failure)
    /// Run only then.
    case delay(TimeAmount)
    /// Run, and its answer is lost.
    case loseAnswer
    /// Run, and the host loses its session with the broker before the answer leaves, as if it had died.
    case loseSession
}
