import Methods
import Sales
import Wire

/// What a client wants done. It asks until it knows how it ended.
package struct Job: Codable, Hashable, Sendable {
    package enum Wish: Codable, Hashable, Sendable {
        case place(partition: Int, buyer: Int64, quantity: Int32, key: UInt64)
        case wait(partition: Int, buyer: Int64, quantity: Int32, key: UInt64)
        case settle(partition: Int, buyer: Int64, key: UInt64)
        case addUnits(partition: Int, units: Int32, key: UInt64)
        case openSale(partition: Int, key: UInt64)
        case closeSale(partition: Int, key: UInt64)
        case getSale(partition: Int)
        case getOrder(partition: Int, sequence: Int64)
        case listSales(partition: Int)
        case pause(partition: Int, key: UInt64)
        case resume(partition: Int, key: UInt64)
        case withdraw(partition: Int, units: Int32, key: UInt64)
        case cancelOrder(partition: Int, sequence: Int64, key: UInt64)
        case revokeOrder(partition: Int, sequence: Int64, key: UInt64)
        case beginPayment(partition: Int, sequence: Int64, attempt: UInt64)
        case recordPayment(partition: Int, sequence: Int64, attempt: UInt64, outcome: String)
        case listPayments(partition: Int)

        var partition: Int {
            switch self {
            case .place(let partition, _, _, _), .wait(let partition, _, _, _), .settle(let partition, _, _),
                .addUnits(let partition, _, _),
                .openSale(let partition, _), .closeSale(let partition, _), .getSale(let partition),
                .getOrder(let partition, _), .listSales(let partition), .pause(let partition, _),
                .resume(let partition, _), .withdraw(let partition, _, _),
                .cancelOrder(let partition, _, _), .revokeOrder(let partition, _, _),
                .beginPayment(let partition, _, _),
                .recordPayment(let partition, _, _, _), .listPayments(let partition):
                partition
            }
        }
    }

    /// Milliseconds after the start.
    package var at: Int64
    package var client: Int
    package var wish: Wish
    /// Milliseconds that each attempt is given.
    package var deadline: Int64
    /// Takes a "not executed" for an answer: then nothing with its key may ever be in the ledger.
    package var givesUp: Bool
    /// Asks two brokers at once.
    package var hedges: Bool
    /// Withdraws its first attempt after so many milliseconds.
    package var cancels: Int64?
}
