import Foundation
import Glibc

extension PostgresServer {
    // MARK: Standing still

    /// Stops every process of the server where it stands, as a machine that hangs would.
    public func pause() { signalAll(SIGSTOP) }

    /// Lets a paused server run on.
    public func resume() { signalAll(SIGCONT) }

    private func signalAll(_ number: Int32) {
        // The postmaster first: it makes no child that is not seen.
        _ = Glibc.kill(pid, number)
        for child in children { _ = Glibc.kill(child, number) }
    }

    private var children: [Int32] {
        let path = "/proc/\(pid)/task/\(pid)/children"
        let list = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        return list.split(separator: " ").compactMap { Int32($0) }
    }

    /// Kills one session's process with SIGKILL. The postmaster ends all others and recovers.
    public func killSession(_ process: Int32) { _ = Glibc.kill(process, SIGKILL) }

    // MARK: Another life

    /// Makes a standby the primary of a new timeline.
    public func promote() throws { try execute("SELECT pg_promote()") }

    /// Lets nobody write any more, as whoever fences off an old primary does. Returns when every session hears of it
    /// before its next transaction.
    public func refuseWrites() throws { try set("default_transaction_read_only", to: "on") }

    /// Lets everybody write again.
    public func acceptWrites() throws { try set("default_transaction_read_only", to: "off") }

    private func set(_ setting: String, to value: String) throws {
        try execute("ALTER SYSTEM SET \(setting) = \(value)")
        try execute("SELECT pg_reload_conf()")
        // The postmaster tells all its sessions before it begins one that knows.
        for _ in 0..<1_000 where try execute("SHOW \(setting)") == value { return }
        throw Failure("\(setting) never became \(value)")
    }

    /// Copies the server as it is, while it runs.
    public func backUp() throws {
        try run("pg_basebackup", ["-D", backup, "-c", "fast", "-X", "stream", "-d", dsn()])
    }

    /// Puts the backup in the place of what there is, and starts it. What came after the backup is lost.
    ///
    /// - Parameter makesTimeline: as a recovery to a point in time does. Otherwise it is a mere copy of the files,
    ///   which calls itself by the name of the server that it was copied from.
    public func restore(makesTimeline: Bool) throws {
        kill()
        try FileManager.default.removeItem(atPath: data)
        try FileManager.default.moveItem(atPath: backup, toPath: data)
        if makesTimeline {
            settings["restore_command"] = "'false'"
            settings["recovery_target_action"] = "'promote'"
            try run("touch", ["\(data)/recovery.signal"])
        }
        try start()
    }

    private var backup: String { folder.appendingPathComponent("backup").path }

    // MARK: A small disk

    /// Whether this machine lets this user mount a disk.
    public static let mayMountDisks: Bool = {
        var template = Array("/tmp/stampede-disk-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { return false }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { rmdir(path) }
        // Unmounted at once.
        return SmallDisk(mebibytes: 1, at: path) != nil
    }()

    /// Makes a tablespace `small` on a disk of its own of so many MiB.
    public func makeSmallDisk(mebibytes: Int) throws -> SmallDisk {
        let path = folder.appendingPathComponent("small").path
        try run("mkdir", [path])
        guard let disk = SmallDisk(mebibytes: mebibytes, at: path) else {
            throw Failure("mount \(path): errno \(errno)")
        }
        try run("mkdir", ["\(path)/space"])
        try execute("CREATE TABLESPACE small LOCATION '\(path)/space'")
        return disk
    }

    /// A disk in memory, unmounted with the last reference to it.
    public final class SmallDisk: Sendable {
        private let path: String

        /// Nil where nobody lets us mount it.
        init?(mebibytes: Int, at path: String) {
            guard mount("none", path, "tmpfs", 0, "size=\(mebibytes)m,mode=777") == 0 else { return nil }
            self.path = path
        }

        deinit { umount2(path, Int32(MNT_DETACH)) }

        /// Writes until nothing more fits.
        public func fill() throws {
            let file = open("\(path)/filler", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
            guard file >= 0 else { throw Failure("open filler: errno \(errno)") }
            defer { close(file) }
            let page = [UInt8](repeating: 0, count: 4_096)
            while write(file, page, page.count) > 0 {}
        }

        public func clear() { unlink("\(path)/filler") }
    }
}
