import Client
import Foundation
import Methods
import PostgresTestSupport
import Sales
import TestCluster
import Testing
import Wire

extension LedgerPromises {
    /// Postgres stops, hangs, cannot write, or cuts connections: refusals come at once, with a time to try again
    /// after, nothing is answered wrongly, and sales go on by themselves.
    @Suite struct Outages {
        /// So that every refusal is seen, and who waits for a commit that hangs does not hold up the crowd.
        private let once = CallOptions(deadline: .seconds(Outage.deadline), maximumAttempts: 1)
        private let patient = CallOptions(deadline: .seconds(20), maximumAttempts: 15)

        @Test func `while Postgres is stopped every call is refused at once, and after that all are served`()
            async throws
        {
            try await TestCluster.with(workers: 2) { cluster in
                let outage = try await load(cluster) { crowd, began in
                    try await blocking { cluster.postgres.stop() }
                    let healed = try await refusals(crowd, since: began)
                    try await blocking { try cluster.postgres.start() }
                    return healed
                }
                outage.check("stopped")
            }
        }

        @Test func `while Postgres hangs every call is refused at once, and after that all are served`()
            async throws
        {
            try await TestCluster.with(workers: 2) { cluster in
                let outage = try await load(cluster) { crowd, began in
                    cluster.postgres.pause()
                    defer { cluster.postgres.resume() }
                    return try await refusals(crowd, since: began)
                }
                outage.check("hanging")
            }
        }

        @Test(.enabled(if: PostgresServer.mayMountDisks, "nobody lets this user mount a small disk"))
        func `a full disk refuses orders, and sales resume when there is space again`() async throws {
            try await TestCluster.with(workers: 0) { cluster in
                let disk = try await blocking { try cluster.postgres.makeSmallDisk(mebibytes: 16) }
                try await cluster.sql("ALTER TABLE stampede.ledger SET TABLESPACE small")
                cluster.startWorker("worker-1")
                try await cluster.waitUntilOwned()
                let outage = try await load(cluster) { crowd, began in
                    try disk.fill()
                    let healed = try await refusals(crowd, since: began)
                    disk.clear()
                    return healed
                }
                outage.check("full disk")
                #expect(outage.refused.allSatisfy { $0.error?.reason == .ledgerUnavailable })
                #expect(outage.refused.allSatisfy { $0.error?.certainty == .notExecuted })
            }
        }

        @Test func `a session that Postgres ends while idle is replaced before anybody notices`() async throws
        {
            try await TestCluster.with { cluster in
                let client = try cluster.client()
                let sale = try await cluster.createSale(client, units: 100)
                for buyer in 1...3 as ClosedRange<Int64> {
                    let sessions = try await sessions(cluster)
                    #expect(!sessions.isEmpty)
                    _ = try await cluster.sql(
                        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid IN (\(sessions))")
                    _ = try await client.placeOrder(
                        sale: sale, buyer: BuyerID(rawValue: buyer), options: patient)
                }
                #expect(try await cluster.unitsSold(sale) == 3)
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }

        /// What a router does that has forgotten the connection: no byte passes, nobody is told.
        @Test func `connections that carry nothing any more are given up, and nothing is answered wrongly`()
            async throws
        {
            try await TestCluster.with(workers: 0) { cluster in
                let (relay, dsn) = try cluster.startRelay()
                cluster.startWorker("worker-1", dsn: dsn)
                try await cluster.waitUntilOwned()
                let outage = try await load(cluster) { crowd, began in
                    relay.freeze()
                    _ = try await refusals(crowd, since: began)
                    try await eventually("new connections serve") {
                        crowd.answered.timeline.last?.error == nil
                    }
                    return Date()
                }
                outage.check("frozen")
            }
        }

        // MARK: Under load

        /// Seconds that an outage lasts; more show more.
        private static let length =
            ProcessInfo.processInfo.environment["STAMPEDE_OUTAGE_SECONDS"].flatMap(Double.init) ?? 3

        /// Sells to a crowd before, during and after an outage.
        ///
        /// - Parameter outage: brings it about and ends it, and returns when the end began.
        private func load(
            _ cluster: TestCluster, _ outage: (Crowd, Date) async throws -> Date
        ) async throws -> Outage {
            let client = try cluster.client()
            let sale = try await cluster.createSale(client, units: 10_000_000)
            let crowd = Crowd(in: sale, through: [client], options: once)
            async let asking = crowd.keepPlacing(width: 16)
            try await eventually("orders flow") { crowd.answered.orders.count >= 200 }
            let began = Date()
            let healing = try await outage(crowd, began)
            let ended = Date()
            let orders = crowd.answered.orders.count
            try await eventually("orders flow again") {
                crowd.answered.orders.count >= orders + 500
                    && crowd.answered.timeline.suffix(100).allSatisfy { $0.error == nil }
            }
            crowd.stop()
            let tally = await asking
            // Who was left in doubt finds out with the same key, and then there is one order per yes.
            let doubtful = tally.errors.filter { $0.error.certainty != .notExecuted }.map(\.request)
            let settled = await Crowd.insist(on: doubtful, in: sale, through: [client], options: patient)
            #expect(settled.messages() == [])
            let all = tally.orderIDs.union(settled.orderIDs)
            #expect(all == (try await cluster.orderIDs(sale)))
            #expect(all.count == tally.orders.count + settled.orders.count)
            #expect(try await cluster.violations() == [])
            await client.close()
            return Outage(began: began, healing: healing, ended: ended, calls: tally.timeline)
        }

        /// Lets the outage last until there is enough to judge. Returns when that is.
        private func refusals(_ crowd: Crowd, since began: Date) async throws -> Date {
            try await eventually("calls are refused") {
                Date() > began + Self.length && Outage.judged(crowd.answered.timeline, began).count >= 100
            }
            return Date()
        }

        private func sessions(_ cluster: TestCluster) async throws -> String {
            try await cluster.sql(
                """
                SELECT string_agg(pid::text, ',') FROM pg_stat_activity
                WHERE application_name LIKE 'stampede/%' AND state = 'idle'
                """)
        }
    }
}

/// What a crowd saw of an outage.
private struct Outage {
    /// Of every call, in seconds.
    static let deadline: Int64 = 2

    let began: Date
    /// When what had caused it began to be taken away, and when that was done.
    let healing: Date
    let ended: Date
    let calls: [Tally.Call]

    /// Calls that began and were refused while it lasted.
    var refused: [Tally.Call] {
        calls.filter { $0.error != nil && $0.began > began && $0.ended < ended }
    }

    /// Calls that nobody served, however and whenever they ended, of those that began when the breaker surely knew of
    /// the outage: it opens after 1 to 1.5 s.
    static func judged(_ calls: [Tally.Call], _ began: Date) -> [Tally.Call] {
        calls.filter { $0.error != nil && $0.began > began + 2 }
    }

    /// Seconds from its end to the last call that was not served.
    private var recovery: Double {
        let failed = calls.filter { $0.error != nil && $0.ended > ended }
        return failed.map { $0.ended.timeIntervalSince(ended) }.max() ?? 0
    }

    /// What is promised of a machine that does nothing else is judged by what this one was like meanwhile. A call passes
    /// four threads and back; how late the crowd's own calls began tells how late each of them may be woken up.
    func check(_ name: String) {
        let judged = Self.judged(calls, began).filter { $0.began < healing }
        let waits = Quantiles(judged.map(\.seconds))
        let late = Quantiles(calls.filter { $0.began > began }.map(\.late))
        print(
            "\(name) for \(healing.timeIntervalSince(began).rounded(3)) s: \(refused.count) refused, "
                + "\(judged.count) once open, p99 \(waits.p99.milliseconds), slowest \(waits.most.milliseconds); "
                + "all served again after \(recovery.rounded(3)) s; "
                + "timers late by p99 \(late.p99.milliseconds), most \(late.most.milliseconds)")
        #expect(judged.count >= 20)
        #expect(waits.p99 < 0.05 + 4 * late.p99)
        #expect(waits.most < 0.05 + 4 * late.most)
        #expect(recovery < 3 + 4 * late.most)
        #expect(calls.allSatisfy { $0.seconds < Double(Self.deadline) + 0.25 + 4 * late.most })
        #expect(judged.allSatisfy { $0.error?.certainty == .notExecuted })
        let untold = (refused + judged).filter {
            $0.error?.reason == .ledgerUnavailable && $0.error?.retryAfter == nil
        }
        #expect(untold.isEmpty)
    }
}

private struct Quantiles {
    let p99: Double
    let most: Double

    init(_ values: [Double]) {
        let sorted = values.sorted()
        p99 = sorted.isEmpty ? 0 : sorted[sorted.count * 99 / 100]
        most = sorted.last ?? 0
    }
}

extension Double {
    fileprivate func rounded(_ digits: Int) -> String { String(format: "%.\(digits)g", self) }
    fileprivate var milliseconds: String { "\((self * 1_000).rounded(3)) ms" }
}
