"""Where measurements are kept: a file for each run and host in ``latency/`` of the fleet's folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path

from pydantic import ValidationError

from fleet.latency.result import FORMAT_VERSION, Run

FOLDER = "latency"
"""In the fleet's folder; to be committed with it, or not, as its owner likes."""


class BadResult(Exception):
    """A file of results cannot be read as one; the text says where it is wrong and what to do."""

    exit_code = 2


def write(root: Path, run: Run) -> Path:
    """Keep a run; the file is named for its time and host."""
    folder = root / FOLDER
    folder.mkdir(exist_ok=True)
    path = folder / _name(run)
    unfinished = path.with_suffix(".part")
    unfinished.write_text(_text(run), encoding="utf-8")
    unfinished.replace(path)
    return path


def runs(root: Path) -> Iterator[Run]:
    """Every kept run, the newest first, read when it is asked for.

    Raises:
        BadResult: a file is broken.
    """
    for path in sorted((root / FOLDER).glob("*.json"), reverse=True):
        yield read_file(path)


def read_file(path: Path) -> Run:
    """One run.

    Raises:
        BadResult: it cannot be read, is of another format version, or something in it is wrong.
    """
    remedy = "Measure again, and remove the file or give another one"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        why = problem.strerror if isinstance(problem, OSError) else "it is no text"
        raise BadResult(f"{path} cannot be read: {why}. {remedy}") from None
    try:
        document = json.loads(text)
    except ValueError as problem:
        raise BadResult(f"{path} is not whole JSON: {problem}. {remedy}") from None
    version = document.get("format_version") if isinstance(document, dict) else None
    if version != FORMAT_VERSION:
        raise BadResult(
            f"{path}: format_version is {version!r}; this version of fleet reads {FORMAT_VERSION}. {remedy}"
        )
    try:
        return Run.model_validate_json(text)
    except ValidationError as problem:
        errors = problem.errors(include_url=False, include_context=False)
        lines = "; ".join(f"{'.'.join(str(part) for part in error['loc'])}: {error['msg']}" for error in errors[:3])
        more = f" and {len(errors) - 3} more" if len(errors) > 3 else ""
        raise BadResult(f"{path}: {lines}{more}. {remedy}") from None


def _name(run: Run) -> str:
    mark = "-baseline" if run.baseline else ""
    return f"{run.started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{run.host}{mark}.json"


def _text(run: Run) -> str:
    """A line for each series: a difference between two files can be read."""
    document = run.model_dump(mode="json")
    series = document.pop("series")
    head = json.dumps(document, indent=1)
    body = ",\n".join("  " + json.dumps(one, separators=(",", ":")) for one in series)
    return f'{head[:-2]},\n "series": [\n{body}\n ]\n}}\n'
