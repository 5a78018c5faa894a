import Wire

/// A call on its way from the calling task to the I/O thread.
struct Submission: Sendable {
    /// Who is told of the call's end.
    enum Caller: Sendable {
        case unary(Waiter<Outcome>)
        case stream(StreamPipe)
    }

    /// Header, metadata and body, complete but for call id, time left and the flag *retry*.
    var frame: [UInt8]
    let request: ClientCore.Request
    let caller: Caller
}
