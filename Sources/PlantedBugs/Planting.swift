#if PlantedBugs
    /// The bug that is planted in this process. Set once, before anything runs.
    nonisolated(unsafe) public var plantedBug: PlantedBug?

    /// Whether the code is to make this mistake.
    public func isPlanted(_ bug: PlantedBug) -> Bool { plantedBug == bug }

    /// Whether this build has the bugs in it.
    public let canPlantBugs = true
#else
    /// Whether the code is to make this mistake: never, in this build.
    @inlinable @inline(__always)
    public func isPlanted(_ bug: PlantedBug) -> Bool { false }

    /// Whether this build has the bugs in it.
    public let canPlantBugs = false
#endif
