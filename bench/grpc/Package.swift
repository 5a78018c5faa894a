// swift-tools-version: 6.2

import PackageDescription

/// The peer to compare with: grpc-swift 2, unary calls over HTTP/2, without protobuf. A package of its own,
/// because it takes minutes to build and nothing else needs it.
let package = Package(
    name: "stampede-bench-grpc",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(url: "https://github.com/grpc/grpc-swift-2", exact: "2.4.3"),
        .package(url: "https://github.com/grpc/grpc-swift-nio-transport", exact: "2.9.2"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    ],
    targets: [
        .target(
            name: "EchoService",
            dependencies: [.product(name: "GRPCCore", package: "grpc-swift-2")]),
        .executableTarget(
            name: "grpc-server",
            dependencies: [
                "EchoService",
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2", package: "grpc-swift-nio-transport"),
            ]),
        .executableTarget(
            name: "grpc-client",
            dependencies: [
                "EchoService",
                .product(name: "Histogram", package: "hdrhistogram-swift"),
                .product(name: "GRPCCore", package: "grpc-swift-2"),
                .product(name: "GRPCNIOTransportHTTP2", package: "grpc-swift-nio-transport"),
            ]),
    ],
    swiftLanguageModes: [.v6]
)
