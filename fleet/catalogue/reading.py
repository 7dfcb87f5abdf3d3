"""Reading the catalogue's YAML files."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from fleet.catalogue.catalogue import Catalogue, Location, Place, Plan, Service

FOLDER = Path(__file__).parent
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@cache
def load() -> Catalogue:
    """The catalogue that this package ships.

    Raises:
        pydantic.ValidationError: a row is malformed (a fault of the package, kept out by its tests).
    """
    places = [Place(**row) for row in rows("places")]
    services = [Service(**row) for row in rows("services")]
    return Catalogue(
        places={place.name: place for place in places},
        services={service.name: service for service in services},
        locations=tuple(Location(**row) for row in rows("locations")),
        plans=tuple(Plan(**row) for row in rows("plans")),
    )


def rows(table: str) -> list[dict[str, Any]]:
    """The rows of one file: what its ``defaults`` say holds for each row that does not say otherwise.

    Money and sizes are written in quotes where a float would not be exact.
    """
    groups = yaml.load((FOLDER / f"{table}.yaml").read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - a safe one
    return [{**group.get("defaults", {}), **row} for group in groups for row in group["rows"]]
