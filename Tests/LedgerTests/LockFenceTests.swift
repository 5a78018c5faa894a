import Ledger
import Sales
import Testing
import Wire
import ZeroMQ

@Suite struct LockFenceTests {
    private func take(
        _ names: [String], _ connection: LedgerConnection, _ ledger: TestLedger
    ) throws -> [Int64] {
        var result: Result<[Fence], LedgerError>?
        connection.takeLockFences(names) { result = $0 }
        ledger.loop.run(atMost: .seconds(20)) { result != nil }
        return try #require(result).get().map(\.rawValue)
    }

    @Test func `a fence grows with every holder of its lock, whoever asks`() throws {
        let ledger = try TestLedger()
        let (one, other) = (try ledger.connect(), try ledger.connect { $0.name = "other" })
        #expect(try take(["b", "a", "b", "ü/1"], one, ledger) == [1, 1, 2, 1])
        #expect(try take(["a", "b"], other, ledger) == [2, 3])
        #expect(try take([], one, ledger) == [])
    }

    @Test func `two that take the same locks at once never wait in a circle`() throws {
        let ledger = try TestLedger()
        let connections = [try ledger.connect(), try ledger.connect { $0.name = "other" }]
        let names = (0..<200).map { "lock \($0)" }
        var fences: [[Fence]] = []
        for turn in 0..<20 {
            connections[turn % 2].takeLockFences(turn % 2 == 0 ? names : names.reversed()) { result in
                if case .success(let taken) = result { fences.append(taken) }
            }
        }
        #expect(ledger.loop.run(atMost: .seconds(30)) { fences.count == 20 })
        #expect(Set(fences.map { $0[0].rawValue }).isSubset(of: Set(1...20)))
        #expect(try take(names, connections[0], ledger) == Array(repeating: 21, count: 200))
    }

    @Test func `a lock is never forgotten`() throws {
        let ledger = try TestLedger()
        _ = try take(["a"], try ledger.connect(), ledger)
        for change in ["DELETE FROM stampede.locks", "TRUNCATE stampede.locks"] {
            #expect(throws: (any Error).self) { try ledger.sql(change) }
        }
    }
}
