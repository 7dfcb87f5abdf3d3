"""What the clouds know of one resource type: the strict checks, what replaces, and what its calls do."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.cloud.errors import CloudError, Failure
from lab.cloud.machinery import Machinery
from lab.cloud.store import CloudState, CloudStore, Record, Values

Log = Callable[[str], None]


@dataclass(frozen=True)
class Cloud:
    """One provider's API as a resource type's calls see it.

    The machines are never called inside a transaction: starting one takes seconds, and other stacks go on meanwhile.
    """

    provider: str
    store: CloudStore
    machines: Machinery
    settings: Mapping[str, Any] = field(default_factory=dict)
    """The provider's configuration (``region``, ``retryLimit``, ...)."""
    log: Log = lambda message: None

    def sold_out(self) -> bool:
        """Whether the provider has no room for a server now, as a fault says; whoever asks for its offers is told."""
        return any(f["kind"] == "capacity" and f["provider"] == self.provider for f in self.store.snapshot().faults)


@dataclass(frozen=True)
class Created:
    """A new object: its id at the provider, the outputs, and what only the cloud knows of it."""

    id: str
    outputs: Values
    hidden: Values = field(default_factory=dict)


def no_failures(inputs: Values) -> list[Failure]:
    return []


def no_effect(cloud: Cloud, id: str, record: Record) -> None:
    return None


def same_outputs(cloud: Cloud, id: str, record: Record, inputs: Values) -> Values:
    return {}


@dataclass(frozen=True)
class Kind:
    """One resource type.

    ``create(cloud, inputs)`` raises CloudError with the provider's text. ``update(cloud, id, record, inputs)`` gives
    the outputs that change. ``delete(cloud, id, record)`` ends what the object did. Storing is done by the caller.
    """

    token: str
    create: Callable[[Cloud, Values], Created]
    update: Callable[[Cloud, str, Record, Values], Values] = same_outputs
    delete: Callable[[Cloud, str, Record], None] = no_effect
    after: Callable[[Cloud, str], None] = lambda cloud, id: None
    """What the cloud does once the object is stored (after create, update) or gone (after delete)."""
    refresh: Callable[[CloudState, str, Record], Values] = lambda state, id, record: {}
    """Properties that other objects decide, read anew by every read call."""
    check: Callable[[Values], list[Failure]] = no_failures
    replaces: frozenset[str] = frozenset()
    replaces_if: Callable[[Values], frozenset[str]] = lambda inputs: frozenset()
    """Further replacing fields that depend on the other inputs."""
    unordered: frozenset[str] = frozenset()
    """Lists whose order means nothing: another order is no change."""
    secret_outputs: frozenset[str] = frozenset()
    unstored: frozenset[str] = frozenset()
    """Inputs that the cloud takes and never gives back; they are not kept either."""
    auto_name: str = ""
    """The field that gets a generated name when the program gives none."""
    server: bool = False
    defaults: Callable[[Cloud], Values] = lambda cloud: {}
    """Values of absent inputs that the provider fills in from its configuration."""


@dataclass(frozen=True)
class Provider:
    """One provider: its types, its lookups, and how its API words what goes wrong."""

    name: str
    kinds: Mapping[str, Kind]
    lookups: Mapping[str, Callable[[Cloud, Values], Values]]
    retry_setting: str
    """Name of the configuration value that bounds how often its SDK repeats a rate-limited call."""
    retries: int
    """That bound when it is not configured, smaller than the real one's."""
    rate_limited: Callable[[str, str, int], str]
    """``(token, operation, attempts)`` to the text after the last attempt."""
    broken: Callable[[str, str], str]
    """``(token, operation)`` to the text of an internal error (500)."""
    lost: Callable[[str, str], str]
    """``(token, operation)`` to the text when the connection ends before the answer."""
    no_capacity: Callable[[str, Values], str]
    """``(token, inputs)`` to the text when there is no room for this server."""
    credentials: Callable[[Mapping[str, Any], Mapping[str, str]], str]
    """``(configuration, environment)`` to what is wrong with the credentials, empty if nothing is."""


def only(fields: str) -> frozenset[str]:
    """Field names, separated by blanks."""
    return frozenset(fields.split())


def random_hex(digits: int) -> str:
    return secrets.token_hex((digits + 1) // 2)[:digits]


def random_uuid() -> str:
    raw = random_hex(32)
    return f"{raw[:8]}-{raw[8:12]}-4{raw[13:16]}-a{raw[17:20]}-{raw[20:]}"


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """True as soon as ``condition`` holds, False if it does not within ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def must_find(state: CloudState, provider: str, token: str, id: str, otherwise: str) -> Record:
    """The object, or CloudError with the text ``otherwise``."""
    record = state.find(provider, token, id)
    if record is None:
        raise CloudError(otherwise)
    return record
