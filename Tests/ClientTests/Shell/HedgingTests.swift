import Methods
import Sales
import Testing
import Wire

@testable import Client

@Suite(.timeLimit(.minutes(2))) struct HedgingTests {
    private let sale = SaleID(rawValue: 7)

    /// Two brokers, of which the first never answers, and a client that is connected to both.
    private func pair() async throws -> (silent: TestBroker, good: TestBroker, client: StampedeClient) {
        let silent = try TestBroker { call, body in
            call.method == SystemMethods.brokerStatus.id ? TestBroker.yes(call, body) : []
        }
        let good = try TestBroker()
        let client = try StampedeClient(brokers: [silent.endpoint, good.endpoint])
        for broker in 0..<2 {
            // What the answer says does not matter: there is one.
            _ = await eventually {
                let status = await client.brokerStatus(options: CallOptions(broker: broker))
                guard case .failure(let error) = status[broker].status else { return true }
                return error.status == .internal
            }
        }
        return (silent, good, client)
    }

    @Test func `a hedged call does not wait for a broker that hangs`() async throws {
        let (silent, good, client) = try await pair()
        let options = CallOptions(deadline: .seconds(30), hedge: .after(.milliseconds(20)))
        for number in 1...10 {
            let order = try await client.placeOrder(
                sale: sale, buyer: BuyerID(rawValue: Int64(number)), options: options)
            #expect(order.buyer.rawValue == Int64(number))
        }
        let slow = silent.calls.filter { $0.method == OrderMethods.place.id }
        let hedges = good.calls.filter { $0.flags.contains(.retry) }
        #expect(!slow.isEmpty)
        #expect(Set(hedges.map(\.requestKey)) == Set(slow.map(\.requestKey)))
        #expect(await eventually { Set(silent.cancels.map(\.callID)) == Set(slow.map(\.callID)) })
        await client.close()
    }

    @Test func `the words of the owner's refusal survive the other attempt's end`() async throws {
        let refusing = try TestBroker { call, _ in
            [
                TestBroker.refuse(
                    call, .failedPrecondition, .executed, .notEnough,
                    FailureBody(message: "Only 3 are left; ask for fewer.", left: 3))
            ]
        }
        let silent = try TestBroker(TestBroker.silence)
        let client = try StampedeClient(brokers: [silent.endpoint, refusing.endpoint])
        let sale = sale
        let error = await #expect(throws: CallError.self) {
            // Until the first attempt goes to the broker that never answers.
            while true {
                _ = try? await client.placeOrder(
                    sale: sale, buyer: BuyerID(rawValue: 1), options: CallOptions(deadline: .milliseconds(50))
                )
                guard !silent.calls.isEmpty, !refusing.calls.isEmpty else { continue }
                let before = silent.calls.count
                let stopping = Task {
                    if await eventually({ silent.calls.count > before && refusing.cancels.isEmpty }) {
                        try? await Task.sleep(for: .milliseconds(100))
                        silent.stop()
                    }
                }
                defer { stopping.cancel() }
                _ = try await client.placeOrder(
                    sale: sale, buyer: BuyerID(rawValue: 1),
                    options: CallOptions(deadline: .seconds(20), hedge: .after(.milliseconds(10))))
            }
        }
        #expect(error?.reason == .notEnough)
        #expect(error?.details?.left == 3)
        await client.close()
    }
}
