import Digests
import Receipts
import Sales
import SeededTestSupport
import Testing

@Suite struct MerkleTreeTests {
    /// The leaves that implementations of Certificate Transparency test with.
    static let leaves = [
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
    ].compactMap(Hexadecimal.bytes).map { Sample.hash(MerkleTree.leafPrefix, $0) }

    @Test(
        arguments: [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ].enumerated().map { ($0.offset + 1, $0.element) })
    func `roots are those of Certificate Transparency`(count: Int, root: String) {
        #expect(MerkleTree.root(of: Array(Self.leaves[..<count]))?.description == root)
    }

    @Test func `no leaf, no root`() {
        #expect(MerkleTree.root(of: []) == nil)
        #expect(MerkleTree.root(from: .zero, at: 0, of: 0, along: []) == nil)
    }

    private func leaves(_ count: Int) -> [Digest] {
        (0..<count).map { Sample.hash(MerkleTree.leafPrefix, Array("\($0)".utf8)) }
    }

    /// RFC 9162, 2.1.1, word for word.
    private func definition(_ leaves: ArraySlice<Digest>) -> Digest {
        guard leaves.count > 1 else { return leaves[leaves.startIndex] }
        var split = 1
        while split * 2 < leaves.count { split *= 2 }
        let middle = leaves.startIndex + split
        return SHA256.hash(
            MerkleTree.nodePrefix, definition(leaves[..<middle]), definition(leaves[middle...]))
    }

    @Test func `trees of up to 4,096 leaves have the roots of the definition, and paths that lead there`()
        throws
    {
        var generator = SeededGenerator(seed: 9162)
        for count in Array(1...64) + Array(stride(from: 65, through: 4_096, by: 139)) + [
            255, 256, 257, 4_095, 4_096,
        ] {
            let leaves = leaves(count)
            let root = try #require(MerkleTree.root(of: leaves))
            #expect(root == definition(leaves[...]))
            let places = count <= 64 ? Array(0..<count) : [0, count - 1, generator.number(0...count - 1)]
            for place in places {
                let path = MerkleTree.path(to: place, of: leaves)
                #expect(MerkleTree.root(from: leaves[place], at: place, of: count, along: path) == root)
            }
        }
    }

    @Test func `a path leads nowhere else: not from another leaf, place, size, or with another digest`()
        throws
    {
        for count in 1...33 {
            let leaves = leaves(count)
            let root = try #require(MerkleTree.root(of: leaves))
            for place in leaves.indices {
                let path = MerkleTree.path(to: place, of: leaves)
                func leads(_ leaf: Digest, _ place: Int, _ count: Int, _ path: [Digest]) -> Bool {
                    MerkleTree.root(from: leaf, at: place, of: count, along: path) == root
                }
                #expect(!leads(.zero, place, count, path))
                for other in leaves.indices where other != place {
                    #expect(!leads(leaves[place], other, count, path), "\(place) as \(other) of \(count)")
                    #expect(!leads(leaves[other], place, count, path))
                }
                #expect(!leads(leaves[place], place, count, path + [.zero]))
                #expect(!leads(leaves[place], -1, count, path))
                #expect(!leads(leaves[place], count, count, path))
                if !path.isEmpty { #expect(!leads(leaves[place], place, count, path.dropLast())) }
                for index in path.indices {
                    var changed = path
                    changed[index] = Sample.hash(7, path[index].bytes)
                    #expect(!leads(leaves[place], place, count, changed))
                }
            }
        }
    }
}
