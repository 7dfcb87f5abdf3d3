"""First frame on stdin: makes the second frame (module name -> source) importable, then runs main with the third."""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import json
import sys
import zlib
from types import ModuleType
from typing import Any, BinaryIO

PACKAGE = "fleet_agent"


def read_frame(stream: BinaryIO) -> bytes:
    """One frame: its length in decimal on a line, then so many bytes of zlib. A short one: the sender is gone."""
    line = stream.readline().strip()
    data = stream.read(int(line)) if line.isdigit() else b""
    if not line.isdigit() or len(data) != int(line):
        raise SystemExit("fleet: the connection ended before everything was received; nothing was done")
    return zlib.decompress(data)


class SourceFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports the package's modules from their texts."""

    def __init__(self, sources: dict[str, str]) -> None:
        self.sources = sources

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> importlib.machinery.ModuleSpec | None:
        package, _, module = fullname.partition(".")
        if package != PACKAGE or (module or "__init__") not in self.sources:
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=not module)

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__.partition(".")[2] or "__init__"
        # The texts are this package's own, received over the verified connection.
        exec(compile(self.sources[name], f"{name}.py", "exec"), module.__dict__)  # noqa: S102


def start() -> None:
    """Receive everything, then run. Nothing is done on the host before the last byte is here."""
    sources = json.loads(read_frame(sys.stdin.buffer))
    payload = json.loads(read_frame(sys.stdin.buffer))
    sys.meta_path.insert(0, SourceFinder(sources))
    importlib.import_module(f"{PACKAGE}.main").serve(payload, sources)


if __name__ == "__main__":
    start()
