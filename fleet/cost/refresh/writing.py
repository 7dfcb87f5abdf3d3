"""Writing what was read: one file of the fleet's own catalogue for each service, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from fleet.cost.refresh.listed import ListedPlan, Price, PriceSource
from fleet.model.document import read_document

HEADER = "# Written by: fleet catalogue refresh. A row takes the place of the one that the package ships.\n"


def file_of(folder: Path, service: str) -> Path:
    """Where the prices of a service are written."""
    return folder / f"{service}.yaml"


def own_plans(folder: Path, service: str) -> Mapping[str, str]:
    """Plans of a service that the user has rows of, in other files: name to file. They are not written over."""
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.yaml")) if folder.is_dir() else ():
        document, _ = read_document(path)
        if path == file_of(folder, service) or document is None:
            continue
        defaults = document.values.get("defaults")
        for row in document.values.get("plans") or ():
            values = {
                **(defaults if isinstance(defaults, Mapping) else {}),
                **(row if isinstance(row, Mapping) else {}),
            }
            if values.get("service") == service and isinstance(values.get("name"), str):
                found[values["name"]] = path.name
    return found


def render(source: PriceSource, plans: Iterable[ListedPlan], today: date) -> str:
    """The file's text."""
    document = {
        "defaults": {"service": source.service, "source": source.text, "as_of": today.isoformat()},
        "plans": [_row(plan) for plan in plans],
    }
    return HEADER + yaml.safe_dump(document, sort_keys=False, width=120)


def write_all(texts: Mapping[Path, str]) -> None:
    """Write files, all or none: none takes its place before each one is on the disk whole."""
    written: dict[Path, Path] = {}
    try:
        for path, text in texts.items():
            path.parent.mkdir(exist_ok=True)
            with tempfile.NamedTemporaryFile(
                "w", dir=path.parent, suffix=".part", delete=False, encoding="utf-8"
            ) as file:
                written[path] = Path(file.name)
                file.write(text)
            written[path].chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        for path, part in written.items():
            os.replace(part, path)  # noqa: PTH105 - replaces what is there
    finally:
        for part in written.values():
            part.unlink(missing_ok=True)


def _row(plan: ListedPlan) -> dict[str, Any]:
    own = {name: _price(price) for name, price in sorted(plan.location_prices.items())}
    row: dict[str, Any] = {
        "name": plan.name,
        "vcpu": plan.vcpu,
        "memory_gb": _text(plan.memory_gb),
        "disk_gb": plan.disk_gb,
    }
    if plan.transfer_tb is not None:
        row["transfer_tb"] = _text(plan.transfer_tb)
    row |= _price(plan.price)
    if own:
        row["location_prices"] = own
    # No price elsewhere, where these are all that is known.
    row["price_locations"] = [] if plan.only_there else None
    return row


def _price(price: Price) -> dict[str, str]:
    pairs = (("hourly_usd", price.hourly_usd), ("monthly_usd", price.monthly_usd))
    return {name: _text(usd) for name, usd in pairs if usd is not None}


def _text(number: Decimal) -> str:
    return f"{number.normalize():f}"
