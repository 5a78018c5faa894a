import Digests
import Foundation
import Receipts
import Sales
import Testing

@testable import stampede

@Suite struct ReceiptFileTests {
    private static let docs = URL(filePath: #filePath).deletingLastPathComponent().appending(
        path: "../../docs")

    @Test func `the receipt of the page holds, and is what the page shows`() throws {
        let text = try String(
            contentsOf: Self.docs.appending(path: "examples/receipt.json"), encoding: .utf8)
        let page = try String(contentsOf: Self.docs.appending(path: "receipts.md"), encoding: .utf8)
        #expect(page.contains(text))
        let key = try ReceiptKeyFile.publicKey(Self.docs.appending(path: "examples/receipts.pub").path)
        let file = try ReceiptFile(text)
        let leaf = try file.receipt().check(trusting: [key])
        #expect(page.contains(ReceiptProof(leaf: leaf, file: file).text))
    }

    @Test func `what is no receipt is refused`() {
        for text in ["", "{}", "[]", #"{"stampede_receipt": 1}"#] {
            #expect(throws: ReceiptFlaw.unreadable) { try ReceiptFile(text) }
        }
    }

    @Test func `terms and note survive the file`() throws {
        let terms = SaleTerms(
            name: "Überraschung", price: 995, currency: "EUR", limit: 3, opensAt: LedgerTime(rawValue: 1),
            closesAt: LedgerTime(rawValue: .max), hold: 60, isPaused: true)
        let entry = Entry(
            kind: .salePaused, sequence: 1, sale: SaleID(rawValue: 7), lane: .only, buyer: .operators,
            key: RequestKey(rawValue: 9), at: LedgerTime(rawValue: -1), terms: terms,
            note: EntryNote(actor: "ada", reason: "\"why\"\n"))
        var batch = Batch(
            partition: Partition(rawValue: 3), fence: Fence(rawValue: 1), number: 1, entries: [entry])
        batch.seal(after: .zero, in: Incarnation(systemIdentifier: .max, timeline: .max))
        let seal = try #require(batch.seal)
        let signer = Signer(try #require(SigningKey()))
        let leaf = Leaf(partition: batch.partition, entry: entry)
        let receipt = Receipt(
            leaf: leaf.bytes, path: [],
            header: BatchHeader(
                incarnation: seal.incarnation, partition: batch.partition, fence: batch.fence, batch: 1,
                first: 1, last: 1, previous: .zero, root: seal.root),
            place: 0, size: 1, siblings: [],
            signature: TransactionSignature(
                signature: signer.sign(TransactionTree([seal.digest]).message), key: signer.id))
        let file = try #require(ReceiptFile(receipt))
        let read = try ReceiptFile(file.text)
        #expect(read == file)
        #expect(try read.receipt() == receipt)
        #expect(try read.receipt().check(trusting: [signer.publicKey]) == leaf)
    }
}
