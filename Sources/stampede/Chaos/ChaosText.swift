import Chaos

/// A verdict as people read it.
enum ChaosText {
    /// Milliseconds; below, times can be believed.
    private static let busy = 20

    static func verdict(_ verdict: Verdict) -> String {
        var table = Table([
            ("PROMISE", .left), ("VERDICT", .left), ("CHECKED", .right), ("WHAT WAS CHECKED", .left),
        ])
        for row in verdict.rows {
            let word = row.violations > 0 ? "\(row.violations) BROKEN" : row.checked == 0 ? "-" : "kept"
            table.add([row.promise, word, row.checked.grouped, row.sentence])
        }
        var parts = [table.text, faults(verdict)]
        for row in verdict.rows where row.violations > 0 {
            parts += row.examples.map { "  \(row.promise): \($0)" }
        }
        if verdict.lateness > busy {
            parts.append(
                "  the machine was busy: one call in a hundred began over \(verdict.lateness) ms late")
        }
        parts += verdict.invalid.map { "  invalid: \($0)" }
        return parts.joined(separator: "\n")
    }

    private static func faults(_ verdict: Verdict) -> String {
        var table = Table([
            ("FAULT", .left), ("TARGET", .left), ("ORDERS/S BEFORE", .right), ("FIRST SUCCESS", .right),
            ("90 % OF RATE", .right), ("FAILED", .right), ("OF", .right), ("SLOWEST REFUSAL", .right),
        ])
        for fault in verdict.faults {
            table.add([
                fault.nemesis, fault.targets, fault.rateBefore.grouped, time(fault.firstSuccess),
                time(fault.fullRate), fault.failed.grouped, fault.requests.grouped,
                time(fault.slowestRefusal),
            ])
        }
        return table.text
    }

    private static func time(_ milliseconds: Int?) -> String {
        milliseconds.map { "\($0.grouped) ms" } ?? "-"
    }
}
