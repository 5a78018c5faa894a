// The client: grpc-client PORT COALESCE CONNECTIONS WINDOW WARMUP_MS MEASURE_MS
//
// WINDOW tasks call one after the other, spread over the connections. Prints one line of JSON.

import EchoService
import GRPCCore
import GRPCNIOTransportHTTP2

let numbers = CommandLine.arguments.dropFirst().compactMap { Int($0) }
guard numbers.count == 6 else {
    fatalError("usage: grpc-client PORT COALESCE CONNECTIONS WINDOW WARMUP_MS MEASURE_MS")
}
let (port, coalesce, connections, window) = (numbers[0], numbers[1], numbers[2], numbers[3])
let (warmUp, measured) = (Duration.milliseconds(numbers[4]), Duration.milliseconds(numbers[5]))

func makeClient() throws -> GRPCClient<HTTP2ClientTransport.Posix> {
    GRPCClient(
        transport: try HTTP2ClientTransport.Posix(
            target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .plaintext,
            config: .defaults { config in
                config.http2.targetWindowSize = 1 << 20
                if coalesce == 0 { config.connection.flushCoalescing = nil }
            }))
}

/// What one task has seen: latencies in nanoseconds of the calls that ended within the measured time.
func call(
    _ client: GRPCClient<HTTP2ClientTransport.Posix>, from: ContinuousClock.Instant,
    until: ContinuousClock.Instant
) async throws -> [UInt32] {
    let body = [UInt8](repeating: 7, count: 64)
    var samples: [UInt32] = []
    samples.reserveCapacity(1 << 12)
    let clock = ContinuousClock()
    while true {
        let begun = clock.now
        if begun >= until { return samples }
        let echoed = try await client.unary(
            request: ClientRequest(message: body), descriptor: Echo.method,
            serializer: Echo.Codec(), deserializer: Echo.Codec(), options: .defaults
        ) { try $0.message }
        guard echoed.count == body.count else { fatalError("the echo has \(echoed.count) bytes") }
        let ended = clock.now
        if ended >= from, ended < until {
            samples.append(UInt32(clamping: (ended - begun).attoseconds / 1_000_000_000))
        }
    }
}

extension Duration {
    var attoseconds: Int64 {
        Int64(clamping: components.seconds) * 1_000_000_000_000_000_000 + components.attoseconds
    }
}

let clients = try (0..<connections).map { _ in try makeClient() }
let from = ContinuousClock.now + warmUp
let connecting = clients.map { client in Task { try await client.runConnections() } }
let samples = try await withThrowingTaskGroup(of: [UInt32].self) { group in
    for index in 0..<window {
        group.addTask { try await call(clients[index % connections], from: from, until: from + measured) }
    }
    var all: [UInt32] = []
    for try await samples in group { all += samples }
    return all
}
for client in clients { client.beginGracefulShutdown() }
for task in connecting { try await task.value }

let latency = Latency(samples)
print(
    "{\"calls\": \(samples.count), \"failed\": 0, \"seconds\": \(Double(numbers[5]) / 1_000), "
        + "\"p50_us\": \(latency.microseconds(50)), \"p99_us\": \(latency.microseconds(99))}")
