"""The client's keys against a real broker that asks for them."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from stampede_client import CallError, CallOptions, Certainty, Client, Security, Status

from .cluster import binary, makes_keys

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(
        not makes_keys(),
        reason="there is no stampede with `keygen`: build it with `swift build --product stampede`",
    ),
]


@dataclass
class Broker:
    endpoint: str
    keys: Path

    def security(self, name: str) -> Security:
        return Security.from_files(self.keys / f"{name}.key", self.keys / "broker.pub")


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """One broker without workers."""
    program, folder = binary(), tmp_path_factory.mktemp("keys")
    folder.chmod(0o700)
    keys, allowed = folder / "keys", ""
    assert program is not None
    for name, role in (("broker", None), ("shop", "service"), ("ops", "operator"), ("stranger", "service")):
        roles = ["--role", role] if role is not None else []
        made = subprocess.run(
            [program, "keygen", name, "--out", keys, *roles],
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        allowed += made.stdout if name in ("shop", "ops") else ""
    allow_list = folder / "allow.list"
    allow_list.write_text(allowed)
    allow_list.chmod(0o600)
    endpoint = f"tcp://127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        [
            program, "broker", "--name", "broker-1", "--clients", endpoint, "--workers",
            f"tcp://127.0.0.1:{free_port()}", "--curve-key", keys / "broker.key", "--allow", allow_list,
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    yield Broker(endpoint, keys)
    process.terminate()
    process.wait(30)


def test_an_operator_sees_the_brokers_status_and_a_service_does_not(broker: Broker) -> None:
    with Client([broker.endpoint], security=broker.security("ops")) as client:
        (report,) = client.broker_status(deadline=20)
        assert report.status is not None and report.status.name == "broker-1"
    with Client([broker.endpoint], security=broker.security("shop")) as client:
        (report,) = client.broker_status(deadline=20)
        assert report.error is not None and report.error.status is Status.PERMISSION_DENIED
        assert report.error.certainty is Certainty.NOT_EXECUTED
        assert client.check_health("order", options=CallOptions(deadline=20)).status == "unknown"


@pytest.mark.parametrize("security", ["stranger", "none", "wrong server"])
def test_who_is_not_on_the_list_is_not_let_in(broker: Broker, security: str) -> None:
    known = broker.security("shop")
    given = {
        "stranger": broker.security("stranger"),
        "none": None,
        "wrong server": Security(known.public_key, known.public_key, known.secret_key),
    }[security]
    with Client([broker.endpoint], security=given) as client:
        with pytest.raises(CallError) as caught:
            client.check_health(options=CallOptions(deadline=0.5))
    assert caught.value.certainty is Certainty.NOT_EXECUTED
