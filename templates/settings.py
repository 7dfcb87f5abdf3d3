"""Kernel settings out of a rendered ``host/sysctl.conf.j2``: the file keeps each reason beside its value."""

from __future__ import annotations


def read_settings(text: str) -> tuple[tuple[str, str], ...]:
    """The (key, value) pairs of a text in sysctl.d's notation, in order.

    Raises:
        ValueError: a line is neither a comment nor ``key = value``, or sets a key again.
    """
    settings: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith(("#", ";")):
            continue
        key, separator, value = (part.strip() for part in line.partition("="))
        if not (separator and key and value) or key in settings:
            raise ValueError(f"line {number} is not a new 'key = value': {line}")
        settings[key] = value
    return tuple(settings.items())
