"""Edits of a configuration's text that keep its comments and its layout.

Commands write back what they decide (a new mesh epoch, an operator's key) into files that people keep. Only the
characters of one value change, and the result is read again before it is returned: an edit that would mean anything
else is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import yaml

from fleet.model.document import dotted, parse_document

STEP = 2
"""Spaces of one level of indentation in the lines that are added."""


class EditRefused(Exception):
    """The text cannot be edited in this way. ``str`` says why and where."""

    exit_code = 2


def set_scalar(text: str, key_path: tuple[str, ...], value: str) -> str:
    """The text with the value at a key path set.

    Args:
        text: a document as ``fleet.model.document`` accepts it.
        key_path: keys from the top. Those that are missing are added under the mapping that exists.
        value: as it is written in YAML (``2``, ``debian-13``). What would not be one plain value there is put in
            quotes; so is the new value of a text that stood in quotes.

    Raises:
        EditRefused: the text is malformed, or a mapping or list stands at the path or in its way.
    """
    before = _values(text)
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    edited = _edit(text, root, key_path, value)
    after = _values(edited)
    written = _at(after, key_path)
    if isinstance(written, (dict, list)) or after != _with(before, key_path, written):
        raise EditRefused(f"{dotted(key_path)}: cannot be set to {value!r} without changing something else")
    return edited


def _edit(text: str, root: yaml.MappingNode, path: tuple[str, ...], value: str) -> str:
    node: yaml.Node = root
    for depth, key in enumerate(path):
        if not isinstance(node, yaml.MappingNode):
            raise EditRefused(f"{dotted(path[:depth])}: is not a mapping, so it has no key {key}")
        entry = next(((k, v) for k, v in node.value if k.value == key), None)
        if entry is None:
            return _add(text, node, path[depth:], value)
        key_node, node = entry
        if _is_nothing(node) and depth + 1 < len(path):
            return _replace(text, key_node, node, _flow(path[depth + 1 :], value))
    if not isinstance(node, yaml.ScalarNode):
        raise EditRefused(f"{dotted(path)}: is a mapping or a list, not one value")
    quoted = node.style in ("'", '"')
    return _replace(text, key_node, node, json.dumps(value, ensure_ascii=False) if quoted else _scalar(value, "k: {}"))


def _replace(text: str, key: yaml.Node, node: yaml.ScalarNode, source: str) -> str:
    start, end = node.start_mark.index, node.end_mark.index
    if start == end:
        # Nothing is written: the value goes behind the key's colon.
        colon = text.index(":", key.end_mark.index) + 1
        return f"{text[:colon]} {source}{text[colon:]}"
    # The span of a block scalar includes its last line break.
    tail = "\n" if text[start:end].endswith("\n") else ""
    return f"{text[:start]}{source}{tail}{text[end:]}"


def _add(text: str, mapping: yaml.MappingNode, path: tuple[str, ...], value: str) -> str:
    """Add a key, and those below it, as the last entry of a mapping."""
    if mapping.flow_style:
        inner = _flow(path, value)[1:-1]
        if not mapping.value:
            start, end = mapping.start_mark.index, mapping.end_mark.index
            return f"{text[:start]}{{{inner}}}{text[end:]}"
        last = mapping.value[-1][1].end_mark.index
        return f"{text[:last]}, {inner}{text[last:]}"
    newline = "\r\n" if "\r\n" in text else "\n"
    column = mapping.start_mark.column
    lines = [f"{' ' * (column + STEP * level)}{_scalar(key, '{}: v')}:" for level, key in enumerate(path)]
    lines[-1] += f" {_scalar(value, 'k: {}')}"
    position = _end(text, *mapping.value[-1])
    if text[position - 1] != "\n":
        stop = text.find("\n", position)
        if stop < 0:
            return text + newline + newline.join(lines) + newline
        position = stop + 1
    return text[:position] + "".join(line + newline for line in lines) + text[position:]


def _end(text: str, key: yaml.Node, value: yaml.Node) -> int:
    """Where an entry of a mapping ends, its comments behind it not included."""
    if isinstance(value, yaml.ScalarNode):
        if value.start_mark.index == value.end_mark.index:
            return text.index(":", key.end_mark.index) + 1
        return value.end_mark.index
    if value.flow_style or not value.value:
        return value.end_mark.index
    last = value.value[-1]
    if isinstance(value, yaml.MappingNode):
        return _end(text, *last)
    return _end(text, last, last)


def _is_nothing(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.tag == "tag:yaml.org,2002:null"


def _flow(path: tuple[str, ...], value: str) -> str:
    """``{a: {b: value}}``."""
    source = _scalar(value, "{{k: {}}}")
    for key in reversed(path):
        source = f"{{{_scalar(key, '{{{}: v}}')}: {source}}}"
    return source


def _scalar(value: str, context: str) -> str:
    """``value`` as it may be written in a context: as it is where that is one scalar, else in quotes."""
    try:
        node = yaml.compose(context.format(value), Loader=yaml.SafeLoader)
        parts = [part for entry in node.value for part in entry] if isinstance(node, yaml.MappingNode) else []
        scalars = [part for part in parts if isinstance(part, yaml.ScalarNode)]
        spans = [context.format(value)[part.start_mark.index : part.end_mark.index] for part in scalars]
    except yaml.YAMLError:
        spans = []
    fits = len(spans) == 2 and value in spans and "\n" not in value and value != ""
    return value if fits else json.dumps(value, ensure_ascii=False)


def _values(text: str) -> dict[str, Any]:
    document, problems = parse_document("the text", text)
    if document is None or problems:
        raise EditRefused(str(problems[0]))
    return dict(document.values)


def _at(values: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def _with(values: dict[str, Any], path: tuple[str, ...], value: object) -> dict[str, Any]:
    """A copy of the values with the one at a path set; nothing on the way counts as an empty mapping."""
    copy = deepcopy(values)
    inner = copy
    for key in path[:-1]:
        if inner.get(key) is None:
            inner[key] = {}
        inner = inner[key]
    inner[path[-1]] = value
    return copy
