import ArgumentParser
import Client
import Methods

struct WorkerRedis: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "redis", abstract: "Show a worker's Redis nodes, and how its attempts on them ended.",
        discussion: """
            A worker uses the nodes for the leases of its partitions, and for the locks of services; each has \
            connections and votes of its own. STATE says whether a node's votes count: it is ‘voting’, ‘absent’ (not \
            connected), ‘refused’ (it must be set up otherwise), ‘quarantined’ (it may have forgotten leases), \
            ‘suspended’ (its clock was set) or ‘silent’ (it answers nothing). While its BREAKER is open, a node is not asked for new leases.

            All counts are since the worker began. Two of five nodes may be out without effect.

              stampede worker redis worker-1
              stampede worker redis                # all workers
            """)

    @Argument(help: "The worker's name, as `stampede worker list` shows it. (default: all workers)")
    var name: String?

    @OptionGroup var calling: CallingOptions

    func run() throws {
        if let name { try Crew.check(name: name) }
        let (name, json) = (name, calling.json)
        try calling.run(CallContext(isRead: true)) { client, options in
            let crew = try await Crew.ask(client, options)
            if let name { try crew.check(has: name) }
            var shown: [Shown] = []
            for worker in name.map({ [$0] }) ?? crew.members.map(\.name) {
                do throws(CallError) {
                    let states = try await client.callWorker(
                        SystemMethods.redis, AskRedis(worker: worker), options: options)
                    shown.append((worker, .success(states)))
                } catch {
                    // Of several workers, what the others say is wanted most when one does not answer.
                    if name != nil { throw error }
                    shown.append((worker, .failure(error)))
                }
            }
            Terminal.result(json ? Self.json(shown).text : Self.text(shown))
        }
    }

    private typealias Shown = (worker: String, states: Result<RedisStates, CallError>)

    private static func text(_ shown: [Shown]) -> String {
        var outcomes = Table([
            ("WORKER", .left), ("FOR", .left), ("VOTING", .right), ("ACQUIRED", .right), ("HELD", .right),
            ("SPLIT", .right), ("EXTENDED", .right), ("LOST", .right), ("NO-QUORUM", .right),
            ("LEAST-LEFT", .right),
        ])
        var nodes = Table([
            ("WORKER", .left), ("FOR", .left), ("NODE", .left), ("STATE", .left), ("BREAKER", .left),
            ("YES", .right), ("NO", .right), ("ERROR", .right), ("TIMEOUT", .right), ("LATE", .right),
            ("PROBLEM", .left),
        ])
        for (worker, states) in shown {
            guard let states = try? states.get() else {
                outcomes.add([worker, "no-answer"] + Array(repeating: "-", count: 8))
                continue
            }
            for use in states.uses {
                let ended = use.outcomes
                outcomes.add([
                    worker, use.purpose,
                    "\(use.nodes.count { $0.state == "voting" })/\(use.nodes.count)",
                    ended.acquired.grouped, ended.held.grouped, ended.split.grouped, ended.extended.grouped,
                    ended.lost.grouped, ended.noQuorum.grouped,
                    ended.leastLeftMilliseconds.map { "\($0)ms" } ?? "-",
                ])
                for node in use.nodes {
                    let votes = node.votes
                    nodes.add([
                        worker, use.purpose, node.address, node.state, node.breaker, votes.yes.grouped,
                        votes.no.grouped, votes.error.grouped, votes.timeout.grouped, votes.late.grouped,
                        node.problem.isEmpty ? "-" : node.problem,
                    ])
                }
            }
        }
        return outcomes.text + "\n\n" + nodes.text
    }

    private static func json(_ shown: [Shown]) -> JSON {
        .array(
            shown.map { worker, states in
                switch states {
                case .success(let states):
                    .object([("worker", .string(worker)), ("uses", .array(states.uses.map(\.json)))])
                case .failure(let error):
                    .object([("worker", .string(worker)), ("error", .string(error.message))])
                }
            })
    }
}

extension RedisUse {
    fileprivate var json: JSON {
        .object([
            ("purpose", .string(purpose)), ("acquired", .integer(outcomes.acquired)),
            ("held", .integer(outcomes.held)), ("split", .integer(outcomes.split)),
            ("extended", .integer(outcomes.extended)), ("lost", .integer(outcomes.lost)),
            ("no_quorum", .integer(outcomes.noQuorum)),
            ("least_left_ms", outcomes.leastLeftMilliseconds.map { .integer($0) } ?? .null),
            ("nodes", .array(nodes.map(\.json))),
        ])
    }
}

extension RedisNodeState {
    fileprivate var json: JSON {
        .object([
            ("address", .string(address)), ("state", .string(state)), ("breaker", .string(breaker)),
            ("problem", .string(problem)), ("yes", .integer(votes.yes)), ("no", .integer(votes.no)),
            ("error", .integer(votes.error)), ("timeout", .integer(votes.timeout)),
            ("late", .integer(votes.late)),
        ])
    }
}
