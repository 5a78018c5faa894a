"""The thin parts that do I/O: sockets and clock feed the core, and its actions are performed."""
