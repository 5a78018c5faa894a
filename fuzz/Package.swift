// swift-tools-version: 6.2

import PackageDescription

// Fuzzers of everything that reads a peer's bytes, driven by libFuzzer. A package of its own: they are built with
// other flags. Run `make fuzz` (30 seconds each) or `make fuzz-nightly` (10 minutes each).
let settings: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
    name: "stampede-fuzz",
    dependencies: [.package(name: "stampede", path: "..")],
    targets: [
        .executableTarget(
            name: "envelope",
            dependencies: [.product(name: "StampedeWire", package: "stampede")], swiftSettings: settings),
        .executableTarget(
            name: "bodies",
            dependencies: [.product(name: "StampedeWire", package: "stampede")], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
