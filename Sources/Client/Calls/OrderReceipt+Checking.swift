import Digests
public import Methods
public import Receipts
import Sales

extension Receipt {
    /// What an owner answered, to be checked with `check(trusting:)`; nil if it is no receipt that this version knows.
    public init?(_ answer: OrderReceipt) {
        guard let header = BatchHeader(answer.header), let path = Receipt.digests(answer.path),
            let siblings = Receipt.digests(answer.siblings)
        else { return nil }
        var signed: TransactionSignature?
        if let signature = answer.signature {
            guard let key = KeyID(bytes: signature.key), let bytes = Signature(bytes: signature.bytes) else {
                return nil
            }
            signed = TransactionSignature(signature: bytes, key: key)
        }
        self.init(
            leaf: answer.leaf, path: path, header: header, place: Int(answer.place), size: Int(answer.size),
            siblings: siblings, signature: signed)
    }

    private static func digests(_ bytes: [UInt8]) -> [Digest]? {
        guard bytes.count.isMultiple(of: Digest.size) else { return nil }
        return stride(from: 0, to: bytes.count, by: Digest.size).compactMap {
            Digest(bytes[$0..<$0 + Digest.size])
        }
    }
}
