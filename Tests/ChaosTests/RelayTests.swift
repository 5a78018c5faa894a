import Foundation
import Testing

@testable import Chaos

/// Against real Unix sockets.
@Suite struct RelayTests {
    /// A server that sends back what it gets, behind a relay.
    final class Line {
        let folder: String
        let hub: RelayHub
        let name = RelayHub.LinkName(from: "worker-1", to: "redis-1")
        let client: Int32
        private let server: Int32
        private let listener: Int32

        init() throws {
            var template = Array("/tmp/stampede-relay-XXXXXX".utf8CString)
            try #require(mkdtemp(&template) != nil)
            folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            hub = RelayHub(folder: folder)
            listener = try #require(RelaySocket.listen("\(folder)/server"))
            let path = hub.detour("worker-1", "redis-1", "\(folder)/server")
            client = try #require(RelaySocket.connect(path))
            var event = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
            poll(&event, 1, 10_000)
            server = accept(listener, nil, nil)
            try #require(server >= 0)
        }

        deinit {
            hub.stop()
            for descriptor in [client, server, listener] { close(descriptor) }
            try? FileManager.default.removeItem(atPath: folder)
        }

        enum Side { case client, server }

        func send(_ text: String, from side: Side) {
            _ = Foundation.send(side == .client ? client : server, text, text.utf8.count, Int32(MSG_NOSIGNAL))
        }

        /// What arrives within the limit; empty at an end; nil when nothing does.
        func receive(_ side: Side, within milliseconds: Int32) -> String? {
            let descriptor = side == .client ? client : server
            var event = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&event, 1, milliseconds) > 0 else { return nil }
            var buffer = [UInt8](repeating: 0, count: 64)
            let count = recv(descriptor, &buffer, buffer.count, 0)
            return count < 0 ? nil : String(decoding: buffer.prefix(count), as: UTF8.self)
        }
    }

    @Test func `an open link carries both ways`() throws {
        let line = try Line()
        line.send("ping", from: .client)
        #expect(line.receive(.server, within: 10_000) == "ping")
        line.send("pong", from: .server)
        #expect(line.receive(.client, within: 10_000) == "pong")
    }

    @Test func `a one-way cut keeps one direction and lets the other through, until it is healed`() throws {
        let line = try Line()
        line.hub.set(RelayHub.Mode(stopsAnswers: true), on: [line.name])
        line.send("request", from: .client)
        #expect(line.receive(.server, within: 10_000) == "request")
        line.send("answer", from: .server)
        #expect(line.receive(.client, within: 100) == nil)
        #expect(line.hub.felt([line.name]) == 6)
        line.hub.set(.open, on: [line.name])
        #expect(line.receive(.client, within: 10_000) == "answer")
    }

    @Test func `through a cut nobody learns that the other has gone`() throws {
        let line = try Line()
        line.hub.set(RelayHub.Mode(stopsRequests: true, stopsAnswers: true), on: [line.name])
        line.send("lost", from: .client)
        shutdown(line.client, Int32(SHUT_WR))
        #expect(line.receive(.server, within: 100) == nil)
        line.hub.heal()
        #expect(line.receive(.server, within: 10_000) == "lost")
        #expect(line.receive(.server, within: 10_000) == "")
    }

    @Test func `a delay holds every byte for that long`() throws {
        let line = try Line()
        line.hub.set(RelayHub.Mode(delay: 200_000), on: [line.name])
        let begin = ContinuousClock.now
        line.send("late", from: .client)
        #expect(line.receive(.server, within: 10_000) == "late")
        #expect(begin.duration(to: .now) >= .milliseconds(200))
    }

    @Test func `a reset ends the connection on both sides`() throws {
        let line = try Line()
        line.hub.reset([line.name])
        #expect(line.receive(.client, within: 10_000) == "")
        #expect(line.receive(.server, within: 10_000) == "")
        #expect(line.hub.felt([line.name]) == 1)
    }
}
