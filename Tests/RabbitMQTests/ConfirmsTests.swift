import Testing

@testable import RabbitMQ

@Suite struct ConfirmsTests {
    @Test func `confirms come one by one, or all up to one`() {
        var confirms = Confirms(first: 11, ids: ["a", "b", "c", "d"])
        confirms.settle(12, isMultiple: false, .confirmed)
        confirms.settle(13, isMultiple: true, .refused)
        #expect(!confirms.isComplete)
        confirms.settle(14, isMultiple: true, .confirmed)
        #expect(confirms.isComplete)
        #expect(confirms.outcomes == [.refused, .confirmed, .refused, .confirmed])
    }

    @Test func `what was returned is confirmed after that, and stays returned`() {
        var confirms = Confirms(first: 1, ids: ["a", "b"])
        confirms.returned("b", "NO_ROUTE")
        confirms.settle(2, isMultiple: true, .confirmed)
        #expect(confirms.outcomes == [.confirmed, .returned("NO_ROUTE")])
    }

    @Test func `tags of another publication, and the same twice, change nothing`() {
        var confirms = Confirms(first: 5, ids: ["a"])
        confirms.settle(4, isMultiple: true, .refused)
        confirms.settle(6, isMultiple: false, .refused)
        #expect(!confirms.isComplete)
        confirms.settle(5, isMultiple: false, .confirmed)
        confirms.settle(5, isMultiple: true, .refused)
        #expect(confirms.outcomes == [.confirmed])
    }
}
