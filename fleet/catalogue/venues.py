"""Venues: brokers and sources of market data, what the platform needs to use them, and where they are said to be."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Literal

from pydantic import Field, model_validator

from fleet.catalogue.catalogue import Confidence, Row
from fleet.catalogue.reading import rows
from fleet.model.types import Count, Frozen, Label

Kind = Literal["broker", "data", "feed"]
"""Who takes orders; who sells data; the market data of a broker or an exchange, read through a broker or in public."""

Status = Literal["active", "in-progress", "disabled"]
"""In use; named in a stack but not run yet; must not be named in a stack."""


Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$", description="two capitals, such as US (ISO 3166)")]


CLOCK = r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"


class Endpoint(Frozen):
    """An address of a venue's interface."""

    transport: Literal["rest", "websocket", "tcp"]
    url: str
    """A REST one has the path of a probe that needs no login, where there is one."""
    site: str = ""
    """The site of the venue that it belongs to, as venue_sites.yaml names it; empty: the only one, or not known."""


class Credential(Frozen):
    """Something secret that the platform needs to use a venue."""

    name: Label
    """The last part of the secret's name: ``api-key`` of ``alpaca/nj/api-key``."""
    variable: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    """The environment variable that the platform reads it from."""


class Sidecar(Frozen):
    """A process that a venue wants beside the service which trades there."""

    name: Label
    image: str
    """Its key in images.yaml."""
    port: int = Field(ge=1, le=65535)
    address_variable: str
    """The variable in which the platform's services look for ``host:port``."""
    credentials: tuple[Credential, ...] = ()
    """What the sidecar logs in with; the platform's services get none of these."""


class Hosting(Frozen):
    """Where a venue's servers are said to be."""

    where: str
    place: str = ""
    """The place of the catalogue nearest to it; empty where there is none or several."""
    source: str
    confidence: Confidence = "documentation"


class RateLimit(Frozen):
    """How many requests a venue takes from one address."""

    per_second: float = Field(gt=0)
    source: str


class TradingHours(Frozen):
    """When one of a venue's markets is open, by the clock of its place; holidays are not in it."""

    of: str = ""
    """The market, where the venue has several; empty for all that it has."""
    days: Literal["every day", "Mon-Fri", "Sun-Fri"]
    """``Sun-Fri``: from the opening on Sunday to the closing on Friday, with a break between closing and opening."""
    opens: str = Field(pattern=CLOCK)
    closes: str = Field(pattern=CLOCK)
    zone: str = Field(pattern=r"^(UTC|[A-Z][A-Za-z_]+/[A-Za-z_/]+)$", description="a time zone, as America/New_York")
    """Of the IANA database."""


class Venue(Row):
    """A broker or a source of data."""

    name: Label
    title: str
    kind: Kind
    status: Status = "active"
    assets: tuple[str, ...]
    endpoints: tuple[Endpoint, ...] = ()
    rate_limit: RateLimit | None = None
    """Of calls without a login; None: not known."""
    regions: tuple[str, ...] = ()
    """The default fleet's regions that use it, the first one is the one to trade from."""
    via: str = ""
    """Of a feed: the broker whose account and sidecar it uses; empty where it is public."""
    max_sessions: Count | None = None
    """How many regions may use one account at once; None: no such limit is known."""
    prefix: str = ""
    """Of the variable by which the fleet lets a broker's trading be: ``Alpaca`` of ``Alpaca__TradingEnabled``."""
    credentials: tuple[Credential, ...] = ()
    settings: Mapping[str, str] = {}
    """Variables of the platform that are no secrets."""
    sidecar: Sidecar | None = None
    claimed_hosting: str = ""
    """What the specification says."""
    hosting: Hosting | None = None
    """The best that is known, which may differ; None: not published."""
    fronted_by_cdn: bool | None = None
    """Whether a probe answers from an edge; None: not known."""
    refused_from: tuple[Country, ...] = ()
    """Countries whose addresses it refuses."""
    refusal: str = ""
    """How it does that, with the source."""
    hours: tuple[TradingHours, ...] = ()
    """When it trades; empty: not stated."""
    claimed_ms_from_cdmx: float | None = None
    """The specification's latency from Mexico City, which is a claim."""

    @model_validator(mode="after")
    def _complete(self) -> Venue:
        if self.kind == "broker" and not self.prefix:
            raise ValueError("is a broker without a prefix, by which the platform would be told not to trade")
        for what, names in (("credential", [one.name for one in self.all_credentials]), ("variable", self.variables)):
            if twice := sorted({name for name in names if list(names).count(name) > 1}):
                raise ValueError(f"has the {what} {twice[0]} twice")
        return self

    @property
    def all_credentials(self) -> tuple[Credential, ...]:
        """The service's and the sidecar's."""
        return self.credentials + (self.sidecar.credentials if self.sidecar else ())

    @property
    def variables(self) -> tuple[str, ...]:
        """Every environment variable that using it sets for a service."""
        address = (self.sidecar.address_variable,) if self.sidecar else ()
        return (*(one.variable for one in self.credentials), *self.settings, *address)


def credential_name(venue: str, region: str, credential: Credential) -> str:
    """The name of the secret that holds a venue's credential for one region: keys are allow-listed by its address."""
    return f"{venue}/{region}/{credential.name}"


@cache
def load_venues() -> Mapping[str, Venue]:
    """Every venue by name.

    Raises:
        pydantic.ValidationError: a row is malformed (a fault of the package, kept out by its tests).
    """
    found = [Venue(**row) for row in rows("venues")]
    return {venue.name: venue for venue in found}
