"""DigitalOcean's data sources."""

from __future__ import annotations

from collections.abc import Iterable

from lab.cloud.digitalocean import api
from lab.cloud.digitalocean.offers import (
    CLOSED,
    IMAGES,
    OPEN_REGIONS,
    REGIONS,
    SIZES,
    Image,
    Size,
)
from lab.cloud.errors import CloudError
from lab.cloud.kind import Cloud
from lab.cloud.store import Values


def get_image(cloud: Cloud, arguments: Values) -> Values:
    asked = {name: arguments[name] for name in ("id", "slug", "name") if arguments.get(name)}
    if len(asked) != 1:
        raise CloudError("Illegal state: one of id, name, or slug must be set")
    found = [image for image in IMAGES.values() if all(getattr(image, k) == v for k, v in asked.items())]
    if not found:
        raise CloudError(
            f"error retrieving image: GET https://api.digitalocean.com/v2/images/{next(iter(asked.values()))}: 404 "
            "The resource you were accessing could not be found."
        )
    return _image(found[0])


def _image(image: Image) -> Values:
    return {
        "id": image.id,
        "slug": image.slug,
        "image": image.slug,
        "name": image.name,
        "distribution": image.distribution,
        "regions": list(OPEN_REGIONS),
        "private": False,
        "type": "snapshot",
        "status": "available",
        "minDiskSize": 7,
        "sizeGigabytes": 1.0,
        "created": "2025-09-01T00:00:00Z",
        "description": f"{image.distribution} {image.name}",
        "errorMessage": "",
        "tags": [],
    }


def get_sizes(cloud: Cloud, arguments: Values) -> Values:
    return _many("sizes", (_size(size, not cloud.sold_out()) for size in SIZES.values()), arguments)


def _size(size: Size, available: bool) -> Values:
    return {
        "slug": size.slug,
        "available": available,
        "transfer": size.transfer,
        "priceMonthly": size.price_monthly,
        "priceHourly": size.price_hourly,
        "memory": size.memory,
        "vcpus": size.vcpus,
        "disk": size.disk,
        "regions": list(size.regions),
    }


def get_regions(cloud: Cloud, arguments: Values) -> Values:
    rows = (
        {
            "slug": slug,
            "name": name,
            "sizes": [size.slug for size in SIZES.values() if slug in size.regions],
            "features": ["metadata"],
            "available": slug not in CLOSED,
        }
        for slug, name in REGIONS.items()
    )
    return _many("regions", rows, arguments)


def get_reserved_ip(cloud: Cloud, arguments: Values) -> Values:
    address = arguments["ipAddress"]
    record = cloud.store.snapshot().find(api.NAME, api.RESERVED_IP, address)
    if record is None:
        raise api.refused(api.RESERVED_IP, "read", f"reserved ip not found: {address}", 404)
    droplet = record.hidden.get("droplet")
    known = {
        "id": address,
        "ipAddress": address,
        "region": record.inputs["region"],
        "urn": f"do:reservedip:{address}",
    }
    return known | ({"dropletId": int(droplet)} if droplet else {})


def _many(name: str, rows: Iterable[Values], arguments: Values) -> Values:
    conditions = arguments.get("filters") or []
    found = [row for row in rows if all(_matches(row, condition) for condition in conditions)]
    for order in reversed(arguments.get("sorts") or []):
        found.sort(
            key=lambda row: row[_camel(order["key"])],
            reverse=order.get("direction") == "desc",
        )
    return {"id": "lab", name: found, "filters": conditions}


def _matches(row: Values, condition: Values) -> bool:
    key = _camel(condition["key"])
    if key not in row:
        raise CloudError(f"expected key to be one of {sorted(row)}, got {condition['key']}")
    value = row[key]
    values = {_text(item) for item in (value if isinstance(value, list) else [value])}
    wanted = {_text(item) for item in condition["values"]}
    return wanted <= values if condition.get("all") else bool(wanted & values)


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _camel(key: str) -> str:
    first, *rest = key.split("_")
    return first + "".join(part.capitalize() for part in rest)


LOOKUPS = {
    "digitalocean:index/getImage:getImage": get_image,
    "digitalocean:index/getSizes:getSizes": get_sizes,
    "digitalocean:index/getRegions:getRegions": get_regions,
    "digitalocean:index/getReservedIp:getReservedIp": get_reserved_ip,
}
