"""What travels between a client and a broker, as plain values. Nothing here does I/O."""
