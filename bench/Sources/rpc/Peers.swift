/// The floor, our broker and the echo, all running, and the clients to measure them with.
struct ForwardingPeers {
    let floor: Subject
    let broker: Subject
    /// Our Swift client, with a worker in C and with one in Swift.
    let swiftClient: Subject
    let endToEnd: Subject
    let echo: Subject
    let refusals: Subject
    /// Kept running for as long as the subjects are measured.
    private let processes: [Peer]

    init(_ options: Options, _ programs: String, _ meeting: Meeting) throws {
        let peers = programs + "/peers"
        let floorClients = try meeting.endpoint(), floorWorkers = try meeting.endpoint()
        let forwarder = try Peer("forwarder", peers, ["forwarder", floorClients, floorWorkers])
        let floorWorker = try Peer("floor worker", peers, ["worker", floorWorkers])

        let clients = try meeting.endpoint(), workers = try meeting.endpoint()
        let broker = try Peer("broker", options.stampede, Bench.brokerArguments(clients, workers))
        let worker = try Peer("worker", peers, ["worker", workers])

        let ownClients = try meeting.endpoint(), ownWorkers = try meeting.endpoint()
        let ownBroker = try Peer("broker", options.stampede, Bench.brokerArguments(ownClients, ownWorkers))
        let swiftWorker = try Peer("Swift worker", programs + "/swift-worker", [ownWorkers])

        let echoEndpoint = try meeting.endpoint()
        let echo = try Peer("echo", peers, ["echo", echoEndpoint])
        processes = [forwarder, floorWorker, broker, worker, ownBroker, swiftWorker, echo]

        let processes = processes
        func subject(_ name: String, _ endpoint: String, _ flags: [String], _ middle: Peer) -> Subject {
            Subject(
                name: name, program: peers,
                arguments: {
                    [
                        "client", endpoint, "--window", String($0), "--warmup", String($1), "--measure",
                        String($2),
                    ] + flags
                }, middle: middle, peers: processes)
        }
        floor = subject("C client, C forwarder, C worker", floorClients, [], forwarder)
        self.broker = subject("C client, our broker, C worker", clients, [], broker)
        self.echo = subject("C client, C ROUTER echo", echoEndpoint, ["--place", "--echo"], echo)
        refusals = subject("C client, our broker's gate", clients, ["--place"], broker)
        swiftClient = Subject(
            name: "Swift client, our broker, C worker", program: programs + "/swift-client",
            arguments: { [clients, String($0), String($1), String($2)] }, middle: broker, peers: processes)
        endToEnd = Subject(
            name: "Swift client, our broker, Swift worker", program: programs + "/swift-client",
            arguments: { [ownClients, String($0), String($1), String($2)] }, middle: ownBroker,
            peers: processes)
        for endpoint in [floorClients, clients, ownClients] { try Bench.waitUntilServed(peers, endpoint) }
    }
}

/// A server of grpc-swift 2.
struct GRPCServer {
    let coalesces: Bool
    private let folder: String
    private let port: UInt16
    private let process: Peer

    init(folder: String, coalesces: Bool) throws {
        self.folder = folder
        self.coalesces = coalesces
        port = try Meeting.freePort()
        process = try Peer("grpc server", folder + "/grpc-server", [String(port), coalesces ? "1" : "0"])
        try Meeting.waitUntilOpen(port)
    }

    func subject(connections: Int) -> Subject {
        let coalescing = coalesces ? "1" : "0"
        return Subject(
            name: "grpc-swift 2, \(connections) connection(s), coalescing \(coalescing)",
            program: folder + "/grpc-client",
            arguments: {
                [String(port), coalescing, String(connections), String($0), String($1), String($2)]
            },
            middle: nil, peers: [process])
    }
}
