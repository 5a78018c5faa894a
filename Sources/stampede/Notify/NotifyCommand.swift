import ArgumentParser

struct NotifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "notify",
        abstract: "Tell buyers of their orders, by mail and short message; see to what could not be sent.",
        discussion:
            "Without a subcommand it runs the process: `stampede notify --name n1 …` is `stampede notify run --name n1 …`.",
        subcommands: [
            NotifyRun.self, NotifyTest.self, NotifyStatus.self, NotifyDeadLetters.self, NotifyTemplates.self,
        ],
        defaultSubcommand: NotifyRun.self)
}
