/// What the I/O thread keeps of a call while it is in flight.
struct PendingCall {
    var frame: [UInt8] = []
    /// Nil when the slot is free.
    var caller: Submission.Caller?
    /// The answer of one attempt, while another is open.
    var held = Parcel()
}
