import Foundation
import Sales

/// The terms of a sale as they stand in the ledger. Its keys are read by the audit and by `stampede.order_states`.
private struct TermsDocument: Codable {
    let name: String
    let price: Int64
    let currency: String
    let limit: Int32
    /// Microseconds since 1970.
    let opens: Int64
    let closes: Int64?
    /// Seconds. Ledgers from before orders could expire have neither, nor `paused`.
    let hold: Int32?
    let payment: Int32?
    let paused: Bool?
}

private struct NoteDocument: Codable {
    let actor: String
    let reason: String
}

extension EntryNote {
    /// The note as JSON.
    var document: [UInt8] {
        guard let data = try? JSONEncoder().encode(NoteDocument(actor: actor, reason: reason)) else {
            preconditionFailure("two strings always have a JSON form")
        }
        return [UInt8](data)
    }

    convenience init?(document: UnsafeRawBufferPointer) {
        guard let note = try? JSONDecoder().decode(NoteDocument.self, from: Data(document)) else {
            return nil
        }
        self.init(actor: note.actor, reason: note.reason)
    }
}

extension SaleTerms {
    /// The terms as JSON.
    var document: [UInt8] {
        let document = TermsDocument(
            name: name, price: price, currency: currency, limit: limit, opens: opensAt.rawValue,
            closes: closesAt?.rawValue, hold: hold, payment: payment, paused: isPaused ? true : nil)
        guard let data = try? JSONEncoder().encode(document) else {
            preconditionFailure("terms of strings and integers always have a JSON form")
        }
        return [UInt8](data)
    }

    /// Reads terms, or returns nil if this is not what `document` writes.
    convenience init?(document: UnsafeRawBufferPointer) {
        guard let terms = try? JSONDecoder().decode(TermsDocument.self, from: Data(document)) else {
            return nil
        }
        self.init(
            name: terms.name, price: terms.price, currency: terms.currency, limit: terms.limit,
            opensAt: LedgerTime(rawValue: terms.opens),
            closesAt: terms.closes.map(LedgerTime.init(rawValue:)),
            hold: terms.hold, payment: terms.payment ?? SaleTerms.usualPayment,
            isPaused: terms.paused ?? false)
    }
}
