// Our Swift worker: swift-worker BROKER
//
// Serves `bench.echo` until it is terminated.

import BenchMethods
import Service

guard CommandLine.arguments.count == 2 else { fatalError("usage: swift-worker BROKER") }

var service = Service("bench")
service.unaryInline("echo", about: "Returns its request.") { (request: Echo, _) in request }
var configuration = HostConfiguration()
// A window of 1,024 and some: what is beyond the credit is refused.
configuration.calls = [8_192, 256, 16]
try await ServiceHost(
    name: "bench-swift", services: [service], brokers: [CommandLine.arguments[1]],
    configuration: configuration
).run()
