/// A key that can spread itself over shards without being hashed.
protocol Sharded: Hashable {
    var shard: UInt { get }
}

/// A dictionary in 64 parts. A `Dictionary` that grows moves every element in one go, which for a million
/// takes longer than a turn of the loop may; a part has a 64th of them.
struct ShardedDictionary<Key: Sharded & Sendable, Value: Sendable>: Sendable {
    private var shards = [[Key: Value]](repeating: [:], count: 64)

    var count: Int { shards.reduce(0) { $0 + $1.count } }

    subscript(key: Key) -> Value? {
        _read { yield shards[Int(key.shard % 64)][key] }
        _modify { yield &shards[Int(key.shard % 64)][key] }
    }

    subscript(key: Key, default value: Value) -> Value {
        _read { yield shards[Int(key.shard % 64)][key, default: value] }
        _modify { yield &shards[Int(key.shard % 64)][key, default: value] }
    }
}
