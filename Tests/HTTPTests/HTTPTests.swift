import HTTP
import HTTPServer
import Synchronization
import Testing
import Wire

@Suite struct HTTPTests {
    private final class Seen: Sendable {
        let isOpen = Atomic(false)
        let answered = Atomic(0)
        let busy = Atomic(0)
    }

    private let client = HTTPClient(connections: 4, queue: 8)

    private func url(_ server: HTTPServer, _ path: String) -> String {
        "http://127.0.0.1:\(server.port)\(path)"
    }

    @Test func `a request arrives whole, and so does its answer`() async throws {
        let server = try HTTPServer { request in
            OutgoingResponse(
                status: 201, headers: [("retry-after", "7")],
                body: Array("\(request.method) \(request.path) \(request.query["a"] ?? "") ".utf8)
                    + Array("\(request.headers["x-name"] ?? "") ".utf8) + request.body)
        }
        let response = try await client.send(
            HTTPRequest(
                .post, url(server, "/x?a=1%202"), headers: [("X-Name", "n")], body: Array("säle".utf8)))
        #expect(response.status == 201 && response.retryAfter == .seconds(7))
        #expect(String(decoding: response.body, as: UTF8.self) == "POST /x 1 2 n säle")
        let empty = try await client.send(HTTPRequest(.post, url(server, "/")))
        #expect(String(decoding: empty.body, as: UTF8.self) == "POST /   ")
        let got = try await client.send(HTTPRequest(.get, url(server, "/y")))
        #expect(String(decoding: got.body, as: UTF8.self) == "GET /y   ")
        await server.stop()
    }

    @Test func `answers are made at the same time`() async throws {
        let together = Mutex(0)
        let server = try HTTPServer { _ in
            together.withLock { $0 += 1 }
            // Each waits for all: alone none would ever be answered.
            while together.withLock({ $0 }) < 4 { try? await Task.sleep(for: .milliseconds(1)) }
            return OutgoingResponse(status: 200)
        }
        let address = url(server, "/")
        let statuses = try await withThrowingTaskGroup(of: Int.self) { [client] group in
            for _ in 0..<4 { group.addTask { try await client.send(HTTPRequest(.get, address)).status } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(statuses == [200, 200, 200, 200])
        await server.stop()
    }

    @Test func `a large body is taken up to the limit, and refused beyond it`() async throws {
        let server = try HTTPServer { OutgoingResponse(status: 200, body: Array("\($0.body.count)".utf8)) }
        let limit = HTTPServer.bodyLimit
        let fits = try await client.send(
            HTTPRequest(.post, url(server, "/"), body: Array(repeating: 1, count: limit)))
        #expect(String(decoding: fits.body, as: UTF8.self) == "\(limit)")
        let long = try await client.send(
            HTTPRequest(.post, url(server, "/"), body: Array(repeating: 1, count: limit + 1)))
        #expect(long.status == 413)
        await server.stop()
    }

    @Test func `nobody there is known not to have heard it, a server that hangs may have`() async throws {
        let server = try HTTPServer { request in
            if request.path == "/hang" { try? await Task.sleep(for: .seconds(2)) }
            return OutgoingResponse(status: 200, body: Array(repeating: 1, count: 1_000))
        }
        var request = HTTPRequest(.post, url(server, "/hang"))
        request.timeout = .milliseconds(200)
        await #expect { try await client.send(request) } throws: {
            if case HTTPError.unknown = $0 { true } else { false }
        }
        var small = HTTPRequest(.get, url(server, "/"))
        small.bodyLimit = 999
        await #expect { try await client.send(small) } throws: {
            if case HTTPError.unknown(let words) = $0 { words.contains("999") } else { false }
        }
        await server.stop()
        let gone = HTTPRequest(.get, url(server, "/"))
        for bad in [gone, HTTPRequest(.get, "ftp://127.0.0.1/"), HTTPRequest(.get, "nowhere at all")] {
            await #expect { try await client.send(bad) } throws: {
                if case HTTPError.unreachable = $0 { true } else { false }
            }
        }
    }

    @Test func `what is more than the queue takes is refused at once`() async throws {
        let seen = Seen()
        let server = try HTTPServer { _ in
            while !seen.isOpen.load(ordering: .relaxed) { try? await Task.sleep(for: .milliseconds(1)) }
            return OutgoingResponse(status: 200)
        }
        let address = url(server, "/")
        let narrow = HTTPClient(connections: 1, queue: 1)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    do {
                        let status = try await narrow.send(HTTPRequest(.get, address)).status
                        if status == 200 { seen.answered.add(1, ordering: .relaxed) }
                    } catch {
                        if error as? HTTPError == .busy { seen.busy.add(1, ordering: .relaxed) }
                        // The first refusal lets the others go.
                        seen.isOpen.store(true, ordering: .relaxed)
                    }
                }
            }
        }
        let counts = (seen.answered.load(ordering: .relaxed), seen.busy.load(ordering: .relaxed))
        #expect(counts.0 >= 1 && counts.1 >= 1 && counts.0 + counts.1 == 20)
        narrow.close()
        await server.stop()
    }

    @Test func `an address that is taken or none is told in a sentence`() async throws {
        let server = try HTTPServer { _ in OutgoingResponse(status: 200) }
        #expect(throws: HTTPServerError.self) {
            try HTTPServer(port: server.port) { _ in OutgoingResponse(status: 200) }
        }
        #expect(throws: HTTPServerError.self) {
            try HTTPServer(address: "localhost") { _ in OutgoingResponse(status: 200) }
        }
        await server.stop()
    }
}
