public import Wire

extension Message {
    /// A whole message of the protocol: the header, and what was written as its body.
    public init(header: Header, body: borrowing MessagePackWriter) {
        self.init(size: Header.size + body.bytes.count)
        withMutableBytes { target in
            body.bytes.withUnsafeBytes { bytes in
                UnsafeMutableRawBufferPointer(rebasing: target[Header.size...]).copyMemory(from: bytes)
            }
        }
        withMutableSpan { header.encode(into: &$0) }
    }
}
