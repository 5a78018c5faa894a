/// A value that only one thread touches, stored where Swift does not check for overlapping accesses at run time.
///
/// Every access to a stored property of a class is entered into a table of the thread and taken out again
/// (SE-0176), which adds up in a loop that touches its state many times per message.
/// The owner must be what the checks would make sure of: one thread, and no access while another goes on.
public struct ThreadBound<Value: ~Copyable>: ~Copyable {
    @usableFromInline let pointer: UnsafeMutablePointer<Value>

    public init(_ value: consuming Value) {
        pointer = .allocate(capacity: 1)
        pointer.initialize(to: value)
    }

    deinit {
        pointer.deinitialize(count: 1)
        pointer.deallocate()
    }

    public var value: Value {
        @inlinable _read { yield pointer.pointee }
        @inlinable nonmutating _modify { yield &pointer.pointee }
    }
}
