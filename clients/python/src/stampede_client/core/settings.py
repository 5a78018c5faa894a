"""The bounds and periods of a client."""

from __future__ import annotations

from dataclasses import dataclass

from .backoff import Backoff


@dataclass(frozen=True, slots=True)
class Settings:
    """The defaults suit a service beside its brokers. Seconds."""

    maximum_calls_in_flight: int = 32_768
    """One more is refused at once with RESOURCE_EXHAUSTED."""
    ping_interval: float = 1.0
    """A session that has heard nothing for this long asks with a PING. Brokers mute clients that ask more
    often than every second."""
    talk_interval: float = 5.0
    """A session that has said nothing for this long does too, so that its broker does not forget it."""
    silence_limit: float = 3.0
    """A session that has heard nothing for this long is dead."""
    connect_limit: float = 1.0
    """How long a connection may take to be established."""
    reconnect: Backoff = Backoff(0.1, 5.0)
    """Waits between connections to one broker."""
    retry: Backoff = Backoff(0.01, 1.0)
    """Waits between attempts of one call."""
