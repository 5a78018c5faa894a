import Client
import Foundation
import Methods
import Sales
import TestCluster
import Testing
import Wire

extension OrderPromises {
    @Suite struct Window {
        @Test func `nothing is sold before opening or after closing`() async throws {
            try await TestCluster.with { cluster in
                let client = try cluster.client()
                let now = LedgerTime(rawValue: Int64(Date().timeIntervalSince1970 * 1e6))
                let opens = LedgerTime(rawValue: now.rawValue + 1_500_000)
                let closes = LedgerTime(rawValue: now.rawValue + 3_000_000)
                let sale = try await create(client, opens, closes)
                #expect(try await client.sale(sale).state == .scheduled)

                // Buyers who do not wait: they ask all the time, from before opening till after closing.
                let crowd = Crowd(in: sale, through: [client])
                async let asking = crowd.keepPlacing(width: 4)
                try await eventually("the sale is over") { crowd.answered.count(.closed) >= 20 }
                crowd.stop()
                let tally = await asking

                #expect(tally.count(.notYetOpen) > 0)
                #expect(tally.orders.count > 0)
                #expect(tally.errors.allSatisfy { [.notYetOpen, .closed].contains($0.error.reason) })
                #expect(tally.errors.first?.error.details?.opens == opens)
                #expect(tally.orders.allSatisfy { opens <= $0.placedAt && $0.placedAt < closes })
                // The ledger's own stamp of the commit, too.
                let early = try await cluster.sql(
                    """
                    SELECT count(*) FROM stampede.batches b JOIN stampede.order_states o
                        ON o.id LIKE b.partition || '-%' AND split_part(o.id, '-', 2)::bigint BETWEEN b.first AND b.last
                    WHERE extract(epoch FROM b.at) * 1000000 < \(opens.rawValue)
                    """)
                #expect(early == "0")
                #expect(try await client.sale(sale).state == .closed)

                try await byHand(client, sale)
                try await inThePast(client, now)
                #expect(try await cluster.violations() == [])
                await client.close()
            }
        }

        /// Opening and closing by hand moves the window, for the very next order.
        private func byHand(_ client: StampedeClient, _ sale: SaleID) async throws {
            _ = try await client.changeSale(sale, .open)
            _ = try await client.placeOrder(sale: sale, buyer: BuyerID(rawValue: 1_000_001))
            _ = try await client.changeSale(sale, .close)
            let late = await #expect(throws: CallError.self) {
                try await client.placeOrder(sale: sale, buyer: BuyerID(rawValue: 1_000_002))
            }
            #expect(late?.reason == .closed)
        }

        private func inThePast(_ client: StampedeClient, _ now: LedgerTime) async throws {
            let over = try await create(
                client, LedgerTime(rawValue: now.rawValue - 2_000_000),
                LedgerTime(rawValue: now.rawValue - 1_000_000))
            let error = await #expect(throws: CallError.self) {
                try await client.placeOrder(sale: over, buyer: BuyerID(rawValue: 1))
            }
            #expect(error?.reason == .closed)
        }

        private func create(
            _ client: StampedeClient, _ opens: LedgerTime, _ closes: LedgerTime
        ) async throws -> SaleID {
            let sale = SaleID(rawValue: .random(in: 1...1_000_000_000))
            _ = try await client.createSale(
                CreateSale(
                    sale: sale, key: .random(), name: "Window", price: 100, currency: "EUR", units: 1_000_000,
                    limit: 1, opensAt: opens, closesAt: closes),
                options: CallOptions(deadline: .seconds(20)))
            return sale
        }

        /// The core, because no real part can be made to know the time this badly and still serve.
        @Test func `an owner that does not know the ledger's time well enough decides nothing`() {
            let second: Int64 = 1_000_000
            var book = Book(partition: Partition(rawValue: 0))
            let create = CreateSale(
                sale: SaleID(rawValue: 1), key: RequestKey(rawValue: 1), name: "S", price: 1, currency: "EUR",
                units: 9, limit: 9, opensAt: LedgerTime(rawValue: 0))
            // Answered in 150 ms: the error is 75 ms.
            let clock = LedgerClock(sent: 0, received: 150_000, ledger: LedgerTime(rawValue: 1_000 * second))
            guard case .entry = book.decide(create, at: clock.instant(at: 150_000)) else {
                Issue.record("a clock known within 100 ms will do")
                return
            }
            func order(_ key: UInt128, at moment: Int64) -> Decision {
                book.decide(
                    PlaceOrder(
                        sale: SaleID(rawValue: 1), buyer: BuyerID(rawValue: 1), quantity: 1,
                        key: RequestKey(rawValue: key)), at: clock.instant(at: moment))
            }
            guard case .entry(let entry) = order(2, at: 200_000) else {
                Issue.record("a clock known within 100 ms will do")
                return
            }
            // Drift: without a new sample the same clock is worth less every second.
            #expect(order(3, at: 100 * second) == .refused(.clockUncertain))
            // A known order is never denied for it.
            #expect(order(2, at: 100 * second) == .existing(entry.sequence))

            let slow = LedgerClock(sent: 0, received: 210_000, ledger: LedgerTime(rawValue: 1_000 * second))
            #expect(slow.instant(at: 210_000).error > LedgerClock.maximumError)
        }
    }
}
