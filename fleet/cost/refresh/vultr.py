"""Vultr's list of plans: public, pages by cursor, prices of single regions in ``location_cost``."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from pydantic import BaseModel

from fleet.cost.refresh.listed import ListedPlan, Price, PriceSource, plausible
from fleet.orphans.providers.listing import ListingFailed
from fleet.orphans.providers.vultr import TOKEN_VARIABLE, URL, URL_VARIABLE, pages
from fleet.orphans.providers.web import WebApi

PATH = "/v2/plans"
MB, GB = 1024, 1024
"""It counts memory and traffic in steps of 1,024."""


class _Cost(BaseModel):
    monthly_cost: Decimal
    hourly_cost: Decimal | None = None


class _Plan(_Cost):
    id: str
    vcpu_count: int
    ram: int
    """MB"""
    disk: int
    bandwidth: int
    """GB a month"""
    location_cost: Mapping[str, _Cost] | None = None


class _Links(BaseModel):
    next: str = ""


class _Meta(BaseModel):
    total: int
    links: _Links = _Links()


class _Plans(BaseModel):
    plans: list[_Plan]
    meta: _Meta


class VultrPrices:
    """Vultr's plans. Needs no token."""

    source = PriceSource("vultr", f"Vultr API, GET {PATH}")

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._url = environment.get(URL_VARIABLE) or URL

    def list_plans(self) -> tuple[ListedPlan, ...]:
        with WebApi("Vultr", self._url, "", TOKEN_VARIABLE) as api:
            read = list(pages(api, PATH, _Plans))
        rows = [row for page in read for row in page.plans]
        if len(rows) != read[-1].meta.total:
            raise ListingFailed(f"Vultr: its list {PATH} has {read[-1].meta.total} plans, {len(rows)} arrived")
        return plausible("Vultr", tuple(_listed(row) for row in rows))


def _listed(row: _Plan) -> ListedPlan:
    return ListedPlan(
        service="vultr",
        name=row.id,
        vcpu=row.vcpu_count,
        memory_gb=Decimal(row.ram) / MB,
        disk_gb=row.disk,
        transfer_tb=Decimal(row.bandwidth) / GB,
        price=_price(row),
        location_prices={name: _price(cost) for name, cost in (row.location_cost or {}).items()},
    )


def _price(cost: _Cost) -> Price:
    return Price(cost.hourly_cost, cost.monthly_cost)
