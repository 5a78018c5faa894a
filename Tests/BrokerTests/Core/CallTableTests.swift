import SeededTestSupport
import Testing
import Wire

@testable import Broker

@Suite struct CallTableTests {
    @Test func `a table gives each slot once`() {
        var table = CallTable(capacity: 3)
        let slots = (0..<4).map { _ in table.insert(Call()) }
        #expect(slots == [0, 1, 2, nil])
        #expect(table.count == 3)
        table.free(1)
        #expect(table.insert(Call()) == 1)
    }

    @Test func `a name finds its call until it is over`() {
        var table = CallTable(capacity: 3)
        let slot = table.insert(Call())!
        let id = table.id(of: slot)
        #expect(id != 0)
        table[slot].place = .inFlight
        #expect(table.slot(of: id) == slot)
        table.renew(slot)
        #expect(table.slot(of: id) == nil)
        #expect(table.slot(of: table.id(of: slot)) == slot)
        table[slot].place = .free
        table.free(slot)
        #expect(table.slot(of: table.id(of: slot)) == nil)
        for wrong: UInt64 in [0, .max, 3 << 32 | 1, 1 << 63] { #expect(table.slot(of: wrong) == nil) }
    }

    @Test func `no name is zero, however often a slot is used`() {
        var table = CallTable(capacity: 1)
        let slot = table.insert(Call())!
        table[slot].generation = .max
        table.renew(slot)
        #expect(table.id(of: slot) != 0)
        table[slot].generation = .max
        table.free(slot)
        _ = table.insert(Call())
        #expect(table.id(of: slot) != 0)
    }

    @Test(arguments: 1...5) func `a client's own name finds its call, however many there are`(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var table = CallTable(capacity: 3_000, secret: random.next())
        var model: [String: Int32] = [:]
        // Few names, so that the two clients often use the same.
        func name() -> (callID: UInt64, client: Int32) {
            (UInt64(random.number(1...2_500)), Int32(random.number(0...1)))
        }
        // Grows to the brim, and then as many come as go.
        for step in 0..<20_000 {
            let (callID, client) = name()
            let known = model["\(callID) \(client)"]
            #expect(table.slot(of: callID, client: client) == known)
            if let known, step > 6_000 {
                table.free(known)
                model["\(callID) \(client)"] = nil
            } else if known == nil {
                var call = Call()
                (call.clientCallID, call.client) = (callID, client)
                if let slot = table.insert(call) { model["\(callID) \(client)"] = slot }
            }
        }
        #expect(table.count == model.count && model.count > 1_024)
    }

    /// Names that differ in a few high bits only, and that differ from other clients' by what tells clients apart.
    /// Were they to collide, this would take many minutes.
    @Test(.timeLimit(.minutes(1)), arguments: [0, 8, 16, 24, 31, 32, 40, 48])
    func `nobody chooses where names fall`(
        shift: UInt64
    ) {
        var table = CallTable(capacity: 65_536, secret: 2 * shift + 4)
        var call = Call()
        for number: UInt64 in 0..<8_192 {
            for client: Int32 in 0..<4 {
                (call.clientCallID, call.client) = (number << shift ^ UInt64(client) << 32, client)
                let slot = table.insert(call)
                #expect(slot != nil)
            }
        }
        for slot in 0..<Int32(table.count) { table.free(slot) }
        #expect(table.count == 0)
    }

    @Test func `freeing a call that is on a list traps`() async {
        await #expect(processExitsWith: .failure) {
            var table = CallTable(capacity: 1)
            let slot = table.insert(Call())!
            table[slot].place = .parked
            table.free(slot)
        }
    }

    @Test(arguments: 1...20) func `lists keep their order`(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var links = CallLinks(capacity: 32)
        var lists = [CallList(), CallList(), CallList()]
        var model: [[Int32]] = [[], [], []]
        for _ in 0..<500 {
            let slot = Int32(random.number(0...31))
            if let list = model.firstIndex(where: { $0.contains(slot) }) {
                links.remove(slot, from: &lists[list])
                model[list].removeAll { $0 == slot }
            } else {
                let list = random.number(0...2)
                links.append(slot, to: &lists[list])
                model[list].append(slot)
            }
            for (list, expected) in zip(lists, model) {
                var (found, slot) = ([Int32](), list.first)
                while slot >= 0 {
                    found.append(slot)
                    slot = links.next(after: slot)
                }
                #expect(found == expected)
                #expect(list.count == expected.count && list.isEmpty == expected.isEmpty)
            }
        }
    }
}
