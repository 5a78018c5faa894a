import Foundation
import HostileTestSupport
import Logging
import Methods
import Sales
import Testing
import Wire
import ZeroMQ

@testable import Broker

@Suite struct SecuredBrokerTests {
    // MARK: Roles

    @Test func `a service sells, an operator runs sales, and each is told what the other may`() throws {
        let scene = try SecuredScene()
        let (service, `operator`) = (try scene.client("shop"), try scene.client("ops"))
        for (peer, method, expected) in [
            (service, SaleMethods.create.id, Reason.needsOperator),
            (service, SaleMethods.change.id, .needsOperator),
            (service, SystemMethods.brokerStatus.id, .needsOperator),
            (service, SystemMethods.yield.id, .needsWorker),
            (`operator`, SystemMethods.yield.id, .needsWorker),
            (service, OrderMethods.place.id, .noOwner), (`operator`, SaleMethods.create.id, .noOwner),
        ] {
            let result = try #require(scene.ask(peer, method))
            #expect(result.header.reason == expected)
            #expect(result.header.certainty == .notExecuted)
            #expect(result.header.status == (expected == .noOwner ? .unavailable : .permissionDenied))
            let role = expected == .needsOperator ? "‘operator’" : expected == .needsWorker ? "‘worker’" : ""
            let body = try result.body(as: FailureBody.self)
            #expect(body.message.contains(role) || role.isEmpty)
        }
        #expect(try `operator`.status(99)?.name == "broker")
    }

    @Test func `a worker's key opens nothing at the clients' port, nor a client's at the workers'`() throws {
        let scene = try SecuredScene()
        for peer in [try scene.client("worker-1"), try scene.worker("shop"), try scene.worker("ops")] {
            #expect(!scene.isLetIn(peer))
        }
        #expect(scene.isLetIn(try scene.client("shop")))
        #expect(scene.isLetIn(try scene.worker("worker-1")))
    }

    @Test func `a key that is on no list is not let in`() throws {
        let scene = try SecuredScene()
        #expect(!scene.isLetIn(try scene.client("nobody")))
        #expect(!scene.isLetIn(try scene.worker("nobody")))
    }

    @Test func `a worker cannot answer another worker's call`() throws {
        let scene = try SecuredScene()
        let (client, owner, other) = (
            try scene.client("shop"), try scene.worker("worker-1"), try scene.worker("worker-2")
        )
        owner.join(as: "one", owning: 0..<4)
        other.join(as: "two", owning: [])
        client.send(Peer.call(5))
        let call = try #require(owner.wait(for: .call))
        other.answer(call)
        var returned = Header(.returned)
        returned.callID = call.header.callID
        other.send(returned)
        // Whatever the other sent has been read before its next beat's answer counts.
        other.forget()
        #expect(other.wait(for: .beat) != nil)
        #expect(client.first(.result) == nil)
        owner.answer(call, .failedPrecondition)
        #expect(client.wait(for: .result)?.header.status == .failedPrecondition)
        #expect(client.all(.result).count == 1)
    }

    @Test func `a client cannot speak as a worker`() throws {
        let scene = try SecuredScene()
        let (hostile, `operator`) = (try scene.client("shop"), try scene.client("ops"))
        hostile.send(
            Header(.ready),
            Ready(
                name: "evil", incarnation: "a", partitions: 4, hash: RoutingKey.hashName,
                methods: [Peer.method], credit: [9, 9, 9], leaseTTL: 3_000))
        hostile.send(
            Header(.own),
            Own(partition: Partition(rawValue: 0), fence: Fence(rawValue: 9), incarnation: "a", gates: []))
        // In order behind them.
        #expect(try #require(scene.ask(hostile, OrderMethods.place.id)).header.reason == .noOwner)
        let status = try #require(try `operator`.status(2))
        #expect(status.workers.isEmpty && status.partitions.isEmpty && status.malformed >= 2)
    }

    @Test func `a worker calls nothing but what is for workers`() throws {
        let scene = try SecuredScene()
        let worker = try scene.worker("worker-1")
        worker.join(as: "one", owning: 0..<4)
        let result = try #require(scene.ask(worker, OrderMethods.place.id))
        #expect(result.header.status == .permissionDenied && result.header.reason == .needsService)
    }

    // MARK: Unix sockets beside

    @Test func `a Unix socket of the same broker asks for no key`() throws {
        let scene = try SecuredScene()
        let local = try scene.peer(scene.broker.clientEndpoints[0], nil)
        #expect(scene.broker.clientEndpoints[0].hasPrefix("ipc://"))
        #expect(try local.status(1)?.name == "broker")
        let worker = try scene.peer(scene.broker.workerEndpoints[0], nil)
        worker.join(as: "one", owning: [])
        #expect(worker.first(.beat) != nil)
    }

    // MARK: The list changes

    @Test func `a key that is taken off the list loses its rights at once, in the session it has`() throws {
        let scene = try SecuredScene()
        let (shop, ops, worker) = (
            try scene.client("shop"), try scene.client("ops"), try scene.worker("worker-1")
        )
        worker.keepBeating()
        worker.join(as: "one", owning: 0..<4)
        shop.send(Peer.call(1))
        worker.answer(try #require(worker.wait(for: .call)))
        #expect(shop.wait(for: .result)?.header.status == .ok)

        try scene.list(["ops"])
        scene.doorkeeper.reload()
        let refused = try #require(scene.ask(shop, Peer.method))
        #expect(refused.header.status == .unauthenticated && refused.header.reason == .keyRefused)
        #expect(refused.header.certainty == .notExecuted)
        #expect(shop.wait(for: .goAway) != nil, "so that it comes again when it is listed again")
        #expect(worker.wait(for: .goAway) != nil)
        let isGone = scene.loop.run(atMost: .seconds(10)) {
            (try? ops.status(scene.nextID()))?.workers.isEmpty == true
        }
        #expect(isGone)
        #expect(!scene.isLetIn(try scene.client("shop")))

        try scene.list(["ops", "shop"])
        scene.doorkeeper.reload()
        #expect(scene.isLetIn(try scene.client("shop")))
        #expect(try #require(scene.ask(shop, Peer.method)).header.reason == .noOwner, "the old session too")
    }

    @Test func `the file is read again when it changes, and a broken one changes nothing`() throws {
        let scene = try SecuredScene()
        let ops = try scene.client("ops")
        #expect(try ops.status(scene.nextID()) != nil)
        try scene.write("service ops \(scene.pairs["ops"]!.publicKey)\nnonsense")
        // Longer than the broker takes to look at it twice.
        scene.loop.run(atMost: .milliseconds(1_500)) { false }
        #expect(try ops.status(scene.nextID()) != nil)
        try scene.write("service ops \(scene.pairs["ops"]!.publicKey)\n")
        let isInForce = scene.loop.run(atMost: .seconds(10)) {
            scene.ask(ops, SystemMethods.brokerStatus.id)?.header.reason == .needsOperator
        }
        #expect(isInForce)
        try FileManager.default.removeItem(atPath: scene.path)
        scene.loop.run(atMost: .milliseconds(1_500)) { false }
        #expect(try #require(scene.ask(ops, OrderMethods.place.id)).header.reason == .noOwner)
    }

    // MARK: The self-test

    @Test func `a door that lets a stranger in is found`() throws {
        let (context, loop, pair) = (Context(), EventLoop(), try CurveKeyPair())
        let handler = try YesMan(context, loop)
        var options = SocketOptions()
        options.security = .curveServer(pair, domain: "clients")
        let socket = try Socket(.router, in: context, options: options)
        let endpoint = try socket.bind("tcp://127.0.0.1:*")
        let outcome = try ListenerProbe.run(endpoint, server: pair.publicKey, context: context, loop: loop)
        #expect(outcome == .letIn)
        withExtendedLifetime(handler) {}
    }

    @Test func `a door without anybody to ask shows nothing, which is not enough`() throws {
        let (context, loop, pair) = (Context(), EventLoop(), try CurveKeyPair())
        var options = SocketOptions()
        options.security = .curveServer(pair, domain: "clients")
        let socket = try Socket(.router, in: context, options: options)
        let endpoint = try socket.bind("tcp://127.0.0.1:*")
        let outcome = try ListenerProbe.run(
            endpoint, server: pair.publicKey, context: context, loop: loop, within: .seconds(1))
        #expect(outcome == .unclear)
    }

    @Test func `a broker with keys does not start untested`() async {
        await #expect(processExitsWith: .failure) {
            let scene = try SecuredScene(isTested: false)
            scene.broker.start()
        }
    }

    @Test func `a second doorkeeper in one context is refused`() throws {
        let scene = try SecuredScene()
        #expect(throws: SecurityError.self) { try scene.anotherDoorkeeper() }
    }

    // MARK: Forgery

    /// A NULL peer may claim any user id in its READY; see `CurveSocketTests`.
    @Test func `a made-up user id gives no rights at a listener that asks for no key`() throws {
        let scene = try SecuredScene()
        let path = scene.broker.clientEndpoints[0].dropFirst("ipc://".count)
        let peer = try #require(RawPeer(path: String(path)))
        peer.send(ZMTP.greeting("NULL"))
        _ = peer.receive(atLeast: ZMTP.greetingLength)
        peer.send(ZMTP.ready([("User-Id", Array("0123456789abcdef00000001".utf8))]))
        var header = Header(.call)
        header.flags = .end
        header.callID = 7
        header.method = SystemMethods.brokerStatus.id
        peer.send(ZMTP.frame(Frame.encode(header)))
        // Its READY comes first; then the refusal, and GOAWAY.
        var bytes: [UInt8] = []
        scene.loop.run(atMost: .seconds(10)) {
            bytes += peer.receiveAvailable()
            return bytes.count > 200
        }
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains("allow-list no longer has this key"))
    }
}

/// A handler that lets everybody in.
private final class YesMan {
    private let socket: Socket

    init(_ context: Context, _ loop: EventLoop) throws {
        socket = try Socket(.router, in: context)
        try socket.bind(ZAPRequest.endpoint)
        loop.watch(socket) { [unowned self] in
            while let parts = socket.receiveParts(atMost: ZAPRequest.frames) {
                guard let request = ZAPRequest(parts: parts) else { continue }
                _ = socket.send(parts: request.answer(userID: [0x31]))
            }
        }
    }
}
