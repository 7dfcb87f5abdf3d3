"""The engine's provider protocol, loaded without the SDK around it.

The generated modules live inside the ``pulumi`` package, whose import costs a plugin 0.15 s at every start for things
that it never uses. Two empty packages in its place let them load alone.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from pathlib import Path
from typing import Any


def _stand_in(name: str, folder: Path) -> None:
    if name not in sys.modules:
        package = types.ModuleType(name)
        package.__path__ = [str(folder)]
        sys.modules[name] = package


def _load(name: str) -> Any:
    return importlib.import_module(f"pulumi.runtime.proto.{name}")


_found = importlib.util.find_spec("pulumi")
if _found is None or _found.origin is None:
    raise ImportError("the lab's provider plugins need the Python package 'pulumi' in the environment that runs them")
_root = Path(_found.origin).parent
_stand_in("pulumi", _root)
_stand_in("pulumi.runtime", _root / "runtime")

messages: Any = _load("provider_pb2")
services: Any = _load("provider_pb2_grpc")
plugin_messages: Any = _load("plugin_pb2")
engine_messages: Any = _load("engine_pb2")
engine_services: Any = _load("engine_pb2_grpc")
"""Of the generated code, typed as Any: its stubs import the whole SDK."""
