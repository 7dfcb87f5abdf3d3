"""A real QuestDB as a process of this machine, for the programs that work beside one."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from lab.image.build import cache_folder
from lab.image.service_recipe import QUESTDB

PATIENCE_SECONDS = 120.0


class QuestdbProcess:
    """The server, on a port of the loopback and in a folder of its own."""

    def __init__(self, folder: Path, settings: Mapping[str, str] | None = None) -> None:
        """``settings`` are environment variables of the server, beside ours."""
        if shutil.which("java") is None or not (cache_folder() / QUESTDB.file_name).exists():
            pytest.skip("needs java, and the QuestDB that making the lab's images leaves in the cache")
        self._folder, self._settings = folder, dict(settings or {})
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """host:port"""
        return f"127.0.0.1:{self._port}"

    @property
    def running(self) -> bool:
        return self._process is not None

    def start(self) -> None:
        """Returns when it answers."""
        settings = {
            "QDB_HTTP_BIND_TO": self.address,
            "QDB_HTTP_MIN_ENABLED": "false",
            "QDB_PG_ENABLED": "false",
            "QDB_LINE_TCP_ENABLED": "false",
            "QDB_TELEMETRY_ENABLED": "false",
        }
        jar = cache_folder() / QUESTDB.file_name
        command = ["java", "-Xmx256m", "--add-exports", "java.base/jdk.internal.vm=io.questdb", "-p", jar]
        self._process = process = subprocess.Popen(
            [*command, "-m", "io.questdb/io.questdb.ServerMain", "-d", self._folder],
            env={**os.environ, **settings, **self._settings},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

        def answers() -> bool:
            assert process.poll() is None, "QuestDB ended"
            with suppress(OSError):
                self.ask("SELECT 1")
                return True
            return False

        until(answers)

    def stop(self) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait()
        self._process = None

    def ask(self, statement: str) -> list[list[Any]]:
        """The rows of a query; none for a statement."""
        address = f"http://{self.address}/exec?{urllib.parse.urlencode({'query': statement})}"
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                found: list[list[Any]] = json.load(answer).get("dataset", [])
        except urllib.error.HTTPError as refused:
            raise AssertionError(refused.read()) from None
        return found


def until(holds: Callable[[], bool]) -> None:
    """Wait for a condition; fails after PATIENCE_SECONDS."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
    return port
