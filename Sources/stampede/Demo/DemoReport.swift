import Ledger

/// What a demo found.
struct DemoReport: Sendable {
    let plan: DemoPlan
    var rush: Measurement?
    var fullLoad: Measurement?
    var audit: AuditReport?
    private(set) var checks: [(sentence: String, holds: Bool)] = []

    init(plan: DemoPlan) { self.plan = plan }

    mutating func check(_ sentence: String, _ holds: Bool) {
        checks.append((sentence, holds))
        Terminal.result("  \(holds ? "yes" : "NO "): \(sentence)")
    }

    var isGood: Bool { checks.allSatisfy(\.holds) }
    var failures: [String] { checks.filter { !$0.holds }.map { "it does not hold that \($0.sentence)" } }

    // MARK: For people

    /// - Parameter units: of a sale that is to sell out.
    static func text(_ measurement: Measurement, units: Int?) -> String {
        let (tally, confirmed, latency) = (measurement.tally, measurement.confirmed, measurement.latency)
        let of = units.map { " of \($0.grouped)" } ?? ""
        var lines = [
            "  sold      \(confirmed.sold.grouped)\(of) in \(confirmed.orders.count.counted("order"))",
            "  orders/s  \(Int(measurement.ordersPerSecond).grouped) durable, of "
                + "\(Int(measurement.requestsPerSecond).grouped) requests/s in \(measurement.seconds.fixed(2)) s",
            "  latency   p50 \(latency.p50.fixed(2)) ms, p99 \(latency.p99.fixed(2)) ms, "
                + "p99.9 \(latency.p999.fixed(2)) ms",
        ]
        for (reason, count) in tally.refused.sorted(by: { $0.value > $1.value }) {
            lines.append("  refused   \(count.grouped) \(reason)")
        }
        if tally.errors > 0 {
            lines.append("  errors    \(tally.errors.grouped), such as: \(tally.lastError ?? "")")
        }
        return lines.joined(separator: "\n")
    }

    // MARK: For machines

    var json: JSON {
        var members: [(String, JSON)] = [
            ("ok", .bool(isGood)), ("units", .integer(plan.units)), ("limit", .integer(plan.limit)),
        ]
        if let rush { members += DemoReport.figures(rush) }
        members.append(("killed_worker", .bool(plan.killsWorker)))
        if let fullLoad {
            members.append(
                (
                    "full_load",
                    .object([("concurrency", .integer(plan.concurrency))] + DemoReport.figures(fullLoad))
                ))
        }
        members.append(
            (
                "audit",
                .object([
                    ("ok", .bool(audit?.isClean ?? false)), ("violations", .integer(audit?.violations ?? 0)),
                    ("entries", .integer(audit?.entries ?? 0)),
                ])
            ))
        members.append(("failed_checks", .array(failures.map { .string($0) })))
        members.append(("seed", .integer(plan.seed)))
        return .object(members)
    }

    private static func figures(_ measurement: Measurement) -> [(String, JSON)] {
        let tally = measurement.tally
        return [
            ("sold", .integer(measurement.confirmed.sold)),
            ("orders", .integer(measurement.confirmed.orders.count)),
            ("requests", .integer(tally.requests)),
            (
                "refused",
                .object(tally.refused.sorted { $0.key < $1.key }.map { ($0.key, .integer($0.value)) })
            ),
            ("errors", .integer(tally.errors)), ("seconds", .decimal(measurement.seconds)),
            ("orders_per_second", .integer(Int(measurement.ordersPerSecond))),
            ("requests_per_second", .integer(Int(measurement.requestsPerSecond))),
            ("latency_ms", measurement.latency.json),
        ]
    }
}
