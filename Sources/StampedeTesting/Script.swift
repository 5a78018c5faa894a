import Service
import Synchronization
import Wire

/// What goes wrong in a fake cluster: a queue of twists, each for so many calls of a method or of any.
final class Script: HostScript {
    private struct Scene {
        let method: MethodID?
        var left: Int
        let twist: HostTwist
    }

    private struct State {
        var scenes: [Scene] = []
        var counts: [MethodID: Int] = [:]
    }

    private let state = Mutex(State())

    func add(_ twist: HostTwist, next count: Int, of method: String?) {
        guard count > 0 else { return }
        state.withLock {
            $0.scenes.append(Scene(method: method.map { MethodID($0) }, left: count, twist: twist))
        }
    }

    func count(of method: String) -> Int { state.withLock { $0.counts[MethodID(method)] ?? 0 } }

    func twist(of method: MethodID) -> HostTwist? {
        state.withLock { state in
            state.counts[method, default: 0] += 1
            guard let index = state.scenes.firstIndex(where: { $0.method == nil || $0.method == method })
            else { return nil }
            state.scenes[index].left -= 1
            let twist = state.scenes[index].twist
            if state.scenes[index].left == 0 { state.scenes.remove(at: index) }
            return twist
        }
    }
}
