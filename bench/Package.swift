// swift-tools-version: 6.2

import PackageDescription

/// A package of its own, so that what benchmarks need never slows a build of the product.
let package = Package(
    name: "stampede-bench",
    dependencies: [.package(name: "stampede", path: "..")],
    targets: [
        .executableTarget(
            name: "cores",
            dependencies: [
                .product(name: "StampedeClient", package: "stampede"),
                .product(name: "StampedeParts", package: "stampede"),
            ])
    ]
)
