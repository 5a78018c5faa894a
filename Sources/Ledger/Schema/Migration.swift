/// One numbered step of the schema, as embedded in this binary.
struct Migration {
    let number: Int32
    let name: String
    let sql: String

    /// In order, from 1, without gaps. A step that has been released is never edited; the next one changes it.
    static let all = [
        Migration(number: 1, name: "ledger", bytes: PackageResources._001_ledger_sql),
        Migration(number: 2, name: "locks", bytes: PackageResources._002_locks_sql),
        Migration(number: 3, name: "order-life", bytes: PackageResources._003_order_life_sql),
        Migration(number: 4, name: "waiting-list", bytes: PackageResources._004_waiting_list_sql),
        Migration(number: 5, name: "notifications", bytes: PackageResources._005_notifications_sql),
        Migration(number: 6, name: "relay", bytes: PackageResources._006_relay_sql),
        Migration(number: 7, name: "receipts", bytes: PackageResources._007_receipts_sql),
    ]

    private init(number: Int32, name: String, bytes: [UInt8]) {
        self.number = number
        self.name = name
        sql = String(decoding: bytes, as: UTF8.self)
    }

    /// Tells an edited text from the one that was applied. Guards against accidents, not against malice.
    ///
    /// FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/
    var checksum: String {
        let hash = sql.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// Those of our steps that the database does not have yet.
    ///
    /// - Parameter applied: what `stampede.migrations` holds, by number.
    /// - Throws: `LedgerError.Code.schema` if the database is newer than this binary, or has another text.
    static func missing(
        from applied: [(number: Int32, checksum: String)], address: String
    ) throws(LedgerError) -> [Migration] {
        for (number, checksum) in applied {
            guard let own = all.first(where: { $0.number == number }) else {
                throw LedgerError(
                    .schema,
                    "the ledger at \(address) has schema \(number), this binary knows only \(all.count);"
                        + " run a newer stampede")
            }
            guard own.checksum == checksum else {
                throw LedgerError(
                    .schema,
                    "migration \(number) of the ledger at \(address) was applied with another text (\(checksum),"
                        + " here \(own.checksum)); run the stampede that made it, or restore the file")
            }
        }
        return all.filter { own in !applied.contains { $0.number == own.number } }
    }
}
