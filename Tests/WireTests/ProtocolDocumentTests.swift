import Testing
import WireTestSupport

@testable import Wire

/// The page says what the code does.
@Suite struct ProtocolDocumentTests {
    static let page = ProtocolDocument.shared

    @Test func `the header's fields are where the page says`() {
        var ends = 0
        for row in ProtocolDocumentTests.page.table("offset", "size", "field") {
            let (offset, size) = (Int(row[0]) ?? -1, Int(row[1]) ?? -1)
            #expect(offset == ends, "\(row[2])")
            ends = offset + size
            guard let changed = bytesOfField(row[2]) else { continue }
            #expect(changed == Set(offset..<offset + size), "\(row[2])")
        }
        #expect(ends == Header.size)
    }

    /// Where a header with one field of all ones differs from one without.
    private func bytesOfField(_ name: String) -> Set<Int>? {
        // Its certainty is executed, which is zero, like everything else in it.
        let plain = Header(.call)
        var header = plain
        switch name {
        case "magic", "version", "reserved": return nil
        case "kind": header.kind = .result
        case "flags": header.flags = .known
        case "metadataLength": header.metadataLength = .max
        case "code": header.priority = .system
        case "certainty": header.certainty = .maybeExecuted
        case "callID": header.callID = .max
        case "sequence": header.sequence = .max
        case "milliseconds": header.milliseconds = .max
        case "method": header.method = MethodID(rawValue: .max)
        case "sale": header.routing.sale = -1
        case "lane": header.routing.lane = -1
        case "reason":
            // No reason has two bytes yet.
            header.reason = .busy
            let frame = Frame.encode(header)
            #expect(frame[42] == Reason.busy.rawValue)
            return nil
        case "requestKey": header.requestKey = .max
        default:
            Issue.record("the page has a field '\(name)' that the header has not")
            return nil
        }
        let (one, other) = (Frame.encode(plain), Frame.encode(header))
        return Set(one.indices.filter { one[$0] != other[$0] })
    }

    private func rows(_ column: String) -> [String: UInt64] {
        var numbers: [String: UInt64] = [:]
        for row in ProtocolDocumentTests.page.table("value", column) { numbers[row[1]] = number(row[0]) }
        return numbers
    }

    private func numbers<Case: CaseIterable & RawRepresentable>(
        of: Case.Type
    ) -> [String: UInt64] where Case.RawValue: BinaryInteger {
        Dictionary(uniqueKeysWithValues: Case.allCases.map { ("\($0)", UInt64($0.rawValue)) })
    }

    @Test func `the page lists every value of every enumeration`() {
        #expect(rows("kind") == numbers(of: Header.Kind.self))
        #expect(rows("status") == numbers(of: Status.self))
        #expect(rows("certainty") == numbers(of: Certainty.self))
        #expect(rows("priority") == numbers(of: Priority.self))
        #expect(rows("reason") == numbers(of: Reason.self))
        #expect(
            rows("flag") == [
                "end": 1, "retry": 2, "keyed": 4, "partition": 8, "stream": 16, "compressed": 32,
                "takesCompressed": 64,
            ])
    }

    @Test func `the page's limits are the code's`() {
        let text = ProtocolDocumentTests.page.text
        #expect(text.contains("at most 65,536 bytes") && Limits.messageSize == 65_536)
        #expect(text.contains("at most 120 bytes") && Limits.nameLength == 120)
        #expect(text.contains("sentence 1,024") && Limits.failureTextLength == 1_024)
        #expect(text.contains("at most 8,192 bytes and 64 pairs"))
        #expect(Limits.metadataSize == 8_192 && Limits.metadataPairs == 64)
        #expect(text.contains("Each side may send 16 items") && Limits.initialCredit == 16)
        #expect(text.contains("at most 1,024 beyond") && Limits.largestCredit == 1_024)
        #expect(text.contains("at most 1,048,576") && Limits.plainSize == 1_048_576)
        #expect(text.contains("bodies above 1,024 bytes") && Limits.smallestCompressed == 1_024)
        #expect(text.contains("read as 30 s") && Limits.defaultDeadline == .seconds(30))
        #expect(text.contains("read as 300 s") && Limits.longestDeadline == .seconds(300))
    }

    @Test func `the page has a frame of every kind`() {
        let kinds = Set(ProtocolDocumentTests.page.frames.compactMap { $0.claims["kind"] })
        #expect(kinds == Set(Header.Kind.allCases.map { "\($0)" }))
    }

    @Test(arguments: page.frames)
    func `a frame of the page is what it says`(frame: ProtocolDocument.GoldenFrame) throws {
        let header = try Header(decoding: frame.bytes.span)
        var claims = frame.claims
        func claim(_ name: String, _ value: String?) {
            #expect(claims.removeValue(forKey: name) == value, "\(name)")
        }
        claim("kind", "\(header.kind)")
        claim("flags", words(header.flags))
        claim("status", header.kind == .result ? "\(header.status)" : nil)
        claim("priority", header.kind == .call ? "\(header.priority)" : nil)
        claim("certainty", header.kind == .result ? "\(header.certainty)" : nil)
        claim("reason", header.kind == .result ? "\(header.reason)" : nil)
        claim("callID", "\(header.callID)")
        claim("sequence", header.sequence == 0 ? nil : "\(header.sequence)")
        claim("milliseconds", header.milliseconds == 0 ? nil : "\(header.milliseconds)")
        if let method = claims.removeValue(forKey: "method") { #expect(MethodID(method) == header.method) }
        let isRouted = header.routing != RoutingKey(sale: 0, lane: 0)
        claim("sale", isRouted ? "\(header.routing.sale)" : nil)
        claim("lane", isRouted ? "\(header.routing.lane)" : nil)
        let key = String(header.requestKey, radix: 16)
        claim(
            "requestKey",
            header.requestKey == 0 ? nil : String(repeating: "0", count: 32 - key.count) + key)
        var offset = Header.size
        let metadata = try Metadata(decoding: frame.bytes.span, header: header)
        claim("metadata", metadata.isEmpty ? nil : try frame.bytes.span.text(at: &offset))
        if header.flags.contains(.compressed) {
            let digits = frame.bytes[offset...].map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }
            claim("compressed", "h'\(digits.joined())'")
        } else {
            claim("body", offset < frame.bytes.count ? try frame.bytes.span.text(at: &offset) : nil)
            #expect(offset == frame.bytes.count)
        }
        #expect(claims.isEmpty)
        let body = Array(frame.bytes[(Header.size + Int(header.metadataLength))...])
        #expect(try Frame.encode(header, metadata: metadata, body: body) == frame.bytes)
    }

    private func words(_ flags: Header.Flags) -> String? {
        let names: [(Header.Flags, String)] = [
            (.end, "end"), (.retry, "retry"), (.keyed, "keyed"), (.partition, "partition"),
            (.stream, "stream"), (.compressed, "compressed"), (.takesCompressed, "takesCompressed"),
        ]
        let set = names.filter { flags.contains($0.0) }.map(\.1)
        return set.isEmpty ? nil : set.joined(separator: " ")
    }
}

extension Span<UInt8> {
    /// A MessagePack value in the page's notation.
    fileprivate func text(at offset: inout Int) throws(WireError) -> String {
        switch self[offset] {
        case 0xc0:
            offset += 1
            return "null"
        case 0xc2, 0xc3: return try readBool(at: &offset) ? "true" : "false"
        case 0xc4:
            let key = String(try readKey(at: &offset), radix: 16)
            return "h'" + String(repeating: "0", count: 32 - key.count) + key + "'"
        case 0xa0...0xbf, 0xd9...0xdb:
            return "\"" + (try readString(at: &offset, maximum: .max, field: "text")) + "\""
        case 0x90...0x9f, 0xdc, 0xdd:
            var items: [String] = []
            for _ in 0..<(try readArrayCount(at: &offset)) { items.append(try text(at: &offset)) }
            return "[" + items.joined(separator: ", ") + "]"
        case 0x80...0x8f, 0xde, 0xdf:
            var items: [String] = []
            for _ in 0..<(try readMapCount(at: &offset)) {
                let key = try text(at: &offset)
                items.append("\(key): \(try text(at: &offset))")
            }
            return "{" + items.joined(separator: ", ") + "}"
        case 0xcf: return "\(try readUnsigned(at: &offset))"
        default: return "\(try readInteger(at: &offset))"
        }
    }
}
