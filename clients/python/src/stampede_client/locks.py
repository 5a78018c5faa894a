"""Locks that services share: taken, extended while they are used, and released."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING

from .errors import CallError
from .messages import HeldLock
from .options import CallOptions
from .wire.status import Reason

if TYPE_CHECKING:
    from .client import Client


class LockLost(Exception):
    """The lock ended before the work under it: that work must be refused by its fence, or undone."""


class Lock:
    """A lock of the cluster, held within a `with` block.

    A thread extends it whenever a third of its time has passed. It is advice, not proof: give `fence` along
    with whatever is written under it, and have a lower one refused than was there before.
    """

    def __init__(self, client: Client, name: str, ttl: float, wait: float) -> None:
        self._client, self.name, self._ttl, self._wait = client, name, ttl, wait
        self._held: HeldLock | None = None
        self._end = 0.0
        self._done = threading.Event()
        self._keeper: threading.Thread | None = None

    @property
    def fence(self) -> int:
        """Higher than that of every holder before."""
        if self._held is None:
            raise RuntimeError("the lock is not held: use it in a `with` block")
        return self._held.fence

    @property
    def remaining(self) -> float:
        """Seconds for which the lock is surely held from now on, unless it is extended; 0 when it is lost."""
        return max(0.0, self._end - time.monotonic())

    def check(self, need: float = 0.0) -> None:
        """Raises `LockLost` if the lock is not surely held for so many seconds."""
        if self.remaining <= need:
            raise LockLost(f"the lock {self.name!r} (fence {self.fence}) ended before the work under it")

    def __enter__(self) -> Lock:
        sent = time.monotonic()
        self._held = self._client.acquire_lock(self.name, ttl=self._ttl, wait=self._wait)
        self._end = sent + self._held.lasts
        self._done.clear()
        self._keeper = threading.Thread(target=self._keep, name=f"stampede-lock-{self.name}", daemon=True)
        self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        was_lost = self.remaining == 0
        held, keeper = self._held, self._keeper
        assert held is not None and keeper is not None
        self._done.set()
        keeper.join()
        try:
            self._client.release_lock(self.name, held.token, options=CallOptions(deadline=2))
        except CallError:
            pass  # It runs out.
        if was_lost and error is None:
            raise LockLost(f"the lock {self.name!r} (fence {held.fence}) ended before the work under it")

    def _keep(self) -> None:
        assert self._held is not None
        while True:
            left = self.remaining
            if left == 0 or self._done.wait(max(left - self._ttl * 2 / 3, min(left, self._ttl / 10))):
                return
            sent = time.monotonic()
            options = CallOptions(deadline=max(0.01, min(self._end - sent, self._ttl / 3)))
            try:
                lasts = self._client.extend_lock(self.name, self._held.token, ttl=self._ttl, options=options)
                self._end = sent + lasts
            except CallError as error:
                if error.reason is Reason.LOCK_LOST:
                    self._end = 0.0
                    return
