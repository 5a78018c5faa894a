/// Calls that wait for the same worker's credit: first come first served within a client, and in turn between
/// clients (round robin, Nagle's RFC 970), so that a client that asks for much waits behind itself.
///
/// Costs the same however many wait. Holds at most one flow per client that waits.
package struct FairQueue {
    private struct Flow {
        var client: Int32 = -1
        var calls = CallList()
        var previous: Int32 = -1
        var next: Int32 = -1
    }

    private var flows: [Flow] = []
    private var freeFlows: [Int32] = []
    private var flowOfClient: [Int32: Int32] = [:]
    /// The flow whose turn it is, in a ring of those that have calls; -1 for none.
    private var turn: Int32 = -1
    private(set) var count = 0

    /// Clients that wait.
    package var flowCount: Int { flowOfClient.count }

    /// The call whose turn it is, or -1.
    package var first: Int32 { turn < 0 ? -1 : flows[Int(turn)].calls.first }

    package func count(of client: Int32) -> Int {
        guard let flow = flowOfClient[client] else { return 0 }
        return flows[Int(flow)].calls.count
    }

    package mutating func append(_ slot: Int32, of client: Int32, _ links: inout CallLinks) {
        let flow = flowOfClient[client] ?? begin(client)
        links.append(slot, to: &flows[Int(flow)].calls)
        count += 1
    }

    /// Takes a call out, wherever it is. When it was the one whose turn it is, the next client has its turn.
    package mutating func remove(_ slot: Int32, of client: Int32, _ links: inout CallLinks) {
        guard let flow = flowOfClient[client] else { preconditionFailure("a call waits that has no flow") }
        let hadTurn = slot == first
        links.remove(slot, from: &flows[Int(flow)].calls)
        count -= 1
        if flows[Int(flow)].calls.isEmpty {
            end(flow)
        } else if hadTurn {
            turn = flows[Int(flow)].next
        }
    }

    /// All calls that wait, client by client.
    package func forEach(_ links: CallLinks, _ body: (Int32) -> Void) {
        var flow = turn
        for _ in 0..<flowCount {
            var slot = flows[Int(flow)].calls.first
            while slot >= 0 {
                body(slot)
                slot = links.next(after: slot)
            }
            flow = flows[Int(flow)].next
        }
    }

    /// A new flow stands last: just before the one whose turn it is.
    private mutating func begin(_ client: Int32) -> Int32 {
        let flow: Int32
        if let free = freeFlows.popLast() {
            flow = free
        } else {
            flow = Int32(flows.count)
            flows.append(Flow())
        }
        flows[Int(flow)] = Flow(client: client, previous: flow, next: flow)
        if turn < 0 {
            turn = flow
        } else {
            let last = flows[Int(turn)].previous
            flows[Int(flow)].previous = last
            flows[Int(flow)].next = turn
            flows[Int(last)].next = flow
            flows[Int(turn)].previous = flow
        }
        flowOfClient[client] = flow
        return flow
    }

    private mutating func end(_ flow: Int32) {
        let (previous, next) = (flows[Int(flow)].previous, flows[Int(flow)].next)
        flows[Int(previous)].next = next
        flows[Int(next)].previous = previous
        if turn == flow { turn = next == flow ? -1 : next }
        flowOfClient[flows[Int(flow)].client] = nil
        freeFlows.append(flow)
    }
}
