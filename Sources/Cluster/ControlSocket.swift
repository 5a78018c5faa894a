import FoundationEssentials
import Glibc

/// Where the process that runs a cluster takes orders from other commands of the same user: a line of text in, a line of
/// JSON out, one caller at a time.
///
/// The one order there is: `scale N`.
final class ControlSocket: Sendable {
    private struct Reply: Codable {
        var scaling: Scaling?
        var error: String?
    }

    private let listener: Int32
    private let cancellation = Blocking.Cancellation()

    /// - Throws: `folder` when the socket cannot be made.
    init(at path: String, _ roster: Roster) throws(ClusterError) {
        unlink(path)
        guard let listener = UnixSocket.listen(path) else {
            throw ClusterError(
                .folder, "“\(path)” cannot be made (\(errnoText)): use another --data folder.")
        }
        self.listener = listener
        Blocking.thread { [self] in
            while let caller = UnixSocket.accept(listener) {
                serve(caller, roster)
                Glibc.close(caller)
            }
            Glibc.close(listener)
        }
    }

    /// No more orders. One that is being carried out is given up.
    func close() {
        cancellation.cancel()
        // accept(2) returns with EINVAL then.
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private func serve(_ caller: Int32, _ roster: Roster) {
        guard let line = UnixSocket.readLine(caller) else { return }
        var reply = Reply()
        let words = line.split(separator: " ")
        if words.count == 2, words[0] == "scale", let count = Int(words[1]) {
            do throws(ClusterError) {
                reply.scaling = try roster.scale(to: count, unless: cancellation)
            } catch {
                reply.error = error.message
            }
        } else {
            reply.error =
                "The cluster does not know the order “\(line.prefix(40))”: use the same version of stampede."
        }
        guard let json = try? JSONEncoder().encode(reply) else { return }
        UnixSocket.write(Array(json) + [UInt8(ascii: "\n")], to: caller)
    }

    /// How long starting workers may take.
    private static let patience = 120

    static func ask(_ path: String, scale count: Int) throws(ClusterError) -> Scaling {
        let line = UnixSocket.exchange("scale \(count)\n", at: path, seconds: patience)
        guard let line, let reply = try? JSONDecoder().decode(Reply.self, from: Data(line.utf8)) else {
            throw ClusterError(
                .notRunning,
                "The cluster takes no orders at “\(path)”: start it anew with this version's `stampede up`.")
        }
        guard let scaling = reply.scaling else {
            throw ClusterError(.startFailed, reply.error ?? "The cluster did not say why it refused.")
        }
        return scaling
    }
}
