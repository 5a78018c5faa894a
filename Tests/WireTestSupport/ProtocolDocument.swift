import Foundation

/// `PROTOCOL.md`, read by the tests so that page and code cannot disagree.
public struct ProtocolDocument: Sendable {
    public let text: String
    public let frames: [GoldenFrame]

    /// A block of the page: what it says of a frame, and the frame.
    public struct GoldenFrame: Sendable, CustomStringConvertible {
        public let title: String
        public let claims: [String: String]
        public let bytes: [UInt8]
        public var description: String { title }
    }

    public static let shared = ProtocolDocument()

    private init() {
        let path = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Sources/Wire/PROTOCOL.md")
        guard let text = try? String(contentsOf: path, encoding: .utf8) else {
            preconditionFailure("cannot read \(path)")
        }
        self.text = text
        frames = ProtocolDocument.parseFrames(text)
    }

    public func frame(_ title: String) -> GoldenFrame? { frames.first { $0.title == title } }

    private static func parseFrames(_ text: String) -> [GoldenFrame] {
        var frames: [GoldenFrame] = []
        var title = ""
        var block: (claims: [String: String], bytes: [UInt8])?
        for line in text.split(separator: "\n") {
            if let current = block {
                if line == "```" {
                    frames.append(GoldenFrame(title: title, claims: current.claims, bytes: current.bytes))
                    block = nil
                } else if let colon = line.firstIndex(of: ":") {
                    let value = line[line.index(after: colon)...].drop { $0 == " " }
                    block?.claims[String(line[..<colon])] = String(value)
                } else {
                    block?.bytes += line.split(separator: " ").compactMap { UInt8($0, radix: 16) }
                }
            } else if line.hasPrefix("### ") {
                title = String(line.dropFirst(4))
            } else if line == "```frame" {
                block = ([:], [])
            }
        }
        return frames
    }

    /// The rows of the table that begins with these columns, without the marks of code and the header lines.
    public func table(_ columns: String...) -> [[String]] {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard
            let start = lines.firstIndex(where: { line in
                let cells = ProtocolDocument.cells(line)
                return line.hasPrefix("|") && Array(cells.prefix(columns.count)) == columns
            })
        else { return [] }
        return lines[(start + 2)...].prefix { $0.hasPrefix("|") }.map(ProtocolDocument.cells)
    }

    private static func cells(_ line: Substring) -> [String] {
        line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast().map {
            $0.replacing("`", with: "").trimmingCharacters(in: .whitespaces)
        }
    }
}

/// A number as the page writes it: decimal, or hexadecimal after `0x`.
public func number(_ text: String) -> UInt64? {
    text.hasPrefix("0x") ? UInt64(text.dropFirst(2), radix: 16) : UInt64(text)
}

/// The bytes of a hexadecimal text; spaces are ignored.
public func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { $0 != " " }.map { $0 }
    return stride(from: 0, to: digits.count - 1, by: 2).compactMap {
        UInt8(String(digits[$0...$0 + 1]), radix: 16)
    }
}
