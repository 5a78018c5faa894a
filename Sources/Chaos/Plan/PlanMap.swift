import Yams

/// A mapping of a plan whose settings are taken one by one; what is left over at the end is a mistake.
struct PlanMap {
    private var nodes: [String: Node] = [:]
    private var known: [String] = []
    private let lines: [String: Int]
    private let what: String
    private let file: String
    private let start: Int?

    init(_ node: Node, _ what: String, _ file: String) throws(PlanError) {
        self.what = what
        self.file = file
        start = node.mark?.line
        guard let mapping = node.mapping else {
            throw PlanError(
                file: file, line: start, message: "\(what) is a mapping: write its settings as `name: value`")
        }
        var lines: [String: Int] = [:]
        for (key, value) in mapping {
            guard let name = key.string else { continue }
            nodes[name] = value
            lines[name] = key.mark?.line
        }
        self.lines = lines
    }

    func line(of name: String) -> Int? { lines[name] ?? start }

    func missing(_ name: String) -> PlanError {
        PlanError(file: file, line: start, message: "\(what) needs ‘\(name)’")
    }

    private mutating func take(_ name: String) -> Node? {
        known.append(name)
        return nodes.removeValue(forKey: name)
    }

    private func mistake(_ name: String, _ message: String) -> PlanError {
        PlanError(file: file, line: line(of: name), message: "‘\(name)’ \(message)")
    }

    mutating func text(_ name: String) throws(PlanError) -> String? {
        guard let node = take(name) else { return nil }
        guard let text = node.scalar?.string else { throw mistake(name, "is a text") }
        return text
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) throws(PlanError) -> Int? {
        guard let text = try text(name) else { return nil }
        guard let number = Int(text), range.contains(number) else {
            throw mistake(
                name, "is ‘\(text)’: write a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    mutating func bool(_ name: String) throws(PlanError) -> Bool? {
        guard let text = try text(name) else { return nil }
        guard let value = Bool(text) else { throw mistake(name, "is ‘\(text)’: write true or false") }
        return value
    }

    mutating func time(_ name: String, in range: ClosedRange<Int>) throws(PlanError) -> Milliseconds? {
        guard let text = try text(name) else { return nil }
        guard let time = Milliseconds(text) else {
            throw mistake(name, "is ‘\(text)’: write a time with its unit, such as 5s or 250ms")
        }
        guard range.contains(time.count) else {
            throw mistake(
                name, "is \(text): write a time from \(range.lowerBound)ms to \(range.upperBound)ms")
        }
        return time
    }

    mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ name: String, _ type: Choice.Type
    ) throws(PlanError) -> Choice? {
        guard let text = try text(name) else { return nil }
        guard let choice = Choice(rawValue: text) else {
            let all = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw mistake(name, "is ‘\(text)’: choose one of \(all)")
        }
        return choice
    }

    mutating func list(_ name: String) throws(PlanError) -> [Node] {
        guard let node = take(name) else { return [] }
        guard let sequence = node.sequence else {
            throw mistake(name, "is a list: begin each line with `- `")
        }
        return Array(sequence)
    }

    /// Refuses what nobody has asked for.
    func end() throws(PlanError) {
        guard let name = nodes.keys.min(by: { line(of: $0) ?? 0 < line(of: $1) ?? 0 }) else { return }
        throw PlanError(
            file: file, line: line(of: name),
            message: "\(what) has no setting ‘\(name)’: there are \(known.sorted().joined(separator: ", "))")
    }
}

extension Milliseconds {
    /// `5s`, `250ms`, `2m`, `-30s`.
    init?(_ text: String) {
        let digits = text.prefix { $0.isNumber || $0 == "-" }
        let units = ["ms": 1, "s": 1_000, "m": 60_000]
        guard let number = Int(digits), let unit = units[String(text.dropFirst(digits.count))] else {
            return nil
        }
        let (product, isTooLong) = number.multipliedReportingOverflow(by: unit)
        if isTooLong { return nil }
        self.init(product)
    }
}
