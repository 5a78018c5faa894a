// Our Swift client: swift-client ADDRESS WINDOW WARMUP_MS MEASURE_MS
//
// WINDOW tasks call one after the other through one client. Prints one line of JSON.

import BenchMethods
import Client

guard CommandLine.arguments.count == 5, let window = Int(CommandLine.arguments[2]),
    let warmUp = Int(CommandLine.arguments[3]), let measured = Int(CommandLine.arguments[4])
else { fatalError("usage: swift-client ADDRESS WINDOW WARMUP_MS MEASURE_MS") }

/// The latencies, in nanoseconds, of the calls of one task that ended within the measured time.
func call(
    _ client: StampedeClient, from: ContinuousClock.Instant, until: ContinuousClock.Instant
) async throws -> [UInt32] {
    var samples: [UInt32] = []
    samples.reserveCapacity(1 << 12)
    let clock = ContinuousClock()
    var begun = clock.now
    while begun < until {
        let reply = try await client.call(Echo.method, Echo.sample)
        guard reply.data.count == Echo.sample.data.count else {
            fatalError("the echo has \(reply.data.count) bytes")
        }
        let ended = clock.now
        if ended >= from, ended < until { samples.append(Latency.nanoseconds(ended - begun)) }
        begun = ended
    }
    return samples
}

let client = try StampedeClient(brokers: [CommandLine.arguments[1]])
// The first call waits for the connection.
_ = try await client.call(Echo.method, Echo.sample)
let from = ContinuousClock.now + .milliseconds(warmUp)
let samples = try await withThrowingTaskGroup(of: [UInt32].self) { group in
    for _ in 0..<window {
        // They do little but call, so they run where their answers come in.
        group.addTask(executorPreference: client.executor) {
            try await call(client, from: from, until: from + .milliseconds(measured))
        }
    }
    var all: [UInt32] = []
    for try await samples in group { all += samples }
    return all
}
await client.close()

let latency = Latency(samples)
print(
    "{\"calls\": \(samples.count), \"failed\": 0, \"seconds\": \(Double(measured) / 1_000), "
        + "\"p50_us\": \(latency.microseconds(50)), \"p99_us\": \(latency.microseconds(99))}")
