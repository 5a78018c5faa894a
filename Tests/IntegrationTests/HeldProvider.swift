import Foundation
import HTTPServer
import Synchronization

/// A payment provider in the process of the test, whose answers can be held back: what it has done is known while whoever
/// asked does not know it yet.
final class HeldProvider: Sendable {
    static let key = "a-key-of-the-tests-own"

    struct Charge {
        let attempt: String
        let order: String
        let amount: String
        let token: String
        var status: String
        var isRefunded = false

        var json: [String: Any] {
            [
                "id": "ch_\(attempt.prefix(8))", "attempt": attempt, "order": order, "status": status,
                "amount": amount, "refunded": isRefunded,
            ]
        }
    }

    private struct State {
        var charges: [String: Charge] = [:]
        var held: [CheckedContinuation<Void, Never>] = []
        /// Answers that were held back, ever.
        var holds = 0
    }

    private let state = Mutex(State())
    private let server = Mutex<HTTPServer?>(nil)

    func start() throws {
        let server = try HTTPServer { [self] in await answer($0) }
        self.server.withLock { $0 = server }
    }

    func stop() async { await server.withLock { $0 }?.stop() }

    var url: String { "http://127.0.0.1:\(server.withLock { $0?.port ?? 0 })" }
    var holds: Int { state.withLock { $0.holds } }

    /// Charges of an order that took money, given back or not.
    func taken(_ order: String) -> [Charge] {
        state.withLock { $0.charges.values.filter { $0.order == order && $0.status == "taken" } }
    }

    /// Lets all answers go that are held.
    func release() {
        let held = state.withLock { state in
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    /// Somebody charges beside the ledger.
    func add(_ charge: Charge) { state.withLock { $0.charges[charge.attempt] = charge } }

    // MARK: Its interface

    private func answer(_ request: IncomingRequest) async -> OutgoingResponse {
        guard request.headers["authorization"] == "Bearer \(HeldProvider.key)" else { return say(401, [:]) }
        let path = request.path.split(separator: "/").map(String.init)
        guard path.starts(with: ["v1", "charges"]) else { return say(404, [:]) }
        switch (request.method, path.count) {
        case ("POST", 2): return await charge(request)
        case ("GET", 2):
            let all = state.withLock { $0.charges.values.sorted { $0.attempt < $1.attempt } }
            return say(200, ["charges": all.map(\.json), "next": NSNull()])
        case ("GET", 3):
            return state.withLock { $0.charges[path[2]] }.map { say(200, $0.json) } ?? say(404, [:])
        case ("POST", 4) where path[3] == "cancel":
            let charge = state.withLock { state in
                let charge =
                    state.charges[path[2]]
                    ?? Charge(attempt: path[2], order: "", amount: "0", token: "", status: "declined")
                state.charges[path[2]] = charge
                return charge
            }
            return say(200, charge.json)
        case ("POST", 4) where path[3] == "refund":
            let charge: Charge? = state.withLock { state in
                guard state.charges[path[2]]?.status == "taken" else { return nil }
                state.charges[path[2]]?.isRefunded = true
                return state.charges[path[2]]
            }
            return charge.map { say(200, $0.json) } ?? say(409, [:])
        default: return say(404, [:])
        }
    }

    private func charge(_ request: IncomingRequest) async -> OutgoingResponse {
        guard
            let body = try? JSONSerialization.jsonObject(with: Data(request.body)) as? [String: String],
            let attempt = body["attempt"], request.headers["idempotency-key"] == attempt,
            let order = body["order"], let amount = body["amount"], let token = body["token"]
        else { return say(400, [:]) }
        let (charge, differs) = state.withLock { state in
            if let known = state.charges[attempt] {
                return (known, known.token != token && known.token != "")
            }
            let charge = Charge(
                attempt: attempt, order: order, amount: amount, token: token,
                status: token == "tok_declined" ? "declined" : "taken")
            state.charges[attempt] = charge
            return (charge, false)
        }
        guard !differs else { return say(409, [:]) }
        if token == "tok_hold" {
            await withCheckedContinuation { continuation in
                state.withLock { state in
                    state.held.append(continuation)
                    state.holds += 1
                }
            }
        }
        return say(200, charge.json)
    }

    private func say(_ status: Int, _ json: [String: Any]) -> OutgoingResponse {
        let body = (try? JSONSerialization.data(withJSONObject: json)) ?? Data()
        return OutgoingResponse(
            status: status, headers: [("content-type", "application/json")], body: [UInt8](body))
    }
}
