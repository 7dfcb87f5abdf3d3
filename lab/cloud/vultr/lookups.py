"""Vultr's data sources: filters name an attribute and the values it may have; exactly one object must match."""

from __future__ import annotations

from collections.abc import Iterable

from lab.cloud.errors import CloudError
from lab.cloud.kind import Cloud
from lab.cloud.store import Values
from lab.cloud.vultr.offers import PLANS, REGIONS, SYSTEMS


def get_os(cloud: Cloud, arguments: Values) -> Values:
    rows = ({"id": str(s.id), "name": s.name, "arch": s.arch, "family": s.family} for s in SYSTEMS.values())
    return _one(rows, arguments)


def get_plan(cloud: Cloud, arguments: Values) -> Values:
    rows = (
        {
            "id": p.id,
            "vcpuCount": p.vcpu_count,
            "ram": p.ram,
            "disk": p.disk,
            "diskCount": 1,
            "bandwidth": p.bandwidth,
            "monthlyCost": p.monthly_cost,
            "type": p.id.split("-")[0],
            "locations": [] if cloud.sold_out() else list(p.locations),
            "gpuType": "",
            "gpuVram": 0,
        }
        for p in PLANS.values()
    )
    return _one(rows, arguments)


def get_region(cloud: Cloud, arguments: Values) -> Values:
    rows = (
        {
            "id": id,
            "city": city,
            "country": country,
            "continent": continent,
            "options": [],
        }
        for id, (city, country, continent) in REGIONS.items()
    )
    return _one(rows, arguments)


def _one(rows: Iterable[Values], arguments: Values) -> Values:
    filters = arguments.get("filters") or []
    found = [row for row in rows if all(_matches(row, f) for f in filters)]
    if len(found) > 1:
        raise CloudError("your search returned too many results. Please refine your search to be more specific")
    if not found:
        raise CloudError("no results were found")
    return {**found[0], "filters": filters}


def _matches(row: Values, condition: Values) -> bool:
    if condition["name"] not in row:
        raise CloudError(f"error retrieving data source: unknown filter attribute {condition['name']}")
    value = row[condition["name"]]
    values = value if isinstance(value, list) else [value]
    return any(str(v) in condition["values"] for v in values)


LOOKUPS = {
    "vultr:index/getOs:getOs": get_os,
    "vultr:index/getPlan:getPlan": get_plan,
    "vultr:index/getRegion:getRegion": get_region,
}
