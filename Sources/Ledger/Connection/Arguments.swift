/// The arguments of one statement in the binary format, in one buffer that is used again and again.
///
/// Not `Sendable`: belongs to the connection.
final class Arguments {
    /// Type numbers, fixed in the server's `pg_type.dat`.
    enum Element: Int32 {
        case bytea = 17
        case int2 = 21
        case int4 = 23
        case int8 = 20
        case text = 25
        case uuid = 2950
        case jsonb = 3802
    }

    private var storage: UnsafeMutableRawPointer
    private var capacity: Int
    private var size = 0
    /// Where each argument starts, -1 for NULL.
    private var offsets: [Int] = []
    private var lengths: [Int32] = []
    private var pointers: [UnsafePointer<CChar>?] = []
    private var formats: [Int32] = []

    init(capacity: Int = 4_096) {
        self.capacity = capacity
        storage = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { storage.deallocate() }

    func removeAll() {
        size = 0
        offsets.removeAll(keepingCapacity: true)
        lengths.removeAll(keepingCapacity: true)
    }

    func appendNull() {
        offsets.append(-1)
        lengths.append(0)
    }

    func append(_ value: some FixedWidthInteger) { argument { write(value) } }

    /// An array without nulls: array_recv in the server's `arrayfuncs.c` reads dimensions, null flag,
    /// element type, size, lower bound, then each element behind its length.
    @inline(__always)
    func appendArray<I: FixedWidthInteger>(
        _ element: Element, count: Int, _ fill: (inout ArrayWriter<I>) -> Void
    ) {
        let width = MemoryLayout<I>.size
        argument {
            writeArrayHeader(element, count: count)
            reserve(count * (4 + width))
            var writer = ArrayWriter<I>(pointer: storage + size)
            fill(&writer)
            precondition(writer.written == count, "\(writer.written) elements, not \(count)")
            size += count * (4 + width)
        }
    }

    func appendArray<I: FixedWidthInteger>(_ element: Element, _ values: some Collection<I>) {
        appendArray(element, count: values.count) { (writer: inout ArrayWriter<I>) in
            for value in values { writer.write(value) }
        }
    }

    func append(bytes: some Collection<UInt8>) { argument { for byte in bytes { write(byte) } } }

    func appendByteArrays(_ arrays: [[UInt8]]) {
        argument {
            writeArrayHeader(.bytea, count: arrays.count)
            for bytes in arrays {
                write(Int32(bytes.count))
                for byte in bytes { write(byte) }
            }
        }
    }

    func appendTexts(_ texts: [String]) {
        argument {
            writeArrayHeader(.text, count: texts.count)
            for text in texts {
                write(Int32(text.utf8.count))
                for byte in text.utf8 { write(byte) }
            }
        }
    }

    /// An array of documents, nil where there is none.
    func appendDocuments(_ documents: [[UInt8]?]) {
        argument {
            writeArrayHeader(.jsonb, count: documents.count, hasNull: true)
            for document in documents {
                guard let document else {
                    write(Int32(-1))
                    continue
                }
                write(Int32(document.count + 1))
                write(UInt8(1))  // The version of jsonb's binary format.
                reserve(document.count)
                document.withUnsafeBytes {
                    (storage + size).copyMemory(from: $0.baseAddress!, byteCount: $0.count)
                }
                size += document.count
            }
        }
    }

    /// Writes the elements of an array into reserved memory.
    struct ArrayWriter<I: FixedWidthInteger> {
        fileprivate var pointer: UnsafeMutableRawPointer
        fileprivate var written = 0

        fileprivate init(pointer: UnsafeMutableRawPointer) { self.pointer = pointer }

        @inline(__always)
        mutating func write(_ value: I) {
            pointer.storeBytes(of: Int32(truncatingIfNeeded: MemoryLayout<I>.size).bigEndian, as: Int32.self)
            (pointer + 4).storeBytes(of: value.bigEndian, as: I.self)
            pointer += 4 + MemoryLayout<I>.size
            written += 1
        }
    }

    /// Lends values, lengths and formats as libpq takes them.
    func withPointers<R>(
        _ body: (Int32, UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?)
            -> R
    ) -> R {
        pointers.removeAll(keepingCapacity: true)
        for offset in offsets {
            pointers.append(
                offset < 0 ? nil : UnsafePointer((storage + offset).assumingMemoryBound(to: CChar.self)))
        }
        while formats.count < offsets.count { formats.append(1) }
        return pointers.withUnsafeBufferPointer { values in
            lengths.withUnsafeBufferPointer { lengths in
                formats.withUnsafeBufferPointer { formats in
                    body(Int32(offsets.count), values.baseAddress, lengths.baseAddress, formats.baseAddress)
                }
            }
        }
    }

    private func argument(_ fill: () -> Void) {
        let start = size
        fill()
        offsets.append(start)
        lengths.append(Int32(size - start))
    }

    private func writeArrayHeader(_ element: Element, count: Int, hasNull: Bool = false) {
        // An empty array has no dimensions.
        write(Int32(count == 0 ? 0 : 1))
        write(Int32(hasNull ? 1 : 0))
        write(element.rawValue)
        guard count > 0 else { return }
        write(Int32(count))
        write(Int32(1))
    }

    private func write<I: FixedWidthInteger>(_ value: I) {
        reserve(MemoryLayout<I>.size)
        (storage + size).storeBytes(of: value.bigEndian, as: I.self)
        size += MemoryLayout<I>.size
    }

    private func reserve(_ bytes: Int) {
        guard size + bytes > capacity else { return }
        let larger = max(capacity * 2, size + bytes)
        let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
        moved.copyMemory(from: storage, byteCount: size)
        storage.deallocate()
        storage = moved
        capacity = larger
    }
}
