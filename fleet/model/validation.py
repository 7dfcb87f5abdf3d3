"""From plain values to a model, or to problems that name file, line, key, value and what is allowed."""

from __future__ import annotations

import types
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from fleet.model.document import Document, KeyPath, dotted
from fleet.model.nearest import nearest
from fleet.model.problems import Problem
from fleet.model.types import Frozen

Model = TypeVar("Model", bound=Frozen)

_MESSAGES = {
    "missing": "is missing",
    "extra_forbidden": "is not a known key",
    "string_type": "is not text",
    "int_type": "is not a whole number",
    "bool_type": "is not true or false",
    "tuple_type": "is not a list",
    "mapping_type": "is not a mapping",
    "dict_type": "is not a mapping",
    "model_type": "is not a mapping",
    "model_attributes_type": "is not a mapping",
    "greater_than_equal": "is too small",
    "less_than_equal": "is too large",
    "literal_error": "is not allowed",
}
"""Our words for pydantic's error types; any other type keeps pydantic's."""


def validate(
    model: type[Model],
    document: Document,
    path: KeyPath,
    value: object,
    given: Mapping[str, object] | None = None,
    hints: Mapping[str, str] | None = None,
) -> tuple[Model | None, tuple[Problem, ...]]:
    """Make ``model`` of the value at ``path``.

    Args:
        given: the model's ``GIVEN`` fields, and defaults that depend on other values, for keys that are left out.
        hints: what to do when a key of the model is missing or wrong.
    """
    if not isinstance(value, Mapping):
        return None, (at(document, path, value, "is not a mapping", f"a mapping with {', '.join(known_keys(model))}"),)
    clashes = unsayable(model, document, path, value)
    try:
        made = model.model_validate({**value, **(given or {})})
    except ValidationError as invalid:
        details = invalid.errors(include_url=False)
        return None, (*clashes, *(_problem(model, document, path, error, hints or {}) for error in details))
    return (None if clashes else made), clashes


def salvage(
    model: type[Model],
    value: object,
    given: Mapping[str, object] | None = None,
    stand_ins: Mapping[str, object] | None = None,
) -> Model | None:
    """The model of what is well-formed in a value, so that checks between values go on without the rest.

    Keys that are wrong are left out or, where the model needs them, taken from ``stand_ins``; None where that is not
    enough.
    """
    if not isinstance(value, Mapping):
        return None
    kept = {key: item for key, item in value.items() if key not in model.GIVEN} | dict(given or {})
    try:
        return model.model_validate(kept)
    except ValidationError as invalid:
        wrong = {error["loc"][0] for error in invalid.errors(include_url=False) if error["loc"]}
    rest = {key: item for key, item in kept.items() if key not in wrong}
    rest |= {key: item for key, item in (stand_ins or {}).items() if key in wrong}
    try:
        return model.model_validate(rest)
    except ValidationError:
        return None


def unsayable(
    model: type[Frozen], document: Document, path: KeyPath, value: Mapping[str, object]
) -> tuple[Problem, ...]:
    """Keys in the file that only their place can say."""
    allowed = ", ".join(known_keys(model))
    return tuple(
        at(document, (*path, name), None, "is not a known key", allowed)
        for name in sorted(model.GIVEN)
        if name in value
    )


def known_keys(model: type[Frozen]) -> list[str]:
    """The keys that a file may say of a model."""
    return [name for name in model.model_fields if name not in model.GIVEN]


def at(
    document: Document, path: KeyPath, value: object, message: str, allowed: str = "", suggestion: str = ""
) -> Problem:
    """A problem with the value at a key path of a document."""
    return Problem(document.file, dotted(path), value, message, allowed, suggestion, document.line(path))


def _problem(
    model: type[Frozen], document: Document, path: KeyPath, error: ErrorDetails, hints: Mapping[str, str]
) -> Problem:
    inside: KeyPath = tuple(step for step in error["loc"] if step != "[key]")
    names_its_place = bool(inside) and inside[-1] in _given_at(model, inside[:-1])
    here = (*path, *(inside[:-1] if names_its_place else inside))
    kind = error["type"]
    if kind == "extra_forbidden":
        known = _keys_at(model, inside[:-1])
        return at(document, here, None, _MESSAGES[kind], ", ".join(known), nearest(inside[-1], known))
    value: object = None if kind == "missing" else error["input"]
    message = _MESSAGES.get(kind)
    if kind == "value_error":
        message = str(error["ctx"]["error"])
        if "private key" in message:
            value = None
    allowed = _allowed(model, inside, is_key="[key]" in error["loc"])
    choices = _choices(model, inside)
    hint = hints.get(str(inside[0]), "") if inside else ""
    return at(document, here, value, message or error["msg"], allowed, hint or nearest(value, choices))


def _allowed(model: type[Frozen], inside: KeyPath, *, is_key: bool) -> str:
    """What the innermost description on the way to a field says."""
    said = ""
    annotation: Any = model
    for step in inside:
        field = _field(annotation, step)
        if field is not None:
            annotation = field.annotation
            said = field.description or _description(annotation) or said
            continue
        keys, values = _item(annotation)
        annotation = keys if is_key and step == inside[-1] else values
        said = _description(annotation) or said
    keys = _keys_at(model, inside)
    return f"a mapping with {', '.join(keys)}" if keys and not is_key else said


def _choices(model: type[Frozen], inside: KeyPath) -> tuple[str, ...]:
    """The values of a Literal field."""
    annotation = _walk(model, inside)
    return tuple(map(str, get_args(annotation))) if get_origin(annotation) is Literal else ()


def _keys_at(model: type[Frozen], inside: KeyPath) -> list[str]:
    annotation = _walk(model, inside)
    return known_keys(annotation) if isinstance(annotation, type) and issubclass(annotation, Frozen) else []


def _given_at(model: type[Frozen], inside: KeyPath) -> frozenset[str]:
    annotation = _walk(model, inside)
    return annotation.GIVEN if isinstance(annotation, type) and issubclass(annotation, Frozen) else frozenset()


def _walk(annotation: Any, inside: KeyPath) -> Any:
    for step in inside:
        field = _field(annotation, step)
        annotation = field.annotation if field is not None else _item(annotation)[1]
        annotation = _bare(annotation)
    return annotation


def _field(annotation: Any, step: str | int) -> FieldInfo | None:
    annotation = _bare(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Frozen):
        return annotation.model_fields.get(str(step))
    return None


def _item(annotation: Any) -> tuple[Any, Any]:
    """The types of keys and items of a mapping or tuple."""
    bare = _bare(annotation)
    arguments = get_args(bare)
    if not arguments:
        return Any, Any
    return (arguments[0], arguments[0]) if get_origin(bare) is tuple else (arguments[0], arguments[-1])


def _bare(annotation: Any) -> Any:
    """A type without Annotated and without ``| None``."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        others = [part for part in get_args(annotation) if part is not type(None)]
        return _bare(others[0]) if len(others) == 1 else annotation
    return annotation


def _description(annotation: Any) -> str:
    """The description that an Annotated type carries."""
    if get_origin(annotation) in (Union, types.UnionType):
        return next((text for part in get_args(annotation) if (text := _description(part))), "")
    if get_origin(annotation) is Annotated:
        for extra in reversed(get_args(annotation)[1:]):
            if isinstance(extra, FieldInfo) and extra.description:
                return extra.description
        return _description(get_args(annotation)[0])
    return ""
