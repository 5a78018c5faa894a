import Client
import Methods
import Sales
import Testing
import Wire

@testable import stampede

@Suite struct FailureTests {
    private let brokers = ["tcp://127.0.0.1:7100"]

    @Test func `an unknown outcome says the command that settles it`() {
        let error = CallError(status: .deadlineExceeded, certainty: .maybeExecuted, message: "no answer")
        let failure = Failure(error, brokers: brokers, CallContext(settle: "stampede order settle --key 1"))
        #expect(failure.code == .unknown)
        #expect(failure.sentence.contains("`stampede order settle --key 1`"))
    }

    @Test func `a broker that is not there is named, with the command that starts one`() {
        let error = CallError(status: .deadlineExceeded, certainty: .notExecuted, message: "no broker")
        let failure = Failure(error, brokers: brokers, CallContext())
        #expect(failure.code == .refused)
        #expect(failure.sentence.contains("tcp://127.0.0.1:7100"))
        #expect(failure.sentence.contains("`stampede up`"))
    }

    @Test(arguments: [
        (Reason.soldOut, "`stampede sale add-units 5 N`"), (.closed, "`stampede sale open 5`"),
        (.unknownSale, "`stampede sale list`"), (.noOwner, "`stampede status`"),
    ])
    func `a refusal names its reason and the next step`(reason: Reason, next: String) {
        let error = CallError(
            status: .failedPrecondition, certainty: .executed, reason: reason, message: "It is so.",
            details: FailureBody(message: "It is so."))
        let failure = Failure(error, brokers: brokers, CallContext(sale: SaleID(rawValue: 5)))
        #expect(failure.code == .refused)
        #expect(failure.sentence.hasPrefix("It is so (\(reason)); "))
        #expect(failure.sentence.contains(next))
        #expect(failure.sentence.hasSuffix("."))
    }
}
