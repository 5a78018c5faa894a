import ArgumentParser
import Client
import Methods
import Wire

struct WorkerBreaker: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "breaker", abstract: "Show the breakers between a worker and the ledger, or force one.",
        discussion: """
            Four breakers keep a worker off a ledger that is in trouble: ‘commit’ refuses orders, ‘control’ keeps \
            the worker from taking more partitions, ‘locks’ refuses the locks of services, ‘receipts’ what is \
            read for receipts. Without --force and --lift this shows how they are.

              stampede worker breaker worker-1
              stampede worker breaker worker-1 --force open --purpose commit --for 5m
              stampede worker breaker worker-1 --lift --purpose commit

            --force open refuses everything at once, with a time to try again after; closed lets everything pass, \
            whatever fails; disabled does so without counting; metrics-only lets everything pass and logs what the \
            breaker would have done. A forced state ends by itself, after an hour at most. Lifted from open, the \
            breaker first waits for a good answer of the ledger, and then lets a growing share pass.

            STATE is the breaker's own; what is FORCED decides in its stead. The counts are since STATE last changed, \
            and go back a few seconds.
            """)

    @Argument(help: "The worker's name, as `stampede worker list` shows it.")
    var name: String

    @Option(
        help: ArgumentHelp("Force this state: open, closed, disabled or metrics-only.", valueName: "state"))
    var force: String?

    @Flag(help: "Lift what is forced.")
    var lift = false

    @Option(help: ArgumentHelp("Which breaker: commit, control, locks or receipts.", valueName: "breaker"))
    var purpose: String?

    @Option(
        name: .customLong("for"),
        help: ArgumentHelp("How long to force it, from 1s to 1h. (default: 60s)", valueName: "time"))
    var time: String?

    @Option(
        help: ArgumentHelp(
            "Who does it, for the worker's log. (default: your login name)", valueName: "name"))
    var actor: String?

    @OptionGroup var calling: CallingOptions

    func run() throws {
        let (request, json) = (try request(), calling.json)
        try calling.run(CallContext(isRead: request.purpose.isEmpty)) { client, options in
            try await Crew.ask(client, options).check(has: request.worker)
            let states = try await client.callWorker(SystemMethods.breaker, request, options: options)
            Terminal.result(json ? states.json(of: request.worker).text : states.text)
        }
    }

    /// What is asked for.
    func request() throws(Failure) -> ForceBreaker {
        try Crew.check(name: name)
        guard force == nil || !lift else { throw Failure(.usage, "give --force or --lift, not both") }
        guard force != nil || lift else {
            guard purpose == nil, time == nil, actor == nil else {
                throw Failure(
                    .usage, "--purpose, --for and --actor say what to change: add --force STATE or --lift")
            }
            return ForceBreaker(worker: name)
        }
        let (purpose, actor) = (try checkedPurpose(), try checkedActor())
        guard let force else {
            guard time == nil else { throw Failure(.usage, "--for goes with --force, not with --lift") }
            return ForceBreaker(worker: name, lifting: purpose, by: actor)
        }
        guard ["open", "closed", "disabled", "metrics-only"].contains(force) else {
            throw Failure(
                .usage, "‘\(force)’ is no state to force: there are open, closed, disabled and metrics-only")
        }
        return ForceBreaker(
            worker: name, forcing: force, of: purpose, seconds: try checkedSeconds(), by: actor)
    }

    private func checkedPurpose() throws(Failure) -> String {
        guard let purpose else {
            throw Failure(.usage, "which breaker? Add --purpose commit, control, locks or receipts")
        }
        guard ["commit", "control", "locks", "receipts"].contains(purpose) else {
            throw Failure(.usage, "‘\(purpose)’ is no breaker: there are commit, control, locks and receipts")
        }
        return purpose
    }

    private func checkedSeconds() throws(Failure) -> Int64 {
        let text = time ?? "60s"
        guard let seconds = Moment.seconds(text[...]), ForceBreaker.times ~= seconds else {
            throw Failure(.usage, "‘\(text)’ is no time from 1s to 1h: write 30s, 5m or 1h")
        }
        return seconds
    }

    private func checkedActor() throws(Failure) -> String {
        let actor = actor ?? Login.name
        guard !actor.isEmpty, actor.utf8.count <= Limits.nameLength,
            actor.unicodeScalars.allSatisfy({ $0.properties.generalCategory != .control })
        else {
            throw Failure(
                .usage, "‘\(actor)’ is no name for a log: give 1 to \(Limits.nameLength) bytes as --actor")
        }
        return actor
    }
}

extension BreakerStates {
    var text: String {
        var table = Table([
            ("BREAKER", .left), ("STATE", .left), ("FORCED", .left), ("BY", .left), ("LEFT", .right),
            ("SUCCEEDED", .right), ("FAILED", .right), ("SLOW", .right), ("REFUSED", .right),
        ])
        for breaker in breakers {
            let (forced, counts) = (breaker.forced, breaker.counts)
            table.add([
                breaker.purpose, breaker.state, forced?.state ?? "-", forced?.actor ?? "-",
                forced.map { "\(($0.leftMilliseconds + 999) / 1_000)s" } ?? "-", counts.succeeded.grouped,
                counts.failed.grouped, counts.slow.grouped, counts.refused.grouped,
            ])
        }
        return table.text
    }

    func json(of worker: String) -> JSON {
        .object([("worker", .string(worker)), ("breakers", .array(breakers.map(\.json)))])
    }
}

extension BreakerState {
    fileprivate var json: JSON {
        .object([
            ("purpose", .string(purpose)), ("state", .string(state)), ("forced", .string(forced?.state)),
            ("actor", .string(forced?.actor)),
            ("left_ms", forced.map { .integer($0.leftMilliseconds) } ?? .null),
            ("succeeded", .integer(counts.succeeded)), ("failed", .integer(counts.failed)),
            ("slow", .integer(counts.slow)), ("refused", .integer(counts.refused)),
        ])
    }
}
