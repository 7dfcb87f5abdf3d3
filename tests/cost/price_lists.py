"""Lists of prices in the exact shapes in which their providers answer."""

from __future__ import annotations

import json
from typing import Any

VULTR, OCEAN = "GET /v2/plans", "GET /v2/sizes"
BUNDLES, PRODUCTS = "GetBundles", "GetProducts"

EC2_TYPES = ("t3.medium", "c7i.large", "c7i.xlarge", "t3.large", "t3.xlarge")
"""Those of the catalogue, in the order in which they are asked for."""


def plan(name: str = "vhp-4c-8gb-amd", monthly: float = 52, **more: Any) -> dict[str, Any]:
    """As Vultr writes one."""
    return {
        "id": name, "vcpu_count": 4, "ram": 8192, "disk": 180, "disk_type": "NVMe", "disk_count": 1, "bandwidth": 6144,
        "monthly_cost": monthly, "hourly_cost": 0.077, "monthly_cost_preemptible": monthly,
        "hourly_cost_preemptible": 0.077, "invoice_type": "monthly", "type": "vhp", "locations": ["ewr", "ord", "sao"],
        "cpu_vendor": "AMD", "storage_type": "local_storage", "vcpu_type": "thread", "deploy_ondemand": True,
        "deploy_preemptible": False, "location_cost": {}, "gpu_brand": "none", **more,
    }  # fmt: skip


def vultr_page(*plans: dict[str, Any], total: int | None = None, following: str = "") -> dict[str, Any]:
    links = {"next": following, "prev": ""}
    return {"plans": list(plans), "meta": {"total": len(plans) if total is None else total, "links": links}}


def size(slug: str = "s-4vcpu-8gb", monthly: float = 50.0, **more: Any) -> dict[str, Any]:
    """As DigitalOcean writes one."""
    return {
        "slug": slug, "memory": 8192, "vcpus": 4, "disk": 160, "transfer": 5.0, "price_monthly": monthly,
        "price_hourly": 0.0744, "regions": ["sgp1", "nyc3"], "available": True, "description": "Basic", **more,
    }  # fmt: skip


def ocean_page(*sizes: dict[str, Any], total: int | None = None, following: str = "") -> dict[str, Any]:
    pages = {"pages": {"next": following}} if following else {}
    return {"sizes": list(sizes), "links": pages, "meta": {"total": len(sizes) if total is None else total}}


def bundle(name: str = "large_3_0", price: float = 46.0, **more: Any) -> dict[str, Any]:
    """As Lightsail writes one."""
    return {
        "price": price, "cpuCount": 2, "diskSizeInGb": 160, "bundleId": name, "instanceType": "large", "isActive": True,
        "name": "Large", "power": 3000, "ramSizeInGb": 8.0, "transferPerMonthInGb": 5120,
        "supportedPlatforms": ["LINUX_UNIX"], "publicIpv4AddressCount": 1, **more,
    }  # fmt: skip


def product(kind: str, region: str, hourly: str) -> str:
    """As AWS's price list writes one: a text that holds JSON."""
    return json.dumps(
        {
            "product": {
                "productFamily": "Compute Instance",
                "attributes": {"instanceType": kind, "regionCode": region, "vcpu": "4", "memory": "8 GiB"},
            },
            "serviceCode": "AmazonEC2",
            "terms": {
                "OnDemand": {
                    "X.JRTC": {"priceDimensions": {"X.JRTC.6YS6": {"unit": "Hrs", "pricePerUnit": {"USD": hourly}}}}
                }
            },
        }
    )


def bundles(*rows: dict[str, Any], following: str | None = None) -> dict[str, Any]:
    """A page of Lightsail's list; the last one names no other, or an empty one."""
    return {"bundles": list(rows)} if following is None else {"bundles": list(rows), "nextPageToken": following}


def price_list(*rows: str, following: str | None = None) -> dict[str, Any]:
    """A page of AWS's price list."""
    page = {"FormatVersion": "aws_v1", "PriceList": list(rows)}
    return page if following is None else {**page, "NextToken": following}
