import Foundation
import HostileTestSupport
import Testing
import Wire

@testable import ZeroMQ

@Suite struct CurveSocketTests {
    private let context = Context()
    private let loop = EventLoop()

    /// A ROUTER that asks for keys, and nothing else.
    private func door(_ server: CurveKeyPair) throws -> (End, String) {
        var options = SocketOptions()
        options.security = .curveServer(server, domain: "test")
        return try End.router(context, options)
    }

    private func visitor(_ endpoint: String, _ server: CurveKey, _ own: CurveKeyPair) throws -> End {
        var options = SocketOptions()
        options.security = .curveClient(server: server, own: own)
        return try End.dealer(endpoint, context, options)
    }

    /// Answers requests on the loop until the value ends.
    private final class Handler {
        let socket: Socket
        var requests: [ZAPRequest] = []
        init(_ context: Context, _ loop: EventLoop, _ userID: @escaping (ZAPRequest) -> [UInt8]?) throws {
            socket = try Socket(.router, in: context)
            try socket.bind(ZAPRequest.endpoint)
            loop.watch(socket) { [unowned self] in
                while let parts = socket.receiveParts(atMost: ZAPRequest.frames) {
                    guard let request = ZAPRequest(parts: parts) else { continue }
                    requests.append(request)
                    #expect(socket.send(parts: request.answer(userID: userID(request))) == .sent)
                }
            }
        }
    }

    @Test func `a handler is asked about domain, address and key, and names the sender of every message`()
        throws
    {
        let (server, own) = (try CurveKeyPair(), try CurveKeyPair())
        let handler = try Handler(context, loop) { _ in Array("shop".utf8) }
        let (router, endpoint) = try door(server)
        let dealer = try visitor(endpoint, server.publicKey, own)
        #expect(loop.run(atMost: .seconds(10)) { dealer.send([1, 2]) == .sent })
        #expect(handler.requests.map(\.domain) == ["test"])
        #expect(handler.requests.map(\.address) == ["127.0.0.1"])
        #expect(handler.requests.map(\.key) == [own.publicKey])
        #expect(try #require(router.receiveRouted()).userID == "shop")
        #expect(dealer.send([3]) == .sent)
        #expect(try #require(router.receiveRouted()).userID == "shop")
    }

    @Test func `whom the handler does not know gets no connection, and is told`() throws {
        let (server, own) = (try CurveKeyPair(), try CurveKeyPair())
        let handler = try Handler(context, loop) { _ in nil }
        let (router, endpoint) = try door(server)
        var options = SocketOptions()
        options.security = .curveClient(server: server.publicKey, own: own)
        let socket = try Socket(.dealer, in: context, options: options)
        let monitor = try HandshakeMonitor(of: socket, in: context)
        try socket.connect(endpoint)
        loop.watch(monitor.socket) {}
        var event: HandshakeMonitor.Event?
        loop.run(atMost: .seconds(10)) {
            event = event ?? monitor.next()
            return event != nil
        }
        #expect(event == .refused)
        let isWritable = socket.isWritable
        #expect(!isWritable)
        #expect(handler.requests.count == 1)
        withExtendedLifetime(router) {}
    }

    /// libzmq's default would let everybody in.
    @Test func `without a handler nobody gets in`() throws {
        let server = try CurveKeyPair()
        let (router, endpoint) = try door(server)
        let dealer = try visitor(endpoint, server.publicKey, try CurveKeyPair())
        #expect(!dealer.eventually(within: .milliseconds(500)) { dealer.send([1]) == .sent })
        withExtendedLifetime(router) {}
    }

    @Test func `who expects another server says nothing to this one`() throws {
        let handler = try Handler(context, loop) { _ in [1] }
        let (router, endpoint) = try door(try CurveKeyPair())
        let dealer = try visitor(endpoint, try CurveKeyPair().publicKey, try CurveKeyPair())
        #expect(!loop.run(atMost: .milliseconds(500)) { dealer.send([1]) == .sent })
        #expect(handler.requests.isEmpty)
        withExtendedLifetime(router) {}
    }

    @Test func `who speaks without keys is not heard`() throws {
        let handler = try Handler(context, loop) { _ in [1] }
        let (router, endpoint) = try door(try CurveKeyPair())
        let dealer = try End.dealer(endpoint, context)
        #expect(!loop.run(atMost: .milliseconds(500)) { dealer.send([1]) == .sent })
        #expect(handler.requests.isEmpty)
        withExtendedLifetime(router) {}
    }

    /// Why the broker's user ids cannot be guessed.
    @Test func `a peer that nobody is asked about may claim any user id`() throws {
        let (router, endpoint) = try End.router(context)
        let peer = try #require(RawPeer(port: port(of: endpoint)))
        peer.send(ZMTP.greeting("NULL"))
        _ = peer.receive(atLeast: ZMTP.greetingLength)
        peer.send(ZMTP.ready([("User-Id", Array("operator".utf8))]))
        peer.send(ZMTP.frame([1]))
        #expect(try #require(router.receiveRouted()).userID == "operator")
    }
}

/// The two attacks that no option of libzmq stops. Each in a process of its own, because it may end it.
@Suite struct HostilePeerTests {
    @Test func `two blind connections end a process whose ROUTER asks nobody`() async {
        await #expect(processExitsWith: .signal(SIGABRT)) {
            let context = Context()
            let numbers = NamelessPeerAttack.firstNumbers(1)
            let (router, endpoint) = try End.router(context)
            let port = port(of: endpoint)
            let peers = NamelessPeerAttack.run(port: port, numbers: numbers)
            _ = router.eventually { router.receiveRouted(within: .milliseconds(100)) == nil }
            withExtendedLifetime(peers) {}
            exit(EXIT_SUCCESS)
        }
    }

    @Test func `the same two connections do nothing to a ROUTER that asks for keys`() async {
        await #expect(processExitsWith: .success) {
            let context = Context()
            let numbers = NamelessPeerAttack.firstNumbers(1)
            var options = SocketOptions()
            options.security = .curveServer(try CurveKeyPair(), domain: "test")
            let (router, endpoint) = try End.router(context, options)
            let port = port(of: endpoint)
            let peers = NamelessPeerAttack.run(port: port, numbers: numbers)
            #expect(peers.count > 2 && peers.allSatisfy { $0.isEnded() })
            #expect(router.receiveRouted(within: .milliseconds(200)) == nil)
            exit(EXIT_SUCCESS)
        }
    }

    @Test func `a process of ours does not count from where all others do`() async {
        await #expect(processExitsWith: .success) {
            let (router, endpoint) = try End.router(Context())
            let port = port(of: endpoint)
            // What an unseeded rand() leads to.
            let peers = NamelessPeerAttack.run(port: port, numbers: [0x6b8b_4567])
            var count = 0
            _ = router.eventually {
                count += router.receiveRouted(within: .milliseconds(100)) == nil ? 0 : 1
                return count == peers.count
            }
            #expect(count == peers.count && count > 8)
            exit(EXIT_SUCCESS)
        }
    }
}

/// The number at the end of a TCP endpoint.
private func port(of endpoint: String) -> UInt16 {
    guard let port = UInt16(endpoint.drop { $0 != ":" }.dropFirst().drop { $0 != ":" }.dropFirst()) else {
        preconditionFailure("no port in \(endpoint)")
    }
    return port
}
