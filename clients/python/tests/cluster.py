"""A real cluster of real processes, started by the built `stampede`."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

from .conftest import ROOT


def binary() -> Path | None:
    """`STAMPEDE_BINARY`, else the debug build of this repository, if there is one."""
    path = Path(os.environ.get("STAMPEDE_BINARY") or ROOT / ".build/debug/stampede")
    return path.resolve() if path.is_file() else None


def makes_keys() -> bool:
    program = binary()
    if program is None:
        return False
    asked = subprocess.run(
        [program, "keygen", "--help"], capture_output=True, text=True, timeout=30, check=False
    )
    return asked.returncode == 0 and "--role" in asked.stdout


class Cluster:
    """`stampede up` in a folder of its own, on Unix sockets alone."""

    def __init__(self, brokers: int = 2) -> None:
        program = binary()
        assert program is not None
        # Root's Postgres runs as another user, who has to get into the folder; socket paths have to be short.
        self.folder = Path(tempfile.mkdtemp(prefix="stampede-py-", dir="/var/tmp"))
        self.folder.chmod(0o755)
        self._log = (self.folder / "up.log").open("wb")
        self._process = subprocess.Popen(
            [
                program, "up", "--data", self.folder, "--brokers", str(brokers), "--json",
                "--lease-ttl", "2000",
            ],
            stdout=subprocess.PIPE, stderr=self._log, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise RuntimeError(f"the cluster did not start: {self.log()}")
        self.brokers: list[str] = json.loads(line)["brokers"]

    def log(self) -> str:
        path = self.folder / "up.log"
        return path.read_text(encoding="utf-8")[-2000:] if path.exists() else ""

    def file(self) -> dict[str, Any]:
        text = (self.folder / "cluster.json").read_text(encoding="utf-8")
        data: dict[str, Any] = json.loads(text)
        return data

    def kill(self, name: str) -> int:
        """kill -9 of one process of ours; the supervisor starts it again. Returns its pid."""
        pid: int = self.file()["pids"][name]
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_for_restart(self, name: str, pid: int, seconds: float = 20.0) -> None:
        end = time.monotonic() + seconds
        while self.file()["pids"].get(name) in (None, pid):
            if time.monotonic() > end:
                raise TimeoutError(f"{name} did not start again: {self.log()}")
            time.sleep(0.02)

    def audit(self) -> bool:
        program = binary()
        assert program is not None
        audit = subprocess.run(
            [program, "audit", "--data", self.folder], capture_output=True, text=True, timeout=60, check=False
        )
        return audit.returncode == 0

    def stop(self) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)
