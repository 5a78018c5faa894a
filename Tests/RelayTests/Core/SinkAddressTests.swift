import Testing

@testable import Relay

@Suite struct SinkAddressTests {
    @Test func `addresses say where events go`() throws {
        var redis = SinkAddress.Redis(server: "127.0.0.1:6379")
        #expect(try SinkAddress("redis://127.0.0.1") == SinkAddress(name: "redis", target: .redis(redis)))
        redis = SinkAddress.Redis(server: "unix:/run/e.sock", stream: "shop", maxLength: 0)
        #expect(
            try SinkAddress("redis+unix:/run/e.sock?stream=shop&maxlen=0&name=second")
                == SinkAddress(name: "second", target: .redis(redis)))
        var rabbit = SinkAddress.Rabbit(host: "::1")
        rabbit.port = 5_673
        rabbit.user = "shop"
        rabbit.password = "p@ss:word"
        rabbit.virtualHost = "a/b"
        rabbit.queueType = .classic
        let address = try SinkAddress("amqp://shop:p%40ss:word@[::1]:5673/a%2Fb?type=classic")
        #expect(address == SinkAddress(name: "rabbitmq", target: .rabbit(rabbit)))
        #expect(!address.description.contains("p@ss"))
        guard case .webhook(let webhook) = try SinkAddress("https://x.org/in?a=1&stampede-attempts=3").target
        else {
            Issue.record("no webhook")
            return
        }
        #expect(webhook.url == "https://x.org/in?a=1")
        #expect(webhook.attempts == 3)
    }

    @Test(arguments: [
        ("nowhere", "tables"), ("ftp://x", "ftp"), ("redis://h:0", "port"), ("redis://h?strem=x", "strem"),
        ("redis://h?maxlen=many", "maxlen"), ("redis://u:p@h", "log in"), ("redis://h/3", "database"),
        ("amqp:///x", "host"), ("amqp://h?type=fast", "fast"), ("amqp://h?name=Tables", "Tables"),
        ("redis://h?name=tables", "tables"), ("amqp://h?queue=%zz", "%"), ("redis://h?a=1&a=2", "twice"),
        ("https://x?stampede-tries=3", "stampede-tries"), ("https://", "host"),
        ("https://u:p@x", "password"), ("http://shop.example/in", "https://"),
    ])
    func `mistakes are told in words`(text: String, word: String) {
        let mistake = #expect(throws: SinkAddress.Mistake.self) { try SinkAddress(text) }
        #expect(mistake?.sentence.contains(word) == true, "\(mistake?.sentence ?? "")")
    }
}
