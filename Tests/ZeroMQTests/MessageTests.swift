import Testing
import Wire

@testable import ZeroMQ

@Suite struct MessageTests {
    @Test(arguments: [0, 1, 32, 33, 34, 35, 1_000, 70_000]) func `a message owns its bytes wherever it moves`(
        size: Int
    ) {
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        func make() -> Message { Message(copying: bytes) }
        var message = make()
        var moved = consume message
        #expect(moved.count == size)
        #expect(moved.withBytes { span in span.indices.map { span[$0] } } == bytes)
        message = Message()
        #expect(message.count == 0)
        swap(&message, &moved)
        #expect(message.withBytes { span in span.indices.map { span[$0] } } == bytes)
        #expect(moved.count == 0)
    }

    @Test(arguments: [8, 33, 34, 5_000]) func `bytes are patched in place`(size: Int) {
        var message = Message(size: size)
        message.withMutableBytes { _ = $0.initializeMemory(as: UInt8.self, repeating: 1) }
        message.withMutableSpan { $0[size - 1] = 9 }
        let bytes = message.withBytes { span in span.indices.map { span[$0] } }
        #expect(bytes == [UInt8](repeating: 1, count: size - 1) + [9])
    }

    @Test func `a frame is a header and what the writer holds`() throws {
        var writer = MessagePackWriter()
        writer.string("hello")
        var header = Header(.call)
        header.callID = 42
        var message = Message(header: header, body: writer)
        let bytes = message.withBytes { span in span.indices.map { span[$0] } }
        #expect(bytes == Frame.encode(header, body: writer.bytes))
        #expect(try Header(decoding: bytes.span) == header)
    }
}
