"""Property values on the wire: protobuf structs in which secrets are wrapped and whole numbers are floats."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from google.protobuf.struct_pb2 import Struct

from lab.cloud.store import Values

SIGNATURE = "4dabf18193072939515e22adb298388d"
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105
"""The engine's marks of a wrapped value, and of one that is wrapped because it is secret."""


def from_wire(struct: Struct) -> Values:
    """Plain values, secrets unwrapped."""
    return {name: _plain(_value(value)) for name, value in struct.fields.items()}


def secret_names(struct: Struct) -> frozenset[str]:
    """Names of the properties that are, or contain, a secret."""
    return frozenset(name for name, value in struct.fields.items() if _has_secret(_value(value)))


def to_wire(values: Mapping[str, Any], secret: Iterable[str] = ()) -> Struct:
    """A struct of the values that are not None, those named in ``secret`` wrapped."""
    struct = Struct()
    hidden = set(secret)
    for name, value in values.items():
        if value is not None:
            struct[name] = {SIGNATURE: SECRET, "value": value} if name in hidden else value
    return struct


def _value(value: Any) -> Any:
    match value.WhichOneof("kind"):
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "struct_value":
            return {name: _value(field) for name, field in value.struct_value.fields.items()}
        case "list_value":
            return [_value(item) for item in value.list_value.values]
        case _:
            return None


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get(SIGNATURE) == SECRET:
            return _plain(value.get("value"))
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _has_secret(value: Any) -> bool:
    if isinstance(value, dict):
        return value.get(SIGNATURE) == SECRET or any(_has_secret(item) for item in value.values())
    return isinstance(value, list) and any(_has_secret(item) for item in value)
