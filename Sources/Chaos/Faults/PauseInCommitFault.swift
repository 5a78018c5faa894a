import Cluster
import Glibc

/// Stops a worker between its grant and its commit: while its transaction waits in Postgres for a partition's
/// row, which another session holds for that purpose.
///
/// When the row is let go while the worker stands still, the transaction commits, and its worker learns of it
/// only after its lease has run out. When the row is kept for longer than the worker's lock timeout (100 ms),
/// the transaction fails, and the worker wakes up to try again under a fence that is no longer its own.
struct PauseInCommitFault: Fault {
    let arena: Arena
    let worker: String
    let commits: Bool

    private var log: String { "\(arena.folder)/logs/pause-in-commit.log" }

    func inject() async throws(ChaosError) {
        guard let pid = arena.cluster.pid(of: worker) else {
            throw ChaosError(.fault, "\(worker) does not run")
        }
        guard let partition = await arena.partitions(touchedBy: [worker]).first else {
            throw ChaosError(.fault, "\(worker) owns no partition with a sale")
        }
        let script = "\(arena.folder)/pause-in-commit.sql"
        try Files.write(Array(text(pid, partition).utf8), to: script)
        let status = await Tool(name: "psql", log: log).run(
            ["-X", "-q", "-d", arena.cluster.ledgerDSN, "-f", script], atMost: .seconds(15))
        guard status == .code(0) else {
            throw ChaosError(.fault, "no commit of \(worker) was caught on its way: see \(log)")
        }
    }

    /// psql runs `\!` in a shell, in the middle of our transaction.
    private func text(_ pid: Int32, _ partition: Int) -> String {
        """
        \\set ON_ERROR_STOP 1
        BEGIN;
        SELECT 1 FROM stampede.partitions WHERE partition = \(partition) FOR UPDATE;
        DO $$ BEGIN
            FOR turn IN 1..5000 LOOP
                PERFORM pg_stat_clear_snapshot();
                IF EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'stampede/\(worker)'
                           AND wait_event_type = 'Lock' AND query LIKE '%commit%') THEN RETURN; END IF;
                PERFORM pg_sleep(0.001);
            END LOOP;
            RAISE EXCEPTION 'no commit came';
        END $$;
        \\! kill -STOP \(pid)
        \(commits ? "" : "SELECT pg_sleep(0.3);")
        COMMIT;
        """
    }

    func evidence() async -> Evidence {
        let isStopped = arena.cluster.pid(of: worker).map(ProcessState.isStopped) ?? false
        let end = commits ? "which then committed" : "which then failed"
        return Evidence(isStopped, "\(worker) stood still during a transaction, \(end)")
    }

    func heal() async { _ = try? arena.cluster.kill(worker, SIGCONT) }
}
