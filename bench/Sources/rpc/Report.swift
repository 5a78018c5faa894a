import Foundation

/// What the run came to: a table for people, JSON for programs.
struct Report: Codable {
    let date: String
    let machine: [String: String]
    let settings: [String: String]
    let ratios: [Ratio]
    let allocations: [AllocationCheck.Cost]
    let measurements: [Measurement]
    /// Thresholds that nothing was measured for.
    let missing: [String]

    init(_ bench: Bench, _ options: Options) throws {
        let file = try Data(contentsOf: URL(fileURLWithPath: options.thresholds))
        let thresholds = try JSONDecoder().decode([String: Threshold].self, from: file)
        date = Date().formatted(.iso8601)
        machine = Machine.description
        settings = [
            "transport": options.transport.rawValue, "rounds": String(options.rounds),
            "warm_up_ms": String(options.warmUp), "measured_ms": String(options.measured),
            "frame": "64 bytes of header, 64 of body; order.place 64 and 46",
            "swift_client": "a task per call under way, on the client's executor",
            "swift_worker": "a handler on the host's I/O thread",
            "grpc": bench.grpcSettings ?? "not measured",
        ]
        ratios = bench.ratios.map { ratio in
            var ratio = ratio
            ratio.atLeast = thresholds[ratio.name]?.atLeast
            ratio.atMost = thresholds[ratio.name]?.atMost
            return ratio
        }
        allocations = bench.costs
        measurements = bench.record.measurements
        let names = Set(ratios.map(\.name))
        missing = options.only.isEmpty ? thresholds.keys.filter { !names.contains($0) }.sorted() : []
    }

    var isMet: Bool { missing.isEmpty && ratios.allSatisfy(\.isMet) }

    func write(to path: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let url = URL(fileURLWithPath: path)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try encoder.encode(self).write(to: url)
    }

    func print() {
        Swift.print(
            "\n\(settings["transport"]!) on \(machine["cpus"]!) CPUs (\(machine["model"]!)); medians\n")
        table(
            [
                "subject", "window", "calls/s", "p50 µs", "p99 µs", "middle µs/call", "steal %", "idle %",
                "others %",
            ],
            summaries)
        Swift.print(
            "\nSwift client: \(settings["swift_client"]!); Swift worker: \(settings["swift_worker"]!)")
        Swift.print("grpc-swift 2 over tcp, plaintext: \(settings["grpc"]!)\n")
        table(["ratio", "value", "lowest", "highest", "rounds", "wanted", ""], ratios.map(row))
        for cost in allocations {
            Swift.print("libzmq's own allocations per \(cost.path) call: \(cost.zeromq.text(3))")
        }
        if ratios.contains(where: \.isDisturbed) {
            Swift.print(
                "disturbed: others used more than a tenth of the machine in nearly every round; run it again")
        }
        for name in missing { Swift.print("not measured: \(name)") }
    }

    /// One row per subject and window.
    private var summaries: [[String]] {
        var seen: Set<String> = []
        return measurements.filter { $0.round >= 0 }.compactMap { first in
            guard seen.insert("\(first.subject) \(first.window)").inserted else { return nil }
            let all = measurements.filter {
                $0.subject == first.subject && $0.window == first.window && $0.round >= 0
            }
            func median(_ value: (Measurement) -> Double) -> Double { all.map(value).median }
            let cpu = all.compactMap(\.middleCPU)
            return [
                first.subject, String(first.window), median(\.callsPerSecond).text(0), median(\.p50).text(0),
                median(\.p99).text(0), cpu.isEmpty ? "" : cpu.median.text(2), median(\.steal).text(1),
                median(\.idle).text(1), median(\.others).text(1),
            ]
        }
    }

    private func row(_ ratio: Ratio) -> [String] {
        let digits = ratio.name.hasPrefix("allocations") ? 5 : 2
        let wanted =
            ratio.atLeast.map { "≥ \($0.text(-1))" } ?? ratio.atMost.map { "≤ \($0.text(-1))" } ?? "–"
        return [
            ratio.text, ratio.value.text(digits), ratio.lowest.text(digits), ratio.highest.text(digits),
            String(ratio.rounds), wanted,
            (wanted == "–" ? "" : ratio.isMet ? "met" : "NOT MET") + (ratio.isDisturbed ? ", disturbed" : ""),
        ]
    }

    private func table(_ head: [String], _ rows: [[String]]) {
        let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
        for row in [head] + rows {
            let cells = row.enumerated().map { column, cell in
                let space = String(repeating: " ", count: widths[column] - cell.count)
                return column == 0 ? cell + space : space + cell
            }
            Swift.print(cells.joined(separator: "  "))
        }
    }
}

extension Double {
    /// Rounded to so many digits; -1 for as many as it has.
    fileprivate func text(_ digits: Int) -> String {
        digits < 0 ? String(format: "%g", self) : String(format: "%.\(digits)f", self)
    }
}
