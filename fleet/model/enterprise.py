"""QuestDB Enterprise: where its own replication puts the log, and how often the hosts look.

The object store is named without its credentials: those are the fleet's secrets, filled in on the way to a host.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import AfterValidator, Field, StrictInt

from fleet.model.types import Frozen, Label


@dataclass(frozen=True)
class StoreKind:
    """What a kind of object store is told: in ``fleet.yaml``, and in secrets."""

    settings: tuple[str, ...]
    secrets: tuple[str, ...]


STORES: Mapping[str, StoreKind] = {
    "s3": StoreKind(("bucket", "root", "region"), ("access_key_id", "secret_access_key")),
    "azblob": StoreKind(("endpoint", "container", "root", "account_name"), ("account_key",)),
    "gcs": StoreKind(("bucket", "root"), ("credential",)),
}
"""As QuestDB's documentation has them (configuration/database-replication.md). ``fs`` needs a file system that all
hosts share, which the fleet has not."""


def _object_store(text: str) -> str:
    kind, separator, rest = text.partition("::")
    if not separator or kind not in STORES:
        raise ValueError("is not an object store that the hosts can share")
    if not rest.endswith(";"):
        raise ValueError("does not end with ';'")
    settings = [pair.partition("=") for pair in rest[:-1].split(";")]
    names = [name for name, _, _ in settings]
    known = STORES[kind]
    if set(names) & set(known.secrets):
        raise ValueError("has a credential in clear: take it out, replace it, and set it as a secret")
    if sorted(names) != sorted(known.settings):
        raise ValueError(f"does not say each of {', '.join(known.settings)} once, and nothing else")
    if not all(re.fullmatch(r"[A-Za-z0-9/._:-]+", value) for _, _, value in settings):
        raise ValueError("has a value that is empty or has other characters than letters, digits and / . _ : -")
    return text


class Enterprise(Frozen):
    """The native replication."""

    primary: Label = Field(description="the region whose QuestDB is the only primary; the same as hub")
    """Said twice on purpose: who moves ``hub`` confirms here that the old primary was stopped."""
    object_store: Annotated[str, AfterValidator(_object_store)] = Field(
        description="such as s3::bucket=B;root=R;region=X; (azblob:: and gcs:: too), without credentials"
    )
    start: tuple[str, ...] = Field(
        min_length=1, description="a list of a program and its arguments that starts your image; {root} is its data"
    )
    """The Enterprise image's own entry point, behind a guard. What it is we do not know."""
    upload_ms: Annotated[StrictInt, Field(ge=50, le=10_000)] = Field(
        default=1000, description="milliseconds, 50..10000"
    )
    """Longest wait before the primary uploads a part of a segment."""
    poll_ms: Annotated[StrictInt, Field(ge=50, le=10_000)] = Field(default=1000, description="milliseconds, 50..10000")
    """Between two looks of a replica into the object store."""
    segment_bytes: Annotated[StrictInt, Field(ge=262_144, le=2_097_152)] = Field(
        default=524_288, description="bytes, 262144..2097152"
    )
    """Of the log before a new segment begins."""

    @property
    def store_secrets(self) -> tuple[str, ...]:
        """The object store's credentials, by QuestDB's names for them."""
        return STORES[self.object_store.partition("::")[0]].secrets
