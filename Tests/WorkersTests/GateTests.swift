import Methods
import Sales
import Testing
import Wire

@testable import Workers

/// Sold out is said at the door, by gates that only a fresh owner keeps closed (design §5).
@Suite struct GateTests {
    private var scene = Scene()

    @Test mutating func `a gate closes on committed zero and opens when units come`() {
        scene.ownSale(units: 2)
        _ = scene.order(buyer: 1, quantity: 2)
        #expect(scene.core.closedGates(scene.now).isEmpty, "not committed")
        scene.commit()
        let closed = scene.core.closedGates(scene.now)
        #expect(closed.map(\.routing) == [RoutingKey(sale: 7, lane: 0)])
        #expect(closed.first?.fence.rawValue == 1)
        #expect(scene.effects().contains(.beat))
        _ = scene.change(.addUnits(3), key: 50)
        scene.commit()
        #expect(scene.core.closedGates(scene.now).map(\.passes) == [3], "it opens by count")
        #expect(scene.core.closedGates(brokers: 2, scene.now).map(\.passes) == [2])
        #expect(scene.effects().contains(.beat))
        scene.tick(after: .milliseconds(399))
        #expect(scene.core.closedGates(scene.now).map(\.passes) == [3])
        scene.tick(after: .milliseconds(1))
        #expect(scene.core.closedGates(scene.now).isEmpty, "and then it is open")
        _ = scene.order(buyer: 2, quantity: 3)
        scene.commit()
        let again = scene.core.closedGates(scene.now)
        #expect(again.count == 1)
        #expect((again.first?.change ?? 0) > (closed.first?.change ?? .max))
    }

    @Test mutating func `a gate does not wait for the commit that brings units`() {
        scene.ownSale(units: 1)
        _ = scene.order(buyer: 1)
        scene.commit()
        _ = scene.change(.addUnits(1), key: 50)
        // Its outcome may hang for long, and the units may be in the ledger all the while.
        _ = scene.send()
        scene.check()
        #expect(scene.core.closedGates(scene.now).map(\.passes) == [0])
        scene.wait(.milliseconds(400))
        scene.check()
        #expect(scene.core.closedGates(scene.now).isEmpty)
        #expect(scene.core.closedGates(of: 0, scene.now).isEmpty)
        scene.core.failed(isOutage: true, scene.now)
        #expect(scene.core.closedGates(scene.now).count == 1)
    }

    @Test mutating func `a batch that empties and fills a sale leaves its gate open`() {
        scene.ownSale(units: 2)
        _ = scene.order(buyer: 1, quantity: 2)
        _ = scene.change(.addUnits(3), key: 50)
        scene.commit()
        #expect(scene.core.closedGates(scene.now).isEmpty)
    }

    @Test mutating func `only a partition that was checked recently keeps a gate closed`() {
        scene.ownSale(units: 1)
        _ = scene.order(buyer: 1)
        scene.commit()
        scene.wait(.milliseconds(500))
        #expect(scene.core.closedGates(scene.now).count == 1)
        scene.wait(.nanoseconds(1))
        #expect(scene.core.closedGates(scene.now).isEmpty)
        #expect(scene.core.closedGates(of: 0, scene.now).isEmpty)
        scene.check()
        #expect(scene.core.closedGates(scene.now).count == 1)
    }

    @Test mutating func `a sale that was sold out before a take-over has its gate closed from OWN on`() {
        let order = Entry(
            kind: .orderPlaced, sequence: 2, sale: SaleID(rawValue: 7), lane: .only,
            buyer: BuyerID(rawValue: 1), key: RequestKey(rawValue: 1), quantity: 2, amount: 200,
            at: scene.ledgerTime)
        scene.own(entries: [scene.sale(units: 2), order])
        #expect(scene.core.closedGates(of: 0, scene.now).map(\.change) == [2])
    }

    @Test mutating func `who lost the partition keeps no gate closed`() {
        scene.ownSale(units: 1)
        _ = scene.order(buyer: 1)
        scene.commit()
        scene.core.lose(0, .leaseTaken, scene.now)
        #expect(scene.core.closedGates(scene.now).isEmpty)
    }

    @Test mutating func `a beat lists at most 500 gates`() {
        scene.own()
        for sale in 1...600 {
            let create = CreateSale(
                sale: SaleID(rawValue: Int64(sale)), key: RequestKey(rawValue: UInt128(sale)), name: "Sale",
                price: 1, currency: "EUR", units: 1, limit: 1)
            _ = scene.ask(.create(create))
        }
        scene.commit()
        for sale in 1...600 { _ = scene.order(buyer: 1, key: UInt128(10_000 + sale), sale: Int64(sale)) }
        scene.commit()
        #expect(scene.core.closedGates(scene.now).count == WorkerBeat.maximumGates)
        #expect(scene.core.closedGates(of: 0, scene.now).count == WorkerBeat.maximumGates)
    }
}
