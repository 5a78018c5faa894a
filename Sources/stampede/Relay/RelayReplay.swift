import ArgumentParser
import FoundationEssentials
import Ledger
import Relay
import Sales

struct RelayReplay: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "replay", abstract: "Have a sink told again, or go on elsewhere.",
        discussion: """
            Moves the sink's place in the ledger; the relay that runs, or the next one, goes on from there. Consumers know \
            what they had by the events' ids and the orders' versions. The tables are rebuilt instead, with \
            `stampede relay rebuild`.
            """)

    @Option(help: ArgumentHelp("Which sink: `stampede relay status` has the names.", valueName: "name"))
    var sink: String

    @Option(
        help: ArgumentHelp(
            "start, end, a time such as 2030-01-31T10:00:00Z or -1h, or with --partition a sequence.",
            valueName: "place"))
    var from: String

    @Option(help: ArgumentHelp("Only this partition.", valueName: "number"))
    var partition: Int?

    @OptionGroup var place: SomeLedger

    func run() throws {
        let settings = try place.settings()
        let start = try start()
        guard sink != "tables" else {
            throw Failure(.usage, "the tables are no stream: rebuild them with `stampede relay rebuild`")
        }
        let partition = try self.partition.map { number throws(Failure) in
            guard let small = Int16(exactly: number), small >= 0 else {
                throw Failure(.usage, "--partition is \(number): give a partition's number, from 0 on")
            }
            return Partition(rawValue: small)
        }
        let dsn = try place.dsn(settings)
        let count: Int
        do throws(LedgerError) {
            count = try RelayLedger(dsn: dsn).replay(sink, from: start, partition: partition)
        } catch {
            throw Failure(error)
        }
        guard count > 0 else { throw RelayFailure.unknownSink(sink) }
        Terminal.result("Moved \(sink) in \(count.counted("partition")).")
    }

    private func start() throws(Failure) -> RelayLedger.Start {
        switch from {
        case "start": return .sequence(1)
        case "end": return .end
        default: break
        }
        if let sequence = Int64(from), sequence > 0 {
            guard partition != nil else {
                throw Failure(
                    .usage, "a sequence means something in one partition only: give --partition, or a time")
            }
            return .sequence(sequence)
        }
        if from.hasPrefix("-"), let seconds = Moment.seconds(from.dropFirst()) {
            return .time(LedgerTime(Date().addingTimeInterval(-Double(seconds))))
        }
        guard let time = try? Moment(from, now: Date()).time else {
            throw Failure(
                .usage,
                "‘\(from)’ is no place: write start, end, -1h, 2030-01-31T10:00:00Z, or with --partition a sequence"
            )
        }
        return .time(time)
    }
}

struct RelayForget: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "forget", abstract: "Forget a sink that no relay tells any more, and its place.")

    @Argument(help: ArgumentHelp("Its name in `stampede relay status`.", valueName: "sink"))
    var sink: String

    @OptionGroup var place: SomeLedger

    func run() throws {
        let dsn = try place.dsn(try place.settings())
        let isKnown: Bool
        do throws(LedgerError) {
            isKnown = try RelayLedger(dsn: dsn).forget(sink)
        } catch {
            throw Failure(error)
        }
        guard isKnown else { throw RelayFailure.unknownSink(sink) }
        Terminal.result("Forgot \(sink).")
    }
}

enum RelayFailure {
    static func unknownSink(_ name: String) -> Failure {
        Failure(
            .refused, "no relay ever told a sink called ‘\(name)’: `stampede relay status` has their names")
    }
}
