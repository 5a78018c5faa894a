/// The files beside this one, carried in the program: shipped plans, the checker, and the clock shim's source.
public enum ChaosFiles {
    /// In the order in which `make chaos` plays them.
    public static let plans: [(name: String, text: [UInt8])] = [
        ("kill-owner", PackageResources.kill_owner_yaml)
    ]

    public static let checker: [(name: String, text: [UInt8])] = [("check.py", PackageResources.check_py)]
    public static let clockShim = PackageResources.clock_shim_c
}
