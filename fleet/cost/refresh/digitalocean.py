"""DigitalOcean's list of sizes: needs a token that may read sizes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from pydantic import BaseModel

from fleet.cost.refresh.listed import ListedPlan, Price, PriceSource, plausible
from fleet.orphans.providers.digitalocean import TOKEN_VARIABLE, URL, URL_VARIABLE, pages
from fleet.orphans.providers.listing import ListingFailed
from fleet.orphans.providers.web import WebApi

PATH = "/v2/sizes"
MB = 1024


class _Size(BaseModel):
    slug: str
    memory: int
    """MB"""
    vcpus: int
    disk: int
    transfer: Decimal
    """TB a month"""
    price_monthly: Decimal
    price_hourly: Decimal


class _Pages(BaseModel):
    next: str = ""


class _Links(BaseModel):
    pages: _Pages = _Pages()


class _Meta(BaseModel):
    total: int


class _Sizes(BaseModel):
    sizes: list[_Size]
    links: _Links = _Links()
    meta: _Meta


class DigitalOceanPrices:
    """DigitalOcean's sizes."""

    source = PriceSource("digitalocean", f"DigitalOcean API, GET {PATH}")

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._token = environment.get(TOKEN_VARIABLE, "")
        self._url = environment.get(URL_VARIABLE) or URL

    def list_plans(self) -> tuple[ListedPlan, ...]:
        if not self._token:
            raise ListingFailed(f"DigitalOcean: its list of sizes needs a token: set {TOKEN_VARIABLE}")
        with WebApi("DigitalOcean", self._url, self._token, TOKEN_VARIABLE) as api:
            read = list(pages(api, PATH, {}, _Sizes))
        rows = [row for page in read for row in page.sizes]
        if len(rows) != read[-1].meta.total:
            raise ListingFailed(f"DigitalOcean: its list {PATH} has {read[-1].meta.total} sizes, {len(rows)} arrived")
        return plausible("DigitalOcean", tuple(_listed(row) for row in rows))


def _listed(row: _Size) -> ListedPlan:
    return ListedPlan(
        service="digitalocean",
        name=row.slug,
        vcpu=row.vcpus,
        memory_gb=Decimal(row.memory) / MB,
        disk_gb=row.disk,
        transfer_tb=row.transfer,
        price=Price(row.price_hourly, row.price_monthly),
    )
