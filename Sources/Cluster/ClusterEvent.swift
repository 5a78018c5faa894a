/// Something that happened to a process of the cluster.
public enum ClusterEvent: Equatable, Sendable {
    case started(name: String, pid: Int32)
    /// The process ended without having been told to. It is started again after `restartIn`, or stays dead
    /// when that is nil because it is not supervised.
    case exited(name: String, status: ExitStatus, restartIn: Duration?)
    /// The process ended because the cluster stops.
    case stopped(name: String)
}

/// How a process ended: wait(2).
public enum ExitStatus: Equatable, Sendable {
    case code(Int32)
    case signal(Int32)
    /// It could not be started at all; the number is an errno.
    case unstartable(Int32)

    /// Takes apart what waitpid(2) stored. Its macros are not imported into Swift.
    init(waitStatus: Int32) {
        let signal = waitStatus & 0x7f
        self = signal == 0 ? .code((waitStatus >> 8) & 0xff) : .signal(signal)
    }
}

extension ExitStatus: CustomStringConvertible {
    public var description: String {
        switch self {
        case .code(let code): "exit code \(code)"
        case .signal(let signal): "signal \(signal)"
        case .unstartable(let errno): "could not be started: errno \(errno)"
        }
    }
}
