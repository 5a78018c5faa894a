"""pytest finds this by its entry point."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .server import FakeServer


@pytest.fixture
def stampede_fake() -> Iterator[FakeServer]:
    """A `FakeServer` that runs while the test does."""
    # Every run of pytest loads this file, and most need none of what the server needs.
    from .server import FakeServer

    with FakeServer() as server:
        yield server
