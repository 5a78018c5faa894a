"""pytest finds this by its entry point."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .server import FakeServer


@pytest.fixture
def stampede_fake() -> Iterator[FakeServer]:
    """A `FakeServer` that runs while the test does."""
    with FakeServer() as server:
        yield server
