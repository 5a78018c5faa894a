import Foundation
import HostileTestSupport
import Testing

/// The attacks that no option of libzmq stops, against a broker that asks for keys, beside a client that has one.
@Suite struct HostilePeerTests {
    /// Bytes of a flood; each two are a frame that costs libzmq about thirty times as much.
    private static let flood = 12_000_000

    /// `ZeroMQTests` shows that this ends a process that asks nobody.
    @Test func `claims of the names of nameless peers do not end a broker`() async throws {
        let folder = try Folder()
        let keyring = try await Keyring(in: folder)
        let broker = try await BrokerProgram(in: folder, keyring.brokerArguments)
        let report = try await GoodClient(broker.clients, try keyring.keys("ops")).beside {
            for port in [broker.port, broker.workersPort] {
                let peers = await onThread {
                    NamelessPeerAttack.run(port: port, numbers: [0x6b8b_4567, 0x3c6e_f372, 0x74b0_dc51])
                        .count
                }
                #expect(peers >= 20)
            }
        }
        #expect(broker.program.isRunning)
        #expect(report.failure == nil && report.calls > 0)
    }

    @Test(arguments: ["NULL", "CURVE"])
    func `messages that never end do not fill the memory of a broker`(mechanism: String) async throws {
        let folder = try Folder()
        let keyring = try await Keyring(in: folder)
        let broker = try await BrokerProgram(in: folder, keyring.brokerArguments)
        var grown = 0
        let report = try await GoodClient(broker.clients, try keyring.keys("ops")).beside {
            let before = broker.memory
            await HostilePeerTests.flood(broker.port, mechanism)
            await HostilePeerTests.flood(broker.workersPort, mechanism)
            grown = broker.memory - before
        }
        #expect(grown < 40 << 20, "\(grown >> 20) MiB")
        #expect(broker.program.isRunning)
        #expect(report.failure == nil && report.calls > 0)
    }

    /// So that the test above shows something.
    @Test func `the same flood fills the memory of a broker that asks nobody`() async throws {
        let folder = try Folder()
        let broker = try await BrokerProgram(in: folder, ["--insecure-tcp"])
        let (before, port) = (broker.memory, broker.port)
        let flooding = Task { await HostilePeerTests.flood(port, "NULL") }
        let isFull = await eventually { broker.memory - before > 80 << 20 }
        #expect(isFull)
        broker.program.signal(SIGKILL)
        await flooding.value
    }

    /// A connection that begins well and then sends a message without end.
    private static func flood(_ port: UInt16, _ mechanism: String) async {
        await onThread {
            guard let peer = RawPeer(port: port) else { return }
            peer.send(ZMTP.greeting(mechanism))
            _ = peer.receive(atLeast: ZMTP.greetingLength)
            if mechanism == "NULL" { peer.send(ZMTP.ready()) }
            let frames = ZMTP.endless(100_000)
            for _ in 0..<Self.flood / frames.count where !peer.send(frames) { return }
        }
    }
}
