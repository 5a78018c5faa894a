import Broker
import Ledger
import Methods
import Redlock
import Resilience
import Sales
import Wire
import Workers

/// A worker's core and lock manager, with what the shell does for them: sessions, the ledger's connections, turns.
final class WorkerProcess: Process {
    let index: Int
    var core: WorkerCore!
    var links: [WorkerLink] = []
    var commits: LedgerLink!
    var control: LedgerLink!
    var incarnation: Incarnation?
    var isChecking = false
    /// Hand-overs asked for, by call.
    var asked: [UInt64: Partition] = [:]
    var nextCallID: UInt64 = 1
    /// How far its wall clock has been stepped. Nothing may read that clock.
    var wallOffset = TimeAmount.zero
    private var nextSession: UInt32 = 1
    /// What is being asked, for who judges the answers.
    private var questions: [ReplyAddress: (request: Request, at: MonotonicTime)] = [:]
    /// Brokers whose PONG a drained worker waits for.
    private var farewells: Set<UInt32>?
    lazy var locks = Locks(self)

    init(_ index: Int, _ world: World) {
        self.index = index
        super.init("worker-\(index + 1)", world)
    }

    override func begin() {
        (core, incarnation, isChecking, asked, questions, farewells) = (nil, nil, false, [:], [:], nil)
        commits = LedgerLink(self, .commit)
        control = LedgerLink(self, .control)
        every(.milliseconds(20)) { [self] in tick() }
        every(beatInterval) { [self] in sendBeats() }
        every(.milliseconds(250)) { [self] in checkFences() }
        locks.begin()
    }

    override func ended() {
        for link in links { link.abandon() }
        links = []
        commits.abandon()
        control.abandon()
        locks.abandon()
        core = nil
    }

    private var beatInterval: TimeAmount { min(.milliseconds(100), leaseTTL / 6) }
    var leaseTTL: TimeAmount { .milliseconds(world.scenario.leaseTTL) }

    /// Serves a partition as far as it knows itself.
    func believes(_ partition: Int) -> Bool { core?.partitions[partition].phase == .owned }

    /// The ledger has told what this cluster is.
    private func beginWork() {
        var configuration = WorkerConfiguration(
            name: name, brokers: [], redis: [], ledger: "", leaseTTL: leaseTTL)
        configuration.onQuorumLoss = world.scenario.refusesOnQuorumLoss ? .refuse : .continue
        configuration.maximumEntries = world.scenario.maximumEntries
        configuration.holdGrace = .seconds(1)
        core = WorkerCore(
            configuration: configuration, partitions: world.scenario.partitions, seed: world.random())
        links = world.brokers.indices.map { WorkerLink(self, broker: $0) }
    }

    private func tick() {
        control.tend()
        if incarnation != nil { commits.tend() }
        if core != nil {
            for link in links { link.tend() }
            core.tick(now)
        }
        locks.tick()
    }

    func newSession() -> UInt32 {
        defer { nextSession &+= 1 }
        return nextSession
    }

    // MARK: The ledger's connections

    func ledgerReady(_ facts: LedgerFacts) {
        if core == nil { beginWork() }
        if incarnation != facts.incarnation {
            if incarnation != nil { world.judge.note(.sawNewIncarnation) }
            incarnation = facts.incarnation
            core.incarnation = facts.incarnation
            core.incarnationChanged(now)
            for link in links {
                let (session, wasJoined) = (link.session, link.isJoined)
                link.end()
                if wasJoined { lost(link, session) }
            }
        }
        core.isLedgerReady = commits.isReady && control.isReady
    }

    func ledgerLost(_ purpose: LedgerBreakers.Purpose) {
        guard core != nil else { return }
        core.ledgerLost(purpose, now)
    }

    private func checkFences() {
        guard core != nil, !isChecking, let session = control.session else { return }
        isChecking = true
        let sent = now
        session.send(.check(core.held.map { Int($0.rawValue) })) { [self] outcome in
            isChecking = false
            guard case .answer(.checked(let rows, let clock)) = outcome else {
                return core.breakers.record(.unreachable, sent: sent, now)
            }
            core.checked(rows, ledger: clock, sent: sent, now)
        }
    }

    // MARK: Brokers

    private func sendBeats() {
        guard core != nil else { return }
        let beat = WorkerBeat(
            isFit: core.isFit(now), leaseLeft: core.leaseLeft(now),
            gates: core.closedGates(brokers: links.count { $0.isJoined }, now), canTake: core.canTake(now))
        for link in links where link.isJoined {
            var header = Header(.beat)
            header.callID = link.stamp
            link.send(Message(header: header, body: .workerBeat(beat)))
        }
    }

    func lost(_ link: WorkerLink, _ session: UInt32) {
        farewells?.remove(session)
        core.membership.lost(session, now)
        let unanswered = asked
        asked = [:]
        for (_, partition) in unanswered.sorted(by: { $0.key < $1.key }) {
            core.yieldAnswered(partition, isGranted: false, now)
        }
    }

    func receive(_ message: Message, from link: WorkerLink) {
        // A worker that stood still may have lost its leases before it reads the first message.
        core.tick(now)
        link.heard(message.header.kind)
        let header = message.header
        let to = ReplyAddress(session: link.session, callID: header.callID)
        switch (header.kind, message.body) {
        case (.call, .ask(let request)):
            questions[to] = (request, world.now)
            receive(request, for: world.partition(of: header), to)
        case (.call, .yield(let yield)):
            core.yield(yield, to: to, now)
        case (.cancel, _):
            core.cancel(to)
        case (_, .brokerBeat(let beat)):
            link.heardBeat(header)
            core.membership.heard(beat, from: link.session, now)
            for partition in beat.unowned ?? [] where believes(Int(partition.rawValue)) {
                claim(partition, link)
            }
        case (.result, _):
            guard let partition = asked.removeValue(forKey: header.callID) else { return }
            core.yieldAnswered(partition, isGranted: header.status == .ok, now)
        case (.pong, _):
            farewells?.remove(link.session)
        case (.goAway, _):
            let (session, wasJoined) = (link.session, link.isJoined)
            link.end()
            if wasJoined { lost(link, session) }
        default:
            break
        }
    }

    private func receive(_ request: Request, for partition: Int, _ to: ReplyAddress) {
        let before = core.partitions[partition].book.last
        core.receive(request, for: partition, to: to, now)
        guard case .place(let place) = request, core.partitions[partition].book.last > before,
            let clock = core.clock,
            let sale = core.partitions[partition].book.sale(
                place.sale, place.lane, at: clock.instant(at: now.nanoseconds / 1_000))
        else { return }
        world.judge.decided(place, under: sale.terms, by: self)
    }

    func claim(_ partition: Partition, _ link: WorkerLink) {
        let index = Int(partition.rawValue)
        var header = Header(.own)
        header.callID = link.stamp
        let own = Own(
            partition: partition, fence: core.partitions[index].fence,
            incarnation: incarnation.map { "\($0)" } ?? "",
            gates: core.closedGates(
                of: index, brokers: links.count { $0.isJoined }, now),
            holder: core.partitions[index].lease.map { HolderToken(rawValue: $0.token.rawValue) })
        link.send(Message(header: header, body: .own(own)))
    }

    // MARK: A turn's end

    override func endTurn() {
        guard core != nil else { return }
        performEffects()
        guard isAlive else { return }
        sendAnswers()
        commitNext()
        if farewells?.isEmpty == true { world.drained(self) }
    }

    /// Everything is given up; what the brokers sent before they knew is waited for, as `Worker+Leaving` does it.
    func leave() {
        guard farewells == nil else { return }
        var awaited: Set<UInt32> = []
        for link in links where link.isJoined {
            link.send(Message(header: Header(.ping)))
            awaited.insert(link.session)
        }
        farewells = awaited
        after(.milliseconds(500)) { [self] in farewells = [] }
    }

    private func performEffects() {
        var index = 0
        while isAlive, index < core.effects.count {
            perform(core.effects[index])
            index += 1
        }
        if isAlive { core.effects.removeAll(keepingCapacity: true) }
    }

    private func sendAnswers() {
        guard !core.answers.isEmpty else { return }
        for answer in core.answers { send(answer) }
        core.answers.removeAll(keepingCapacity: true)
    }

    /// As `Worker+Answers` puts it on the wire.
    private func send(_ answer: Answer) {
        if let question = questions.removeValue(forKey: answer.to) {
            world.judge.answered(answer, to: question.request, asked: question.at, by: self)
        }
        guard let link = links.first(where: { $0.session == answer.to.session }) else { return }
        var header = Header(.result)
        header.flags = .end
        header.callID = answer.to.callID
        switch answer.reply {
        case .order, .settled, .sale, .sales, .payments, .wait, .orders, .yielded:
            break
        case .watch, .item, .ended, .moved:
            preconditionFailure("nobody asked for a stream")
        case .scarce(let refusal, _, _):
            (header.status, header.reason) = refusal.statusAndReason
            header.certainty = .executed
        case .refused(let refusal):
            (header.status, header.reason) = refusal.statusAndReason
            header.certainty = refusal == .clockUncertain ? .notExecuted : .executed
        case .unavailable:
            header.status = .unavailable
            header.certainty = .notExecuted
            header.milliseconds = 250
        case .broken:
            header.status = .internal
        case .returned:
            header.kind = .returned
        case .notYielded:
            header.status = .failedPrecondition
            header.certainty = .notExecuted
        }
        link.send(Message(header: header, body: .answer(answer.reply)))
    }

    private func commitNext() {
        guard let session = commits.session, let batches = core.nextTransaction(now) else {
            return sendAnswers()
        }
        let sent = now
        session.send(.commit(batches)) { [self] in committed($0, sent: sent) }
        sendAnswers()
    }

    private func committed(_ outcome: LedgerSession.Outcome, sent: MonotonicTime) {
        switch outcome {
        case .answer(.commit(.committed(let at))):
            core.sample(at, sent: sent, now)
            core.committed(sent: sent, now)
        case .answer(.commit(.fenced(let partitions))):
            world.judge.note(.staleFenceRefused)
            core.fenced(partitions, now)
        case .answer(.commit(.stale)):
            core.stale(now)
        case .answer(.commit(.refused)):
            world.judge.note(.offenderRefused)
            core.refused(now)
        case .answer(.lockNotAvailable), .answer:
            core.failed(isOutage: false, now)
        case .unsent:
            core.failed(isOutage: true, now)
        case .unknown:
            core.unknown(now)
        }
    }
}
