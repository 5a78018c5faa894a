import Foundation
import Ledger
import PostgresTestSupport
import Sales
import Testing
import Wire
import ZeroMQ

@Suite struct FenceTests {
    @Test func `the newer of two owners wins and the older cannot commit`() throws {
        let ledger = try TestLedger()
        let old = try ledger.connect()
        let new = try ledger.connect { $0.name = "other" }
        var owner = try ledger.openSale(7, units: 5, old)
        let owned = try ledger.takeFence(0, new)
        let now = Ownership(
            partition: owner.partition, fence: Fence(rawValue: 2), batch: 1, last: 1, digest: owner.digest)
        #expect(owned == now)

        let batch = owner.next([owner.order(buyer: 1)])
        #expect(try ledger.commit([batch], old).fencedPartitions == [0])
        var taken = batch
        taken.fence = owned.fence
        #expect(try ledger.commit([taken], new).isCommitted)
    }

    @Test func `every taking gets another fence when two fight`() throws {
        let ledger = try TestLedger()
        let connections = [try ledger.connect(), try ledger.connect { $0.name = "other" }]
        var fences: [Int64] = []
        for turn in 0..<40 {
            connections[turn % 2].takeFence(Partition(rawValue: 0)) { result in
                if case .success(let owned) = result { fences.append(owned.fence.rawValue) }
            }
        }
        ledger.loop.run(atMost: .seconds(30)) { fences.count == 40 }
        #expect(fences.sorted() == Array(1...40))
    }

    @Test func `renewing keeps what is ours and leaves out what is not`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        let other = try ledger.connect { $0.name = "other" }
        let mine = try (0..<3).map { try ledger.takeFence($0, connection) }
        _ = try ledger.takeFence(1, other)
        let renewed = try ledger.answer {
            connection.renewFences(mine.map { ($0.partition, $0.fence) }, $0)
        }.get()
        #expect(renewed.map(\.partition.rawValue) == [0, 2])
        #expect(renewed.map(\.fence.rawValue) == [2, 2])
        let fences = try ledger.sql(
            "SELECT string_agg(fence::text, ' ' ORDER BY partition) FROM stampede.partitions")
        #expect(fences == "2 2 2 0")
    }

    @Test func `a partition that does not exist cannot be taken`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        let result = try ledger.answer { connection.takeFence(Partition(rawValue: 99), $0) }
        #expect(throws: LedgerError.self) { try result.get() }
    }

    @Test func `a check reads fences and clock`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        let owner = try ledger.openSale(7, units: 5, partition: 2, connection)
        let before = Date().timeIntervalSince1970
        let asked = [Partition(rawValue: 2), Partition(rawValue: 3), Partition(rawValue: 99)]
        let (fences, clock) = try ledger.answer { connection.checkFences(asked, $0) }.get()
        #expect(fences.count == 2)
        #expect(fences.contains(Ownership(partition: owner.partition, fence: owner.fence, batch: 1, last: 1)))
        #expect(Double(clock.rawValue) / 1e6 >= before - 0.001)
    }

    @Test func `whether a batch committed is known by its fence too`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        let owner = try ledger.openSale(7, units: 5, connection)
        for (number, fence, expected) in [(1, 1, true), (2, 1, false), (1, 2, false)] {
            let found = try ledger.answer {
                connection.batchCommitted(
                    owner.partition, batch: Int64(number), fence: Fence(rawValue: Int64(fence)), $0)
            }.get()
            #expect(found == expected)
        }
    }

    @Test func `renewing ends an old transaction that is stuck and tells that it did not commit`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        let owner = try ledger.openSale(7, units: 5, connection)
        let stuck = try ledger.holdRow(name: "stampede/stuck")
        let renewed = try ledger.answer {
            connection.renewFences([(owner.partition, owner.fence)], $0)
        }.get()
        let now = Ownership(
            partition: owner.partition, fence: Fence(rawValue: 2), batch: 1, last: 1, digest: owner.digest)
        #expect(renewed == [now])
        stuck.waitUntilExit()
        #expect(stuck.terminationStatus != 0)
    }

    @Test func `a successor ends the session of a stuck owner`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        let stuck = try ledger.holdRow(name: "stampede/stuck")
        #expect(try ledger.takeFence(0, connection).batch == 0)
        stuck.waitUntilExit()
        #expect(stuck.terminationStatus != 0)
    }

    @Test func `a session that is not a worker's is never ended`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect { $0.lockTimeout = .milliseconds(20) }
        let stranger = try ledger.holdRow(name: "dba")
        let result = try ledger.answer { connection.takeFence(Partition(rawValue: 0), $0) }
        guard case .failure(let error) = result else {
            Issue.record("took a fence through a lock")
            return
        }
        #expect(error.sqlState == .lockNotAvailable)
        #expect(stranger.isRunning)
        _ = try ledger.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'dba'")
        stranger.waitUntilExit()
    }

    @Test func `a commit that waits too long has failed`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect { $0.lockTimeout = .milliseconds(20) }
        var owner = try ledger.openSale(7, units: 5, connection)
        let stuck = try ledger.holdRow(name: "stampede/stuck")
        let outcome = try ledger.commit([owner.next([owner.order(buyer: 1)])], connection)
        #expect(outcome.failure?.sqlState == .lockNotAvailable)
        let renewed = try ledger.answer { connection.renewFences([(owner.partition, owner.fence)], $0) }.get()
        #expect(renewed.map(\.batch) == [1])
        stuck.waitUntilExit()
    }
}
