"""CURVE: who the broker is, and who we are."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import zmq


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A CURVE key pair in Z85: 40 printable characters each."""

    public: str
    secret: str | None = field(default=None, repr=False)

    @classmethod
    def read(cls, path: str | Path) -> KeyPair:
        """Reads a key file: lines `public = "…"` and, for one's own, `secret = "…"`; others are skipped."""
        found: dict[str, str] = {}
        for line in Path(path).read_text(encoding="utf-8").splitlines():
            # Z85 has '#' among its digits, so only a line that begins with one is a comment.
            if match := _LINE.fullmatch(line.strip()):
                found[match["name"]] = match["key"]
        if "public" not in found:
            raise ValueError(f'{path} has no line `public = "…"` with 40 characters of Z85')
        for name, key in found.items():
            _check(key, f"{name} in {path}")
        return cls(found["public"], found.get("secret"))

    @classmethod
    def generate(cls) -> KeyPair:
        public, secret = zmq.curve_keypair()
        return cls(public.decode("ascii"), secret.decode("ascii"))


@dataclass(frozen=True, slots=True)
class Security:
    """The keys of an encrypted connection, as 40 characters of Z85. For `tcp://` endpoints; over `ipc://` the
    folder's permissions decide."""

    server_key: str
    """The brokers' public key."""
    public_key: str
    secret_key: str

    def __post_init__(self) -> None:
        _check(self.server_key, "server_key")
        _check(self.public_key, "public_key")
        _check(self.secret_key, "secret_key")

    @classmethod
    def from_files(cls, own: str | Path, server: str | Path) -> Security:
        """Reads one's own key file, and the one with the brokers' public key."""
        pair = KeyPair.read(own)
        if pair.secret is None:
            raise ValueError(f'{own} has no line `secret = "…"`; give the file of your own key pair')
        return cls(KeyPair.read(server).public, pair.public, pair.secret)

    def apply(self, socket: zmq.Socket[bytes]) -> None:
        socket.curve_serverkey = self.server_key.encode("ascii")
        socket.curve_publickey = self.public_key.encode("ascii")
        socket.curve_secretkey = self.secret_key.encode("ascii")

    def __repr__(self) -> str:
        # Logs and tracebacks must not carry the secret.
        return f"Security(server_key={self.server_key!r}, public_key={self.public_key!r}, secret_key=…)"


_LINE = re.compile(r"""(?P<name>public|secret)(?:[-_]key)?\s*[=:]\s*(["']?)(?P<key>\S{40})\2""")
_Z85 = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}", re.ASCII)


def _check(key: str, name: str) -> None:
    if not _Z85.fullmatch(key):
        raise ValueError(f"{name} is not 40 characters of Z85")
