import Digests
import Receipts
import Sales
import SeededTestSupport
import Testing

@Suite struct ReceiptTests {
    private let signer: Signer
    private let key: PublicKey

    init() throws {
        signer = Signer(try #require(SigningKey(seed: Array(repeating: 9, count: 32))))
        key = signer.publicKey
    }

    private func flaw(_ receipt: Receipt, _ keys: [PublicKey]? = nil) -> ReceiptFlaw? {
        do throws(ReceiptFlaw) {
            _ = try receipt.check(trusting: keys ?? [key])
            return nil
        } catch {
            return error
        }
    }

    @Test func `every entry of every batch of a transaction has a receipt`() throws {
        for sizes in [[1], [2], [5], [1, 7, 64], [3, 1, 1, 1, 2, 9, 4]] {
            let batches = Sample.batches(sizes)
            for (place, batch) in batches.enumerated() {
                for (index, entry) in batch.entries.enumerated() {
                    let leaf = try Sample.receipt(batches, place, index, signedBy: signer).check(trusting: [
                        key
                    ])
                    #expect(leaf.entry == entry && leaf.partition == batch.partition)
                }
            }
        }
    }

    /// docs/receipts.md shows these bytes.
    @Test func `a header has its 126 bytes, and its digest is what the next batch names`() throws {
        let batch = Sample.batches([2])[0]
        let seal = try #require(batch.seal)
        let header = BatchHeader(
            incarnation: Sample.incarnation, partition: batch.partition, fence: batch.fence,
            batch: batch.number,
            first: 4_711, last: 4_712, previous: .zero, root: seal.root)
        #expect(
            Hexadecimal.text(header.bytes)
                == Hexadecimal.text("stampede/batch/1".utf8) + "fedcba9876543210" + "00000003" + "0000"
                + "0000000000000005" + "0000000000000009" + "0000000000001267" + "0000000000001268"
                + Digest.zero.description + seal.root.description)
        #expect(header.bytes.count == BatchHeader.size)
        #expect(BatchHeader(header.bytes) == header)
        #expect(BatchHeader(header.bytes + [0]) == nil && BatchHeader(header.bytes.dropLast()) == nil)
        #expect(header.digest == seal.digest)
        #expect(Sample.batches([2], after: seal.digest)[0].seal?.digest != seal.digest)
    }

    @Test func `what is signed is 52 bytes that tell how many batches there are`() {
        let message = TransactionTree([.zero, .zero]).message
        let root = SHA256.hash(1, .zero, .zero)
        #expect(
            Hexadecimal.text(message)
                == Hexadecimal.text("stampede/seals/1".utf8) + "00000002" + root.description)
    }

    @Test func `any flipped bit of entry, header, path or signature is found`() throws {
        let batches = Sample.batches([5, 3, 1])
        let receipt = Sample.receipt(batches, 0, 3, signedBy: signer)
        func flip(_ bytes: [UInt8], _ bit: Int) -> [UInt8] {
            var bytes = bytes
            bytes[bit / 8] ^= 1 << (bit % 8)
            return bytes
        }
        #expect(flaw(receipt) == nil)
        for bit in 0..<receipt.leaf.count * 8 {
            var changed = receipt
            changed.leaf = flip(receipt.leaf, bit)
            #expect(flaw(changed) != nil, "bit \(bit) of the entry")
        }
        for bit in 0..<BatchHeader.size * 8 {
            guard let header = BatchHeader(flip(receipt.header.bytes, bit)) else { continue }
            var changed = receipt
            changed.header = header
            #expect(flaw(changed) != nil, "bit \(bit) of the header")
        }
        for index in receipt.path.indices {
            for bit in 0..<256 {
                var changed = receipt
                changed.path[index] = try #require(Digest(flip(receipt.path[index].bytes, bit)))
                #expect(flaw(changed) == .notInBatch)
            }
        }
        for index in receipt.siblings.indices {
            for bit in 0..<256 {
                var changed = receipt
                changed.siblings[index] = try #require(Digest(flip(receipt.siblings[index].bytes, bit)))
                #expect(flaw(changed) == .badSignature(key.id))
            }
        }
        let signature = try #require(receipt.signature)
        for bit in 0..<512 {
            var changed = receipt
            let bytes = flip(signature.signature.bytes, bit)
            changed.signature = TransactionSignature(
                signature: try #require(Signature(bytes: bytes)), key: key.id)
            #expect(flaw(changed) == .badSignature(key.id))
        }
    }

    @Test func `each part that was changed has its own word`() throws {
        let batches = Sample.batches([5, 3, 1])
        let receipt = Sample.receipt(batches, 1, 1, signedBy: signer)
        func changed(_ change: (inout Receipt) -> Void) -> ReceiptFlaw? {
            var copy = receipt
            change(&copy)
            return flaw(copy)
        }
        #expect(changed { $0.leaf = [1, 2] } == .unreadable)
        #expect(
            changed { $0.header.partition = Partition(rawValue: 2) }
                == .otherPartition(entry: Partition(rawValue: 1), batch: Partition(rawValue: 2)))
        #expect(
            changed { $0.header.first = 4_713 } == .otherBatch(sequence: 4_712, first: 4_713, last: 4_713))
        #expect(changed { $0.header.last += 5 } == .notInBatch)
        #expect(changed { $0.header.last = .max } == .notInBatch)
        #expect(changed { $0.header.root = .zero } == .notInBatch)
        #expect(changed { $0.path.removeLast() } == .notInBatch)
        #expect(changed { $0.header.fence = Fence(rawValue: 6) } == .badSignature(key.id))
        #expect(changed { $0.header.previous = receipt.header.root } == .badSignature(key.id))
        #expect(
            changed { $0.header.incarnation = Incarnation(systemIdentifier: 1, timeline: 3) }
                == .badSignature(key.id))
        #expect(changed { $0.size = 4 } == .badSignature(key.id))
        #expect(changed { $0.place = 0 } == .badSignature(key.id))
        #expect(changed { $0.size = 0 } == .notInTransaction)
        #expect(changed { $0.size = 1 } == .notInTransaction)
        #expect(changed { $0.place = -1 } == .notInTransaction)
        #expect(changed { $0.siblings = [] } == .notInTransaction)
        #expect(changed { $0.size = .max } == .notInTransaction)
        #expect(changed { $0.signature = nil } == .unsigned)
        let other = try #require(SigningKey()).publicKey
        #expect(flaw(receipt, [other]) == .unknownKey(key.id))
        #expect(flaw(receipt, []) == .unknownKey(key.id))
        #expect(flaw(receipt, [other, key]) == nil)
    }

    @Test func `a swapped pair, another place or another partition makes another root`() {
        let batch = Sample.batches([4])[0]
        func root(_ change: (inout Batch) -> Void) -> Digest? {
            var copy = batch
            change(&copy)
            copy.seal(after: .zero, in: Sample.incarnation)
            return copy.seal?.root
        }
        #expect(root { _ in } == batch.seal?.root)
        #expect(root { $0.entries.swapAt(0, 1) } != batch.seal?.root)
        #expect(root { $0.entries.removeLast() } != batch.seal?.root)
        #expect(root { $0.partition = Partition(rawValue: 1) } != batch.seal?.root)
        #expect(root { $0.entries[2].buyer = BuyerID(rawValue: 99) } != batch.seal?.root)
    }
}
