import CLinux
import Glibc

extension EventLoop {
    /// Calls `handler` on the loop when one of the signals comes, instead of what they would do.
    ///
    /// Must be called before the process makes its first thread, so that every thread blocks them
    /// (signalfd(2): "Normally, the set of signals to be received via the file descriptor should be blocked").
    public func watch(signals: [Int32], _ handler: @escaping (Int32) -> Void) {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        // SFD_NONBLOCK | SFD_CLOEXEC, which Swift does not import: O_NONBLOCK and O_CLOEXEC by definition.
        let descriptor = signalfd(-1, &set, O_NONBLOCK | O_CLOEXEC)
        precondition(descriptor >= 0, "signalfd: \(String(cString: strerror(errno)))")
        _ = watch(descriptor: descriptor, for: .readable) { _ in
            var info = signalfd_siginfo()
            while read(descriptor, &info, MemoryLayout<signalfd_siginfo>.size) > 0 {
                handler(Int32(info.ssi_signo))
            }
        }
    }
}
