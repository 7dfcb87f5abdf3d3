"""What is wrong with a configuration, as a value; all of it together is one error with one report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

LONGEST_VALUE = 80
"""Characters of a value that a report shows; enough to recognise it, short enough to keep one line."""


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        file: the file's name, relative to the fleet's folder.
        key: the key path in it, dotted (``regions.nj.index``); empty for the file as a whole.
        value: what stands there; None for nothing, or for what must not be repeated in a report.
        message: what is wrong with it.
        allowed: what may stand there.
        suggestion: what to do, or the nearest right value.
        line: line in the file, from 1.
    """

    file: str
    key: str
    value: object
    message: str
    allowed: str = ""
    suggestion: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        head = f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"
        details = (("value", _shown(self.value)), ("allowed", self.allowed), ("hint", self.suggestion))
        return "\n".join([head, *(f"    {name + ':':<9}{text}" for name, text in details if text)])


class ConfigurationError(Exception):
    """The configuration is not valid. ``problems`` holds every one that was found; ``str`` is the report."""

    exit_code = 2

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set_aside_duplicates(problems), key=lambda p: (p.file, p.line or 0, p.key)))
        super().__init__(report(self.problems))


def set_aside_duplicates(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems in their order, each once (two checks may see the same one)."""
    return tuple({str(problem): problem for problem in problems}.values())


def report(problems: tuple[Problem, ...]) -> str:
    """The problems as text for a terminal, after a line that counts them."""
    files = len({problem.file for problem in problems})
    count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
    where = "1 file" if files == 1 else f"{files} files"
    return "\n".join([f"the fleet's configuration has {count} in {where}:", *map(str, problems)])


def _shown(value: object) -> str:
    """A value in one short line; a mapping or list is not repeated, its size is."""
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return f"a mapping of {len(value)}"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, bool):
        return str(value).lower()
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."
