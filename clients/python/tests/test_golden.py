"""The frames and tables of PROTOCOL.md, read from the page itself."""

from __future__ import annotations

import ast
import re
from typing import Any

import pytest

from stampede_client import Certainty, Priority, Reason, Status, StreamKind
from stampede_client.testing.sales import partition_of_sale
from stampede_client.wire import body as bodies
from stampede_client.wire import header as flags
from stampede_client.wire.header import HEADER_SIZE, Header, Kind, WireError
from stampede_client.wire.metadata import decode_metadata, encode_metadata
from stampede_client.wire.methods import KNOWN, method_id

from .conftest import ROOT, Golden, golden_frames

FRAMES = golden_frames()
FLAGS = {
    "end": flags.END, "retry": flags.RETRY, "keyed": flags.KEYED, "partition": flags.PARTITION,
    "stream": flags.STREAM, "compressed": flags.COMPRESSED, "takesCompressed": flags.TAKES_COMPRESSED,
}  # fmt: skip


def camel(name: str) -> str:
    """`MAYBE_EXECUTED` as the page writes it."""
    first, *rest = name.lower().split("_")
    return first + "".join(word.capitalize() for word in rest)


def value(text: str) -> Any:
    """A body in the page's notation."""
    text = re.sub(r"h'([0-9a-f]*)'", lambda match: repr(bytes.fromhex(match[1])), text)
    for ours, theirs in (("null", "None"), ("true", "True"), ("false", "False")):
        text = re.sub(rf"\b{ours}\b(?=[,\]}}])", theirs, text)
    return ast.literal_eval(text)


def header_of(golden: Golden) -> Header:
    words = golden.words
    header = Header({camel(kind.name): kind for kind in Kind}[words["kind"]])
    for name in words.get("flags", "").split():
        header.flags |= FLAGS[name]
    if "status" in words:
        header.code = {camel(status.name): status for status in Status}[words["status"]]
        header.certainty = {camel(one.name): one for one in Certainty}[words["certainty"]]
        header.reason = {camel(reason.name): reason for reason in Reason}[words["reason"]]
    if "priority" in words:
        header.code = {priority.name.lower(): priority for priority in Priority}[words["priority"]]
    header.call_id = int(words.get("callID", "0"))
    header.sequence = int(words.get("sequence", "0"))
    header.milliseconds = int(words.get("milliseconds", "0"))
    header.method = method_id(words["method"]) if "method" in words else 0
    header.sale = int(words.get("sale", "0"))
    header.lane = int(words.get("lane", "0"))
    header.request_key = int(words.get("requestKey", "0"), 16)
    return header


def test_the_page_has_frames() -> None:
    assert len(FRAMES) >= 30
    assert {camel(kind.name) for kind in Kind} <= {golden.words["kind"] for golden in FRAMES}


@pytest.mark.parametrize("golden", FRAMES, ids=lambda golden: golden.title)
def test_what_a_frame_says_encodes_to_its_bytes(golden: Golden) -> None:
    header = header_of(golden)
    metadata = encode_metadata(value(golden.words["metadata"])) if "metadata" in golden.words else b""
    header.metadata_length = len(metadata)
    body = b""
    if "body" in golden.words:
        body = bodies.pack(value(golden.words["body"]))
    elif "compressed" in golden.words:
        body = value(golden.words["compressed"])
    assert header.encode() + metadata + body == golden.frame


@pytest.mark.parametrize("golden", FRAMES, ids=lambda golden: golden.title)
def test_the_bytes_of_a_frame_decode_to_what_it_says(golden: Golden) -> None:
    header = Header.decode(golden.frame)
    body_at = HEADER_SIZE + header.metadata_length
    expected = header_of(golden)
    expected.metadata_length = header.metadata_length
    assert header == expected
    if "metadata" in golden.words:
        assert decode_metadata(golden.frame[HEADER_SIZE:body_at]) == value(golden.words["metadata"])
    if "body" in golden.words:
        assert bodies.unpack(golden.frame[body_at:]) == value(golden.words["body"])


def test_a_compressed_item_inflates_to_a_thousand_haha() -> None:
    golden = next(golden for golden in FRAMES if "compressed" in golden.words)
    item = bodies.unpack(bodies.inflate(golden.frame[HEADER_SIZE:]))
    assert item == {"text": "ha" * 1000}
    again = bodies.compress(bodies.pack(item))
    assert again is not None and bodies.inflate(again) == bodies.pack(item)


def table(heading: str) -> list[dict[str, str]]:
    """The rows of the page's table that begins so, by the names of its columns."""
    page = (ROOT / "Sources/Wire/PROTOCOL.md").read_text(encoding="utf-8")
    lines = page[page.index(heading) :].split("\n\n")[0].splitlines()
    columns, _, *rows = [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(columns, row, strict=True)) for row in rows]


def test_every_method_has_the_number_routing_priority_and_kind_of_the_page() -> None:
    rows = {row["method"]: row for row in table("| method | number |")}
    for name, method in KNOWN.items():
        row = rows.pop(name)
        assert method.id == int(row["number"], 16)
        assert method.routing.value == row["routing"]
        assert method.priority.name.lower() == row["priority"]
        assert (method.kind is StreamKind.SERVER_STREAM) == row["reply"].startswith("stream of")
    # What is left is for workers, and for the command line of operators.
    assert set(rows) == {
        "partition.yield", "worker.drain", "worker.breaker", "worker.redis", "order.revoke", "payment.begin",
        "payment.record", "payment.list", "contact.get",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("| value | kind | direction", Kind), ("| value | certainty |", Certainty),
        ("| value | status |", Status), ("| value | reason |", Reason), ("| value | priority |", Priority),
    ],
)  # fmt: skip
def test_an_enumeration_has_the_values_of_the_page(heading: str, kind: Any) -> None:
    ours = {camel(member.name): member.value for member in kind}
    name = heading.split("|")[2].strip()
    for row in table(heading):
        assert ours[row[name]] == int(row["value"], 0)


def test_the_flags_have_the_values_of_the_page() -> None:
    assert {row["flag"]: int(row["value"]) for row in table("| value | flag |")} == FLAGS


@pytest.mark.parametrize(
    "spoil",
    [
        lambda frame: frame[:63], lambda frame: b"\x54" + frame[1:],
        lambda frame: frame[:1] + b"\x02" + frame[2:],
        lambda frame: frame[:2] + b"\x7f" + frame[3:], lambda frame: frame[:3] + b"\x80" + frame[4:],
        lambda frame: frame[:4] + b"\xff\xff" + frame[6:], lambda frame: frame[:6] + b"\x11" + frame[7:],
        lambda frame: frame[:7] + b"\x03" + frame[8:], lambda frame: frame[:44] + b"\x01" + frame[45:],
    ],
    ids=["short", "magic", "version", "kind", "flags", "metadata", "status", "certainty", "reserved"],
)  # fmt: skip
def test_what_is_no_message_is_refused(spoil: Any) -> None:
    frame = Header(Kind.RESULT, flags.END, call_id=1).encode()
    Header.decode(frame)
    with pytest.raises(WireError):
        Header.decode(spoil(frame))


def test_a_reason_of_tomorrow_is_read_as_other() -> None:
    frame = bytearray(Header(Kind.RESULT, flags.END, code=9, call_id=1).encode())
    frame[42:44] = (999).to_bytes(2, "little")
    assert Header.decode(bytes(frame)).reason is Reason.OTHER


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\x01", (1 << 20 | 1).to_bytes(4, "little") + b"x", (5).to_bytes(4, "little") + b"not zlib",
        (4).to_bytes(4, "little") + bytes.fromhex("789c4b4c4a4e4905000603020e"),
    ],
    ids=["empty", "short", "too large", "no zlib", "longer than it says"],
)  # fmt: skip
def test_a_compressed_body_that_lies_is_refused(body: bytes) -> None:
    with pytest.raises(WireError):
        bodies.inflate(body)


@pytest.mark.parametrize(
    "metadata",
    [{"Big": "1"}, {"": "1"}, {"a" * 65: "1"}, {"a": 1}, {f"k{n}": "" for n in range(65)}, {"a": "x" * 8200}],
    ids=["capital", "empty", "long key", "number", "many", "large"],
)
def test_metadata_that_may_not_be_sent_is_refused(metadata: Any) -> None:
    with pytest.raises(ValueError):
        encode_metadata(metadata)


def test_a_sale_belongs_to_the_partition_that_the_page_computes() -> None:
    # splitmix64's first output for the seed 0 is the finalizer of its increment.
    assert partition_of_sale(0, 1, 1 << 64) == 0xE220A8397B1DCDAF
    assert all(0 <= partition_of_sale(sale, 0, 64) < 64 for sale in range(1000))
