import Testing

@testable import Redis

@Suite struct `Redis address` {
    @Test(arguments: [
        ("127.0.0.1:6379", "127.0.0.1:6379"),
        ("redis-1:7000", "redis-1:7000"),
        ("[::1]:6379", "[::1]:6379"),
        ("unix:/run/redis.sock", "unix:/run/redis.sock"),
        ("/run/redis.sock", "unix:/run/redis.sock"),
    ])
    func `an address is read and written`(text: String, description: String) throws {
        #expect(try RedisAddress(text).description == description)
    }

    @Test(arguments: [
        "", "localhost", "localhost:", "localhost:0", "localhost:65536", ":6379", "::1:6379", "unix:relative",
        "/" + String(repeating: "x", count: RedisAddress.longestPath),
    ])
    func `what is no address is refused with a sentence`(text: String) {
        #expect {
            _ = try RedisAddress(text)
        } throws: { error in
            let error = error as? RedisError
            return error?.code == .invalidAddress && error?.message.hasSuffix(".") == true
        }
    }
}
