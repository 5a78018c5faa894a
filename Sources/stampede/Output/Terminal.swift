import Glibc

/// Standard output for results, standard error for messages.
enum Terminal {
    static let isOutputTTY = isatty(STDOUT_FILENO) == 1
    static let isErrorTTY = isatty(STDERR_FILENO) == 1

    /// A result, with the end of its line: at once, also in a pipe.
    static func result(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    /// A message, one line.
    static func message(_ text: String) { write(text + "\n", to: STDERR_FILENO) }

    static func error(_ sentence: String) { message("Error: \(sentence)") }

    /// A line that the next one replaces, on a terminal; otherwise a line of its own.
    static func progress(_ text: String) {
        // ECMA-48: CSI K erases to the end of the line.
        write(isErrorTTY ? "\r\(text)\u{1b}[K" : "\(text)\n", to: STDERR_FILENO)
    }

    /// Removes the progress line.
    static func endProgress() { if isErrorTTY { write("\r\u{1b}[K", to: STDERR_FILENO) } }

    /// Clears the screen before the next picture of a watch.
    static func clear() { if isOutputTTY { write("\u{1b}[H\u{1b}[2J", to: STDOUT_FILENO) } }

    /// In one system call, so that lines of several processes do not mix.
    static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
