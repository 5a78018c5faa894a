"""The fixed 64 bytes at the start of every message."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from struct import Struct

from .status import Certainty, Priority, Reason, Status

_LAYOUT = Struct("<BBBBHBBQIIQqhHI16s")
_MAGIC = 0x53
_VERSION = 1
HEADER_SIZE = _LAYOUT.size


class WireError(ValueError):
    """Bytes that are not what they should be. They are dropped and counted, never answered."""


class Kind(IntEnum):
    """What a message is."""

    PING = 0x03
    PONG = 0x04
    GO_AWAY = 0x05
    CALL = 0x10
    DATA = 0x11
    RESULT = 0x12
    CANCEL = 0x13
    RETURNED = 0x14
    CREDIT = 0x15
    READY = 0x20
    BEAT = 0x21
    OWN = 0x22
    DISOWN = 0x23
    DRAIN = 0x24
    DESCRIBE = 0x25


END = 1
"""The last message of its direction."""
RETRY = 2
"""Not the first attempt: gates let it pass."""
KEYED = 4
"""Goes to the owner of the routing key's partition."""
PARTITION = 8
"""With `KEYED`: `sale` is itself a partition number."""
STREAM = 16
"""CALL: not unary."""
COMPRESSED = 32
"""The body is compressed."""
TAKES_COMPRESSED = 64
"""CALL: bodies of the answer may be compressed."""
_KNOWN_FLAGS = 127


@dataclass(slots=True)
class Header:
    """A message's header; fields that a kind does not use are zero."""

    kind: Kind
    flags: int = 0
    metadata_length: int = 0
    code: int = 0
    """RESULT: the status. Others: the priority."""
    certainty: Certainty = Certainty.EXECUTED
    call_id: int = 0
    sequence: int = 0
    milliseconds: int = 0
    method: int = 0
    sale: int = 0
    lane: int = 0
    reason: Reason = Reason.NONE
    request_key: int = 0

    @property
    def status(self) -> Status:
        return Status(self.code)

    def encode(self) -> bytes:
        return _LAYOUT.pack(
            _MAGIC, _VERSION, self.kind, self.flags, self.metadata_length, self.code, self.certainty,
            self.call_id, self.sequence, self.milliseconds, self.method, self.sale, self.lane, self.reason, 0,
            self.request_key.to_bytes(16, "little"),
        )  # fmt: skip

    @classmethod
    def decode(cls, frame: bytes) -> Header:
        """Reads the header of a frame, or raises `WireError` that says what is wrong with it."""
        if len(frame) < HEADER_SIZE:
            raise WireError(f"a message of {len(frame)} bytes is shorter than a header")
        (magic, version, kind, flags, metadata_length, code, certainty, call_id, sequence, milliseconds,
         method, sale, lane, reason, reserved, key) = _LAYOUT.unpack_from(frame)  # fmt: skip
        if magic != _MAGIC or version != _VERSION:
            raise WireError(f"bytes {magic:#x} {version:#x} do not begin a message of version {_VERSION}")
        if flags & ~_KNOWN_FLAGS or reserved:
            raise WireError("a reserved bit is set")
        if metadata_length > len(frame) - HEADER_SIZE:
            raise WireError("the metadata is longer than the message")
        try:
            # The enumerations refuse what they do not know, but for reasons, which become OTHER.
            known = Kind(kind)
            _ = Status(code) if known is Kind.RESULT else Priority(code)
            return cls(
                known, flags, metadata_length, code, Certainty(certainty), call_id, sequence, milliseconds,
                method, sale, lane, Reason(reason), int.from_bytes(key, "little"),
            )  # fmt: skip
        except ValueError as error:
            raise WireError(str(error)) from None
