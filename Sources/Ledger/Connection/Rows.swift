import CPostgres
import Sales

/// The rows of one answer. Owns a `PGresult`.
///
/// Integers are read in the binary format, in network order. Reading beyond the rows or as the wrong width is
/// our own mistake and traps.
package final class Rows {
    private let result: OpaquePointer
    package let count: Int

    init(adopting result: OpaquePointer) {
        self.result = result
        count = Int(PQntuples(result))
    }

    deinit { PQclear(result) }

    package func isNull(_ row: Int, _ column: Int32) -> Bool { PQgetisnull(result, Int32(row), column) != 0 }

    /// A value in the text format, or the bytes of a text value in the binary format, which are the same.
    package func text(_ row: Int, _ column: Int32) -> String {
        String(cString: PQgetvalue(result, Int32(row), column))
    }

    func integer<I: FixedWidthInteger>(_ row: Int, _ column: Int32, as type: I.Type = I.self) -> I {
        let length = PQgetlength(result, Int32(row), column)
        precondition(
            Int(length) == MemoryLayout<I>.size,
            "column \(column) has \(length) bytes, not those of \(I.self)")
        let pointer = UnsafeRawPointer(PQgetvalue(result, Int32(row), column)!)
        return I(bigEndian: pointer.loadUnaligned(as: I.self))
    }

    func boolean(_ row: Int, _ column: Int32) -> Bool { integer(row, column, as: UInt8.self) != 0 }

    /// A value of the type bytea, in the binary format.
    func bytes(_ row: Int, _ column: Int32) -> [UInt8] { withBytes(row, column) { Array($0) } }

    /// Nil if it has not 32 bytes, which the schema does not let it have.
    func digest(_ row: Int, _ column: Int32) -> Digest? { withBytes(row, column) { Digest($0) } }

    /// Lends the bytes of a value.
    func withBytes<R>(_ row: Int, _ column: Int32, _ body: (UnsafeRawBufferPointer) -> R) -> R {
        let length = Int(PQgetlength(result, Int32(row), column))
        return body(UnsafeRawBufferPointer(start: PQgetvalue(result, Int32(row), column), count: length))
    }
}
