import Foundation

@testable import Cluster

/// A temporary folder with a stand-in for the `stampede` program, gone when the value is.
final class TestFolder: Sendable {
    let path: String
    /// The cluster's data folder in it.
    var data: String { "\(path)/data" }

    init() throws {
        var template = Array("/tmp/stampede-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw POSIXError(.EACCES) }
        path = String(cString: made)
        // The user postgres must be able to enter when the tests run as root.
        chmod(path, 0o711)
        try Self.standIn.write(toFile: program, atomically: true, encoding: .utf8)
        chmod(program, 0o755)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    private var program: String { "\(path)/stampede" }

    /// Notes its arguments, listens like a broker, and can be told to fail. In Perl, because every Debian
    /// has it and a shell cannot listen on a Unix socket.
    private static let standIn = """
        #!/usr/bin/perl
        use strict;
        use Socket;
        my ($folder) = $0 =~ m{(.*)/};
        open(my $notes, ">>", "$folder/arguments") or die;
        syswrite($notes, join(" ", @ARGV) . "\\n");
        my ($kind, %options) = @ARGV;
        die "the stand-in $kind fails as told\\n" if -e "$folder/fail-$kind";
        exit 0 if $kind eq "migrate";
        my @sockets;
        for my $path (map { s{^ipc://}{}r } grep { defined } $kind eq "broker" ? @options{"--clients", "--workers"} : ()) {
            socket(my $socket, PF_UNIX, SOCK_STREAM, 0) or die;
            unlink $path;
            bind($socket, sockaddr_un($path)) or die "bind $path: $!";
            listen($socket, 100) or die;
            push @sockets, $socket;
        }
        sleep 1 while 1;
        """

    /// A small cluster in this folder.
    func configuration(redisCount: Int = 1) -> ClusterConfiguration {
        var configuration = ClusterConfiguration(folder: data)
        configuration.redisCount = redisCount
        configuration.stampedeExecutable = program
        return configuration
    }

    /// Makes the stand-in fail when it is run as `kind`.
    func makeFail(_ kind: String) throws { try Data().write(to: URL(filePath: "\(path)/fail-\(kind)")) }

    /// The command lines the stand-in was run with.
    var commandLines: [String] {
        let notes = try? String(contentsOfFile: "\(path)/arguments", encoding: .utf8)
        return notes?.split(separator: "\n").map(String.init) ?? []
    }

    /// Processes, zombies left out, that were started with this folder in their arguments or work in it.
    var processes: [Int32] {
        let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return entries.compactMap(Int32.init).filter { pid in
            guard pid != getpid(), isAlive(pid) else { return false }
            let arguments = FileManager.default.contents(atPath: "/proc/\(pid)/cmdline") ?? Data()
            let work = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(pid)/cwd")
            return String(decoding: arguments, as: UTF8.self).contains(path) || work?.hasPrefix(path) == true
        }
    }

    /// Runs SQL as the role stampede and returns the bare answer.
    func sql(_ statement: String) throws -> String {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = [
            "psql", "--no-psqlrc", "-Atq", "-c", statement, Layout(folder: data).dsn(application: "test"),
        ]
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let answer = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        return String(decoding: answer, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

/// Whether a process exists and is more than an entry that waits for its parent: proc(5), `stat`.
func isAlive(_ pid: Int32) -> Bool {
    guard let text = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
        let name = text.lastIndex(of: ")")
    else { return false }
    return !["Z", "X"].contains(text[name...].dropFirst(2).first)
}

/// Waits until `condition` holds, at most `limit`; returns whether it holds.
func eventually(atMost limit: Duration = .seconds(30), _ condition: () throws -> Bool) async rethrows -> Bool
{
    let end = ContinuousClock.now + limit
    while try !condition() {
        if .now > end { return false }
        try? await Task.sleep(for: .milliseconds(10))
    }
    return true
}
