import Methods
import Sales
import SeededTestSupport
import Testing
import Wire

@Suite struct BodyTests {
    @Test(arguments: Sample.all)
    func `a body is read as it was written`(sample: Sample) throws {
        #expect(try sample.isReadAsWritten())
        #expect(try sample.roundTrip(sample.bytes) == sample.bytes)
        #expect(Header.size + sample.bytes.count <= Limits.messageSize)
    }

    @Test func `the longest list fits in a message`() {
        let sales = (0..<SaleList.maximum).map { _ in Sample.sale(.scheduled, closes: Sample.time) }
        let body = Sample.encode(SaleList(sales: sales, isCut: true))
        #expect(Header.size + body.count <= Limits.messageSize)
    }

    @Test(arguments: Sample.all)
    func `a body that is cut anywhere is refused`(sample: Sample) {
        for count in 0..<sample.bytes.count {
            #expect(throws: WireError.self) { try sample.roundTrip(Array(sample.bytes.prefix(count))) }
        }
    }

    @Test(arguments: Sample.all)
    func `a body with random bytes in it is read or refused`(sample: Sample) {
        var generator = SeededGenerator(seed: UInt64(sample.bytes.count))
        // Long bodies get fewer rounds: the test is about forms, not about time.
        for _ in 0..<max(50, 100_000 / max(20, sample.bytes.count)) {
            var bytes = sample.bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = UInt8.random(
                    in: 0...255, using: &generator)
            }
            _ = try? sample.roundTrip(bytes)
        }
    }

    @Test(arguments: Sample.all.filter { 0x80...0x8e ~= $0.bytes[0] })
    func `a field of a newer peer is skipped`(sample: Sample) throws {
        var bytes = sample.bytes
        bytes[0] += 1
        // "new": [{"a": 1}, 2]
        bytes += [0xa3, 0x6e, 0x65, 0x77, 0x92, 0x81, 0xa1, 0x61, 0x01, 0x02]
        #expect(try sample.roundTrip(bytes) == sample.bytes)
    }

    @Test(arguments: Sample.control)
    func `an element of a newer peer is skipped`(sample: Sample) throws {
        var bytes = sample.bytes
        bytes[0] += 1
        bytes += [0x82, 0xa1, 0x61, 0x01, 0xa1, 0x62, 0xc0]
        #expect(try sample.roundTrip(bytes) == sample.bytes)
    }

    @Test(arguments: [
        "", "-", "1", "1-", "-1", "1-0", "0-0", "-1-1", "1--1", "1-1-1", "32768-1", "1-x", "1- 1",
        "1-9223372036854775808", "+1-1", "1-+1", "01-1", "1-01",
    ])
    func `an order id that is not one is refused`(text: String) {
        #expect(OrderID(text) == nil)
    }

    @Test(arguments: [(Int16(0), Int64(1)), (12, 4_711), (.max, .max), (63, 1_000_000), (9, 10)])
    func `an order id is read as it was written`(partition: Int16, sequence: Int64) throws {
        let id = OrderID(partition: Partition(rawValue: partition), sequence: sequence)
        #expect(OrderID(id.description) == id)
        #expect(try Sample.decode(Sample.encode(GetOrder(order: id)), as: GetOrder.self).order == id)
    }
}
