"""What travels beside a body: a few named values that brokers do not read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias

import msgpack

from . import limits
from .header import WireError

Metadata: TypeAlias = Mapping[str, str | bytes]

_KEY = re.compile(rf"[a-z0-9._-]{{1,{limits.METADATA_KEY_LENGTH}}}", re.ASCII)


def encode_metadata(metadata: Metadata) -> bytes:
    """The bytes between header and body; none for none. Raises `ValueError` for what may not be sent."""
    if not metadata:
        return b""
    if len(metadata) > limits.METADATA_PAIRS:
        raise ValueError(f"metadata has {len(metadata)} pairs; send at most {limits.METADATA_PAIRS}")
    for key, value in metadata.items():
        if not isinstance(key, str) or not _KEY.fullmatch(key):
            raise ValueError(f"{key!r} is not a metadata key; use 1 to 64 of a-z 0-9 . _ -")
        if not isinstance(value, str | bytes):
            raise ValueError(f"metadata {key!r} is {type(value).__name__}; send str or bytes")
    encoded: bytes = msgpack.packb(dict(metadata), use_bin_type=True)
    if len(encoded) > limits.METADATA_SIZE:
        raise ValueError(f"metadata has {len(encoded)} bytes; send at most {limits.METADATA_SIZE}")
    return encoded


def decode_metadata(encoded: bytes) -> dict[str, str | bytes]:
    if not encoded:
        return {}
    if len(encoded) > limits.METADATA_SIZE:
        raise WireError(f"metadata of {len(encoded)} bytes")
    try:
        metadata = msgpack.unpackb(encoded, raw=False, max_map_len=limits.METADATA_PAIRS)
    except Exception as error:  # msgpack raises several kinds, not all of them ValueErrors
        raise WireError(f"metadata that cannot be read: {error}") from None
    if not isinstance(metadata, dict) or not all(
        isinstance(key, str) and _KEY.fullmatch(key) and isinstance(value, str | bytes)
        for key, value in metadata.items()
    ):
        raise WireError("metadata that is not a flat map of names")
    return metadata
