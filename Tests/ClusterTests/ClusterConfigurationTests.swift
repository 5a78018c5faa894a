import Testing

@testable import Cluster

@Suite struct ClusterConfigurationTests {
    @Test(arguments: ["", "/", "data", "./data", "/tmp/a b", "/tmp/a,b", "/tmp/a'b", "/tmp/a\\b"])
    func `a folder that sockets and connection strings cannot hold is refused`(folder: String) {
        let error = #expect(throws: ClusterError.self) { try ClusterConfiguration(folder: folder).check() }
        #expect(error?.code == .configuration)
    }

    @Test(arguments: [0, -1, 65]) func `counts are from 1 to 64`(count: Int) {
        for part in [\ClusterConfiguration.redisCount, \.brokerCount, \.workerCount] {
            var configuration = ClusterConfiguration(folder: "/tmp/x")
            configuration[keyPath: part] = count
            #expect(throws: ClusterError.self) { try configuration.check() }
        }
    }

    @Test func `a socket path of 107 bytes fits and one of 108 does not`() throws {
        let rest = "/run/postgres/.s.PGSQL.5432".utf8.count
        let longest = "/" + String(repeating: "x", count: 107 - rest - 1)
        try Layout(folder: longest).check(redisCount: 5, brokerCount: 1)
        let error = #expect(throws: ClusterError.self) {
            try Layout(folder: longest + "x").check(redisCount: 5, brokerCount: 1)
        }
        #expect(error?.message.contains("1 bytes too long") == true)
        #expect(error?.message.contains("--data") == true)
    }

    @Test func `a worker is told every broker, every Redis node and the ledger`() {
        var configuration = ClusterConfiguration(folder: "/d")
        configuration.redisCount = 2
        configuration.brokerCount = 2
        configuration.workerArguments = ["--log-level", "debug"]
        let expected = [
            "worker", "--name", "worker-7",
            "--broker", "ipc:///d/run/broker-1-workers.sock", "--broker",
            "ipc:///d/run/broker-2-workers.sock",
            "--redis", "unix:/d/run/redis-1.sock", "--redis", "unix:/d/run/redis-2.sock",
            "--ledger",
            "host=/d/run/postgres port=5432 dbname=stampede user=stampede application_name=worker-7",
            "--lease-ttl", "3000", "--log-level", "debug",
        ]
        #expect(configuration.workerCommand("worker-7").arguments == expected)
    }

    @Test func `who pays and the sandbox are told of each other, and of their secrets`() throws {
        var configuration = ClusterConfiguration(folder: "/d")
        #expect(try configuration.withPorts().payments == nil)
        configuration.hasPayments = true
        configuration.paymentsArguments = ["--log-level", "debug"]
        configuration = try configuration.withPorts()
        let ports = try #require(configuration.paymentPorts)
        let payments = try #require(configuration.payments)
        #expect(ports.provider != ports.webhook)
        #expect(
            configuration.sandboxCommand(ports, payments).arguments == [
                "sandbox-provider", "--address", "127.0.0.1", "--port", "\(ports.provider)", "--file",
                "/d/payments/charges.jsonl", "--provider-key-file", "/d/payments/provider.key", "--webhook",
                "http://127.0.0.1:\(ports.webhook)/webhooks/provider", "--webhook-secret-file",
                "/d/payments/webhook.key", "--log-level", "debug",
            ])
        #expect(
            configuration.paymentsCommand(ports, payments).arguments == [
                "payments", "run", "--name", "payments-1", "--clients", "ipc:///d/run/broker-1-clients.sock",
                "--workers", "ipc:///d/run/broker-1-workers.sock", "--provider",
                "http://127.0.0.1:\(ports.provider)", "--provider-key-file", "/d/payments/provider.key",
                "--webhook-secret-file", "/d/payments/webhook.key", "--webhook-address", "127.0.0.1",
                "--webhook-port", "\(ports.webhook)", "--log-level", "debug",
            ])
    }

    @Test func `a broker is told its two endpoints`() {
        let configuration = ClusterConfiguration(folder: "/d")
        let expected = [
            "broker", "--name", "broker-1", "--clients", "ipc:///d/run/broker-1-clients.sock",
            "--workers", "ipc:///d/run/broker-1-workers.sock", "--lease-ttl", "3000",
        ]
        #expect(configuration.brokerCommand(configuration.brokers[0]).arguments == expected)
    }
}
