from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stampede_client import Client
from stampede_client.testing import FakeServer

ROOT = Path(__file__).resolve().parents[3]


@dataclass
class Golden:
    """A frame of PROTOCOL.md: what it says in words, and its bytes."""

    title: str
    words: dict[str, str] = field(default_factory=dict)
    frame: bytes = b""


def golden_frames() -> list[Golden]:
    page = (ROOT / "Sources/Wire/PROTOCOL.md").read_text(encoding="utf-8")
    frames: list[Golden] = []
    for title, block in re.findall(r"^### ([^\n]+)\n\n```frame\n(.*?)```", page, re.DOTALL | re.MULTILINE):
        golden = Golden(title)
        for line in block.splitlines():
            if re.fullmatch(r"([0-9a-f]{2} ?)+", line):
                golden.frame += bytes.fromhex(line)
            else:
                name, _, words = line.partition(": ")
                golden.words[name] = words
        frames.append(golden)
    return frames


@pytest.fixture
def client(stampede_fake: FakeServer) -> Iterator[Client]:
    with Client(stampede_fake.endpoints) as client:
        yield client


@pytest.fixture
def fake_pair() -> Iterator[FakeServer]:
    """Two brokers before the same sales."""
    with FakeServer(brokers=2) as server:
        yield server
