import Dispatch
import Glibc
import Synchronization

/// A command that was started, with our own input, output and error.
final class Child: Sendable {
    private let process: pid_t

    /// - Parameter environment: What it has beside ours.
    init(_ command: [String], environment: [String]) throws(Failure) {
        var arguments = command.map { strdup($0) } + [nil]
        let added = environment.map { strdup($0) }
        defer { for text in arguments + added { free(text) } }
        var inherited: [UnsafeMutablePointer<CChar>?] = []
        while let variable = environ[inherited.count] { inherited.append(variable) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // What we ignore or block, the command must not.
        var (all, none) = (sigset_t(), sigset_t())
        sigfillset(&all)
        sigemptyset(&none)
        posix_spawnattr_setsigdefault(&attributes, &all)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        var child = pid_t()
        let code = posix_spawnp(&child, command[0], nil, &attributes, &arguments, added + inherited + [nil])
        guard code == 0 else {
            throw Failure(.notRunnable, "‘\(command[0])’ cannot be run: \(String(cString: strerror(code)))")
        }
        process = child
    }

    /// Waits for its end, and passes signals on; a cancelled task sends it SIGTERM.
    ///
    /// - Returns: Its exit code, as a shell has it.
    func run() async -> Int32 {
        let signals = [SIGINT, SIGTERM, SIGHUP].map { number in
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [self] in kill(process, number) }
            source.resume()
            return source
        }
        defer { for source in signals { source.cancel() } }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                DispatchQueue.global().async { [self] in continuation.resume(returning: reap()) }
            }
        } onCancel: {
            kill(process, SIGTERM)
        }
    }

    private func reap() -> Int32 {
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
        // As <sys/wait.h> has WIFEXITED, WEXITSTATUS and WTERMSIG.
        return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
    }
}

/// What a command leaves for the end of the process.
final class ExitStatus: Sendable {
    private let number = Atomic<Int32>(0)
    var value: Int32 { number.load(ordering: .sequentiallyConsistent) }
    func set(_ value: Int32) { number.store(value, ordering: .sequentiallyConsistent) }
}
