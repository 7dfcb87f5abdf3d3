"""The inputs of each resource type as the provider's own schema states them, and the strict check against it.

``schemas/<provider>.json`` is compact on purpose, a plugin reads it at every start: per token ``inputs`` (name to
type) and ``outputs`` (names that only the provider sets). A type is ``str``, ``int``, ``float`` or ``bool``, an
object of fields, ``{"list": T}`` or ``{"map": T}``; ``!`` marks what is required.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Any

from lab.cloud.errors import Failure

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the engine writes a value that only exists after the update (in previews)."""

_SCALARS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
}
_NAMES = {"str": "string", "int": "whole number", "float": "number", "bool": "boolean"}


@lru_cache
def load_schema(provider: str) -> dict[str, Any]:
    """The schema of one provider: token to ``{"inputs": ..., "outputs": [...]}``."""
    document: dict[str, Any] = json.loads((Path(__file__).parent / "schemas" / f"{provider}.json").read_text())
    return document


def check_inputs(fields: Mapping[str, Any], values: Mapping[str, Any]) -> list[Failure]:
    """Everything in ``values`` that the schema does not allow: unknown, missing and mistyped fields."""
    return _check_object(fields, values, "")


def _check_object(fields: Mapping[str, Any], values: Mapping[str, Any], path: str) -> list[Failure]:
    failures = []
    for name, value in values.items():
        if name not in fields:
            near = get_close_matches(name, fields, 1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            failures.append(Failure(_join(path, name), f"Invalid or unknown key.{hint}"))
        else:
            failures += _check_value(_bare(fields[name]), value, _join(path, name))
    for name, spec in fields.items():
        if _required(spec) and values.get(name) is None:
            reason = f'Missing required argument. The argument "{name}" is required, but no definition was found.'
            failures.append(Failure(_join(path, name), reason))
    return failures


def _check_value(spec: Any, value: Any, path: str) -> list[Failure]:
    if value is None or value == UNKNOWN:
        return []
    if isinstance(spec, str):
        good = isinstance(value, _SCALARS[spec]) and (spec == "bool" or not isinstance(value, bool))
        return [] if good else [_mistyped(path, _NAMES[spec], value)]
    if set(spec) == {"list"}:
        if not isinstance(value, list):
            return [_mistyped(path, "list", value)]
        return [f for i, item in enumerate(value) for f in _check_value(spec["list"], item, f"{path}[{i}]")]
    if set(spec) == {"map"}:
        if not isinstance(value, dict):
            return [_mistyped(path, "map", value)]
        return [f for key, item in value.items() for f in _check_value(spec["map"], item, f"{path}.{key}")]
    if not isinstance(value, dict):
        return [_mistyped(path, "object", value)]
    return _check_object(spec, value, path)


def _mistyped(path: str, expected: str, value: Any) -> Failure:
    return Failure(path, f"expected a {expected}, got {json.dumps(value)}")


def _required(spec: Any) -> bool:
    return spec[-1] == "!" if isinstance(spec, (str, list)) else False


def _bare(spec: Any) -> Any:
    if isinstance(spec, list):
        return spec[0]
    return spec.removesuffix("!") if isinstance(spec, str) else spec


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
