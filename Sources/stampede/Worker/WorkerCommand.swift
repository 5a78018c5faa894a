import ArgumentParser

struct WorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Run a worker; list and drain workers, force their breakers, show their nodes.",
        discussion:
            "Without a subcommand it runs a worker: `stampede worker --name w1 …` is `stampede worker run --name w1 …`.",
        subcommands: [
            WorkerRun.self, WorkerList.self, WorkerDrain.self, WorkerBreaker.self, WorkerRedis.self,
        ],
        defaultSubcommand: WorkerRun.self)
}
