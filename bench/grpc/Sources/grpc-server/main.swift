// The server: grpc-server PORT COALESCE
//
// COALESCE is 1 to let the transport gather writes (its default), 0 to flush each.

import EchoService
import GRPCCore
import GRPCNIOTransportHTTP2

guard CommandLine.arguments.count == 3, let port = Int(CommandLine.arguments[1]),
    let coalesce = Int(CommandLine.arguments[2])
else { fatalError("usage: grpc-server PORT COALESCE") }

let transport = HTTP2ServerTransport.Posix(
    address: .ipv4(host: "127.0.0.1", port: port), transportSecurity: .plaintext,
    config: .defaults { config in
        // Windows of up to 1,024 calls travel on one connection.
        config.http2.maxConcurrentStreams = 4_096
        config.http2.targetWindowSize = 1 << 20
        if coalesce == 0 { config.connection.flushCoalescing = nil }
    })
try await GRPCServer(transport: transport, services: [Echo.Server()]).serve()
