import Client
import Cluster
import Glibc
import Ledger
import Methods
import Sales
import Wire
import ZeroMQ

/// The demo's steps on a cluster that runs, a line for each.
struct DemoRun {
    let plan: DemoPlan
    let cluster: Cluster

    private static let options = CallOptions(deadline: .seconds(20), maximumAttempts: 15)
    /// Of the second part's orders, how many are looked up one by one; the audit and the sale count them all.
    private static let sample = 2_000

    func run() async throws -> DemoReport {
        do {
            let client = try StampedeClient(brokers: cluster.brokerEndpoints)
            do {
                let report = try await run(client)
                await client.close()
                return report
            } catch {
                await client.close()
                throw error
            }
        } catch let error as CallError {
            throw Failure(error, brokers: cluster.brokerEndpoints, CallContext())
        } catch let error as LedgerError {
            throw Failure(error)
        }
    }

    private func run(_ client: StampedeClient) async throws -> DemoReport {
        let partitions = try await awaitOwners(client)
        var report = DemoReport(plan: plan)
        try await rush(client, partitions, &report)
        if plan.fullLoadOrders > 0 { try await fullLoad(client, &report) }
        let began = MonotonicTime.now()
        Terminal.result("Auditing the ledger")
        let dsn = cluster.ledgerDSN
        let audit = try await Waiting.blocking { try Audit.run(dsn: dsn) }
        Terminal.result(audit.text)
        Terminal.result("  in \((Double((MonotonicTime.now() - began).milliseconds) / 1_000).fixed(1)) s")
        report.audit = audit
        report.check("the audit is clean", audit.isClean)
        return report
    }

    /// Waits until every partition has an owner; returns who owns which.
    private func awaitOwners(_ client: StampedeClient) async throws -> [Partition: String] {
        let began = MonotonicTime.now()
        while true {
            try Task.checkCancellation()
            let statuses = await client.brokerStatus().compactMap { try? $0.status.get() }
            if statuses.count == client.brokers.count,
                statuses.allSatisfy({ status in
                    !status.partitions.isEmpty && status.partitions.allSatisfy { $0.owner != nil }
                })
            {
                let owners = statuses[0].partitions.map { ($0.partition, $0.owner ?? "") }
                Terminal.result("All \(owners.count) partitions have an owner")
                return Dictionary(uniqueKeysWithValues: owners)
            }
            guard MonotonicTime.now() - began < .seconds(60) else {
                throw Failure(
                    .refused,
                    "not every partition has an owner after 60 s: run it again with --data FOLDER and look at "
                        + "FOLDER/logs")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func createSale(_ client: StampedeClient, _ name: String, units: Int, limit: Int32) async throws
        -> Sale
    {
        let request = CreateSale(
            sale: SaleCreate.randomID(), key: .random(), name: name, price: 8_990, currency: "USD",
            units: Int32(units), limit: limit)
        let sale = try await SaleCreate.create(request, isRandom: true, client, DemoRun.options)
        Terminal.result(
            "Sale \(sale.id) “\(name)”: \(units.counted("unit")) at \(Money.text(8_990, currency: "USD")), at most "
                + "\(limit) per buyer")
        return sale
    }

    // MARK: The rush

    private func rush(
        _ client: StampedeClient, _ owners: [Partition: String], _ report: inout DemoReport
    ) async throws {
        let crowd = Crowd(requests: plan.requests, limit: plan.limit, seed: plan.seed)
        let sale = try await createSale(client, "Sneaker", units: plan.units, limit: plan.limit)
        Terminal.result(
            "\(crowd.visitors.count.counted("buyer")) send \(crowd.requests.grouped) requests (seed \(plan.seed))"
        )
        let cluster = cluster
        let victim = owners[sale.partition] ?? "worker-1"
        let kill: @Sendable () -> Void = {
            Terminal.message("  kill -9 \(victim)")
            _ = try? cluster.kill(victim, SIGKILL)
        }
        let rush = Rush(
            client: client, sale: sale.id, units: plan.units, limit: plan.limit,
            concurrency: min(512, plan.concurrency), options: DemoRun.options,
            atHalfTime: plan.killsWorker ? kill : nil)
        var measurement = await rush.run(crowd)
        try Task.checkCancellation()
        try await settle(&measurement, client)
        report.rush = measurement
        Terminal.result(DemoReport.text(measurement, units: plan.units))
        try await check(measurement, sale.id, client, &report)
        report.check(
            "exactly \(plan.units.counted("unit")) of \(plan.units.grouped) were sold",
            measurement.confirmed.sold == Int64(plan.units))
    }

    // MARK: The full load

    private func fullLoad(_ client: StampedeClient, _ report: inout DemoReport) async throws {
        let units = plan.fullLoadOrders * 2
        let sale = try await createSale(client, "Full load", units: units, limit: plan.limit)
        Terminal.result(
            "\(plan.fullLoadOrders.grouped) buyers, \(plan.concurrency.grouped) at a time, one unit each")
        let load = FullLoad(
            client: client, sale: sale.id, orders: plan.fullLoadOrders, concurrency: plan.concurrency,
            options: DemoRun.options, seed: .random())
        var measurement = await load.run()
        try Task.checkCancellation()
        try await settle(&measurement, client)
        report.fullLoad = measurement
        Terminal.result(DemoReport.text(measurement, units: nil))
        try await check(measurement, sale.id, client, &report)
    }

    // MARK: Judging

    private func settle(_ measurement: inout Measurement, _ client: StampedeClient) async throws {
        let count = measurement.tally.unknown.count
        guard count > 0 else { return }
        let settled = await measurement.settle(client, DemoRun.options)
        Terminal.result("  \(settled.grouped) of \(count.counted("unknown outcome")) settled")
    }

    /// Whether the ledger agrees with what the callers were told.
    private func check(
        _ measurement: Measurement, _ id: SaleID, _ client: StampedeClient, _ report: inout DemoReport
    ) async throws {
        let confirmed = measurement.confirmed
        report.check("every request ended with a definite answer", measurement.tally.unknown.isEmpty)
        report.check("one key led to one order", confirmed.broken.isEmpty)
        let sale = try await client.sale(id, options: DemoRun.options)
        report.check(
            "the sale counts the orders that were confirmed",
            sale.orders == Int64(confirmed.orders.count) && sale.added - sale.left == confirmed.sold)
        let step = max(1, confirmed.orders.count / DemoRun.sample)
        var missing = 0
        for index in stride(from: 0, to: confirmed.orders.count, by: step) {
            let yes = confirmed.orders[index]
            let order = try? await client.order(yes.order, options: DemoRun.options)
            let isThere = order?.key == yes.key && order?.quantity == yes.quantity && order?.sale == id
            if !isThere { missing += 1 }
        }
        report.check("every yes has its order", missing == 0)
    }
}
