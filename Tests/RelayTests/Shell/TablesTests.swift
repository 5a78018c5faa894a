import Foundation
import Ledger
import Relay
import Sales
import Testing

@Suite struct TablesTests {
    /// Sentences of the audit's checks of the relay that do not hold.
    static func violations(_ shop: TestShop) throws -> [String] {
        try Audit.run(dsn: shop.dsn).checks.filter { $0.promise == "relay" && !$0.holds }.flatMap {
            [$0.sentence] + $0.examples
        }
    }

    @Test func `the tables say what the ledger says, and the audit finds it so`() throws {
        let shop = try TestShop()
        #expect(try Audit.run(dsn: shop.dsn).skipped.count == 1)
        try shop.trade(1_500)
        let told = shop.tellAll("tables") { _ in TablesSink() }
        #expect(told == shop.entries)
        let differences = """
            SELECT count(*) FROM stampede.orders t FULL JOIN stampede.order_states v USING (id)
            WHERE (t.sale, t.buyer, t.quantity, t.amount, t.currency, t.key, t.state, t.placed_at)
                IS DISTINCT FROM (v.sale, v.buyer, v.quantity, v.amount, v.currency, v.key, v.state, v.placed_at)
            """
        #expect(try shop.sql(differences) == "0")
        #expect(try Int(shop.sql("SELECT count(*) FROM stampede.orders WHERE state = 'paid'")) ?? 0 > 0)
        let report = try Audit.run(dsn: shop.dsn)
        #expect(report.isClean && report.skipped.isEmpty)
        #expect(report.checks.filter { $0.promise == "relay" }.count == 3)

        // What a relay that is behind has not told is no difference.
        try shop.trade(100)
        #expect(try Self.violations(shop).isEmpty)
    }

    @Test(arguments: [
        "UPDATE stampede.orders SET state = 'paid' WHERE state = 'expired'",
        "DELETE FROM stampede.orders WHERE seq = 2",
        "UPDATE stampede.buyers SET units = units + 1 WHERE buyer = 7",
        "DELETE FROM stampede.buyers WHERE buyer = 7",
        "UPDATE stampede.relay_cursors SET sequence = sequence + 1",
    ])
    func `the audit finds what is wrong in the tables`(change: String) throws {
        let shop = try TestShop()
        try shop.trade(600)
        shop.tellAll("tables") { _ in TablesSink() }
        #expect(try Self.violations(shop).isEmpty)
        _ = try shop.sql(change)
        #expect(try !Self.violations(shop).isEmpty)
        // Rebuilding mends all of it.
        let ledger = try RelayLedger(dsn: shop.dsn)
        try ledger.clearTables(sink: "tables")
        shop.tellAll("tables") { _ in TablesSink() }
        #expect(try Self.violations(shop).isEmpty)
    }

    @Test func `four relays at once count every entry once`() throws {
        let shop = try TestShop()
        let stop = StopFlag()
        let dsn = shop.dsn
        let group = DispatchGroup()
        for _ in 0..<4 {
            DispatchQueue(label: "relay").async(group: group) {
                var configuration = Pump.Configuration(ledger: dsn, sink: "tables", target: "test")
                configuration.chunk = 50
                Pump(configuration, stop: stop, logger: .quiet, seed: .random(in: 0 ... .max)) { _ in
                    TablesSink()
                }
                .run()
            }
        }
        try shop.trade(2_000)
        shop.tellAll("tables") { _ in TablesSink() }
        stop.raise()
        group.wait()
        #expect(try Self.violations(shop).isEmpty)
        #expect(try shop.sql("SELECT count(*) FROM stampede.orders") != "0")
    }
}
