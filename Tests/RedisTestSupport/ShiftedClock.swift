import Glibc
public import Wire

/// A wall clock that can be set, for processes that are started with its `environment`: a library, compiled here
/// and loaded before libc, adds to the time what a file says.
public final class ShiftedClock {
    public let environment: [String]
    private let folder: String

    public init() throws {
        var template = Array("/tmp/shifted-clock-XXXXXX\0".utf8).map { CChar(bitPattern: $0) }
        guard mkdtemp(&template) != nil else {
            throw RedisServer.Failure(description: "mkdtemp: errno \(errno)")
        }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        environment = ["LD_PRELOAD=\(folder)/clock.so", "SHIFTED_CLOCK=\(folder)/offset"]
        try write(Self.source, to: "clock.c")
        try shift(by: .zero)
        let words = ["cc", "-shared", "-fPIC", "-O1", "-o", "\(folder)/clock.so", "\(folder)/clock.c"]
        var arguments = words.map { strdup($0) } + [nil]
        defer { for argument in arguments { free(argument) } }
        var child = pid_t()
        var status: Int32 = -1
        guard posix_spawnp(&child, "cc", nil, nil, &arguments, environ) == 0,
            waitpid(child, &status, 0) == child, status == 0
        else { throw RedisServer.Failure(description: "cc did not make the clock: status \(status)") }
    }

    deinit {
        for name in ["clock.c", "clock.so", "offset"] { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }

    /// Sets the clock to the true time plus this.
    public func shift(by amount: TimeAmount) throws {
        // In place and in one write, so that a reader sees the old number or the new one.
        var bytes: [UInt8] = []
        withUnsafeBytes(of: amount.microseconds) { bytes.append(contentsOf: $0) }
        try write(bytes, to: "offset")
    }

    private func write(_ text: String, to name: String) throws { try write(Array(text.utf8), to: name) }

    private func write(_ bytes: [UInt8], to name: String) throws {
        let file = open("\(folder)/\(name)", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
        defer { close(file) }
        guard file >= 0, Glibc.write(file, bytes, bytes.count) == bytes.count else {
            throw RedisServer.Failure(description: "\(folder)/\(name): errno \(errno)")
        }
    }

    private static let source = """
        #define _GNU_SOURCE
        #include <dlfcn.h>
        #include <fcntl.h>
        #include <stdint.h>
        #include <stdlib.h>
        #include <sys/mman.h>
        #include <sys/time.h>
        #include <time.h>
        static int64_t shift(void) {
            static volatile int64_t *offset;
            if (!offset) {
                void *page = mmap(0, 8, PROT_READ, MAP_SHARED, open(getenv("SHIFTED_CLOCK"), O_RDONLY), 0);
                if (page == MAP_FAILED) abort();
                offset = page;
            }
            return *offset;
        }
        int gettimeofday(struct timeval *time, void *zone) {
            static int (*next)(struct timeval *, void *);
            if (!next) next = dlsym(RTLD_NEXT, "gettimeofday");
            int result = next(time, zone);
            int64_t now = time->tv_sec * 1000000 + time->tv_usec + shift();
            time->tv_sec = now / 1000000;
            time->tv_usec = now % 1000000;
            return result;
        }
        int clock_gettime(clockid_t id, struct timespec *time) {
            static int (*next)(clockid_t, struct timespec *);
            if (!next) next = dlsym(RTLD_NEXT, "clock_gettime");
            int result = next(id, time);
            if (id == CLOCK_REALTIME) time->tv_sec += shift() / 1000000;
            return result;
        }
        """
}

@available(*, unavailable)
extension ShiftedClock: Sendable {}
