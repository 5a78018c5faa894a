"""Checks a receipt of Stampede with nothing of Stampede: `check_receipt.py RECEIPT.json PUBLIC_KEY`.

The public key is 64 hexadecimal digits. Hashes are Python's own, the signature is checked by the program `openssl`.
Exits with 1 and the reason when the receipt proves nothing. ../receipts.md explains the bytes.
"""

import hashlib
import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


def text(value: str) -> bytes:
    return struct.pack(">I", len(value.encode())) + value.encode()


def optional(form: str, value: int | None) -> bytes:
    return b"\0" if value is None else b"\1" + struct.pack(form, value)


def leaf(entry: dict[str, Any]) -> bytes:
    terms, note = entry.get("terms"), entry.get("note")
    key = bytes.fromhex(entry["key"].replace("-", ""))
    fixed = struct.pack(
        ">BBhqhhqq16siqqq", 1, (1 if terms else 0) | (2 if note else 0), entry["partition"], entry["sequence"],
        entry["kind"], entry["lane"], entry["sale"], entry["buyer"], key, entry["quantity"], entry["amount"],
        entry["at"], entry["about"],
    )  # fmt: skip
    if terms:
        fixed += text(terms["name"]) + struct.pack(">q", terms["price"]) + text(terms["currency"])
        fixed += struct.pack(">iq", terms["limit"], terms["opens"]) + optional(">q", terms.get("closes"))
        fixed += optional(">i", terms.get("hold")) + struct.pack(">iB", terms["payment"], terms["paused"])
    if note:
        fixed += text(note["actor"]) + text(note["reason"])
    return fixed


def header(batch: dict[str, Any]) -> bytes:
    numbers = struct.pack(
        ">QIhqqqq", int(batch["system"]), batch["timeline"], batch["partition"], batch["fence"], batch["batch"],
        batch["first"], batch["last"],
    )  # fmt: skip
    return b"stampede/batch/1" + numbers + bytes.fromhex(batch["previous"]) + bytes.fromhex(batch["root"])


def digest(prefix: bytes, content: bytes) -> bytes:
    return hashlib.sha256(prefix + content).digest()


def follow(node: bytes, index: int, size: int, path: list[str]) -> bytes:
    """Where a path leads: RFC 9162, 2.1.3.2."""
    if not 0 <= index < size:
        sys.exit("there is no such place in the tree")
    last = size - 1
    for sibling in map(bytes.fromhex, path):
        if last == 0:
            sys.exit("the path is too long")
        if index & 1 or index == last:
            node = digest(b"\1", sibling + node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = digest(b"\1", node + sibling)
        index, last = index >> 1, last >> 1
    if last:
        sys.exit("the path is too short")
    return node


def is_signed(message: bytes, signature: bytes, key: bytes) -> bool:
    with tempfile.TemporaryDirectory() as folder:
        names = ("message", "signature", "key")
        files = {name: Path(folder, name) for name in names}
        # RFC 8410: what stands before the 32 bytes of an Ed25519 key.
        contents = (message, signature, bytes.fromhex("302a300506032b6570032100") + key)
        for name, content in zip(names, contents, strict=True):
            files[name].write_bytes(content)
        command = ["openssl", "pkeyutl", "-verify", "-rawin", "-pubin", "-keyform", "DER", "-inkey", str(files["key"])]
        command += ["-in", str(files["message"]), "-sigfile", str(files["signature"])]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def main() -> None:
    receipt, key = json.loads(Path(sys.argv[1]).read_text()), bytes.fromhex(sys.argv[2])
    entry, batch, transaction = receipt["entry"], receipt["batch"], receipt["transaction"]
    if entry["partition"] != batch["partition"]:
        sys.exit("entry and batch are of different partitions")
    place, size = entry["sequence"] - batch["first"], batch["last"] - batch["first"] + 1
    if follow(digest(b"\0", leaf(entry)), place, size, receipt["path"]).hex() != batch["root"]:
        sys.exit("the entry is not in the batch")
    root = follow(
        digest(b"\0", header(batch)), transaction["place"], transaction["size"], transaction["siblings"]
    )
    if "signature" not in receipt:
        sys.exit("nobody signed")
    message = b"stampede/seals/1" + struct.pack(">I", transaction["size"]) + root
    if not is_signed(message, bytes.fromhex(receipt["signature"]["bytes"]), key):
        sys.exit("the signature is not that of the key")
    print(f"Proved: entry {entry['partition']}-{entry['sequence']}, buyer {entry['buyer']}, {entry['quantity']} units")


if __name__ == "__main__":
    main()
