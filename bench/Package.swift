// swift-tools-version: 6.2

import PackageDescription

let settings: [SwiftSetting] = [
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    // An async function stays on its caller's executor, so that awaiting it switches nothing.
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// A package of its own, so that what benchmarks need never slows a build of the product.
let package = Package(
    name: "stampede-bench",
    products: [.library(name: "allocations", type: .dynamic, targets: ["allocations"])],
    dependencies: [
        .package(name: "stampede", path: ".."),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        .executableTarget(
            name: "cores",
            dependencies: [
                .product(name: "StampedeClient", package: "stampede"),
                .product(name: "StampedeParts", package: "stampede"),
            ]),

        // `make bench-rpc`: the program that runs it all, and the processes that it starts.
        .executableTarget(name: "rpc", swiftSettings: settings),
        .executableTarget(
            name: "peers", linkerSettings: [.linkedLibrary("zmq")]),
        .executableTarget(
            name: "swift-client",
            dependencies: [
                "BenchMethods",
                .product(name: "StampedeClient", package: "stampede"),
                .product(name: "Histogram", package: "hdrhistogram-swift"),
            ],
            swiftSettings: settings),
        .executableTarget(
            name: "swift-worker",
            dependencies: ["BenchMethods", .product(name: "StampedeService", package: "stampede")],
            swiftSettings: settings),
        .target(
            name: "BenchMethods", dependencies: [.product(name: "StampedeClient", package: "stampede")],
            swiftSettings: settings),
        .executableTarget(name: "counts", swiftSettings: settings),
        // Loaded into a broker to count its allocations by who makes them.
        .target(name: "allocations"),
    ],
    swiftLanguageModes: [.v6]
)
