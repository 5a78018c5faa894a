import ArgumentParser
import FoundationEssentials
import Notifications

struct NotifyTemplates: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "templates",
        abstract: "List the templates, or write them into a folder to change them there.",
        discussion: """
            A mail's first line is "Subject: …", then an empty line and the text. Placeholders are {{order}}, {{sale}}, \
            {{buyer}}, {{units}}, {{until}}, {{time}} and {{reason}}; another one is refused at the start. Give the folder to \
            `stampede notify --templates`.
            """)

    @Option(
        help: ArgumentHelp("Write them here. Files that are there stay as they are.", valueName: "folder"))
    var out: String?

    func run() throws {
        guard let out else { return Terminal.result(Templates.files.joined(separator: "\n")) }
        do {
            try FileManager.default.createDirectory(atPath: out, withIntermediateDirectories: true)
            for (name, text) in Templates.texts {
                let path = "\(out)/\(name)"
                guard !FileManager.default.fileExists(atPath: path) else {
                    Terminal.message("\(path) is there already")
                    continue
                }
                try Data(text.utf8).write(to: URL(filePath: path))
                Terminal.result(path)
            }
        } catch {
            throw Failure(.refused, "the templates cannot be written to ‘\(out)’: check the folder")
        }
    }
}
