"""One run on one host, as it is kept in a file."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, model_validator

from fleet.model.types import Frozen

FORMAT_VERSION: Literal[1] = 1

Kind = Literal["cold", "warm", "websocket", "tcp"]
"""Each request on a connection of its own; on one that is kept; pings on one that is kept; TCP connects."""

Milliseconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Sample = tuple[Milliseconds, ...]
"""Tick, HTTP status (0 where there is none), then ms for each phase."""

PLACEMENT_FACTS = ("403", "429", "451")
"""Errors that say whether a place may be used at all; the others say how well it is reached."""


class KeptSettings(Frozen):
    """With what it was measured."""

    rate: float = Field(gt=0)
    drop_first: int = Field(ge=0)
    timeout_seconds: float = Field(gt=0)


class CatalogueVersion(Frozen):
    """Which catalogue the endpoints are from."""

    as_of: str
    """The day of its newest row."""
    digest: str
    """Of its venues' files."""


class Software(Frozen):
    """What measured."""

    curl: str
    python: str


class Series(Frozen):
    """One endpoint in one way."""

    venue: str
    transport: str
    url: str
    site: str
    kind: Kind
    period_ms: float = Field(gt=0)
    phases: tuple[str, ...] = Field(min_length=1)
    samples: tuple[Sample, ...]
    errors: tuple[tuple[int, str, str], ...]
    """Tick, kind, text."""
    behind: int = Field(ge=0)
    """Ticks that came due while the one before was still waited for; asked by one request, each from its own start."""
    reconnects: int = Field(ge=0)
    addresses: tuple[str, ...]
    headers: dict[str, str]

    @model_validator(mode="after")
    def _whole(self) -> Series:
        if any(len(sample) != 2 + len(self.phases) for sample in self.samples):
            raise ValueError(f"a sample has tick, status and one number for each of {', '.join(self.phases)}")
        return self

    @property
    def phase(self) -> str:
        """The one that stands for it: the last."""
        return self.phases[-1]

    def ms(self, phase: str, drop_first: int) -> list[float]:
        """The samples of one phase in the order of their ticks, without the first ticks."""
        at = 2 + self.phases.index(phase)
        return [sample[at] for sample in sorted(self.samples) if sample[0] >= drop_first]


class Run(Frozen):
    """What one host measured."""

    format_version: Literal[1]
    host: str
    region: str
    place: str
    started: datetime
    seconds: float = Field(gt=0)
    simulated: bool
    """In a lab: delays are made up."""
    baseline: bool
    """Kept as what was before."""
    catalogue: CatalogueVersion
    settings: KeptSettings
    software: Software
    series: tuple[Series, ...]
