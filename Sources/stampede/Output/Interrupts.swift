import Dispatch
import Glibc

/// Ctrl-C and SIGTERM as events, for commands that have something to stop first.
enum Interrupts {
    /// The signals from now on, instead of what they would do. A second one ends the process at once.
    static func stream() -> AsyncStream<Int32> {
        AsyncStream { continuation in
            let queue = DispatchQueue(label: "stampede.interrupts")
            let sources = [SIGINT, SIGTERM, SIGHUP].map { number in
                // Otherwise the default would end us before the source is asked.
                signal(number, SIG_IGN)
                return DispatchSource.makeSignalSource(signal: number, queue: queue)
            }
            nonisolated(unsafe) var count = 0  // Only touched on `queue`, which is serial.
            for (source, number) in zip(sources, [SIGINT, SIGTERM, SIGHUP]) {
                source.setEventHandler {
                    count += 1
                    // The children end with us: the kernel signals them.
                    if count > 1 { _exit(128 + number) }
                    continuation.yield(number)
                }
                source.resume()
            }
            continuation.onTermination = { _ in
                // Keeps the sources alive until nobody listens.
                for source in sources { source.cancel() }
            }
        }
    }
}
