"""One call of a cloud's own web API and what is answered: what the lab's listing service is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Call:
    """One HTTP request. Names of headers are lower case; of a repeated query parameter the last one counts."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: str = ""

    def number(self, name: str, otherwise: int) -> int:
        """A query parameter that is a number."""
        text = self.query.get(name, "")
        return int(text) if text.isdigit() else otherwise


@dataclass(frozen=True)
class Answer:
    """One HTTP response."""

    status: int
    body: str = ""
    content_type: str = "application/json"


def json_answer(document: Any, status: int = 200, content_type: str = "application/json") -> Answer:
    return Answer(status, json.dumps(document), content_type)
