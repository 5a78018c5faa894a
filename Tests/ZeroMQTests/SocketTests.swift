import Testing
import Wire

@testable import ZeroMQ

@Suite struct SocketTests {
    private let context = Context()

    @Test(arguments: [0, 1, 29, 30, 33, 34, 64, 8_192, 60_000])
    func `a message goes there and back`(size: Int) throws {
        let (router, endpoint) = try End.router(context)
        let dealer = try End.dealer(endpoint, context)
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0) }
        #expect(dealer.sendWhenReady(bytes))
        let received = try #require(router.receiveRouted())
        #expect(received.bytes == bytes)
        #expect(received.framing == .single)
        #expect(router.send(bytes, to: received.identity) == .sent)
        #expect(dealer.receive() == bytes)
    }

    @Test func `an endpoint is returned as bound, and bound once`() throws {
        let (router, endpoint) = try End.router(context)
        #expect(endpoint.hasPrefix("tcp://127.0.0.1:") && !endpoint.hasSuffix("*"))
        let second = try End(.router, context)
        let error = #expect(throws: ZeroMQError.self) { try second.bind(endpoint) }
        #expect(error?.isAddressInUse == true)
        withExtendedLifetime(router) {}
    }

    @Test func `an endpoint that makes no sense is an error`() throws {
        let end = try End(.dealer, context)
        #expect(throws: ZeroMQError.self) { try end.connect("nonsense") }
        #expect(throws: ZeroMQError.self) { try end.bind("tcp://nowhere:x") }
    }

    @Test func `a message without a peer is not queued`() throws {
        #expect(try End(.dealer, context).send([1, 2, 3]) == .full)
    }

    @Test func `a message to nobody is unroutable`() throws {
        #expect(try End(.router, context).send([1, 2, 3], to: [9, 9, 9]) == .unroutable)
    }

    @Test func `a peer that is gone is unroutable`() throws {
        let (router, endpoint) = try End.router(context)
        let identity = try identityOfDead(router, endpoint)
        let isNoticed = router.eventually { router.send([7], to: identity) == .unroutable }
        #expect(isNoticed)
    }

    /// The identity of a peer that said something and died.
    private func identityOfDead(_ router: End, _ endpoint: String) throws -> [UInt8] {
        let dealer = try End.dealer(endpoint, context)
        #expect(dealer.sendWhenReady([1]))
        return try #require(router.receiveRouted()).identity
    }

    @Test func `a peer that does not read is full, and nobody else suffers`() throws {
        var options = SocketOptions()
        options.highWaterMark = 4
        let (router, endpoint) = try End.router(context, options)
        let stuck = try End.dealer(endpoint, context, options)
        #expect(stuck.sendWhenReady([1]))
        let stuckIdentity = try #require(router.receiveRouted()).identity
        let good = try End.dealer(endpoint, context)
        #expect(good.sendWhenReady([2]))
        let goodIdentity = try #require(router.receiveRouted()).identity

        // Once the kernel's buffers, too, are full: nothing is taken for a while.
        let large = [UInt8](repeating: 3, count: 60_000)
        var refusals = 0
        let isFull = router.eventually {
            refusals = router.send(large, to: stuckIdentity) == .full ? refusals + 1 : 0
            return refusals > 50
        }
        #expect(isFull)
        // A first part that was refused leaves nothing behind: what follows is whole, and goes where it should.
        for number: UInt8 in 10..<20 {
            // Full, or after some seconds given up by libzmq's own heartbeat.
            #expect(router.send([99], to: stuckIdentity) != .sent)
            #expect(router.send([98], to: [9, 9, 9]) == .unroutable)
            // With so low a mark the good pipe, too, is full for moments.
            let isSent = router.eventually { router.send([number], to: goodIdentity) == .sent }
            #expect(isSent)
            #expect(good.receive() == [number])
        }
    }

    /// The identity is taken, then the peer's pipe ends: libzmq drops the second part, and the next message
    /// must not be joined to it.
    @Test func `a peer that dies between two sends does not spoil the next message`() throws {
        let (router, endpoint) = try End.router(context)
        let good = try End.dealer(endpoint, context)
        #expect(good.sendWhenReady([1]))
        let goodIdentity = try #require(router.receiveRouted()).identity
        for round: UInt8 in 0..<30 {
            let dying = try identityOfDead(router, endpoint)
            for number: UInt8 in 0..<20 {
                _ = router.send([66, 66], to: dying)
                #expect(router.send([round, number], to: goodIdentity) == .sent)
            }
            for number: UInt8 in 0..<20 { #expect(good.receive() == [round, number]) }
        }
    }

    @Test func `messages of several frames are read whole and marked`() throws {
        let (router, endpoint) = try End.router(context)
        let dealer = try End.dealer(endpoint, context)
        #expect(dealer.sendWhenReady([1]))
        // To a DEALER an identity is a frame like any other.
        #expect(dealer.send([3], to: [2]) == .sent)
        #expect(dealer.send([4]) == .sent)
        #expect(dealer.send([]) == .sent)
        let received = try (0..<4).map { _ in try #require(router.receiveRouted()) }
        #expect(received.map(\.framing) == [.single, .malformed, .single, .single])
        #expect(received[2].bytes == [4])
        #expect(received[3].bytes == [])
    }

    @Test func `a message that is too long never arrives and costs its sender the connection`() throws {
        var options = SocketOptions()
        options.maximumMessageSize = 1_000
        let (router, endpoint) = try End.router(context, options)
        let long = try End.dealer(endpoint, context)
        #expect(long.sendWhenReady([UInt8](repeating: 1, count: 1_000)))
        #expect(router.receiveRouted()?.bytes.count == 1_000)
        #expect(long.send([UInt8](repeating: 1, count: 1_001)) == .sent)
        let good = try End.dealer(endpoint, context)
        #expect(good.sendWhenReady([5]))
        #expect(router.receiveRouted()?.bytes == [5])
        #expect(router.receiveRouted(within: .milliseconds(50)) == nil)
        // It does not reconnect by itself: one socket is one connection.
        let isOver = long.eventually { long.send([6]) == .full }
        #expect(isOver)
    }

    @Test func `a socket keeps its context alive`() throws {
        let end = try End(.router, Context())
        #expect(try end.bind("tcp://127.0.0.1:*").isEmpty == false)
    }
}
