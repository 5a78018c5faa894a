import ChaosFiles

/// Plans that the program carries, and plans in files.
public enum ShippedPlans {
    public static var all: [Plan] {
        ChaosFiles.plans.map { plan in
            do throws(PlanError) {
                return try PlanReader.read(String(decoding: plan, as: UTF8.self), file: "a shipped plan")
            } catch {
                preconditionFailure("a shipped plan is broken: \(error)")
            }
        }
    }

    /// The shipped plan of that name; else the plan in that file; nil when there is neither.
    public static func plan(_ name: String) throws(PlanError) -> Plan? {
        if let plan = all.first(where: { $0.name == name }) { return plan }
        return try Files.text(name).map { text throws(PlanError) in try PlanReader.read(text, file: name) }
    }
}
