"""What a registry wants to see before it answers: the ``WWW-Authenticate`` header (RFC 7235, RFC 6750)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_PARAMETER = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')


@dataclass(frozen=True)
class Challenge:
    """One of it: ``Bearer`` or ``Basic`` in lower case, and its parameters."""

    scheme: str
    parameters: Mapping[str, str]


def parse_challenge(header: str) -> Challenge:
    """The first challenge of a header; an empty scheme where there is none."""
    scheme, _, rest = header.strip().partition(" ")
    found: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(rest):
        found.setdefault(name.lower(), re.sub(r"\\(.)", r"\1", quoted) or plain)
    return Challenge(scheme.lower(), found)
