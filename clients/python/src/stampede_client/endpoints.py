"""Where a broker takes its clients' connections."""

from __future__ import annotations

from collections.abc import Sequence


def checked(brokers: Sequence[str]) -> tuple[str, ...]:
    """The endpoints, or `ValueError` for an empty list or what is no endpoint."""
    if isinstance(brokers, str):
        raise ValueError("give a list of endpoints, one per broker, not one string")
    if not brokers:
        raise ValueError("a client needs at least one broker's endpoint")
    for broker in brokers:
        if not _is_endpoint(broker):
            raise ValueError(f"{broker!r} is not an endpoint; write tcp://host:port or ipc:///path")
    return tuple(brokers)


def _is_endpoint(broker: str) -> bool:
    if broker.startswith("ipc://"):
        # unix(7): `sun_path` has 108 bytes, the closing zero included.
        return broker != "ipc://*" and 0 < len(broker[6:].encode()) <= 107
    host, _, port = broker.removeprefix("tcp://").rpartition(":")
    return (
        broker.startswith("tcp://")
        and bool(host)
        and port.isascii()
        and port.isdigit()
        and 0 < int(port) < 65_536
    )
