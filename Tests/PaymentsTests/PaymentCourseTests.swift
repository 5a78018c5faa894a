import Client
import Methods
import Payments
import Resilience
import Sales
import Testing
import Wire

@Suite struct PaymentCourseTests {
    static let id = OrderID(partition: Partition(rawValue: 3), sequence: 7)
    static let attempt = RequestKey(rawValue: 42)
    static let start = MonotonicTime(nanoseconds: 1_000)

    static func course(_ origin: PaymentCourse.Origin) -> PaymentCourse {
        PaymentCourse(
            order: id, attempt: attempt, origin: origin, patience: .seconds(10),
            backoff: Backoff(base: .milliseconds(100), ceiling: .seconds(1)), seed: 1, start)
    }

    static func order(_ state: Order.State, by attempt: RequestKey? = attempt) -> Order {
        Order(
            id: id, sale: SaleID(rawValue: 1), lane: .only, buyer: BuyerID(rawValue: 5),
            key: RequestKey(rawValue: 9), quantity: 1, amount: 8_990, currency: "EUR",
            placedAt: LedgerTime(rawValue: 1), state: state, attempt: attempt)
    }

    static func charge(_ status: Charge.Status, refunded: Bool = false, reason: String? = nil) -> Charge {
        Charge(
            id: "ch", attempt: attempt, order: id, status: status, amount: 8_990, isRefunded: refunded,
            reason: reason)
    }

    static func refusal(_ reason: Reason) -> CallError {
        CallError(status: .failedPrecondition, certainty: .executed, reason: reason, message: "no")
    }

    /// The step after a wait, which has to be one.
    private func after(_ step: PaymentCourse.Step, _ course: PaymentCourse) -> PaymentCourse.Step {
        guard case .wait(let time) = step else {
            Issue.record("\(step) is no wait")
            return step
        }
        #expect(time <= .seconds(1))
        return course.waited()
    }

    @Test func `nothing is charged before the attempt has begun, and only what is being paid by it`() {
        var course = Self.course(.asked)
        #expect(course.firstStep == .begin)
        #expect(course.begun(.success(Self.order(.paying))) == .charge(amount: 8_990, currency: "EUR"))
        for order in [
            Self.order(.paying, by: RequestKey(rawValue: 1)), Self.order(.expired, by: nil),
            Self.order(.paid, by: RequestKey(rawValue: 1)), Self.order(.reserved, by: nil),
        ] {
            #expect(course.begun(.success(order)) == .find)
        }
        let paid = Self.order(.paid)
        #expect(course.begun(.success(paid)) == .end(.paid(paid)))
        #expect(course.begun(.success(Self.order(.refunding))) == .refund)
        let refusal = Self.refusal(.unknownOrder)
        #expect(course.begun(.failure(refusal)) == .end(.refused(refusal)))
    }

    @Test func `what was taken and what was declined is recorded`() {
        var course = Self.course(.asked)
        #expect(course.charged(.success(Self.charge(.taken)), Self.start) == .record(.taken))
        let paid = Self.order(.paid)
        #expect(course.recorded(.taken, .success(paid)) == .end(.paid(paid)))
        #expect(
            course.charged(.success(Self.charge(.declined, reason: "funds")), Self.start) == .record(.failed))
        let reserved = Self.order(.reserved, by: nil)
        #expect(
            course.recorded(.failed, .success(reserved)) == .end(.declined(reserved, reason: "funds")))
    }

    @Test(arguments: [
        order(.refunding), order(.paid, by: RequestKey(rawValue: 1)), order(.expired, by: nil),
        order(.refunded, by: RequestKey(rawValue: 1)),
    ])
    func `money that the order has no use for goes back`(order: Order) {
        var course = Self.course(.asked)
        #expect(course.recorded(.taken, .success(order)) == .refund)
        #expect(course.refunded(.success(Self.charge(.taken, refunded: true))) == .record(.refunded))
        #expect(course.recorded(.refunded, .success(order)) == .end(.returned(order)))
    }

    @Test func `an unknown outcome is asked for, never charged again`() {
        var course = Self.course(.asked)
        let step = course.charged(.failure(.unknown("timeout")), Self.start)
        #expect(after(step, course) == .find)
        #expect(course.found(.success(Self.charge(.taken)), Self.start) == .record(.taken))
        // Absent after our own charge: it may still be on its way, so it is made final.
        #expect(course.found(.success(nil), Self.start) == .cancel)
        #expect(course.cancelled(.success(Self.charge(.declined)), Self.start) == .record(.failed))
        #expect(course.cancelled(.success(Self.charge(.taken)), Self.start) == .record(.taken))
        let again = course.cancelled(.failure(.unknown("timeout")), Self.start)
        #expect(after(again, course) == .cancel)
    }

    @Test func `a charge that never arrived is sent again some times, then asked for`() {
        var course = Self.course(.asked)
        _ = course.begun(.success(Self.order(.paying)))
        for _ in 0..<2 {
            let step = course.charged(.failure(.unreachable(retryAfter: nil)), Self.start)
            #expect(after(step, course) == .charge(amount: 8_990, currency: "EUR"))
        }
        let step = course.charged(.failure(.unreachable(retryAfter: nil)), Self.start)
        #expect(after(step, course) == .find)
    }

    @Test func `the attempt of another process is left alone for a while`() {
        var course = Self.course(.open)
        #expect(course.firstStep == .find)
        let step = course.found(.success(nil), Self.start + .seconds(9))
        #expect(after(step, course) == .find)
        #expect(course.found(.success(nil), Self.start + .seconds(10)) == .cancel)
    }

    @Test func `what is pending is waited for, then made final`() {
        var course = Self.course(.asked)
        let step = course.charged(.success(Self.charge(.pending)), Self.start)
        #expect(after(step, course) == .find)
        #expect(course.found(.success(Self.charge(.pending)), Self.start + .seconds(10)) == .cancel)
    }

    @Test func `what the owner cannot store now is told again`() {
        var course = Self.course(.owed)
        #expect(course.firstStep == .refund)
        let lost = CallError(status: .unavailable, certainty: .maybeExecuted, message: "later")
        let step = course.recorded(.taken, .failure(lost))
        #expect(after(step, course) == .record(.taken))
    }

    @Test func `a contradiction is looked into, and ends for people to see`() {
        var course = Self.course(.open)
        for _ in 0..<2 {
            let step = course.recorded(.failed, .failure(Self.refusal(.wrongState)))
            #expect(after(step, course) == .find)
        }
        guard case .end(.stuck) = course.recorded(.failed, .failure(Self.refusal(.wrongState))) else {
            Issue.record("it goes round for ever")
            return
        }
        guard case .end(.stuck) = course.refunded(.failure(.nothingTaken("no"))) else {
            Issue.record("nothing can be given back")
            return
        }
    }

    @Test func `what the provider refuses is cancelled, so that it is final`() {
        var course = Self.course(.asked)
        #expect(course.charged(.failure(.refused("it answered 400")), Self.start) == .cancel)
        #expect(course.charged(.failure(.contentDiffers), Self.start) == .end(.keyReused))
    }
}

@Suite struct SeenEventsTests {
    @Test func `events are known until as many others came`() {
        var seen = SeenEvents(most: 2)
        seen.insert("a")
        seen.insert("b")
        seen.insert("b")
        #expect(seen.contains("a") && seen.contains("b"))
        seen.insert("c")
        #expect(!seen.contains("a") && seen.contains("b") && seen.contains("c"))
        seen.remove("c")
        #expect(!seen.contains("c"))
        seen.insert("c")
        #expect(seen.contains("c"))
    }
}

@Suite struct ReconciliationTests {
    static let other = RequestKey(rawValue: 1)

    @Test(
        arguments: [
            (PaymentCourseTests.charge(.taken), PaymentCourseTests.order(.paid), false, true),
            (
                PaymentCourseTests.charge(.taken, refunded: true), PaymentCourseTests.order(.refunded), false,
                true
            ),
            (PaymentCourseTests.charge(.declined), PaymentCourseTests.order(.reserved, by: nil), false, true),
            (PaymentCourseTests.charge(.declined), PaymentCourseTests.order(.paid, by: other), false, true),
            (PaymentCourseTests.charge(.taken), PaymentCourseTests.order(.paid, by: other), false, false),
            (PaymentCourseTests.charge(.taken), PaymentCourseTests.order(.expired, by: nil), false, false),
            (
                PaymentCourseTests.charge(.taken, refunded: true), PaymentCourseTests.order(.paid), false,
                false
            ),
            (PaymentCourseTests.charge(.declined), PaymentCourseTests.order(.paid), false, false),
            (PaymentCourseTests.charge(.taken), nil, false, false),
            (PaymentCourseTests.charge(.declined), nil, false, true),
        ] as [(Charge, Order?, Bool, Bool)])
    func `a charge belongs to a paid order, or went back`(
        charge: Charge, order: Order?, isUnsettled: Bool, matches: Bool
    ) {
        let verdict = Reconciliation.judge(charge, order, isUnsettled: isUnsettled)
        if matches {
            #expect(verdict == .matches)
        } else {
            guard case .differs = verdict else {
                Issue.record("\(verdict)")
                return
            }
        }
    }

    @Test func `what is still open is neither`() {
        let open = Reconciliation.judge(
            PaymentCourseTests.charge(.taken), PaymentCourseTests.order(.refunding), isUnsettled: true)
        #expect(open == .open)
        var other = PaymentCourseTests.charge(.taken)
        other.amount = 1
        guard case .differs = Reconciliation.judge(other, PaymentCourseTests.order(.paid), isUnsettled: false)
        else {
            Issue.record("another amount")
            return
        }
    }
}
