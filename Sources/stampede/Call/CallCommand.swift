import ArgumentParser
import Client
import Methods
import Sales
import Wire

struct CallCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call", abstract: "Call any method that the cluster's workers describe.",
        discussion: """
            stampede call --list                     the methods there are
            stampede call --describe order.place     the fields of one
            stampede call sale.get '{"sale": 7}'     a call; the reply is printed as JSON

            Keys are written as UUIDs, times as 2030-01-31T10:00:00Z, binary as hexadecimal digits. A field \
            `key` that is left out gets a random one, which is printed before the request is sent.
            """)

    @Argument(help: ArgumentHelp("The method's name, as in sale.get.", valueName: "method"))
    var method: String?

    @Argument(help: ArgumentHelp("The request, a JSON object. (default: {})", valueName: "json"))
    var request: String?

    @Flag(help: "List the methods there are.")
    var list = false

    @Option(help: ArgumentHelp("Show the fields of a method.", valueName: "method"))
    var describe: String?

    @OptionGroup var calling: CallingOptions

    func run() throws {
        let asked = (list ? 1 : 0) + (describe == nil ? 0 : 1) + (method == nil ? 0 : 1)
        guard asked == 1 else {
            throw Failure(
                .usage,
                "give one of a method to call, --list, or --describe METHOD: `stampede call --list` shows what "
                    + "there is")
        }
        if list {
            try listMethods()
        } else if let describe {
            try describeMethod(describe)
        } else if let method {
            try call(method)
        }
    }

    private func listMethods() throws {
        let json = calling.json
        try calling.run(CallContext(isRead: true)) { client, options in
            let methods = try await client.call(ReflectionMethods.list, Empty(), options: options).methods
            if json {
                Terminal.result(JSON.array(methods.map(\.json)).text)
            } else {
                Terminal.result(MethodListing(methods).text)
            }
        }
    }

    private func describeMethod(_ name: String) throws {
        let json = calling.json
        try calling.run(CallContext(isRead: true)) { client, options in
            let description = try await CallCommand.describe(name, client, options)
            Terminal.result(json ? description.json.text : description.text)
        }
    }

    private func call(_ name: String) throws {
        let request = request ?? "{}"
        let settle = SettleHint(calling.cluster)
        try calling.run { client, options in
            let description = try await CallCommand.describe(name, client, options)
            let types = TypeBook(description)
            let (value, madeKey) = try types.request(fromJSON: request)
            if let madeKey { Terminal.message("Request key \(madeKey.text)") }
            let call = try AnyRequest(value, description)
            do {
                try await call.perform(client, options) { reply in
                    Terminal.result(types.json(reply, as: description.reply).text)
                }
            } catch let error as CallError where error.certainty == .maybeExecuted {
                throw Failure(error, brokers: client.brokers, settle.context(for: description, value))
            }
        }
    }

    /// What the cluster says of a method.
    private static func describe(
        _ name: String, _ client: StampedeClient, _ options: CallOptions
    ) async throws -> MethodDescription {
        do {
            return try await client.call(
                ReflectionMethods.describe, DescribeMethod(method: name), options: options)
        } catch {
            guard error.status == .notFound else { throw error }
            throw Failure(
                .refused, "there is no method ‘\(name)’: `stampede call --list` shows all there are")
        }
    }
}

/// The command that ends an unknown outcome, when there is one.
private struct SettleHint: Sendable {
    private let cluster: ClusterOptions
    init(_ cluster: ClusterOptions) { self.cluster = cluster }

    func context(for description: MethodDescription, _ request: MessagePackValue) -> CallContext {
        guard description.name == OrderMethods.place.name, case .int(let sale)? = request["sale"],
            case .int(let buyer)? = request["buyer"], case .binary(let bytes)? = request["key"]
        else { return CallContext() }
        let (saleID, buyerID) = (SaleID(rawValue: sale), BuyerID(rawValue: buyer))
        return CallContext(
            sale: saleID, settle: cluster.settleCommand(saleID, buyerID, RequestKey(bytes: bytes)))
    }
}
