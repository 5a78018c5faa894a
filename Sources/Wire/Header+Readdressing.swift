/// Writes over an encoded header what differs from hop to hop and from attempt to attempt. All else stays as its
/// author wrote it, so a broker need not write the header again.
extension Header {
    /// A CALL goes to another peer, or again.
    ///
    /// - Parameters:
    ///   - frame: a whole frame, whose header was decoded or encoded before.
    ///   - milliseconds: left until the deadline, 0 for none.
    ///   - priority: nil leaves the author's.
    public static func readdress(
        _ frame: inout MutableSpan<UInt8>, callID: UInt64, milliseconds: UInt32, isRetry: Bool,
        priority: Priority? = nil
    ) {
        precondition(frame.count >= Header.size)
        unsafe frame.store(callID, unchecked: 8)
        unsafe frame.store(milliseconds, unchecked: 20)
        if isRetry { frame[3] |= Flags.retry.rawValue }
        if let priority { frame[6] = priority.rawValue }
    }

    /// A RESULT goes to whoever asked.
    public static func readdress(
        _ frame: inout MutableSpan<UInt8>, callID: UInt64, certainty: Certainty
    ) {
        precondition(frame.count >= Header.size)
        frame[7] = certainty.rawValue
        unsafe frame.store(callID, unchecked: 8)
    }

    /// A DATA or CREDIT goes to the other end of its stream.
    public static func readdress(
        _ frame: inout MutableSpan<UInt8>, callID: UInt64, sequence: UInt32
    ) {
        precondition(frame.count >= Header.size)
        unsafe frame.store(callID, unchecked: 8)
        unsafe frame.store(sequence, unchecked: 16)
    }

    /// A frame's body was compressed after its header was written.
    public static func markCompressed(_ frame: inout [UInt8]) {
        frame[3] |= Flags.compressed.rawValue
    }
}
