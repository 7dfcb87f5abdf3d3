"""YAML with positions: the only part of the model that reads files.

Configuration is written and read by people, so the small part of YAML that people mean is accepted: one document of
mappings, lists and plain scalars. Anchors and aliases (with which a small file unfolds into gigabytes), tags, merge
keys, keys that are not text and keys that stand twice are problems.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from fleet.model.problems import Problem

LARGEST_FILE = 256 * 1024
"""Bytes. A hundred times what a fleet of a hundred regions needs."""

DEEPEST = 20
"""Levels of nesting; the format has six. Deeper input could exhaust the parser's stack."""

REFERENCES_SHOWN = 5
"""Anchors and aliases that are reported; a file that has one usually has many."""

KeyPath = tuple[str | int, ...]

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN_TAGS = frozenset(f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp"))
_KINDS = {bool: "true or false", int: "a number", float: "a number", type(None): "nothing"}


@dataclass(frozen=True)
class Document:
    """One file: its values, and where each of them stands."""

    file: str
    values: Mapping[str, Any]
    lines: Mapping[KeyPath, int] = field(repr=False)

    def line(self, path: KeyPath) -> int | None:
        """The line of a key, or of the nearest mapping around it that exists."""
        for length in range(len(path), 0, -1):
            if (found := self.lines.get(path[:length])) is not None:
                return found
        return None


def dotted(path: KeyPath) -> str:
    """A key path as text: ``regions.nj.index``, ``operators.addresses[1]``."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text


def read_document(path: Path) -> tuple[Document | None, tuple[Problem, ...]]:
    """Read one file. The document is None where the file cannot be read as one; duplicate keys keep the first value."""
    file = path.name
    try:
        if path.stat().st_size > LARGEST_FILE:
            return None, (Problem(file, "", None, "is too large", f"at most {LARGEST_FILE // 1024} KiB"),)
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return None, (Problem(file, "", None, "does not exist", "", f"it belongs into {path.parent}"),)
    except UnicodeDecodeError as error:
        return None, (Problem(file, "", None, f"is not UTF-8 text (byte {error.start})"),)
    except OSError as error:
        return None, (Problem(file, "", None, f"cannot be read: {error.strerror}"),)
    return parse_document(file, text)


def parse_document(file: str, text: str) -> tuple[Document | None, tuple[Problem, ...]]:
    """The same for a text that was read already."""
    try:
        refused = tuple(_refused(file, text))
        if refused:
            return None, refused
        node = yaml.compose(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = error.problem or error.context or "is malformed"
        return None, (
            Problem(
                file,
                "",
                None,
                f"is not valid YAML: {what}",
                line=mark.line + 1 if mark else None,
                allowed=_yaml_hint(what),
            ),
        )
    except yaml.YAMLError as error:
        return None, (Problem(file, "", None, f"is not valid YAML: {str(error).splitlines()[0]}"),)
    if node is None:
        return None, (Problem(file, "", None, "is empty", "a mapping of keys to values"),)
    if not isinstance(node, yaml.MappingNode):
        return None, (
            Problem(file, "", None, "is not a mapping at its top", "key: value lines", line=node.start_mark.line + 1),
        )
    reader = _Reader(file)
    values = reader.mapping(node, ())
    return Document(file, values, reader.lines), tuple(reader.problems)


def _yaml_hint(what: str) -> str:
    return "spaces for indentation" if "\\t" in what or "tab" in what else ""


def _refused(file: str, text: str) -> Iterator[Problem]:
    """What is refused before anything is built from it."""
    depth = documents = references = 0
    for event in yaml.parse(text, Loader=_LOADER):
        line = event.start_mark.line + 1 if event.start_mark else 0
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents == 2:
                yield Problem(
                    file, "", None, "holds more than one document", "one document, no '---' in between", line=line
                )
                return
        if isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            references += 1
            if references > REFERENCES_SHOWN:
                return
        if isinstance(event, yaml.AliasEvent):
            yield Problem(file, "", f"*{event.anchor}", "is a YAML alias", "the value itself, written out", line=line)
        elif isinstance(event, yaml.NodeEvent) and event.anchor is not None:
            yield Problem(file, "", f"&{event.anchor}", "is a YAML anchor", "the value itself, written out", line=line)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                yield Problem(file, "", None, "is nested too deeply", f"at most {DEEPEST} levels", line=line)
                return
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


class _Reader:
    """Builds plain values from nodes and notes where each key stands and what is wrong with it."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.lines: dict[KeyPath, int] = {}
        self.problems: list[Problem] = []
        self._scalars = yaml.SafeLoader("")

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            key = self._key(key_node, path)
            if key is None:
                continue
            here = (*path, key)
            if key in values:
                first = self.lines[here]
                message = f"stands twice: first on line {first}"
                self._problem(here, None, message, "each key once", "keep one of the two", line)
                continue
            self.lines[here] = line
            values[key] = self.value(value_node, here)
        return values

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        line = node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            self._plain_tag(node, path, "tag:yaml.org,2002:map")
            return self.mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            self._plain_tag(node, path, "tag:yaml.org,2002:seq")
            items = []
            for number, item in enumerate(node.value):
                self.lines[(*path, number)] = item.start_mark.line + 1
                items.append(self.value(item, (*path, number)))
            return items
        if node.tag not in _PLAIN_TAGS:
            self._problem(
                path, None, f"has the YAML tag {_short_tag(node.tag)}", "a plain value without a tag", "", line
            )
            return None
        try:
            value = self._scalars.construct_object(node)
        except (ValueError, OverflowError, yaml.YAMLError):
            self._problem(
                path, node.value, "is not a value of its kind", "a plain value, in quotes if it is text", "", line
            )
            return None
        return value if isinstance(value, (str, int, float, bool, type(None))) else node.value

    def _key(self, node: yaml.Node, path: KeyPath) -> str | None:
        line = node.start_mark.line + 1
        if not isinstance(node, yaml.ScalarNode) or node.tag not in (*_PLAIN_TAGS, "tag:yaml.org,2002:merge"):
            self._problem(path, None, "has a key that is not text", "text keys", "", line)
            return None
        if node.tag == "tag:yaml.org,2002:merge":
            self._problem((*path, "<<"), None, "is a YAML merge key", "the keys themselves, written out", "", line)
            return None
        key = self._scalars.construct_object(node)
        if not isinstance(key, str):
            kind = _KINDS.get(type(key), "something else")
            message = f"is a key that YAML reads as {kind}"
            self._problem((*path, node.value), None, message, "text keys", f'write it in quotes: "{node.value}"', line)
            return None
        return key

    def _plain_tag(self, node: yaml.Node, path: KeyPath, tag: str) -> None:
        if node.tag != tag:
            line = node.start_mark.line + 1
            self._problem(
                path, None, f"has the YAML tag {_short_tag(node.tag)}", "a plain value without a tag", "", line
            )

    def _problem(self, path: KeyPath, value: object, message: str, allowed: str, suggestion: str, line: int) -> None:
        self.problems.append(Problem(self.file, dotted(path), value, message, allowed, suggestion, line))


def _short_tag(tag: str) -> str:
    return tag.replace("tag:yaml.org,2002:", "!!")
