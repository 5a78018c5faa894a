import Wire
public import ZeroMQ

/// Examines a server, a broker or whatever stands in for one, from a client's side: by bare frames, against
/// `PROTOCOL.md`. For authors of a third server, and for every operator who wants to know what answers there.
public struct ServerExam {
    private let endpoint: String
    private let security: SocketSecurity
    private let context = Context()
    private let number: Int64
    private let sellsOrders: Bool

    /// - Parameters:
    ///   - sellsOrders: also creates a sale of three units and buys them, under this number.
    public init(_ endpoint: String, security: SocketSecurity = .none, sellsOrders: Bool, saleNumber: Int64) {
        self.endpoint = endpoint
        self.security = security
        self.sellsOrders = sellsOrders
        number = saleNumber
    }

    struct Check {
        let section: String
        let rule: String
        let run: (Probe) throws(Mismatch) -> Void

        init(_ section: String, _ rule: String, _ run: @escaping (Probe) throws(Mismatch) -> Void) {
            self.section = section
            self.rule = rule
            self.run = run
        }
    }

    /// Runs every check, each in a session of its own, and tells of each as it ends. Ends with the first if nobody
    /// answers.
    public func run(_ tell: (Finding) -> Void) {
        for (index, check) in checks.enumerated() {
            let finding = judge(check)
            tell(finding)
            // Nobody is there: the others would only wait for as long.
            if index == 0, finding.isFailure { return }
        }
        guard sellsOrders else {
            return tell(Finding("Methods", "Orders are placed once", .notSeen("no orders were asked for")))
        }
        for check in orderChecks(sale: number) { tell(judge(check)) }
    }

    private func judge(_ check: Check) -> Finding {
        do throws(Mismatch) {
            try check.run(try Probe(endpoint, security, context))
            return Finding(check.section, check.rule, .passed)
        } catch {
            return Finding(check.section, check.rule, .failed(error.seen))
        }
    }

    private var checks: [Check] { sessionChecks + frameChecks + callChecks + streamChecks + reflectionChecks }
}

// MARK: Sessions and frames

extension ServerExam {
    private var sessionChecks: [Check] {
        [
            Check("Sessions", "A PING is answered by a PONG of the same number") { probe throws(Mismatch) in
                try expect(probe.isAlive(), "no PONG")
            },
            Check("Sessions", "PINGs are answered in their order") { probe throws(Mismatch) in
                var ping = Header(.ping)
                for number in 1...20 {
                    ping.callID = UInt64(number)
                    probe.send(Frame.encode(ping))
                }
                try expect(probe.next(.pong, 20) != nil, "no PONG for the last of twenty")
                let numbers = probe.leftovers().filter { $0.header.kind == .pong }.map(\.header.callID)
                try expect(numbers == Array(1...19), "PONGs \(numbers)")
            },
        ]
    }

    private static let hostileFrames: [(name: String, frame: [UInt8])] = {
        func frame(_ offset: Int, _ value: UInt8, of kind: Header.Kind = .call) -> [UInt8] {
            var header = Header(kind)
            header.flags = .end
            header.callID = 1
            header.method = MethodID("health.check")
            var frame = Frame.encode(header, body: [0x80])
            frame[offset] = value
            return frame
        }
        return [
            ("nothing", []), ("63 bytes", Array(frame(0, 0x53).prefix(63))),
            ("another magic", frame(0, 0x54)),
            ("another version", frame(1, 9)), ("an unknown kind", frame(2, 0x7f)),
            ("a reserved flag", frame(3, 0x81)), ("metadata beyond the end", frame(5, 0xff)),
            ("an unknown priority", frame(6, 9)), ("a reserved byte", frame(44, 1)),
            ("a call named zero", frame(8, 0)), ("a RESULT", frame(8, 1, of: .result)),
            ("a READY", frame(8, 1, of: .ready)), ("an OWN", frame(8, 1, of: .own)),
            ("a BEAT", frame(8, 1, of: .beat)),
            ("a DESCRIBE", frame(8, 1, of: .describe)), ("a RETURN", frame(8, 1, of: .returned)),
        ]
    }()

    private var frameChecks: [Check] {
        let hostile = ServerExam.hostileFrames.map { name, frame in
            Check("Limits", "\(name.capitalizedFirst) is dropped, and the session goes on") {
                probe throws(Mismatch) in
                probe.send(frame)
                try expect(probe.isAlive(), "the session does not answer any more")
                try expect(probe.leftovers().isEmpty, "an answer: \(probe.leftovers()[0].summary)")
            }
        }
        let several = Check(
            "Sockets and frames", "A message of two frames is dropped, and the session goes on"
        ) {
            probe throws(Mismatch) in
            let header = probe.header("health.check")
            probe.send(first: Frame.encode(header), second: [0x80])
            try expect(probe.isAlive(), "the session does not answer any more")
            try expect(probe.leftovers().isEmpty, "an answer: \(probe.leftovers().first?.summary ?? "")")
        }
        return hostile + [several]
    }
}

// MARK: Calls

extension ServerExam {
    private var callChecks: [Check] {
        [
            Check("How a call ends", "An unknown method is unimplemented, and certainly did not run") {
                probe throws(Mismatch) in
                try probe.call("conformance.no_such_method").isFailure(.unimplemented, .notExecuted)
            },
            Check("How a call ends", "A hundred calls have exactly one RESULT each") {
                probe throws(Mismatch) in
                let headers = (0..<100).map { _ in probe.header("health.check") }
                for header in headers { probe.send(Frame.encode(header, body: [0x80])) }
                for header in headers { _ = try probe.answer(to: header).isOK() }
                try expect(probe.isAlive(), "no PONG")
                try expect(probe.leftovers().isEmpty, "\(probe.leftovers().count) more messages")
            },
            Check("How a call ends", "Two sessions may use the same call id") { probe throws(Mismatch) in
                let other = try Probe(self.endpoint, self.security, self.context)
                let header = probe.header("health.check")
                probe.send(Frame.encode(header, body: [0x80]))
                other.send(Frame.encode(header, body: [0x80]))
                _ = try probe.answer(to: header).isOK()
                _ = try other.answer(to: header).isOK()
            },
            Check("Limits", "A body that cannot be read is refused as malformed") { probe throws(Mismatch) in
                let header = probe.header("health.check")
                probe.send(Frame.encode(header, body: [0xc1]))
                try probe.answer(to: header).isFailure(.invalidArgument, .notExecuted, .malformed)
            },
            Check("How it may change", "Unknown fields of a body are skipped") { probe throws(Mismatch) in
                let body: MessagePackValue = ["newer": [["a": 1], 2, nil], "service": "health"]
                let health = try probe.call("health.check", body).isOK()
                try expect(health["service"] == "health", "another service")
            },
            Check("Metadata", "A call may carry metadata") { probe throws(Mismatch) in
                var metadata = Metadata()
                metadata[text: "traceparent"] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
                let header = probe.header("health.check")
                guard let frame = try? Frame.encode(header, metadata: metadata, body: [0x80]) else {
                    preconditionFailure("one pair is metadata")
                }
                probe.send(frame)
                _ = try probe.answer(to: header).isOK()
            },
            Check("Methods", "A partition that does not exist is a wrong route") { probe throws(Mismatch) in
                var header = probe.header("sale.list", flags: [.end, .keyed, .partition])
                header.routing.sale = 40_000
                try probe.call(header, ["partition": 40_000]).isFailure(
                    .invalidArgument, .notExecuted, .wrongRoute)
            },
            Check("Methods", "Only workers may move partitions") { probe throws(Mismatch) in
                var header = probe.header("partition.yield", flags: [.end, .keyed, .partition])
                header.routing.sale = 0
                try probe.call(header, ["partition": 0, "successor": "x"]).isFailure(
                    .permissionDenied, .notExecuted)
            },
            Check("Cancelling", "A CANCEL for no call is dropped") { probe throws(Mismatch) in
                var header = Header(.cancel)
                header.callID = 4_711
                probe.send(Frame.encode(header))
                try expect(probe.isAlive() && probe.leftovers().isEmpty, "an answer, or no session")
            },
        ]
    }

    // MARK: Streams

    /// Opens a watch and returns its call and the first item.
    private func watch(_ probe: Probe) throws(Mismatch) -> (Header, Probe.Received) {
        var header = probe.header("health.watch", flags: [.end, .stream])
        header.milliseconds = 0
        probe.send(Frame.encode(header, body: [0x80]))
        guard let item = probe.next(.data, header.callID) else {
            throw Mismatch(probe.next(.result, header.callID, within: .milliseconds(1))?.summary ?? "no DATA")
        }
        return (header, item)
    }

    private var streamChecks: [Check] {
        [
            Check("Streams", "A watch begins with an item numbered 0") { probe throws(Mismatch) in
                let (_, item) = try self.watch(probe)
                try expect(item.header.sequence == 0, "the number \(item.header.sequence)")
                guard case .string? = try item.body()["status"] else {
                    throw Mismatch("an item without `status`")
                }
            },
            Check("Cancelling", "CANCEL ends a stream with the status cancelled") { probe throws(Mismatch) in
                var (header, _) = try self.watch(probe)
                header.kind = .cancel
                header.flags = .end
                probe.send(Frame.encode(header))
                try probe.answer(to: header).isFailure(.cancelled)
            },
            Check("Streams", "An item after the caller's end breaks the stream") { probe throws(Mismatch) in
                var (header, _) = try self.watch(probe)
                header.kind = .data
                header.flags = []
                probe.send(Frame.encode(header, body: [0x80]))
                try probe.answer(to: header).isFailure(.internal, nil, .flowControl)
            },
            Check("Streams", "A stream ends at its deadline") { probe throws(Mismatch) in
                var header = probe.header("health.watch", flags: [.end, .stream])
                header.milliseconds = 300
                probe.send(Frame.encode(header, body: [0x80]))
                try probe.answer(to: header).isFailure(.deadlineExceeded)
            },
            Check("Streams", "A streaming method is not called without the flag stream") {
                probe throws(Mismatch) in
                let answer = try probe.call("health.watch")
                try expect(answer.header.status == .invalidArgument, answer.summary)
            },
            Check("Streams", "A stream of an unknown method is unimplemented") { probe throws(Mismatch) in
                try probe.call(probe.header("conformance.none", flags: [.end, .stream]))
                    .isFailure(.unimplemented, .notExecuted)
            },
            Check("Streams", "DATA and CREDIT for no stream are dropped") { probe throws(Mismatch) in
                for kind in [Header.Kind.data, .credit] {
                    var header = Header(kind)
                    header.callID = 4_711
                    header.sequence = 1
                    probe.send(Frame.encode(header, body: kind == .data ? [0x80] : []))
                }
                try expect(probe.isAlive() && probe.leftovers().isEmpty, "an answer, or no session")
            },
        ]
    }

    // MARK: Reflection

    private var reflectionChecks: [Check] {
        [
            Check("Methods", "Every method that is listed is described") { probe throws(Mismatch) in
                guard case .array(let methods)? = try probe.call("reflection.list").isOK()["methods"] else {
                    throw Mismatch("a list without `methods`")
                }
                try expect(!methods.isEmpty, "an empty list")
                for method in methods {
                    guard case .string(let name)? = method["name"] else {
                        throw Mismatch("one without `name`")
                    }
                    let described = try probe.call("reflection.describe", ["method": .string(name)]).isOK()
                    try expect(described["name"] == .string(name), "another description for \(name)")
                    guard case .array? = described["types"], case .string? = described["kind"] else {
                        throw Mismatch("a description of \(name) without `types` or `kind`")
                    }
                }
            },
            Check("Methods", "A method that is not there is not described") { probe throws(Mismatch) in
                try probe.call("reflection.describe", ["method": "conformance.none"]).isFailure(.notFound)
            },
            Check("Methods", "A service that is not there is unknown") { probe throws(Mismatch) in
                let health = try probe.call("health.check", ["service": "conformance.none"]).isOK()
                try expect(health["status"] == "unknown", "another status")
            },
        ]
    }
}

extension String {
    fileprivate var capitalizedFirst: String { prefix(1).uppercased() + dropFirst() }
}
