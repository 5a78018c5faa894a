public import Client
import Methods
import Sales
import Wire

/// Compares every charge at the provider with the order that it is for.
public struct Reconciler: Sendable {
    public struct Report: Hashable, Sendable {
        public var charges = 0
        public var matched = 0
        /// Attempts that the payments process has still to see to.
        public var open = 0
        /// What belongs to nothing; at most `mostFindings` are kept.
        public var findings: [Reconciliation.Finding] = []
        public var findingCount = 0

        public static let mostFindings = 1_000
        public var isClean: Bool { findingCount == 0 && open == 0 }

        mutating func add(_ finding: Reconciliation.Finding) {
            findingCount += 1
            if findings.count < Report.mostFindings { findings.append(finding) }
        }
    }

    public enum Problem: Error, Hashable, Sendable {
        case provider(ProviderError)
        case owner(CallError)
        /// No broker knows how many partitions there are.
        case noCluster
    }

    private let owners: any OrderOwners
    private let provider: any PaymentProvider

    public init(owners: any OrderOwners, provider: any PaymentProvider) {
        self.owners = owners
        self.provider = provider
    }

    private static let page = 200

    /// Looks at all charges. What does not match is looked at once more, after what the ledger has open was asked for: payments
    /// go on meanwhile.
    public func run() async throws(Problem) -> Report {
        var report = Report()
        var suspects: [Charge] = []
        var cursor: String?
        repeat {
            let page = try await asking { () async throws(ProviderError) in
                try await provider.charges(after: cursor, limit: Reconciler.page)
            }
            for charge in page.charges {
                report.charges += 1
                switch Reconciliation.judge(charge, try await order(of: charge), isUnsettled: false) {
                case .matches: report.matched += 1
                case .open, .differs: suspects.append(charge)
                }
            }
            cursor = page.next
        } while cursor != nil
        let unsettled = try await unsettled()
        report.open = unsettled.count
        for suspect in suspects {
            let charge = try await asking { () async throws(ProviderError) in
                try await provider.find(suspect.attempt)
            }
            guard let charge else {
                report.add(
                    .init(charge: suspect, sentence: "the provider lists a charge that it does not find"))
                continue
            }
            let order = try await order(of: charge)
            let isUnsettled = unsettled.contains(charge.attempt)
            switch Reconciliation.judge(charge, order, isUnsettled: isUnsettled) {
            case .matches: report.matched += 1
            case .open: if !isUnsettled { report.open += 1 }
            case .differs(let sentence): report.add(.init(charge: charge, sentence: sentence))
            }
        }
        return report
    }

    private func order(of charge: Charge) async throws(Problem) -> Order? {
        guard let id = charge.order else { return nil }
        do throws(CallError) {
            return try await owners.order(id)
        } catch {
            if error.reason == .unknownOrder { return nil }
            throw .owner(error)
        }
    }

    private func unsettled() async throws(Problem) -> Set<RequestKey> {
        guard let count = await owners.partitionCount() else { throw .noCluster }
        var attempts: Set<RequestKey> = []
        do throws(CallError) {
            for number in 0..<count {
                try await owners.eachUnsettled(of: Partition(rawValue: Int16(number))) { payment in
                    attempts.insert(payment.attempt)
                    return true
                }
            }
        } catch {
            throw .owner(error)
        }
        return attempts
    }

    private func asking<Value: Sendable>(
        _ body: () async throws(ProviderError) -> Value
    ) async throws(Problem) -> Value {
        do throws(ProviderError) { return try await body() } catch { throw .provider(error) }
    }
}
