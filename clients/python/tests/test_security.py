"""Keys, their files, and encrypted connections."""

from __future__ import annotations

from pathlib import Path

import pytest

from stampede_client import CallError, CallOptions, Certainty, Client, KeyPair, Security
from stampede_client.testing import FakeServer

PAIR = KeyPair.generate()


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    "text",
    [
        "# The key pair of “shop”.\npublic {public}\nsecret {secret}\n",
        'public = "{public}"\nsecret = "{secret}"\n',
        "secret   {secret}\n\n  public\t{public}",
    ],
)
def test_a_key_file_is_read(tmp_path: Path, text: str) -> None:
    path = write(tmp_path / "shop.key", text.format(public=PAIR.public, secret=PAIR.secret))
    assert KeyPair.read(path) == PAIR


def test_a_public_key_file_has_no_secret(tmp_path: Path) -> None:
    path = write(tmp_path / "broker.pub", f"public {PAIR.public}\n", 0o644)
    assert KeyPair.read(path).secret is None
    with pytest.raises(ValueError, match="no secret key"):
        Security.from_files(path, path)


def test_a_secret_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "shop.key", f"public {PAIR.public}\nsecret {PAIR.secret}\n", 0o640)
    with pytest.raises(ValueError, match="chmod 600"):
        KeyPair.read(path)


@pytest.mark.parametrize("text", ["", "public short", "private " + "a" * 40, "public " + "~" * 40])
def test_what_is_no_key_file_is_refused_without_showing_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError) as caught:
        KeyPair.read(write(tmp_path / "x.key", text))
    assert "~" not in str(caught.value) and "short" not in str(caught.value)


def test_secrets_are_not_printed() -> None:
    assert PAIR.secret is not None
    security = Security(PAIR.public, PAIR.public, PAIR.secret)
    assert PAIR.secret not in repr(security) and PAIR.secret not in repr(PAIR)
    with pytest.raises(ValueError, match="secret_key"):
        Security(PAIR.public, PAIR.public, "short")


def test_calls_travel_encrypted(tmp_path: Path) -> None:
    server_keys, own = KeyPair.generate(), KeyPair.generate()
    own_file = write(tmp_path / "own.key", f"public {own.public}\nsecret {own.secret}\n")
    security = Security.from_files(own_file, server_keys.public)
    with FakeServer(endpoints=["tcp://127.0.0.1:*"], keys=server_keys) as server:
        with Client(server.endpoints, security=security) as client:
            assert client.check_health().is_serving
            server.lose_session("health.check")
            assert client.check_health().is_serving
        # Without keys, or for another server's key, no connection ever stands.
        other = Security(own.public, security.public_key, security.secret_key)
        for wrong in (None, other):
            with Client(server.endpoints, security=wrong) as client:
                with pytest.raises(CallError) as caught:
                    client.check_health(options=CallOptions(deadline=0.5))
                assert caught.value.certainty is Certainty.NOT_EXECUTED
