import Digests
import Sales
import Testing

@Suite struct DigestTests {
    /// FIPS 180-4's own examples, and one byte more than fits in a block with the padding.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `SHA-256 gives its known answers`(text: String, digest: String) {
        let bytes = Array(text.utf8)
        let whole = SHA256.hash(bytes.span)
        #expect(whole.description == digest)
        guard let first = bytes.first else { return }
        #expect(Sample.hash(first, Array(bytes.dropFirst())).description == digest)
    }

    @Test func `a node is hashed as the bytes of both sides behind its prefix`() throws {
        let left = Sample.hash(1, [])
        let right = Sample.hash(2, [])
        #expect(SHA256.hash(1, left, right) == Sample.hash(1, left.bytes + right.bytes))
    }

    @Test func `a digest is 32 bytes, there and back`() throws {
        let digest = Sample.hash(7, [])
        #expect(Digest(digest.bytes) == digest)
        #expect(Digest(digest.bytes.dropLast()) == nil)
        #expect(Hexadecimal.bytes(digest.description).flatMap { Digest($0) } == digest)
        #expect(Digest.zero.bytes == Array(repeating: 0, count: 32))
    }

    /// RFC 8032, 7.1, the first three tests.
    @Test(arguments: [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ])
    func `Ed25519 gives its known answers`(seed: String, public: String, message: String, signature: String)
        throws
    {
        let seed = try #require(Hexadecimal.bytes(seed))
        let key = try #require(SigningKey(seed: seed))
        #expect(key.publicKey.description == `public`)
        let message = try #require(Hexadecimal.bytes(message))
        let signer = Signer(key)
        let made = signer.sign(message)
        #expect(Hexadecimal.text(made.bytes) == signature)
        // The context is used again.
        #expect(signer.sign(message) == made)
        #expect(key.publicKey.verifies(made, of: message))
    }

    @Test func `a signature is of one key over one message`() throws {
        let (one, other) = (try #require(SigningKey()), try #require(SigningKey()))
        let message: [UInt8] = [1, 2, 3]
        let signature = Signer(one).sign(message)
        #expect(one.publicKey.verifies(signature, of: message))
        #expect(!other.publicKey.verifies(signature, of: message))
        #expect(!one.publicKey.verifies(signature, of: [1, 2, 4]))
        for place in 0..<Signature.size * 8 {
            var bytes = signature.bytes
            bytes[place / 8] ^= 1 << (place % 8)
            #expect(!one.publicKey.verifies(try #require(Signature(bytes: bytes)), of: message))
        }
    }

    @Test func `keys are named by the digest of their public half`() throws {
        let key = try #require(SigningKey(seed: Array(repeating: 7, count: 32))).publicKey
        let digest = Sample.hash(key.bytes[0], Array(key.bytes.dropFirst()))
        #expect(key.id.description == digest.description.prefix(16))
        #expect(KeyID(key.id.description) == key.id)
        #expect(PublicKey(key.description) == key)
        #expect(PublicKey("zz" + key.description.dropFirst(2)) == nil)
        #expect(SigningKey(seed: [1, 2, 3]) == nil)
    }
}
