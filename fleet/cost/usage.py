"""How much a fleet is used: hours that servers run, and traffic. Read from a file that the user writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from fleet.catalogue.prices import MONTH_HOURS
from fleet.model.document import Document, read_document
from fleet.model.nearest import nearest
from fleet.model.problems import ConfigurationError, Problem
from fleet.model.types import Frozen
from fleet.model.validation import at, validate

LONGEST_MONTH_HOURS = 744


def _number(value: object) -> object:
    """Exact, and written as people do: 730, 12.5, "12.5"."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str, Decimal)):
        raise ValueError("is not a number")
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        raise ValueError("is not a number") from None
    if not number.is_finite() or number < 0:
        raise ValueError("is not a number from 0")
    return number


Amount = Annotated[Decimal, BeforeValidator(_number)]
Hours = Annotated[
    Amount,
    Field(le=LONGEST_MONTH_HOURS, description=f"hours a month: a number 0..{LONGEST_MONTH_HOURS}"),
]
Gigabytes = Annotated[Amount, Field(description="GB a month: a number from 0")]


class RegionUsage(Frozen):
    """What the hosts of one region do in a month."""

    hours: Hours = Decimal(MONTH_HOURS)
    """Hours that each of its servers exists (switched off counts as well)."""
    gb_out: Gigabytes = Decimal(0)
    """Traffic that leaves its main server for the internet."""
    gb_in: Gigabytes = Decimal(0)
    """Traffic that reaches it; some sellers let it use up what is included."""


class Queries(Frozen):
    """Millions of DNS queries a month, by the kind of record that answers."""

    standard: Amount = Decimal(0)
    latency: Amount = Decimal(0)
    geo: Amount = Decimal(0)
    ip_based: Amount = Decimal(0)

    def by_charge(self) -> Mapping[str, Decimal]:
        """Name of the price list's row to millions of queries."""
        names = {"standard": "standard", "latency": "latency", "geo": "geo", "ip_based": "ip-based"}
        return {f"{name} queries": getattr(self, field) for field, name in names.items()}


class HealthChecks(Frozen):
    """Health checks of one kind."""

    count: Annotated[int, Field(ge=1, le=1000, strict=True, description="a whole number 1..1000")]
    endpoint: Literal["aws", "elsewhere"] = Field(default="elsewhere", description="aws or elsewhere")
    protocol: Literal["tcp", "http", "https"] = Field(default="tcp", description="tcp, http or https")
    interval_seconds: Literal[10, 30] = Field(default=30, description="10 or 30")
    string_match: bool = Field(default=False, strict=True, description="true or false")
    latency_graph: bool = Field(default=False, strict=True, description="true or false")

    @property
    def options(self) -> int:
        """How many options of a check are billed."""
        return sum((self.protocol == "https", self.interval_seconds == 10, self.string_match, self.latency_graph))


class Dns(Frozen):
    """Route 53, for what no stack declares."""

    zones: Annotated[int, Field(ge=0, le=25, strict=True, description="a whole number 0..25")] = 0
    million_queries: Queries = Queries()
    health_checks: tuple[HealthChecks, ...] = Field(default=(), description="a list of {count: 5, protocol: tcp, ...}")


class Usage(Frozen):
    """A month. The default is a fleet that runs all the time and stays within what its plans include."""

    default: RegionUsage = RegionUsage()
    """Of regions that are not listed."""
    regions: Mapping[str, RegionUsage] = Field(
        default={}, description="a mapping of regions, each with hours, gb_out, gb_in"
    )
    dns: Dns = Dns()

    def of(self, region: str) -> RegionUsage:
        """What a region's hosts do."""
        return self.regions.get(region, self.default)


def read_usage(path: Path, regions: Iterable[str]) -> Usage:
    """Read a usage file.

    Raises:
        ConfigurationError: every problem in it: malformed values, unknown keys, regions that the fleet does not have.
    """
    document, problems = read_document(path)
    if document is None:
        raise ConfigurationError(problems)
    usage, wrong = validate(Usage, document, (), dict(document.values))
    found = (*problems, *wrong, *_unknown_regions(document, document.values.get("regions"), tuple(regions)))
    if found or usage is None:
        raise ConfigurationError(found)
    return usage


def _unknown_regions(document: Document, listed: Any, known: tuple[str, ...]) -> Iterator[Problem]:
    for name in listed if isinstance(listed, Mapping) else ():
        if name not in known:
            allowed = ", ".join(known)
            yield at(document, ("regions", name), None, "is not a region of fleet.yaml", allowed, nearest(name, known))
