"""Reading what a region runs: its bundles, and the venues that it uses with each account."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydantic import TypeAdapter, ValidationError

from fleet.configuration.draft import BUNDLES_KEY, VENUES_KEY, WrittenUse
from fleet.model.bundles import BUNDLES, default_bundles
from fleet.model.document import Document, KeyPath
from fleet.model.nearest import nearest
from fleet.model.problems import Problem
from fleet.model.types import NAME_ALLOWED, Label
from fleet.model.validation import at
from fleet.model.venue import DEFAULT_ACCOUNT, MODES, VenueUse

_ALLOWED_MODE = f"{' or '.join(MODES)}, or a mapping of accounts to one of them"
_LABEL: TypeAdapter[str] = TypeAdapter(Label)


def read_venues(document: Document, written: object) -> tuple[tuple[WrittenUse, ...], tuple[Problem, ...]]:
    """The venues of a stack file: ``alpaca: active``, or ``alpaca: {second: standby}`` for another account."""
    path: KeyPath = ("config", VENUES_KEY)
    if written is None:
        return (), ()
    if not isinstance(written, Mapping):
        return (), (at(document, path, written, "is not a mapping", "a mapping of venues to active or standby"),)
    uses: list[WrittenUse] = []
    problems: list[Problem] = []
    for venue, value in written.items():
        for made in _uses(document, (*path, venue), venue, value):
            (uses if isinstance(made, WrittenUse) else problems).append(made)  # type: ignore[arg-type]
    return tuple(uses), tuple(problems)


def _uses(document: Document, path: KeyPath, venue: str, value: object) -> Iterator[WrittenUse | Problem]:
    if not isinstance(value, Mapping):
        yield _use(document, path, venue, DEFAULT_ACCOUNT, value)
        return
    if not value:
        yield at(document, path, None, "names no account", _ALLOWED_MODE)
    for account, mode in value.items():
        yield _use(document, (*path, account), venue, account, mode)


def _use(document: Document, path: KeyPath, venue: str, account: str, mode: object) -> WrittenUse | Problem:
    if mode not in MODES:
        return at(document, path, mode, "is not allowed", _ALLOWED_MODE, nearest(mode, MODES))
    try:
        for name in (venue, account):
            _LABEL.validate_python(name)
    except ValidationError as wrong:
        message = str(wrong.errors()[0].get("ctx", {}).get("error", "is not a name"))
        return at(document, path, name, message, NAME_ALLOWED)
    return WrittenUse(VenueUse(venue=venue, account=account, mode=mode), path)


def read_bundles(document: Document, written: object, is_hub: bool) -> tuple[tuple[str, ...], tuple[Problem, ...]]:
    """The bundles of a stack file, in the order in which they start; the usual ones where it names none."""
    path: KeyPath = ("config", BUNDLES_KEY)
    allowed = ", ".join(BUNDLES)
    if written is None:
        return default_bundles(is_hub), ()
    if not isinstance(written, list):
        # The usual ones, so that what depends on them is not said to be wrong as well.
        return default_bundles(is_hub), (at(document, path, written, "is not a list", f"a list of {allowed}"),)
    wrong = []
    for number, name in enumerate(written):
        if name not in BUNDLES:
            wrong.append(at(document, (*path, number), name, "is not a bundle", allowed, nearest(name, BUNDLES)))
        elif name in written[:number]:
            wrong.append(at(document, (*path, number), name, "stands twice", "each bundle once"))
    return tuple(name for name in BUNDLES if name in written), tuple(wrong)
