"""Every piece of Python in the README runs, and so do the examples."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from stampede_client import KeyPair
from stampede_client.testing import FakeServer, ServerCall

from .conftest import ROOT

README = (ROOT / "clients/python/README.md").read_text(encoding="utf-8")
SNIPPETS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)
TESTS = re.findall(r"^```python test\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def shop(stampede_fake: FakeServer) -> FakeServer:
    """What the snippets call."""
    stampede_fake.sales.add(7)
    stampede_fake.handle("greeter.hello", lambda call: {"text": f"Hello {call.body['name']}"})

    @stampede_fake.handler("numbers.add", "client-stream")
    async def add(call: ServerCall) -> dict[str, int]:
        return {"total": sum([number async for number in call])}

    @stampede_fake.handler("numbers.double", "bidirectional")
    async def double(call: ServerCall) -> None:
        async for number in call:
            await call.send(2 * number)

    return stampede_fake


def run(code: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        cwd=folder, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_there_are_snippets() -> None:
    assert len(SNIPPETS) == 6 and len(TESTS) == 1


@pytest.mark.parametrize("number", range(len(SNIPPETS)))
def test_a_snippet_of_the_readme_runs(number: int, shop: FakeServer, tmp_path: Path) -> None:
    code = re.sub(r"ipc:///run/stampede/broker-\d-clients\.sock", shop.endpoint, SNIPPETS[number])
    if "Security" not in code:
        done = run(code, tmp_path)
    else:
        server, own = KeyPair.generate(), KeyPair.generate()
        (tmp_path / "keys").mkdir()
        (tmp_path / "keys/broker.pub").write_text(f"public {server.public}\n")
        (tmp_path / "keys/shop.key").write_text(f"public {own.public}\nsecret {own.secret}\n")
        (tmp_path / "keys/shop.key").chmod(0o600)
        with FakeServer(endpoints=["tcp://127.0.0.1:*"], keys=server) as secured:
            secured.sales.add(7)
            done = run(code.replace("tcp://127.0.0.1:7100", secured.endpoint), tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_the_tests_of_the_readme_pass(tmp_path: Path) -> None:
    (tmp_path / "test_readme.py").write_text(TESTS[0])
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "pytest", "-q", tmp_path],
        cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and "3 passed" in done.stdout, done.stdout


@pytest.mark.parametrize("name", ["first_order.py", "first_order_raw.py"])
def test_an_example_places_its_order(name: str, stampede_fake: FakeServer, tmp_path: Path) -> None:
    stampede_fake.sales.add(7, units=2)
    code = (ROOT / "docs/examples" / name).read_text(encoding="utf-8")
    key = "00112233445566778899aabbccddeeff"
    for _ in range(2):
        done = run(code, tmp_path, stampede_fake.endpoint, "7", "42", key)
        assert (done.returncode, done.stderr) == (0, "")
        assert key in done.stdout and "for 1999 EUR" in done.stdout
    assert len(stampede_fake.sales.orders(7)) == 1
    refused = run(code, tmp_path, stampede_fake.endpoint, "8", "42")
    assert refused.returncode == 1 and "no order was placed" in refused.stdout


def test_the_python_of_the_projects_readme_runs(stampede_fake: FakeServer, tmp_path: Path) -> None:
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    stampede_fake.sales.add(4711)
    (code,) = re.findall(r"^```python\n(from stampede_client.*?)^```", page, re.DOTALL | re.MULTILINE)
    done = run(re.sub(r"ipc://[^\"]+", stampede_fake.endpoint, code), tmp_path)
    assert done.returncode == 0 and "Order(" in done.stdout, done.stderr
