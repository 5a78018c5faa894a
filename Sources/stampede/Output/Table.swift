/// Columns for people: names without spaces in the first row, two spaces between columns.
struct Table {
    enum Alignment {
        case left
        case right
    }

    private var rows: [[String]]
    private let alignments: [Alignment]

    init(_ columns: [(name: String, alignment: Alignment)]) {
        rows = [columns.map(\.name)]
        alignments = columns.map(\.alignment)
    }

    mutating func add(_ row: [String]) {
        precondition(row.count == alignments.count, "a row of \(row.count) in a table of \(alignments.count)")
        rows.append(row.map(Table.harmless))
    }

    /// What other programs say may hold control characters, which a terminal would obey.
    private static func harmless(_ cell: String) -> String {
        guard cell.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else {
            return cell
        }
        return String(
            String.UnicodeScalarView(
                cell.unicodeScalars.map { $0.properties.generalCategory == .control ? "\u{fffd}" : $0 }))
    }

    var text: String {
        let widths = alignments.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let padding = String(repeating: " ", count: widths[column] - cell.count)
                line += alignments[column] == .left ? cell + padding : padding + cell
                line += "  "
            }
            while line.last == " " { line.removeLast() }
            return line
        }.joined(separator: "\n")
    }
}
