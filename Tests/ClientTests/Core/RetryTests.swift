import Resilience
import Testing
import Wire

@testable import Client

@Suite struct RetryTests {
    /// What one refusal of a first attempt leads to.
    struct Rule: CustomTestStringConvertible {
        let status: Status
        let certainty: Certainty
        var reason = Reason.none
        let isRepeatable: Bool
        let isRetried: Bool
        var testDescription: String {
            "\(status) \(reason) \(certainty), \(isRepeatable ? "repeatable" : "not repeatable")"
        }
    }

    static let rules: [Rule] =
        [true, false].flatMap { repeatable in
            [
                // It did not run and the reason passes: any call is repeated.
                Rule(.unavailable, .notExecuted, .noOwner, repeatable, retried: true),
                Rule(.unavailable, .notExecuted, .draining, repeatable, retried: true),
                Rule(.unavailable, .notExecuted, .ledgerUnavailable, repeatable, retried: true),
                Rule(.unavailable, .notExecuted, .clockUncertain, repeatable, retried: true),
                Rule(.unavailable, .notExecuted, .other, repeatable, retried: true),
                Rule(.resourceExhausted, .notExecuted, .overloaded, repeatable, retried: true),
                Rule(.resourceExhausted, .notExecuted, .busy, repeatable, retried: true),
                // It did not run and never will: asking again changes nothing.
                Rule(.resourceExhausted, .notExecuted, .soldOut, repeatable, retried: false),
                Rule(.invalidArgument, .notExecuted, .malformed, repeatable, retried: false),
                Rule(.unimplemented, .notExecuted, .unknownMethod, repeatable, retried: false),
                Rule(.deadlineExceeded, .notExecuted, .none, repeatable, retried: false),
                // It ran, and that is its outcome.
                Rule(.resourceExhausted, .executed, .soldOut, repeatable, retried: false),
                Rule(.resourceExhausted, .executed, .notEnough, repeatable, retried: false),
                Rule(.failedPrecondition, .executed, .overLimit, repeatable, retried: false),
                Rule(.unavailable, .executed, .none, repeatable, retried: false),
                // It may have run: only what may be repeated is.
                Rule(.unavailable, .maybeExecuted, .ownerLost, repeatable, retried: repeatable),
                Rule(.deadlineExceeded, .maybeExecuted, .none, repeatable, retried: repeatable),
                Rule(.internal, .maybeExecuted, .none, repeatable, retried: repeatable),
            ]
        }

    @Test(arguments: rules)
    func `retries follow from the certainty`(rule: Rule) {
        var client = CoreHarness.up()
        client.begin(isRepeatable: rule.isRepeatable)
        client.answer(client.sent[0], rule.status, rule.certainty, rule.reason)
        if rule.isRetried {
            #expect(client.endings.isEmpty)
            client.pass(.milliseconds(50))
            #expect(client.sent.count == 2)
        } else {
            #expect(client.endings.map(\.ending.status) == [rule.status])
            #expect(client.endings.map(\.ending.certainty) == [rule.certainty])
            client.pass(.seconds(2))
            #expect(client.sent.count == 1)
        }
    }

    @Test func `a retry goes to another broker and is numbered`() {
        var client = CoreHarness.up()
        client.begin()
        client.answer(client.sent[0], .unavailable, .notExecuted, .noOwner)
        client.pass(.milliseconds(50))
        #expect(client.sent.count == 2)
        #expect(client.sent[0].broker != client.sent[1].broker)
        #expect(client.sent.map(\.id.attempt) == [1, 2])
    }

    @Test func `a retry waits as long as it was told to`() {
        var client = CoreHarness.up()
        client.begin()
        client.answer(client.sent[0], .resourceExhausted, .notExecuted, .overloaded, retryAfter: 700)
        client.pass(.milliseconds(699))
        #expect(client.sent.count == 1)
        client.pass(.milliseconds(20))
        #expect(client.sent.count == 2)
    }

    @Test func `a wait beyond the deadline is refused at once`() {
        var client = CoreHarness.up()
        client.begin(deadline: .seconds(1))
        client.answer(client.sent[0], .resourceExhausted, .notExecuted, .overloaded, retryAfter: 2_000)
        #expect(client.endings.map(\.ending.reason) == [.overloaded])
        #expect(client.endings.map(\.ending.retryAfter) == [.seconds(2)])
    }

    @Test func `attempts are bounded`() {
        var client = CoreHarness.up()
        client.begin(attempts: 3)
        for attempt in 0..<3 {
            client.answer(client.sent[attempt], .unavailable, .notExecuted, .noOwner)
            client.pass(.milliseconds(100))
        }
        #expect(client.sent.count == 3)
        #expect(client.endings.map(\.ending.certainty) == [.notExecuted])
    }

    @Test(
        arguments: [
            (Status.resourceExhausted, Certainty.executed, Reason.soldOut),
            (.failedPrecondition, .executed, .overLimit),
            (.unavailable, .notExecuted, .noOwner),
        ])
    func `maybe stays maybe, whatever a later attempt is refused for`(
        status: Status, certainty: Certainty, reason: Reason
    ) {
        var client = CoreHarness.up()
        client.begin(attempts: 2)
        client.answer(client.sent[0], .unavailable, .maybeExecuted, .ownerLost)
        client.pass(.milliseconds(50))
        client.answer(client.sent[1], status, certainty, reason)
        #expect(client.endings.map(\.ending.status) == [status])
        #expect(client.endings.map(\.ending.reason) == [reason])
        #expect(client.endings.map(\.ending.certainty) == [.maybeExecuted])
    }

    @Test func `a yes after maybe is a yes`() {
        var client = CoreHarness.up()
        client.begin()
        client.answer(client.sent[0], .unavailable, .maybeExecuted, .ownerLost)
        client.pass(.milliseconds(50))
        client.answer(client.sent[1], .ok)
        #expect(client.endings.map(\.ending.status) == [.ok])
        #expect(client.endings.map(\.ending.certainty) == [.executed])
    }

    @Test func `a late yes of an earlier attempt wins`() {
        var client = CoreHarness.up()
        client.begin()
        client.answer(client.sent[0], .unavailable, .maybeExecuted, .ownerLost)
        client.pass(.milliseconds(50))
        client.answer(client.sent[0], .ok)
        #expect(client.endings.map(\.ending.status) == [.ok])
        client.answer(client.sent[1], .resourceExhausted, .executed, .soldOut)
        #expect(client.endings.count == 1)
        #expect(client.core.counts.lateAnswers == 1)
    }

    @Test func `a late refusal of an earlier attempt says nothing`() {
        var client = CoreHarness.up()
        client.begin()
        client.answer(client.sent[0], .unavailable, .notExecuted, .noOwner)
        client.pass(.milliseconds(50))
        client.answer(client.sent[0], .resourceExhausted, .executed, .soldOut)
        #expect(client.endings.isEmpty)
        client.answer(client.sent[1], .ok)
        #expect(client.endings.map(\.ending.status) == [.ok])
    }

    @Test func `ten retries are left when few calls are in flight`() {
        var client = CoreHarness.up()
        for failure in 1...12 {
            client.begin(attempts: 2)
            let endings = client.endings.count
            client.answer(client.sent[client.sent.count - 1], .internal, .maybeExecuted)
            let isRetried = client.endings.count == endings
            #expect(isRetried == (failure <= 10), "failure \(failure)")
            if isRetried { client.cancel(client.sent[client.sent.count - 1].slot) }
        }
    }

    @Test func `the loss of a worker lets each of its calls be repeated once`() {
        var client = CoreHarness.up()
        for _ in 0..<500 { client.begin() }
        for attempt in client.sent { client.answer(attempt, .unavailable, .maybeExecuted, .ownerLost) }
        #expect(client.endings.isEmpty)
        client.pass(.milliseconds(50))
        #expect(client.sent.count == 1_000)
        // A second failure of all of them at once is more than the budget has.
        for attempt in client.sent[500...] {
            client.answer(attempt, .unavailable, .maybeExecuted, .ownerLost)
        }
        #expect(client.endings.count == 500)
    }

    @Test func `an attempt that did not run costs no budget`() {
        var client = CoreHarness.up()
        for _ in 0..<50 {
            client.begin(deadline: .seconds(60), attempts: 2)
            client.answer(client.sent[client.sent.count - 1], .unavailable, .notExecuted, .noOwner)
        }
        #expect(client.core.budget.spent == 0)
        client.pass(.seconds(1))
        #expect(client.sent.count == 100)
    }
}

extension RetryTests.Rule {
    init(
        _ status: Status, _ certainty: Certainty, _ reason: Reason, _ isRepeatable: Bool, retried: Bool
    ) {
        self.init(
            status: status, certainty: certainty, reason: reason, isRepeatable: isRepeatable,
            isRetried: retried)
    }
}
