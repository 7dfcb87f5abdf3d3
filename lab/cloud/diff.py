"""Which inputs differ, by path: what the engine shows of a change and whether it replaces."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lab.cloud.kind import Kind
from lab.cloud.schema import UNKNOWN

Action = Literal["add", "delete", "update"]


@dataclass(frozen=True)
class Change:
    """One differing path."""

    path: str
    action: Action
    replaces: bool


def diff_inputs(
    kind: Kind,
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    ignored: Sequence[str] = (),
) -> tuple[Change, ...]:
    """The changes from ``old`` to ``new`` inputs, in the order of the fields' names."""
    replacing = kind.replaces | kind.replaces_if(dict(new))
    changes = []
    for name in sorted({*old, *new}):
        if name in ignored:
            continue
        before, after = old.get(name), new.get(name)
        if name in kind.unordered:
            before, after = _in_order(before), _in_order(after)
        for path, action in _differences(name, before, after):
            if path not in ignored:
                changes.append(Change(path, action, name in replacing))
    return tuple(changes)


def _differences(path: str, old: Any, new: Any) -> Iterator[tuple[str, Action]]:
    if old == new and new != UNKNOWN:
        return
    # The provider's schema does not tell an absent list from an empty one, nor an absent value from none.
    if old in (None, [], {}) and new in (None, [], {}):
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for key in sorted({*old, *new}):
            yield from _differences(f"{path}.{key}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            before = old[index] if index < len(old) else None
            after = new[index] if index < len(new) else None
            yield from _differences(f"{path}[{index}]", before, after)
    elif old is None:
        yield path, "add"
    elif new is None:
        yield path, "delete"
    else:
        yield path, "update"


def _in_order(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    # Lists inside the elements (addresses of a rule) are sets at the providers, too.
    parts = [{k: _in_order(v) for k, v in item.items()} if isinstance(item, dict) else item for item in value]
    return sorted(parts, key=lambda part: json.dumps(part, sort_keys=True))
