"""Reading what is billed, and how. Apart from ``reading``: only the questions about money need it."""

from __future__ import annotations

from pathlib import Path

from fleet.catalogue.catalogue import Catalogue
from fleet.catalogue.overlay import Overlay, read_overlay
from fleet.catalogue.prices import Billing, Charge, PriceList, Transfer
from fleet.catalogue.reading import rows
from fleet.model.problems import ConfigurationError


def load_prices(catalogue: Catalogue, own: Path | None = None) -> PriceList:
    """The price list that goes with a catalogue.

    Args:
        own: the fleet's own catalogue folder, whose rows take the place of ours (``overlay``).

    Raises:
        fleet.model.problems.ConfigurationError: rows of the fleet's own catalogue are malformed; all of them.
        pydantic.ValidationError: a row of the package is malformed (kept out by its tests).
    """
    overlay, problems = read_overlay(own, catalogue) if own else (Overlay(), ())
    if problems:
        raise ConfigurationError(problems)
    billing = overlay.over("billing", {(row["service"],): Billing(**row) for row in rows("billing")})
    transfer = overlay.over("transfer", {(row["service"],): Transfer(**row) for row in rows("transfer")})
    charges = overlay.over("charges", {(row["service"], row["name"]): Charge(**row) for row in rows("charges")})
    return PriceList(
        catalogue=catalogue,
        billing={row.service: row for row in billing},
        transfer={row.service: row for row in transfer},
        charges={(row.service, row.name): row for row in charges},
    )
