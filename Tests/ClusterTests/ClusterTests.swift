import Foundation
import Testing

@testable import Cluster

/// Against real redis-servers and a real Postgres; brokers and workers are stand-ins.
@Suite struct ClusterTests {
    @Test func `a whole cluster starts, is found by others, and leaves nothing behind`() async throws {
        let folder = try TestFolder()
        let configuration = folder.configuration(redisCount: 5)
        let layout = configuration.layout
        let cluster = try await Cluster.start(configuration)
        let names =
            (1...5).map { "redis-\($0)" } + ["postgres", "broker-1", "worker-1", "worker-2"]
        #expect(cluster.names == names)
        #expect(cluster.redisAddresses == (1...5).map { "unix:\(folder.data)/run/redis-\($0).sock" })
        #expect(cluster.brokerEndpoints == ["ipc://\(folder.data)/run/broker-1-clients.sock"])
        for index in 1...5 { #expect(UnixSocket.answersPing(layout.redisSocket(index))) }

        #expect(try folder.sql("select session_user || ' ' || current_database()") == "stampede stampede")
        // What the ledger reads to know which server it talks to must be open to this role.
        #expect(
            try folder.sql(
                "select system_identifier > 0, timeline_id from pg_control_system(), pg_control_checkpoint()")
                == "t|1")
        let durable =
            "select string_agg(name || '=' || setting, ' ' order by name) from pg_settings where name in "
        #expect(
            try folder.sql(
                durable + "('fsync', 'full_page_writes', 'synchronous_commit', 'listen_addresses')")
                == "fsync=on full_page_writes=on listen_addresses= synchronous_commit=on")

        let file = try ClusterFile.load(folder: folder.data)
        #expect(file.supervisor == getpid())
        #expect(Set(file.pids.keys) == Set(names))
        for name in names {
            let pid = try #require(cluster.pid(of: name))
            #expect(file.pids[name] == pid)
            // Ctrl-C on a terminal goes to the supervisor's process group, which the children are not in.
            #expect(getpgid(pid) == pid)
        }
        #expect(file.ledgerDSN == cluster.ledgerDSN)
        let dsn = layout.dsn(application: "migrate")
        #expect(folder.commandLines.first == "migrate --ledger \(dsn) --partitions 64")
        #expect(folder.commandLines.count == 4)

        await cluster.stop()
        #expect(folder.processes == [])
        #expect(!FileManager.default.fileExists(atPath: layout.run))
        for name in names { #expect(cluster.pid(of: name) == nil) }
        let error = #expect(throws: ClusterError.self) { try ClusterFile.load(folder: folder.data) }
        #expect(error?.code == .notRunning)
        await cluster.stop()

        let events = await cluster.events.reduce(into: []) { $0.append($1) }
        let started = events.compactMap { if case .started(let name, _) = $0 { name } else { nil } }
        let stopped = events.compactMap { if case .stopped(let name) = $0 { name } else { nil } }
        #expect(Set(started) == Set(names) && started.count == names.count)
        #expect(Set(stopped.prefix(2)) == ["worker-1", "worker-2"])
        #expect(Array(stopped[2...3]) == ["broker-1", "postgres"])
        #expect(events.count == 2 * names.count)
    }

    @Test func `a process that dies comes back, unless it is kept dead`() async throws {
        let folder = try TestFolder()
        let cluster = try await Cluster.start(folder.configuration())
        for name in ["worker-1", "broker-1", "redis-1", "postgres"] {
            let old = try #require(cluster.pid(of: name))
            #expect(try cluster.kill(name, SIGKILL))
            let isBack = await eventually { cluster.pid(of: name).map { $0 != old } ?? false }
            #expect(isBack, "\(name) did not come back")
            let isKnown = await eventually {
                (try? ClusterFile.load(folder: folder.data).pids[name]) == cluster.pid(of: name)
            }
            #expect(isKnown)
        }
        let layout = Layout(folder: folder.data)
        #expect(await eventually { UnixSocket.answersPing(layout.redisSocket(1)) })
        #expect(await eventually { (try? folder.sql("select 1")) == "1" })

        try cluster.setSupervised("worker-2", false)
        try cluster.kill("worker-2", SIGKILL)
        #expect(await eventually { cluster.pid(of: "worker-2") == nil })
        let dead = await cluster.events.first {
            if case .exited("worker-2", _, _) = $0 { true } else { false }
        }
        #expect(dead == .exited(name: "worker-2", status: .signal(SIGKILL), restartIn: nil))
        #expect(try !cluster.kill("worker-2", SIGTERM))
        try cluster.start("worker-2")
        #expect(await eventually { cluster.pid(of: "worker-2") != nil })

        #expect(try await cluster.addWorker() == "worker-3")
        #expect(cluster.pid(of: "worker-3") != nil)
        try folder.makeFail("worker")
        await #expect(throws: ClusterError.self) { try await cluster.addWorker() }
        #expect(cluster.names.last == "worker-3")
        #expect(throws: ClusterError.self) { try cluster.kill("worker-4", SIGKILL) }

        // A paused process must not hold up the stop.
        try cluster.kill("worker-3", SIGSTOP)
        let stop = ContinuousClock.now
        await cluster.stop()
        #expect(stop.duration(to: .now) < .seconds(10), "the grace of the workers ran out")
        #expect(folder.processes == [])
    }

    @Test func `two clusters live side by side and a second one in a folder is refused`() async throws {
        let folders = [try TestFolder(), try TestFolder()]
        async let first = Cluster.start(folders[0].configuration())
        async let second = Cluster.start(folders[1].configuration())
        let clusters = try await [first, second]
        let error = await #expect(throws: ClusterError.self) {
            try await Cluster.start(folders[0].configuration())
        }
        #expect(error?.code == .folderInUse)
        #expect(error?.message.contains("process \(getpid())") == true)
        for name in clusters[0].names { #expect(clusters[0].pid(of: name) != clusters[1].pid(of: name)) }
        await clusters[0].stop()
        #expect(folders[0].processes == [])
        #expect(try folders[1].sql("select 1") == "1")
        await clusters[1].stop()
    }

    @Test func `a killed supervisor leaves no orphan, and its folder starts again with its data`()
        async throws
    {
        let folder = try TestFolder()
        let configuration = folder.configuration()
        await #expect(processExitsWith: .signal(SIGKILL)) {
            [
                data = configuration.folder as String, program = configuration.stampedeExecutable as String
            ] in
            var configuration = ClusterConfiguration(folder: data)
            configuration.redisCount = 1
            configuration.stampedeExecutable = program
            _ = try await Cluster.start(configuration)
            kill(getpid(), SIGKILL)
            try await Task.sleep(for: .seconds(60))
        }
        let layout = Layout(folder: folder.data)
        #expect(FileManager.default.fileExists(atPath: layout.file), "the cluster was never up")
        #expect(await eventually { folder.processes.isEmpty })
        #expect(throws: ClusterError.self) { try ClusterFile.load(folder: folder.data) }

        var cluster = try await Cluster.start(configuration)
        _ = try folder.sql("create table kept as select 42 as value")
        await cluster.stop()
        cluster = try await Cluster.start(configuration)
        #expect(try folder.sql("select value from kept") == "42")
        await cluster.stop()
    }

    @Test(arguments: ["migrate", "broker", "worker"])
    func `a part that does not come up is named with its last words`(kind: String) async throws {
        let folder = try TestFolder()
        try folder.makeFail(kind)
        let error = await #expect(throws: ClusterError.self) {
            try await Cluster.start(folder.configuration())
        }
        #expect(error?.code == .startFailed)
        #expect(error?.message.contains("the stand-in \(kind) fails as told") == true)
        #expect(folder.processes == [])
    }

    @Test func `a start that is cancelled leaves nothing behind`() async throws {
        let folder = try TestFolder()
        let start = Task { try await Cluster.start(folder.configuration()) }
        #expect(await eventually { !folder.processes.isEmpty })
        start.cancel()
        let error = await #expect(throws: ClusterError.self) { try await start.value }
        #expect(error?.code == .startFailed)
        #expect(folder.processes == [])
    }

    @Test func `a program that is not there is named`() async throws {
        let folder = try TestFolder()
        var configuration = folder.configuration()
        configuration.stampedeExecutable = "\(folder.path)/none"
        let error = await #expect(throws: ClusterError.self) { try await Cluster.start(configuration) }
        #expect(error?.code == .missingProgram)
        #expect(error?.message.contains("\(folder.path)/none") == true)
    }
}
