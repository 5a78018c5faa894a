#!/usr/bin/env python3
"""Writes the frames of PROTOCOL.md as seeds: whole ones for the envelope, bodies for the body they are of."""

import hashlib
import pathlib
import re

here = pathlib.Path(__file__).resolve().parent
page = (here / "../Sources/Wire/PROTOCOL.md").read_text()

# The place of a body in fuzz/Sources/bodies, by what the block says of the frame.
BODIES = 26
METHODS = {
    "order.place": 0, "order.place_many": 1, "order.settle": 2, "sale.create": 3, "sale.change": 4,
    "sale.list": 7, "health.watch": 24,
}
KINDS = {"ready": 16, "own": 19, "disown": 20, "describe": 22}


def keep(folder: str, seed: bytes) -> None:
    path = here / "corpus" / folder
    path.mkdir(parents=True, exist_ok=True)
    (path / hashlib.sha1(seed).hexdigest()).write_bytes(seed)


for block in re.findall(r"```frame\n(.*?)```", page, re.S):
    claims = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
    digits = "".join(line for line in block.splitlines() if ": " not in line)
    frame = bytes.fromhex(digits)
    keep("envelope", frame)
    body = frame[64 + int.from_bytes(frame[4:6], "little"):]
    if not body:
        continue
    places = [METHODS.get(claims.get("method", ""), KINDS.get(claims["kind"], 25))]
    if claims["kind"] == "result":
        places = [9, 10, 14]
    if claims["kind"] == "beat":
        places = [17, 18]
    for place in places + [25]:
        keep("bodies", bytes([place]) + body)
