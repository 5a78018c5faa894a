/// The files beside this one, carried in the program: shipped plans, the checker, and the clock shim's source.
public enum ChaosFiles {
    /// In the order in which `make chaos` plays them.
    public static let plans: [[UInt8]] = [
        PackageResources.kill_owner_yaml,
        PackageResources.membership_yaml,
        PackageResources.pause_in_commit_yaml,
        PackageResources.redis_lies_yaml,
        PackageResources.postgres_stop_yaml,
        PackageResources.postgres_hang_yaml,
        PackageResources.pauses_yaml,
        PackageResources.cut_redis_yaml,
        PackageResources.cut_postgres_yaml,
        PackageResources.cut_brokers_yaml,
        PackageResources.isolated_owner_yaml,
        PackageResources.brokers_yaml,
        PackageResources.redis_loss_yaml,
        PackageResources.redis_loss_refused_yaml,
        PackageResources.redis_clocks_yaml,
        PackageResources.worker_clocks_yaml,
        PackageResources.postgres_crash_yaml,
        PackageResources.disk_yaml,
        PackageResources.starve_yaml,
        PackageResources.slow_links_yaml,
        PackageResources.kill_workers_yaml,
        PackageResources.storm_yaml,
        PackageResources.long_pause_yaml,
    ]

    public static let checker: [(name: String, text: [UInt8])] = [
        ("check.py", PackageResources.check_py), ("history.py", PackageResources.history_py),
        ("promises.py", PackageResources.promises_py), ("faults.py", PackageResources.faults_py),
        ("page.py", PackageResources.page_py),
    ]
    public static let clockShim = PackageResources.clock_shim_c
}
