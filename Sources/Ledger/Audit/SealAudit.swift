import Digests
import Receipts
import Sales

/// Computes every seal anew from the entries, follows the chain of each partition, and checks every signature. Needs no
/// more memory for a large ledger than for a small one.
struct SealAudit {
    /// What a check found: how often, and up to five times what.
    private struct Findings {
        var rows = 0
        var count = 0
        var examples: [String] = []

        mutating func add(_ text: String) {
            count += 1
            if examples.count < 5 { examples.append(text) }
        }
    }

    /// A batch, and its seal if it has one.
    private struct Row {
        let number: Int64
        let first: Int64
        let last: Int64
        let seal: SealedBatch?
        /// As they stand beside the seal.
        let digest: Digest
        let sealedNumber: Int64
    }

    private let connection: BlockingConnection
    private let keys: [KeyID: PublicKey]
    /// Whoever audits has named the keys: then all that has a seal must be signed with one of them.
    private let areKeysGiven: Bool
    private var roots = Findings()
    private var chain = Findings()
    private var signatures = Findings()
    /// Transactions of several batches whose signature was right: it is met again in other partitions.
    private var vouched: Set<[UInt8]> = []

    private static let batchesPerPage = 2_000
    private static let entriesPerPage = 20_000
    private static let mostVouched = 100_000

    /// - Parameter keys: those that are trusted; nil for those that the ledger lists.
    init(_ connection: BlockingConnection, trusting keys: [PublicKey]?) throws(LedgerError) {
        self.connection = connection
        areKeysGiven = keys != nil
        var trusted = keys ?? []
        if keys == nil {
            let rows = try connection.read("SELECT public FROM stampede.receipt_keys")
            trusted = (0..<rows.count).compactMap { PublicKey(bytes: rows.bytes($0, 0)) }
        }
        self.keys = Dictionary(trusted.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    mutating func run() throws(LedgerError) -> [AuditReport.Check] {
        let partitions = try connection.read(
            "SELECT partition FROM stampede.partitions UNION SELECT DISTINCT partition FROM stampede.seals ORDER BY 1"
        )
        for row in 0..<partitions.count {
            try walk(Partition(rawValue: partitions.integer(row, 0)))
        }
        try findOrphans()
        return [
            check("Every batch has the entries that its seal was made of.", roots),
            check("Every seal names the one before it; none was changed, put in or taken away.", chain),
            check(
                areKeysGiven
                    ? "Every seal is signed with a key that was given."
                    : "Every signature is right, by the keys that the ledger lists.", signatures),
        ]
    }

    private func check(_ sentence: String, _ findings: Findings) -> AuditReport.Check {
        AuditReport.Check(
            promise: "receipts", sentence: sentence, violations: findings.count, examples: findings.examples,
            rows: findings.rows)
    }

    // MARK: A partition

    private mutating func walk(_ partition: Partition) throws(LedgerError) {
        var previous: Digest?
        var isSigned = false
        var after: Int64 = -1
        while true {
            let page = try batches(of: partition, after: after)
            guard let last = page.last else { return }
            for row in page {
                judgeLink(row, partition, &previous)
                if let seal = row.seal { judgeSignature(seal, partition, &isSigned) }
            }
            try judgeRoots(page, partition)
            after = last.number
        }
    }

    private func batches(of partition: Partition, after number: Int64) throws(LedgerError) -> [Row] {
        let rows = try connection.read(
            """
            SELECT s.system, s.timeline, b.fence, b.batch, b.first, b.last, s.place, s.size, s.previous, s.root,
                s.siblings, s.signature, s.key, s.digest, s.batch
            FROM (SELECT * FROM stampede.batches WHERE partition = \(partition) AND batch > \(number)
                  ORDER BY batch LIMIT \(Self.batchesPerPage)) b
            LEFT JOIN stampede.seals s ON s.partition = b.partition AND s.last = b.last
            ORDER BY b.batch
            """)
        return (0..<rows.count).map { row in
            let isSealed = !rows.isNull(row, 0)
            return Row(
                number: rows.integer(row, 3), first: rows.integer(row, 4), last: rows.integer(row, 5),
                seal: isSealed ? rows.sealedBatch(row, partition) : nil,
                digest: (isSealed ? rows.digest(row, 13) : nil) ?? .zero,
                sealedNumber: isSealed ? rows.integer(row, 14) : 0)
        }
    }

    /// The seal follows the one before. What is named as the one before goes on counting, so that one break is told once.
    private mutating func judgeLink(_ row: Row, _ partition: Partition, _ previous: inout Digest?) {
        let name = "partition \(partition), batch \(row.number)"
        guard let seal = row.seal else {
            if previous != nil { chain.add("\(name): has no seal, though one before it has") }
            return
        }
        chain.rows += 1
        if row.sealedNumber != row.number || seal.header.digest != row.digest {
            chain.add(
                "\(name): is not what was sealed: its number, fence, range, root or the batch before was changed"
            )
        } else if seal.header.previous != previous ?? .zero {
            chain.add(
                "\(name): names another batch before it: that was changed, or one was put in or taken away")
        }
        previous = row.digest
    }

    private mutating func judgeSignature(
        _ seal: SealedBatch, _ partition: Partition, _ isSigned: inout Bool
    ) {
        let name = "partition \(partition), batch \(seal.header.batch)"
        guard let signature = seal.signature else {
            if areKeysGiven || isSigned {
                signatures.rows += 1
                signatures.add("\(name): is not signed")
            }
            return
        }
        isSigned = true
        signatures.rows += 1
        guard let key = keys[signature.key] else {
            return signatures.add("\(name): is signed with the key \(signature.key), which is not trusted")
        }
        guard
            let root = MerkleTree.root(
                from: seal.header.digest, at: seal.place, of: seal.size, along: seal.siblings)
        else { return signatures.add("\(name): is not in the transaction that was signed") }
        let message = TransactionTree.message(root: root, size: seal.size)
        let proof = message + signature.signature.bytes + signature.key.bytes
        if vouched.contains(proof) { return }
        guard key.verifies(signature.signature, of: message) else {
            return signatures.add("\(name): its signature is not that of the key \(signature.key) over it")
        }
        guard seal.size > 1 else { return }
        if vouched.count >= Self.mostVouched { vouched.removeAll(keepingCapacity: true) }
        vouched.insert(proof)
    }

    // MARK: Entries

    /// Builds the tree of each batch of a page from the entries in its range.
    private mutating func judgeRoots(_ page: [Row], _ partition: Partition) throws(LedgerError) {
        let sealed = page.filter { $0.seal != nil }
        guard let end = sealed.last?.last, var after = sealed.first.map({ $0.first - 1 }) else { return }
        var writer = LeafWriter()
        var tree = MerkleTree.Accumulator()
        var unreadable: String?
        var next = 0
        func finish(_ row: Row, _ roots: inout Findings) {
            roots.rows += 1
            let name = "partition \(partition), batch \(row.number)"
            if let unreadable {
                roots.add("\(name): \(unreadable)")
            } else if tree.root != row.seal?.header.root || Int64(tree.count) != row.last - row.first + 1 {
                roots.add(
                    "\(name): an entry from \(row.first) to \(row.last) was changed, moved, put in or taken away"
                )
            }
            tree = MerkleTree.Accumulator()
            unreadable = nil
        }
        while after < end {
            let rows = try connection.read(
                """
                SELECT seq, sale, buyer, amount, at, key, quantity, kind, lane, terms, coalesce(about, 0), note
                FROM stampede.ledger
                WHERE partition = \(partition) AND seq > \(after) AND seq <= \(end)
                ORDER BY seq LIMIT \(Self.entriesPerPage)
                """)
            guard rows.count > 0 else { break }
            for row in 0..<rows.count {
                let sequence: Int64 = rows.integer(row, 0)
                after = sequence
                while next < sealed.count, sequence > sealed[next].last {
                    finish(sealed[next], &roots)
                    next += 1
                }
                guard next < sealed.count, sequence >= sealed[next].first else { continue }
                do throws(LedgerError) {
                    tree.append(writer.digest(try rows.entry(row, partition), of: partition))
                } catch {
                    unreadable = error.message
                }
            }
        }
        while next < sealed.count {
            finish(sealed[next], &roots)
            next += 1
        }
    }

    /// Seals whose batch is gone.
    private mutating func findOrphans() throws(LedgerError) {
        let rows = try connection.read(
            """
            SELECT s.partition, s.batch FROM stampede.seals s
            LEFT JOIN stampede.batches b ON b.partition = s.partition AND b.batch = s.batch AND b.last = s.last
            WHERE b.batch IS NULL ORDER BY s.partition, s.batch LIMIT 1000
            """)
        for row in 0..<rows.count {
            let (partition, batch): (Int16, Int64) = (rows.integer(row, 0), rows.integer(row, 1))
            chain.add("partition \(partition), batch \(batch): has a seal, and is not there")
        }
    }
}
