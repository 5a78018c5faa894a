"""Bounds that both ends of the wire keep (PROTOCOL.md, "Limits")."""

from __future__ import annotations

MESSAGE_SIZE = 64 << 10
"""The largest message, header included, in bytes."""
LARGEST_FRAME = (1 << 20) + MESSAGE_SIZE
"""What a socket takes at most: only the reply of `broker.status` is larger than `MESSAGE_SIZE`."""
METADATA_SIZE = 8 << 10
METADATA_PAIRS = 64
METADATA_KEY_LENGTH = 64
INITIAL_CREDIT = 16
"""Items of a stream that each side may send before the other has allowed any."""
LARGEST_CREDIT = 1024
"""Items that a side may allow beyond those that it has received."""
PLAIN_SIZE = 1 << 20
"""The largest body after decompression, in bytes."""
SMALLEST_COMPRESSED = 1024
"""Bodies up to this many bytes are not worth compressing."""
LONGEST_DEADLINE = 300.0
"""Seconds; what asks for more gets this."""
ORDERS_PER_CALL = 256
"""Orders in one `order.place_many`."""
LARGEST_ATTEMPT = 15
"""Attempts of one call that its names on the wire have room for."""
