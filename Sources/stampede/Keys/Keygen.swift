import ArgumentParser
import Digests
import Glibc
import Wire
import ZeroMQ

struct Keygen: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Make a key pair for a broker, worker, service or operator, or for receipts.",
        discussion: """
            Writes NAME.key, which stays with its owner, and NAME.pub, which is no secret, and prints the line for \
            the brokers' allow-lists. A broker's own key needs no line.

              stampede keygen broker --out keys
              stampede keygen shop --out keys --role service >> allow.list

            With --receipts the pair signs receipts instead: workers get the .key file as --receipt-key, and whoever \
            checks receipts gets the .pub file, which is printed.

              stampede keygen receipts --receipts --out keys
            """)

    @Argument(help: "Who the key is for; letters, digits, dots, dashes and underscores.")
    var name = "stampede"

    @Option(help: ArgumentHelp("The folder for the files.", valueName: "folder"))
    var out: String

    @Option(
        help: ArgumentHelp(
            "What the key may do: service, operator or worker; several with commas.", valueName: "role"))
    var role = "service"

    @Flag(help: "Make a pair that signs receipts, instead of one for connections.")
    var receipts = false

    func run() throws {
        guard name.utf8.allSatisfy(Keygen.isAllowed), !name.hasPrefix("."), 1...64 ~= name.utf8.count else {
            throw Failure(
                .usage,
                "‘\(name)’ is no name for a key: use 1 to 64 letters, digits, dots, dashes and underscores")
        }
        for word in role.split(separator: ",", omittingEmptySubsequences: false)
        where Role(rawValue: String(word)) == nil {
            throw Failure(.usage, "--role is ‘\(role)’: choose one or more of service, operator, worker")
        }
        if receipts { return try makeReceiptKey() }
        let pair: CurveKeyPair
        do throws(ZeroMQError) {
            pair = try CurveKeyPair()
        } catch {
            throw Failure(.refused, "no key can be made: \(error)")
        }
        do throws(SecurityError) {
            try write(pair)
        } catch {
            throw Failure(.refused, error.message)
        }
        Terminal.result("\(role) \(name) \(pair.publicKey)")
    }

    private func makeReceiptKey() throws {
        guard role == "service" else {
            throw Failure(
                .usage, "--role says what a key for connections may do: leave it out with --receipts")
        }
        guard let key = SigningKey() else {
            throw Failure(.refused, "no key can be made: the system gives no random numbers")
        }
        do throws(SecurityError) {
            try write(
                ReceiptKeyFile.text(of: key, name: name), ReceiptKeyFile.text(of: key.publicKey, name: name))
        } catch {
            throw Failure(.refused, error.message)
        }
        Terminal.result("\(key.publicKey)")
    }

    private func write(_ pair: CurveKeyPair) throws(SecurityError) {
        try write(KeyFile.text(of: pair, name: name), KeyFile.text(of: pair.publicKey, name: name))
    }

    private func write(_ both: String, _ publicOnly: String) throws(SecurityError) {
        let path = "\(out.isEmpty ? "." : out)/\(name)"
        // A folder of secrets. One that is there stays as it is.
        mkdir(out, 0o700)
        try SecretFile.create("\(path).key", what: "key file", mode: 0o600, content: both)
        try SecretFile.create("\(path).pub", what: "public key file", mode: 0o644, content: publicOnly)
        Terminal.message("Wrote \(path).key (keep it secret) and \(path).pub")
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
