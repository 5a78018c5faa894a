extension Header {
    /// Writes over an encoded CALL what differs between the attempts of one call.
    public static func readdress(
        _ frame: inout MutableSpan<UInt8>, callID: UInt64, milliseconds: UInt32, isRetry: Bool
    ) {
        if isRetry { frame[3] |= Flags.retry.rawValue }
        frame.storeLittleEndian(callID, at: 8)
        frame.storeLittleEndian(milliseconds, at: 20)
    }

    /// Says in an encoded frame that its body is compressed.
    public static func markCompressed(_ frame: inout [UInt8]) {
        frame[3] |= Flags.compressed.rawValue
    }
}
