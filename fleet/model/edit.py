"""Edits of a configuration's text that keep its comments and its layout.

Commands write back what they decide (a new mesh epoch, an operator's key) into files that people keep. Only the
characters of one value change, and the result is read again before it is returned: an edit that would mean anything
else is refused.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
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
    edited = _edit(text, _top(text), key_path, value)
    after = _values(edited)
    written = _at(after, key_path)
    if isinstance(written, (dict, list)) or after != _with(before, key_path, written):
        raise EditRefused(f"{dotted(key_path)}: cannot be set to {value!r} without changing something else")
    return edited


def set_list(text: str, key_path: tuple[str, ...], items: Sequence[str]) -> str:
    """The text with the list of plain values at a key path set; comments between its items are lost.

    A list that is written in lines stays so, any other one is written as ``[a, b]``. A missing key is added.

    Raises:
        EditRefused: the text is malformed, or something else than a list stands at the path or in its way.
    """
    edited: str
    before = _values(text)
    source = f"[{', '.join(_scalar(item, '{{k: {}}}') for item in items)}]"
    found = _find(text, key_path)
    if found is None:
        # Any value marks the place; it is then written over by the list.
        text = set_scalar(text, key_path, "x")
        found = _find(text, key_path)
    assert found is not None
    key, node = found
    if isinstance(node, yaml.MappingNode) or (isinstance(node, yaml.ScalarNode) and _at(before, key_path) is not None):
        raise EditRefused(f"{dotted(key_path)}: is not a list")
    start, end = int(node.start_mark.index), _end(text, key, node)
    if isinstance(node, yaml.SequenceNode) and not node.flow_style and items:
        between = _newline(text) + " " * node.start_mark.column
        edited = text[:start] + between.join(f"- {_scalar(item, 'k: {}')}" for item in items) + text[end:]
    elif isinstance(node, yaml.SequenceNode) and not node.flow_style:
        colon = text.index(":", key.end_mark.index) + 1
        edited = f"{text[:colon]} {source}{text[end:]}"
    elif isinstance(node, yaml.ScalarNode):
        edited = _replace(text, key, node, source)
    else:
        edited = text[:start] + source + text[end:]
    after = _values(edited)
    if after != _with(before, key_path, _at(after, key_path)) or len(_at(after, key_path)) != len(items):
        raise EditRefused(f"{dotted(key_path)}: cannot be set without changing something else")
    return edited


def remove_key(text: str, key_path: tuple[str, ...]) -> str:
    """The text without a key and what it holds. The last key of a mapping leaves ``{}``.

    Raises:
        EditRefused: the text is malformed or has no such key.
    """
    before = _values(text)
    found = _find(text, key_path)
    if found is None:
        raise EditRefused(f"{dotted(key_path)}: does not exist")
    key, node = found
    outer = _find(text, key_path[:-1])
    mapping = outer[1] if outer else _top(text)
    assert isinstance(mapping, yaml.MappingNode)  # a key was found in it
    entries = mapping.value
    number = next(number for number, (other, _) in enumerate(entries) if other.value == key_path[-1])
    start, end = int(key.start_mark.index), _end(text, key, node)
    if len(entries) == 1 and outer and not mapping.flow_style:
        edited = f"{text[: text.index(':', outer[0].end_mark.index) + 1]} {{}}{text[end:]}"
    elif mapping.flow_style and number + 1 < len(entries):
        edited = text[:start] + text[entries[number + 1][0].start_mark.index :]
    elif mapping.flow_style:
        edited = text[: _end(text, *entries[number - 1]) if number else start] + text[end:]
    else:
        line = text.rfind("\n", 0, start) + 1
        stop = end if text[end - 1] == "\n" else text.find("\n", end) + 1
        edited = text[:line] + (text[stop:] if stop else "")
    if _values(edited) != _without(before, key_path):
        raise EditRefused(f"{dotted(key_path)}: cannot be removed without changing something else")
    return edited


def _top(text: str) -> yaml.MappingNode:
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if not isinstance(node, yaml.MappingNode):
        raise EditRefused("the document is not a mapping")
    return node


def _find(text: str, path: tuple[str, ...]) -> tuple[yaml.Node, yaml.Node] | None:
    """The nodes of a key and of its value."""
    node: yaml.Node = _top(text)
    found: tuple[yaml.Node, yaml.Node] | None = None
    for key in path:
        entries = node.value if isinstance(node, yaml.MappingNode) else []
        found = next(((k, v) for k, v in entries if k.value == key), None)
        if found is None:
            return None
        node = found[1]
    return found


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


def _replace(text: str, key: yaml.Node, node: yaml.Node, source: str) -> str:
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
    newline = _newline(text)
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
        return int(value.end_mark.index)
    assert isinstance(value, (yaml.MappingNode, yaml.SequenceNode))  # the only other kinds that YAML has
    if value.flow_style or not value.value:
        return int(value.end_mark.index)
    last = value.value[-1]
    if isinstance(value, yaml.MappingNode):
        return _end(text, *last)
    return _end(text, last, last)


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


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


def _without(values: dict[str, Any], path: tuple[str, ...]) -> dict[str, Any]:
    """A copy of the values without the one at a path."""
    copy = deepcopy(values)
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    del inner[path[-1]]
    return copy
