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
        """Reads a file that `stampede keygen` made: a line `public KEY`, in a `.key` file one `secret KEY`,
        and comments. Also read are `public = "KEY"` and the like. A secret that others may read is refused.
        """
        found: dict[str, str] = {}
        for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
            words = line.split()
            # Z85 has '#' and '=' among its digits, so both mean something else only as, or before, a word.
            if not words or words[0].startswith("#"):
                continue
            if len(words) == 3 and words[1] == "=":
                del words[1]
            key = words[-1].strip("\"'")
            if len(words) != 2 or words[0] not in ("public", "secret") or not _Z85.fullmatch(key):
                # The line is not shown: it may hold a secret.
                raise ValueError(
                    f"line {number} of {path} is no key: it must be `public` or `secret` and a key"
                )
            found[words[0]] = key
        if "public" not in found:
            raise ValueError(f"{path} has no public key; name a file that `stampede keygen` made")
        if "secret" in found and Path(path).stat().st_mode & 0o077:
            raise ValueError(f"{path} may be read by others; keep it to its owner: chmod 600")
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
        """Reads one's own `.key` file, and the brokers' `.pub` file (or takes their public key itself)."""
        pair = KeyPair.read(own)
        if pair.secret is None:
            raise ValueError(f"{own} has no secret key; name the .key file that `stampede keygen` made")
        is_key = isinstance(server, str) and _Z85.fullmatch(server) and not Path(server).exists()
        return cls(str(server) if is_key else KeyPair.read(server).public, pair.public, pair.secret)

    def apply(self, socket: zmq.Socket[bytes]) -> None:
        socket.curve_serverkey = self.server_key.encode("ascii")
        socket.curve_publickey = self.public_key.encode("ascii")
        socket.curve_secretkey = self.secret_key.encode("ascii")

    def __repr__(self) -> str:
        # Logs and tracebacks must not carry the secret.
        return f"Security(server_key={self.server_key!r}, public_key={self.public_key!r}, secret_key=…)"


_Z85 = re.compile(r"[0-9a-zA-Z.\-:+=^!/*?&<>()\[\]{}@%$#]{40}", re.ASCII)


def _check(key: str, name: str) -> None:
    if not _Z85.fullmatch(key):
        raise ValueError(f"{name} is not 40 characters of Z85")
