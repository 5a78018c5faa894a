import Broker
import Methods
import Sales
import Wire
import Workers

/// A service: asks for what its jobs want, through any broker, with the same key until it knows how each ended.
/// Its machine never fails, and its word is what the promises are judged by.
final class ClientProcess: Process {
    private struct Attempt {
        let job: Int
        let pipe: Pipe
        let broker: Int
        let deadline: MonotonicTime
    }

    private struct Progress {
        let job: Job
        var isDone = false
        /// Attempts without an answer.
        var open = 0
        /// Some attempt may have run.
        var isMaybe = false
        var tries = 0
    }

    let index: Int
    private var jobs: [Progress] = []
    private var attempts: [UInt64: Attempt] = [:]
    /// Calls whose end is known to nobody any more: answers may still come, once.
    private var forgotten: Set<UInt64> = []
    private var lastCall: UInt64 = 0
    private var pipes: [Int: Pipe] = [:]

    init(_ index: Int, _ world: World) {
        self.index = index
        super.init("client-\(index + 1)", world)
    }

    var isDone: Bool { attempts.isEmpty && jobs.allSatisfy(\.isDone) }

    var unfinished: [String] {
        jobs.filter { !$0.isDone }.map { "\(name) waits for \($0.job.wish)" }
    }

    func add(_ job: Job, at moment: MonotonicTime) {
        jobs.append(Progress(job: job))
        let number = jobs.count - 1
        world.schedule(at: moment) { [self] in begin(number) }
    }

    private func begin(_ job: Int) {
        attempt(job)
        if jobs[job].job.hedges { attempt(job) }
    }

    // MARK: Asking

    private func attempt(_ job: Int) {
        guard !jobs[job].isDone else { return }
        guard let (broker, pipe) = connection(jobs[job].tries + index) else {
            jobs[job].tries += 1
            return retry(job, after: .milliseconds(200))
        }
        lastCall += 1
        let call = lastCall
        var header = world.header(of: jobs[job].job.wish)
        header.callID = call
        header.milliseconds = UInt32(jobs[job].job.deadline)
        if jobs[job].tries > 0, jobs[job].isMaybe { header.flags.insert(.retry) }
        jobs[job].tries += 1
        jobs[job].open += 1
        let deadline = now + .milliseconds(jobs[job].job.deadline)
        attempts[call] = Attempt(job: job, pipe: pipe, broker: broker, deadline: deadline)
        world.log("\(name) asks broker-\(broker + 1) for \(jobs[job].job.wish)")
        pipe.sendToServer(Message(header: header, body: .ask(world.request(of: jobs[job].job.wish))))
        // The broker ends it by then, if it lives and is reached.
        after(.milliseconds(jobs[job].job.deadline + 400)) { [self] in timedOut(call) }
        if jobs[job].tries == 1, let cancels = jobs[job].job.cancels {
            after(.milliseconds(cancels)) { [self] in cancel(call) }
        }
    }

    private func connection(_ start: Int) -> (Int, Pipe)? {
        let count = world.brokers.count
        for offset in 0..<count {
            let broker = (start + offset) % count
            if let pipe = pipes[broker], pipe.isOpen { return (broker, pipe) }
            pipes[broker] = nil
            guard let pipe = world.connect(self, .client(index), to: broker) else { continue }
            pipe.onClient = { [unowned self, unowned pipe] in receive($0, pipe) }
            pipes[broker] = pipe
            return (broker, pipe)
        }
        return nil
    }

    private func cancel(_ call: UInt64) {
        guard let attempt = attempts.removeValue(forKey: call) else { return }
        forgotten.insert(call)
        var header = Header(.cancel)
        header.callID = call
        attempt.pipe.sendToServer(Message(header: header))
        jobs[attempt.job].isMaybe = true
        ended(attempt.job, after: .milliseconds(50))
    }

    private func timedOut(_ call: UInt64) {
        guard let attempt = attempts.removeValue(forKey: call) else { return }
        forgotten.insert(call)
        if world.isReachable(broker: attempt.broker), attempt.pipe.isOpen, world.isCalm(for: .seconds(8)) {
            world.judge.violate(.p8, "\(name) has no answer to \(jobs[attempt.job].job.wish) in its time")
        }
        jobs[attempt.job].isMaybe = true
        // Whoever does not answer may be gone: the next attempt has a connection of its own.
        attempt.pipe.close()
        if pipes[attempt.broker] === attempt.pipe { pipes[attempt.broker] = nil }
        ended(attempt.job, after: .milliseconds(50))
    }

    // MARK: Answers

    private func receive(_ message: Message, _ pipe: Pipe) {
        let header = message.header
        guard header.kind == .result else {
            if header.kind == .goAway { pipe.close() }
            return
        }
        guard let attempt = attempts.removeValue(forKey: header.callID) else {
            if forgotten.remove(header.callID) == nil {
                world.judge.violate(.p8, "\(name) has a second answer to call \(header.callID)")
            }
            return
        }
        world.log(
            "\(name) hears \(header.status) \(header.reason) \(header.certainty) of \(jobs[attempt.job].job.wish)"
        )
        world.trace(Int64(header.callID), Int64(header.status.rawValue), Int64(index))
        let job = attempt.job
        if header.certainty == .maybeExecuted { jobs[job].isMaybe = true }
        world.judge.told(jobs[job].job.wish, header, message.body, by: self)
        if isFinal(header, job) {
            jobs[job].open -= 1
            jobs[job].isDone = true
        } else if header.certainty == .notExecuted, jobs[job].job.givesUp, !jobs[job].isMaybe,
            jobs[job].open == 1
        {
            // It takes that for an answer: then it must be one.
            jobs[job].open -= 1
            if !jobs[job].isDone { world.judge.claimedAbsent(jobs[job].job.wish) }
            jobs[job].isDone = true
        } else {
            ended(job, after: .milliseconds(Int64(max(10, header.milliseconds))))
        }
    }

    /// Whether an answer ends the job, as the clients of the product see it: what a sale says is final, what the
    /// machinery says is tried again; but a refusal that did not run says nothing of an attempt that may have.
    private func isFinal(_ header: Header, _ job: Int) -> Bool {
        switch header.status {
        case .unavailable, .resourceExhausted, .deadlineExceeded, .cancelled, .aborted: false
        default: header.certainty == .executed || (header.certainty == .notExecuted && !jobs[job].isMaybe)
        }
    }

    private func ended(_ job: Int, after delay: TimeAmount) {
        jobs[job].open -= 1
        if jobs[job].open == 0 { retry(job, after: delay) }
    }

    private func retry(_ job: Int, after delay: TimeAmount) {
        guard !jobs[job].isDone else { return }
        after(delay + .milliseconds(Int64(world.network.number(0...40)))) { [self] in
            if jobs[job].open == 0 { attempt(job) }
        }
    }
}
