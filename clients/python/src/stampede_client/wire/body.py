"""Bodies: MessagePack, compressed where it pays."""

from __future__ import annotations

import zlib
from typing import Any

import msgpack

from . import limits
from .header import WireError


def pack(body: object) -> bytes:
    """The MessagePack of a body. Raises `ValueError` for what MessagePack or the protocol cannot hold."""
    try:
        encoded: bytes = msgpack.packb(body, use_bin_type=True)
    except (TypeError, OverflowError) as error:
        raise ValueError(f"the body cannot be written as MessagePack: {error}") from None
    return encoded


def unpack(encoded: bytes) -> Any:
    """What the bytes say; None for no bytes at all. Raises `WireError`."""
    if not encoded:
        return None
    try:
        return msgpack.unpackb(encoded, raw=False)
    except Exception as error:  # msgpack raises several kinds, not all of them ValueErrors
        raise WireError(f"a body that cannot be read: {error}") from None


def compress(plain: bytes) -> bytes | None:
    """The compressed body, or None when it is better sent as it is."""
    if not limits.SMALLEST_COMPRESSED < len(plain) <= limits.PLAIN_SIZE:
        return None
    compressed = len(plain).to_bytes(4, "little") + zlib.compress(plain)
    return compressed if len(compressed) < len(plain) else None


def inflate(compressed: bytes) -> bytes:
    """The plain body. Never makes more bytes than the length in front of it says. Raises `WireError`."""
    size = int.from_bytes(compressed[:4], "little")
    if len(compressed) < 4 or size > limits.PLAIN_SIZE:
        raise WireError("a compressed body without a length that is allowed")
    inflater = zlib.decompressobj()
    try:
        # One byte more than was announced shows a body that is too long, without inflating all of it.
        plain = inflater.decompress(compressed[4:], size + 1)
    except zlib.error as error:
        raise WireError(f"a compressed body that cannot be read: {error}") from None
    if len(plain) != size or not inflater.eof or inflater.unused_data:
        raise WireError("a compressed body that is not as long as it says")
    return plain
