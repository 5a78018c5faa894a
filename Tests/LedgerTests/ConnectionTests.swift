import Foundation
import Glibc
import Ledger
import PostgresTestSupport
import Sales
import Testing
import Wire
import ZeroMQ

@Suite struct ConnectionTests {
    @Test func `a connection tells what ledger it found`() throws {
        let ledger = try TestLedger()
        let connection = ledger.makeConnection()
        #expect(!connection.isReady)
        let facts = try ledger.answer { connection.connect($0) }.get()
        #expect(facts.partitions == 4)
        #expect(facts.hash == "splitmix64-v1")
        #expect(!facts.anyFence)
        let identifier = try ledger.sql("SELECT system_identifier FROM pg_control_system()")
        #expect(facts.incarnation == Incarnation(systemIdentifier: UInt64(identifier) ?? 0, timeline: 1))
        #expect(connection.isReady)
        let name = try ledger.sql(
            "SELECT application_name FROM pg_stat_activity WHERE pid = \(connection.backend)")
        #expect(name == "stampede/test")
        _ = try ledger.takeFence(0, connection)
        #expect(try ledger.connect().facts?.anyFence == true)
    }

    @Test(arguments: ["fsync", "full_page_writes", "synchronous_commit"])
    func `a server that could lose orders is refused by the name of its setting`(setting: String) throws {
        let server = try PostgresServer(settings: [setting: "off"])
        let ledger = try TestLedger(server: server)
        let connection = ledger.makeConnection()
        let result = try ledger.answer { connection.connect($0) }
        guard case .failure(let error) = result else {
            Issue.record("accepted \(setting) = off")
            return
        }
        #expect(error.code == .unsafe)
        #expect(error.message.contains("\(setting) = off"))
        #expect(error.message.contains(server.folder.path))
    }

    @Test func `several hosts need a synchronous standby`() throws {
        let ledger = try TestLedger()
        let folder = ledger.server.folder.path
        let connection = ledger.makeConnection {
            $0.dsn = "host=/nonexistent,\(folder) port=5432 user=postgres dbname=\(ledger.database)"
        }
        let result = try ledger.answer { connection.connect($0) }
        guard case .failure(let error) = result else {
            Issue.record("accepted a fail-over without a standby")
            return
        }
        #expect(error.code == .unsafe)
        #expect(error.message.contains("synchronous_standby_names"))
    }

    @Test func `a host that cannot be reached is passed over`() throws {
        let server = try PostgresServer()
        let ledger = try TestLedger(server: server)
        server.stop()
        server.settings["synchronous_standby_names"] = "'standby'"
        try server.start()
        let connection = ledger.makeConnection {
            $0.dsn =
                "host=/nonexistent,\(server.folder.path) port=5432 user=postgres dbname=\(ledger.database)"
        }
        #expect(try ledger.answer { connection.connect($0) }.get().partitions == 4)
        server.stop(.immediate)
    }

    @Test func `a host that was told not to write is passed over, by workers and by commands`() throws {
        let server = try PostgresServer()
        let ledger = try TestLedger(server: server)
        server.stop()
        server.settings["synchronous_standby_names"] = "'standby'"
        try server.start()
        let old = try PostgresServer()
        _ = try old.makeDatabase(ledger.database)
        try old.refuseWrites()
        let both = old.dsn(ledger.database).replacingOccurrences(
            of: old.folder.path, with: "\(old.folder.path),\(server.folder.path)")
        let connection = ledger.makeConnection { $0.dsn = both }
        #expect(try ledger.answer { connection.connect($0) }.get().partitions == 4)
        #expect(try Migrator(dsn: both).migrate(partitions: nil).partitions == 4)

        let alone = ledger.makeConnection { $0.dsn = old.dsn(ledger.database) }
        guard case .failure(let error) = try ledger.answer({ alone.connect($0) }) else {
            Issue.record("wrote where nobody may")
            return
        }
        #expect(error.code == .refused)
        #expect(error.message.contains("\(old.folder.path):5432 has default_transaction_read_only = on"))
        let command = #expect(throws: LedgerError.self) {
            try Migrator(dsn: old.dsn(ledger.database)).migrate(partitions: nil)
        }
        #expect(command?.code == .refused)
        server.stop(.immediate)
    }

    @Test(arguments: ["a commit", "a check", "a fence", "a lock's fence"])
    func `a server that was told not to write is left with the next thing that it is asked for`(
        next: String
    ) throws {
        let server = try PostgresServer()
        let ledger = try TestLedger(server: server)
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 5, connection)
        var closed: LedgerError?
        connection.onClose = { closed = $0 }
        try server.refuseWrites()
        let error: LedgerError?
        switch next {
        case "a commit":
            error = try ledger.commit([owner.next([owner.order(buyer: 1)])], connection).failure
        case "a check":
            error = try ledger.answer { connection.checkFences([owner.partition], $0) }.failure
        case "a fence":
            error = try ledger.answer { connection.takeFence(owner.partition, $0) }.failure
        default:
            error = try ledger.answer { connection.takeLockFences(["name"], $0) }.failure
        }
        #expect(error?.sqlState == .readOnly)
        #expect(closed?.sqlState == .readOnly)
        #expect(!connection.isReady)
        try server.acceptWrites()
        #expect(try ledger.sql("SELECT count(*) FROM stampede.ledger") == "1")
        #expect(try ledger.connect().isReady)
    }

    @Test(arguments: [
        ("host=127.0.0.1 port=1 user=postgres password=hush-hush dbname=x", "127.0.0.1:1"),
        ("postgres://postgres:hush-hush@127.0.0.1:1/x", "127.0.0.1:1"),
        ("host=/nonexistent password=hush-hush dbname=x", "/nonexistent:5432"),
        ("postgres://postgres:hush-hush@[::1/x", "connection string"),
        ("password='hush-hush dbname=x", "connection string"),
    ])
    func `an error names the server and never the password`(dsn: String, address: String) throws {
        let loop = EventLoop()
        let connection = LedgerConnection(
            configuration: LedgerConfiguration(dsn: dsn, name: "test"), loop: loop)
        var found: Result<LedgerFacts, LedgerError>?
        connection.connect { found = $0 }
        loop.run(atMost: .seconds(30)) { found != nil }
        guard case .failure(let error) = found else {
            Issue.record("connected to nothing")
            return
        }
        #expect(error.message.contains(address), "\(error)")
        #expect(!"\(error)".contains("hush"))
        let other = #expect(throws: LedgerError.self) { try Migrator(dsn: dsn).migrate(partitions: nil) }
        #expect(other?.message.contains(address) == true, "\(String(describing: other))")
        #expect(other?.message.contains("hush") == false)
    }

    @Test func `a server that accepts and says nothing is given up`() throws {
        let folder = URL(fileURLWithPath: "/tmp/stampede-silent-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        let silent = try SilentServer(folder: folder.path)
        let loop = EventLoop()
        var configuration = LedgerConfiguration(dsn: "host=\(folder.path) user=x dbname=x", name: "test")
        configuration.connectTimeout = .milliseconds(200)
        let connection = LedgerConnection(configuration: configuration, loop: loop)
        var found: Result<LedgerFacts, LedgerError>?
        connection.connect { found = $0 }
        loop.run(atMost: .seconds(30)) { found != nil }
        guard case .failure(let error) = found else {
            Issue.record("connected to nothing")
            return
        }
        #expect(error.code == .timeout)
        _ = silent
    }

    @Test func `requests before the connection is ready are refused unsent`() throws {
        let ledger = try TestLedger()
        let connection = ledger.makeConnection()
        let result = try ledger.answer { connection.takeFence(Partition(rawValue: 0), $0) }
        #expect(throws: LedgerError.self) { try result.get() }
    }

    @Test func `a commit that the server's death interrupts is unknown and turns out not to have happened`()
        throws
    {
        let server = try PostgresServer()
        let ledger = try TestLedger(server: server)
        let connection = try ledger.connect { $0.lockTimeout = .seconds(4) }
        var owner = try ledger.openSale(7, units: 50, connection)
        var closed: LedgerError?
        connection.onClose = { closed = $0 }
        let blocker = try ledger.holdRow(name: "blocker")
        let batch = owner.next([owner.order(buyer: 1)])
        var outcomes: [CommitOutcome] = []
        connection.commit([batch]) { outcomes.append($0) }
        connection.commit([batch]) { outcomes.append($0) }
        ledger.loop.run(atMost: .milliseconds(50)) { !outcomes.isEmpty }
        server.kill()
        ledger.loop.run(atMost: .seconds(30)) { closed != nil }
        blocker.waitUntilExit()
        #expect(outcomes.count == 2)
        #expect(outcomes.first?.isUnknown == true)
        // The second was never sent.
        #expect(outcomes.last?.failure?.code == .lost)
        #expect(closed?.code == .lost)
        #expect(!connection.isReady)

        try server.start()
        let again = try ledger.connect()
        let renewed = try ledger.answer { again.renewFences([(owner.partition, owner.fence)], $0) }.get()
        #expect(renewed.map(\.batch) == [1])
        #expect(try ledger.sql("SELECT count(*) FROM stampede.ledger") == "1")
        #expect(try Audit.run(dsn: ledger.dsn).isClean)
    }

    @Test func `a commit whose answer is lost is unknown and turns out to have happened`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 50, connection)
        let batch = owner.next([owner.order(buyer: 1)])
        var outcomes: [CommitOutcome] = []
        connection.commit([batch]) { outcomes.append($0) }
        // The loop stands still, so that the answer is never read.
        try ledger.wait(until: "SELECT count(*) = 2 FROM stampede.ledger")
        connection.close()
        #expect(outcomes.count == 1)
        #expect(outcomes.first?.isUnknown == true)

        let again = try ledger.connect()
        let renewed = try ledger.answer { again.renewFences([(owner.partition, owner.fence)], $0) }.get()
        #expect(renewed.map(\.batch) == [batch.number])
        let found = try ledger.answer {
            again.batchCommitted(batch.partition, batch: batch.number, fence: batch.fence, $0)
        }.get()
        #expect(found)
    }

    @Test func `commits never lie while the postmaster is killed again and again`() throws {
        let server = try PostgresServer()
        let ledger = try TestLedger(server: server)
        var confirmed: Set<Int64> = []
        var unknown = 0
        for round in 0..<3 {
            let connection = try ledger.connect()
            let owned = try ledger.takeFence(0, connection)
            var owner = Owner(owned: owned, sale: SaleID(rawValue: 7), now: try ledger.clock(connection))
            if round == 0 {
                #expect(
                    try ledger.commit([owner.next([owner.creation(units: 1_000_000)])], connection)
                        .isCommitted)
            }
            var isOver = false
            func sell() {
                let batch = owner.next((0..<50).map { _ in owner.order(buyer: Int64(round)) })
                connection.commit([batch]) { outcome in
                    switch outcome {
                    case .committed(let at):
                        owner.now = at
                        confirmed.formUnion(batch.entries.map(\.sequence))
                        sell()
                    case .unknown:
                        unknown += 1
                        isOver = true
                    case .fenced, .stale, .refused, .failed:
                        isOver = true
                    }
                }
            }
            sell()
            let goal = confirmed.count + 500
            ledger.loop.run(atMost: .seconds(5)) { confirmed.count >= goal || isOver }
            server.kill()
            ledger.loop.run(atMost: .seconds(30)) { isOver }
            #expect(isOver)
            try server.start()
        }
        #expect(confirmed.count >= 1_500)
        #expect(unknown == 3)
        let connection = try ledger.connect()
        let last = try ledger.takeFence(0, connection).last
        let entries = try ledger.answer {
            connection.loadEntries(of: Partition(rawValue: 0), after: 0, limit: Int(last) + 1, $0)
        }.get()
        #expect(confirmed.isSubset(of: entries.map(\.sequence)))
    }

    @Test func `a server that stops answering makes the commit unknown`() throws {
        let server = try PostgresServer()
        let ledger = try TestLedger(server: server)
        let connection = try ledger.connect { $0.statementTimeout = .milliseconds(100) }
        var owner = try ledger.openSale(7, units: 5, connection)
        let backend = connection.backend
        Glibc.kill(backend, SIGSTOP)
        let outcome = try ledger.commit([owner.next([owner.order(buyer: 1)])], connection)
        #expect(outcome.isUnknown)
        #expect(!connection.isReady)
        Glibc.kill(backend, SIGCONT)
    }

    @Test func `closing answers everything once`() throws {
        let ledger = try TestLedger()
        let connection = try ledger.connect()
        var owner = try ledger.openSale(7, units: 5, connection)
        var outcomes: [CommitOutcome] = []
        let batch = owner.next([owner.order(buyer: 1)])
        connection.onClose = { _ in Issue.record("told of its own closing") }
        connection.commit([batch]) { outcomes.append($0) }
        connection.commit([batch]) { outcomes.append($0) }
        connection.close()
        #expect(outcomes.count == 2)
        #expect(outcomes.first?.isUnknown == true)
        #expect(outcomes.last?.failure?.code == .lost)
    }
}

extension Result {
    fileprivate var failure: Failure? { if case .failure(let error) = self { error } else { nil } }
}

/// Accepts nothing and answers nothing: connections wait in the backlog of its socket.
private final class SilentServer {
    private let descriptor: Int32

    init(folder: String) throws {
        descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: "\(folder)/.s.PGSQL.5432\0".utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let status = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        guard status == 0, listen(descriptor, 4) == 0 else {
            throw PostgresServer.Failure("no socket in \(folder): errno \(errno)")
        }
    }

    deinit { close(descriptor) }
}
