// swift-tools-version: 6.2

import PackageDescription

/// Settings of every target. https://docs.swift.org/compiler/documentation/diagnostics
let settings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// Targets without C must not touch raw memory unmarked (SE-0458). In the targets that wrap a C library
/// nearly every line would carry the mark, so it would mark nothing there.
let strict: [SwiftSetting] = settings + [.strictMemorySafety()]

let package = Package(
    name: "stampede",
    products: [
        .executable(name: "stampede", targets: ["stampede"]),
        .library(
            name: "StampedeClient",
            targets: ["Client", "Digests", "Methods", "Receipts", "Sales", "Wire", "ZeroMQ"]),
        .library(
            name: "StampedeService",
            targets: ["Service", "RateLimit", "Redis", "Resilience", "Wire", "ZeroMQ"]),
        .library(name: "StampedeTesting", targets: ["StampedeTesting"]),
        // The protocol alone, without I/O: for fuzz/, and for who writes a client of his own.
        .library(name: "StampedeWire", targets: ["Wire", "Sales", "Methods"]),
        // For bench/, which measures the parts from outside.
        .library(
            name: "StampedeParts",
            targets: ["Broker", "Workers", "Ledger", "Redis", "Resilience", "ZeroMQ"]),
    ],
    traits: [
        // Compiles in the mistakes that simulation and chaos must be able to find.
        .trait(name: "PlantedBugs")
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(
            url: "https://github.com/apple/swift-configuration", from: "1.4.0",
            traits: ["JSON", "CommandLineArguments"]),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.7.3"),
        .package(url: "https://github.com/apple/swift-service-context", from: "1.5.1"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // C libraries: a module map each, imported by exactly one target.
        .systemLibrary(name: "CZeroMQ", providers: [.apt(["libzmq3-dev"])]),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
        .systemLibrary(name: "CPostgres", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CZlib", providers: [.apt(["zlib1g-dev"])]),
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "CMicroHTTPD", providers: [.apt(["libmicrohttpd-dev"])]),
        .systemLibrary(name: "CRabbitMQ", providers: [.apt(["librabbitmq-dev"])]),
        .systemLibrary(name: "CLinux"),

        // Known-bad variants of the code, empty but with the trait of that name.
        .target(name: "PlantedBugs", swiftSettings: settings),

        // Values: no I/O, no clock, no randomness, no imports.
        .target(name: "Wire", exclude: ["PROTOCOL.md"], swiftSettings: strict),
        .target(name: "Sales", dependencies: ["PlantedBugs"], swiftSettings: strict),
        .target(name: "Methods", dependencies: ["Wire", "Sales"], swiftSettings: strict),
        .target(name: "Resilience", dependencies: ["Wire"], swiftSettings: strict),

        // Hashes and signatures, pure as well, by a C library; and what they prove.
        .target(name: "Digests", dependencies: ["Sales", "COpenSSL"], swiftSettings: settings),
        .target(name: "Receipts", dependencies: ["Sales", "Digests"], swiftSettings: strict),

        // Shells around the C libraries.
        .target(name: "ZeroMQ", dependencies: ["Wire", "CZeroMQ", "CLinux"], swiftSettings: settings),
        .target(name: "Compression", dependencies: ["Wire", "CZlib"], swiftSettings: settings),
        .target(
            name: "Redis", dependencies: ["Wire", "Resilience", "ZeroMQ", "CHiredis"], swiftSettings: settings
        ),
        .target(
            name: "Redlock", dependencies: ["Wire", "ZeroMQ", "Redis", "Resilience", "PlantedBugs"],
            swiftSettings: strict),
        .target(
            name: "RateLimit", dependencies: ["Wire", "ZeroMQ", "Redis", "Resilience"], swiftSettings: strict),
        .target(
            name: "Ledger",
            dependencies: ["Wire", "Sales", "Digests", "Receipts", "ZeroMQ", "Resilience", "CPostgres"],
            resources: [.embedInCode("Migrations")], swiftSettings: settings),

        .target(name: "HTTP", dependencies: ["Wire", "ZeroMQ", "CCurl"], swiftSettings: settings),
        .target(name: "HTTPServer", dependencies: ["CMicroHTTPD"], swiftSettings: settings),

        // A payment provider to try things on.
        .target(
            name: "Sandbox",
            dependencies: [
                "Digests", "HTTP", "HTTPServer", "Resilience", "Wire",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),

        // What buyers are told: values, and the process around them.
        .target(
            name: "Notifications", dependencies: ["Wire", "Sales", "Methods", "Resilience"],
            resources: [.embedInCode("Templates")], swiftSettings: strict),
        .target(
            name: "Notifier",
            dependencies: [
                "Notifications", "HTTP", "Ledger", "Methods", "Redis", "Resilience", "Sales", "Service",
                "Wire",
                "ZeroMQ", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),

        // Processes.
        .target(
            name: "Broker",
            dependencies: [
                "Wire", "Sales", "Methods", "Resilience", "ZeroMQ", "PlantedBugs",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(
            name: "Workers",
            dependencies: [
                "Wire", "Sales", "Digests", "Receipts", "Methods", "ZeroMQ", "Redlock", "Ledger",
                "Resilience", "Compression", "PlantedBugs",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(
            name: "Client",
            dependencies: [
                "Wire", "Sales", "Digests", "Receipts", "Methods", "ZeroMQ", "Resilience", "Compression",
                "TraceContext",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: strict),
        .target(
            name: "TraceContext",
            dependencies: [
                "Wire", .product(name: "ServiceContextModule", package: "swift-service-context"),
            ],
            swiftSettings: strict),
        .target(
            name: "Service",
            dependencies: [
                "Wire", "Sales", "Methods", "ZeroMQ", "Resilience", "Compression", "TraceContext",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: strict),
        .target(
            name: "StampedeTesting",
            dependencies: [
                "Broker", "Service", "Methods", "Sales", "Wire", "ZeroMQ",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(
            name: "Payments",
            dependencies: [
                "Client", "Digests", "HTTP", "HTTPServer", "Methods", "Resilience", "Sales", "Service",
                "Wire",
                "ZeroMQ", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .target(name: "RabbitMQ", dependencies: ["Wire", "CRabbitMQ"], swiftSettings: settings),
        // Tells sinks what the ledger says.
        .target(
            name: "Relay",
            dependencies: [
                "Wire", "Sales", "Ledger", "Redis", "RabbitMQ", "HTTP", "Digests", "Resilience", "ZeroMQ",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(name: "Cluster", swiftSettings: settings),
        .target(
            name: "Chaos",
            dependencies: [
                "ChaosFiles", "Client", "Cluster", "Methods", "Resilience", "Sales", "Wire", "ZeroMQ",
                .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),
        // The plans, the checker and the clock shim, in the program.
        .target(
            name: "ChaosFiles", path: "chaos", exclude: ["ruff.toml", "test_check.py"],
            sources: ["Files.swift"],
            resources: [
                .embedInCode("plans"), .embedInCode("clock_shim.c"), .embedInCode("check.py"),
                .embedInCode("history.py"), .embedInCode("promises.py"), .embedInCode("faults.py"),
                .embedInCode("page.py"),
            ],
            swiftSettings: settings),
        .target(name: "Conformance", dependencies: ["Wire", "ZeroMQ"], swiftSettings: strict),

        // The cores on a virtual clock, with modelled network, Redis, Postgres and clocks.
        .target(
            name: "Simulation",
            dependencies: [
                "PlantedBugs", "Broker", "Workers", "Redlock", "Redis", "Ledger", "Methods", "Sales",
                "Receipts", "Wire", "Resilience",
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "simulate",
            dependencies: [
                "Simulation", "PlantedBugs", "Wire",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "stampede",
            dependencies: [
                "Broker", "Chaos", "Conformance", "Workers", "Client", "Cluster", "Digests", "HTTP",
                "HTTPServer",
                "Ledger", "Notifications", "Notifier", "Payments", "Redis", "Receipts", "Relay", "Methods",
                "PlantedBugs", "Sales", "Sandbox", "Service", "Wire", "ZeroMQ",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: settings),

        // Tests mirror the sources. What several of them need has a target of its own.
        .target(
            name: "PostgresTestSupport", path: "Tests/PostgresTestSupport", swiftSettings: settings),
        .target(
            name: "RedisTestSupport", dependencies: ["Wire", "ZeroMQ", "Redis"],
            path: "Tests/RedisTestSupport", swiftSettings: settings),
        .target(name: "RabbitTestSupport", path: "Tests/RabbitTestSupport", swiftSettings: settings),
        .target(
            name: "HostileTestSupport", dependencies: ["SeededTestSupport"], path: "Tests/HostileTestSupport",
            swiftSettings: settings),
        .target(name: "SeededTestSupport", path: "Tests/SeededTestSupport", swiftSettings: strict),
        .target(
            name: "WireTestSupport", path: "Tests/WireTestSupport",
            swiftSettings: settings),
        .target(
            name: "TestCluster",
            dependencies: [
                "Broker", "Workers", "Client", "Ledger", "Methods", "Sales", "Wire", "ZeroMQ", "Redis",
                "PostgresTestSupport", "RedisTestSupport", .product(name: "Logging", package: "swift-log"),
            ],
            path: "Tests/TestCluster", swiftSettings: settings),
        .testTarget(
            name: "WireTests", dependencies: ["Wire", "WireTestSupport", "SeededTestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "SalesTests", dependencies: ["Sales", "SeededTestSupport"], swiftSettings: settings),
        .testTarget(
            name: "MethodsTests",
            dependencies: ["Methods", "Sales", "Wire", "WireTestSupport", "SeededTestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "ResilienceTests", dependencies: ["Resilience", "Wire"], swiftSettings: settings),
        .testTarget(
            name: "ZeroMQTests", dependencies: ["ZeroMQ", "Wire", "HostileTestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "CompressionTests", dependencies: ["Compression", "Wire", "WireTestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "StampedeTestingTests",
            dependencies: [
                "StampedeTesting", "Client", "Service", "Methods", "RateLimit", "Redis", "Resilience",
                "Sales", "Wire",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ServiceTests",
            dependencies: [
                "Service", "StampedeTesting", "Broker", "Compression", "Methods", "Resilience", "Sales",
                "TraceContext", "Wire", "ZeroMQ",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "RedisTests", dependencies: ["Wire", "ZeroMQ", "Redis", "RedisTestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "RedlockTests",
            dependencies: ["Wire", "ZeroMQ", "Redis", "Redlock", "Resilience", "RedisTestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "RateLimitTests",
            dependencies: ["RateLimit", "Redis", "RedisTestSupport", "Resilience", "Wire", "ZeroMQ"],
            swiftSettings: settings),
        .testTarget(
            name: "ReceiptsTests", dependencies: ["Receipts", "Digests", "Sales", "SeededTestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "LedgerTests",
            dependencies: [
                "Ledger", "Digests", "Receipts", "Resilience", "Sales", "Wire", "ZeroMQ",
                "PostgresTestSupport",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "RelayTests",
            dependencies: [
                "Relay", "Ledger", "RabbitMQ", "Receipts", "Redis", "HTTP", "HTTPServer", "Digests",
                "Resilience", "Sales", "Wire", "ZeroMQ", "PostgresTestSupport",
                "RabbitTestSupport", "RedisTestSupport", "SeededTestSupport",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "RabbitMQTests", dependencies: ["RabbitMQ", "Wire", "RabbitTestSupport"],
            swiftSettings: settings),
        .testTarget(
            name: "BrokerTests",
            dependencies: [
                "Broker", "Methods", "Sales", "Wire", "ZeroMQ", "SeededTestSupport", "HostileTestSupport",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "WorkersTests",
            dependencies: [
                "Workers", "Digests", "Ledger", "Methods", "Receipts", "Redlock", "Resilience", "Sales",
                "Wire",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ClientTests",
            dependencies: [
                "Client", "Methods", "Resilience", "Sales", "Service", "StampedeTesting", "TraceContext",
                "Wire",
                "ZeroMQ",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "InMemoryTracing", package: "swift-distributed-tracing"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ConformanceTests",
            dependencies: ["Conformance", "Client", "Methods", "TestCluster", "Wire", "ZeroMQ"],
            swiftSettings: settings),
        .testTarget(
            name: "NotificationsTests",
            dependencies: ["Notifications", "Methods", "Resilience", "Sales", "Wire"],
            swiftSettings: settings),
        .testTarget(name: "ChaosTests", dependencies: ["Chaos", "Sales"], swiftSettings: settings),
        .testTarget(name: "DigestsTests", dependencies: ["Digests"], swiftSettings: settings),
        .testTarget(
            name: "SandboxTests",
            dependencies: [
                "Sandbox", "Digests", "HTTP", "HTTPServer", "Wire",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "HTTPTests", dependencies: ["HTTP", "HTTPServer", "Wire"], swiftSettings: settings),
        .testTarget(
            name: "PaymentsTests",
            dependencies: [
                "Payments", "Client", "Digests", "HTTP", "HTTPServer", "Methods", "Resilience", "Sales",
                "StampedeTesting", "Wire", "ZeroMQ", .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(name: "ClusterTests", dependencies: ["Cluster"], swiftSettings: settings),
        .testTarget(
            name: "PromiseTests",
            dependencies: [
                "TestCluster", "Broker", "Client", "Methods", "Redis", "Sales", "Wire", "Workers",
                "PostgresTestSupport", "RedisTestSupport",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "Simulation", "Ledger", "Receipts", "Redlock", "Redis", "Sales", "Wire", "ZeroMQ",
                "PostgresTestSupport", "RedisTestSupport", "SeededTestSupport",
            ],
            exclude: ["Regressions"], swiftSettings: settings),
        .testTarget(
            name: "StampedeTests",
            dependencies: [
                "stampede", "Client", "Digests", "Methods", "Receipts", "Sales", "Wire",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "stampede", "Client", "Digests", "HTTP", "HTTPServer", "Methods", "Sales", "Wire", "ZeroMQ",
                "SeededTestSupport", "HostileTestSupport", "PostgresTestSupport", "Redis", "RedisTestSupport",
            ],
            exclude: ["Notify/gateways.py"], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
