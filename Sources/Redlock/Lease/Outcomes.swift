public import Wire

/// How one attempt to take a lease ended. After anything but `acquired` the attempt's keys are being
/// released on every node.
public enum AcquireOutcome: Hashable, Sendable {
    /// A majority agreed, in time.
    case acquired(Lease)
    /// Others hold too many nodes. `retryAfter` is when enough of their keys run out, if a majority of the
    /// nodes told; nil when votes were split, and a new try after a short random delay may win.
    case held(retryAfter: TimeAmount?)
    /// Too few nodes could vote in time.
    case noQuorum
}

/// How one attempt to extend a lease ended.
public enum ExtendOutcome: Hashable, Sendable {
    /// The same lease with a later end.
    case extended(Lease)
    /// At least one node knows another holder, and there is no quorum for this one. The lease was given up
    /// and its keys are being released.
    case taken
    /// A majority of the nodes knows no holder (flushed, or run out), or the lease had ended by its own
    /// clock before the call. It was given up and its keys are being released, so it can be acquired anew.
    case vanished
    /// Too few nodes could vote in time. The lease stands until its `validUntil`; try again before.
    case noQuorum
}
