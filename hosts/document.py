"""Frozen dataclasses as JSON-able documents and back, strictly: what is too much or missing is named."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Mapping
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")

OCTAL: Mapping[str, bool] = {"octal": True}
"""Metadata of an int field that documents show as file modes are written: "0644"."""


def to_document(value: object) -> Any:
    """``value`` (a dataclass, tuple or scalar) as dicts, lists and scalars."""
    if dataclasses.is_dataclass(value):
        return {field.name: _field_document(field, getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [to_document(item) for item in value]
    if isinstance(value, Mapping):
        return {key: to_document(item) for key, item in value.items()}
    return value


def _field_document(field: dataclasses.Field[Any], value: object) -> Any:
    return f"{value:04o}" if field.metadata.get("octal") and isinstance(value, int) else to_document(value)


def from_document(kind: type[T], document: object) -> T:
    """The inverse of ``to_document``. Fields with a default may be missing.

    Raises:
        ValueError: the document does not have the shape of ``kind``; the message names the place.
    """
    built: T = _build(kind, document, kind.__name__)
    return built


def _build(kind: Any, document: object, place: str) -> Any:
    if dataclasses.is_dataclass(kind):
        return _build_dataclass(kind, document, place)
    origin = get_origin(kind)
    if origin is tuple:
        if not isinstance(document, (list, tuple)):
            raise ValueError(f"{place}: a list is wanted, not {type(document).__name__}")
        return tuple(_build(get_args(kind)[0], item, f"{place}[{number}]") for number, item in enumerate(document))
    if origin in (Union, types.UnionType):
        if document is None and type(None) in get_args(kind):
            return None
        return _build(next(option for option in get_args(kind) if option is not type(None)), document, place)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(document, Mapping):
            raise ValueError(f"{place}: a mapping is wanted, not {type(document).__name__}")
        return dict(document)
    if kind is float and isinstance(document, int) and not isinstance(document, bool):
        return float(document)
    if type(document) is not kind:
        raise ValueError(f"{place}: {kind.__name__} is wanted, not {type(document).__name__}")
    return document


def _build_dataclass(kind: Any, document: object, place: str) -> Any:
    if not isinstance(document, Mapping):
        raise ValueError(f"{place}: a mapping is wanted, not {type(document).__name__}")
    hints = get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind)}
    if unknown := sorted(set(document) - set(fields)):
        raise ValueError(f"{place}: unknown {', '.join(unknown)}; known are {', '.join(fields)}")
    missing = [
        name
        for name, field in fields.items()
        if name not in document
        and field.default is dataclasses.MISSING
        and field.default_factory is dataclasses.MISSING
    ]
    if missing:
        raise ValueError(f"{place}: {', '.join(missing)} missing")
    built = {}
    for name, value in document.items():
        read = _octal if fields[name].metadata.get("octal") else _build
        built[name] = read(hints[name], value, f"{place}.{name}")
    return kind(**built)


def _octal(_kind: Any, document: object, place: str) -> int:
    if isinstance(document, str) and 3 <= len(document) <= 5 and set(document) <= set("01234567"):
        return int(document, 8)
    raise ValueError(f"{place}: a file mode is wanted, as '0644'")
