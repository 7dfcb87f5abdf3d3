"""What can go wrong between a tag and its digest. ``str`` is for people: what happened, where, what to do."""

from __future__ import annotations

from collections.abc import Mapping

FAILED, WRONG_USAGE = 1, 2


class RegistryError(Exception):
    """A registry did not say which digest a tag means."""

    exit_code = FAILED


class NoSuchImage(Exception):
    """A key is asked for that images.yaml does not have."""

    exit_code = WRONG_USAGE


class NotPinned(Exception):
    """Some images could not be pinned, so none was. ``reasons`` by key."""

    exit_code = FAILED

    def __init__(self, reasons: Mapping[str, str]) -> None:
        self.reasons = dict(reasons)
        listed = "\n".join(f"  {key}: {reason}" for key, reason in reasons.items())
        super().__init__(f"images.yaml is as it was; these images could not be pinned:\n{listed}")
