public import CZeroMQ

/// One frame. Owns a `zmq_msg_t`, and with it the bytes.
///
/// Messages of up to 33 bytes live inside the struct, so their address changes when the value moves: the
/// bytes are lent to closures, never returned.
public struct Message: ~Copyable {
    @usableFromInline var raw: zmq_msg_t

    /// An empty message, to receive into.
    @inlinable
    public init() {
        raw = zmq_msg_t()
        zmq_msg_init(&raw)
    }

    /// A message of `size` bytes whose content is not set yet.
    @inlinable
    public init(size: Int) {
        raw = zmq_msg_t()
        guard zmq_msg_init_size(&raw, size) == 0 else {
            fatalError("zmq_msg_init_size(\(size)): out of memory")
        }
    }

    public init(copying bytes: some Collection<UInt8>) {
        self.init(size: bytes.count)
        withMutableBytes { target in
            target.copyBytes(from: bytes)
        }
    }

    public init(copying bytes: UnsafeRawBufferPointer) {
        self.init(size: bytes.count)
        withMutableBytes { $0.copyMemory(from: bytes) }
    }

    @inlinable
    deinit {
        var raw = self.raw
        zmq_msg_close(&raw)
    }

    public var count: Int {
        @inlinable mutating get { zmq_msg_size(&raw) }
    }

    /// True when more frames of the same multipart message follow.
    var hasMore: Bool {
        mutating get { zmq_msg_more(&raw) != 0 }
    }

    @inlinable
    public mutating func withBytes<R, E>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
        try withUnsafeMutablePointer(to: &raw) { raw throws(E) in
            let bytes = UnsafeRawBufferPointer(start: zmq_msg_data(raw), count: zmq_msg_size(raw))
            return try body(Span(_unsafeBytes: bytes))
        }
    }

    @inlinable
    public mutating func withMutableBytes<R, E>(
        _ body: (UnsafeMutableRawBufferPointer) throws(E) -> R
    ) throws(E) -> R {
        try withUnsafeMutablePointer(to: &raw) { raw throws(E) in
            try body(UnsafeMutableRawBufferPointer(start: zmq_msg_data(raw), count: zmq_msg_size(raw)))
        }
    }

    /// Lends the bytes for patching in place. Only the owner of a whole, unshared frame may do this.
    @inlinable
    public mutating func withMutableSpan<R, E>(_ body: (inout MutableSpan<UInt8>) throws(E) -> R) throws(E)
        -> R
    {
        try withUnsafeMutablePointer(to: &raw) { raw throws(E) in
            let bytes = UnsafeMutableRawBufferPointer(start: zmq_msg_data(raw), count: zmq_msg_size(raw))
            var span = MutableSpan<UInt8>(_unsafeBytes: bytes)
            return try body(&span)
        }
    }
}
