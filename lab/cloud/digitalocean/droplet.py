"""DigitalOcean Droplet: region, image, keys and user data replace it; its size changes in place."""

from __future__ import annotations

from lab.cloud.digitalocean import api
from lab.cloud.digitalocean.firewall import enforce
from lab.cloud.digitalocean.offers import IMAGES, REGIONS, SIZES
from lab.cloud.digitalocean.ssh_key import find_key
from lab.cloud.digitalocean.tag import wrong_tags
from lab.cloud.errors import CloudError, Failure
from lab.cloud.kind import Cloud, Created, Kind, only
from lab.cloud.moment import now
from lab.cloud.schema import UNKNOWN
from lab.cloud.store import CloudState, Record, Values
from lab.server import ServerSpec

USER_DATA_LIMIT = 64 * 1024
"""Bytes (DigitalOcean's API reference)."""


def check(inputs: Values) -> list[Failure]:
    tags = [tag for tag in inputs.get("tags") or [] if tag != UNKNOWN] if isinstance(inputs.get("tags"), list) else []
    return wrong_tags(tags, "tags")


def create(cloud: Cloud, inputs: Values) -> Created:
    region = inputs.get("region") or "nyc3"
    with cloud.store.transaction() as state:
        _check_order(state, {**inputs, "region": region})
        keys = tuple(key.inputs["publicKey"] for key in _keys(state, inputs))
        id = str(state.next("digitalocean-droplets", 512000001))
        kept = {name: value for name, value in inputs.items() if name != "userData"}
        state.put(api.NAME, api.DROPLET, id, Record(kept, {}, {"pending": True}))
    size = SIZES[inputs["size"]]
    spec = ServerSpec(
        id=id,
        provider=api.NAME,
        name=inputs["name"],
        user_data=inputs.get("userData") or "",
        address_kind="anchor",
        authorized_keys=keys,
        memory_mb=size.memory,
        labels={"region": region, "size": size.slug, "name": inputs["name"]},
    )
    try:
        addresses = cloud.machines.create(spec)
    except BaseException:
        with cloud.store.transaction() as state:
            state.remove(api.NAME, api.DROPLET, id)
        raise
    outputs = {
        "ipv4Address": addresses.main_ip,
        "ipv4AddressPrivate": addresses.private_ip or "",
        "createdAt": now(),
        "dropletUrn": f"do:droplet:{id}",
        "locked": False,
        "status": "active",
        **_size(inputs["size"]),
    }
    outputs |= {} if inputs.get("region") else {"region": region}
    return Created(id, outputs, {"anchorIp": addresses.anchor_ip})


def _check_order(state: CloudState, inputs: Values) -> None:
    region, size, image = inputs["region"], inputs["size"], inputs["image"]
    if region not in REGIONS:
        raise api.refused(
            api.DROPLET,
            "create",
            f"You specified an invalid region for Droplet creation: {region}.",
        )
    if size not in SIZES:
        raise api.refused(
            api.DROPLET,
            "create",
            f"You specified an invalid size for Droplet creation: {size}.",
        )
    if image not in IMAGES and image not in {str(i.id) for i in IMAGES.values()}:
        raise api.refused(
            api.DROPLET,
            "create",
            f"You specified an invalid image for Droplet creation: {image}.",
        )
    if region not in SIZES[size].regions:
        raise CloudError(api.no_capacity(api.DROPLET, inputs))
    if len((inputs.get("userData") or "").encode()) > USER_DATA_LIMIT:
        raise api.refused(api.DROPLET, "create", "User data must be less than 64KiB.")
    _keys(state, inputs)


def _keys(state: CloudState, inputs: Values) -> list[Record]:
    keys = []
    for reference in inputs.get("sshKeys") or []:
        key = find_key(state, reference)
        if key is None:
            error = f"{reference} are invalid key identifiers for Droplet creation."
            raise api.refused(api.DROPLET, "create", error)
        keys.append(key)
    return keys


def _size(slug: str) -> Values:
    size = SIZES[slug]
    return {
        "vcpus": size.vcpus,
        "memory": size.memory,
        "disk": size.disk,
        "priceMonthly": size.price_monthly,
        "priceHourly": size.price_hourly,
    }


def update(cloud: Cloud, id: str, record: Record, inputs: Values) -> Values:
    old, new = record.inputs["size"], inputs["size"]
    if old == new:
        return {}
    region = record.properties["region"]
    if new not in SIZES:
        raise api.refused(api.DROPLET, "update", f"You specified an invalid size: {new}.")
    if region not in SIZES[new].regions:
        raise api.refused(
            api.DROPLET,
            "update",
            f"Size {new} is not available in this region: {region}.",
        )
    grows = inputs.get("resizeDisk") is not False
    if grows and SIZES[new].disk < SIZES[old].disk:
        raise api.refused(
            api.DROPLET,
            "update",
            "This size is not available because it has a smaller disk.",
        )
    cloud.machines.reboot(id)
    return _size(new)


def delete(cloud: Cloud, id: str, record: Record) -> None:
    cloud.machines.destroy(id)


KIND = Kind(
    api.DROPLET,
    create,
    update,
    delete,
    after=enforce,
    check=check,
    replaces=only("region image sshKeys userData vpcUuid dropletAgent publicNetworking"),
    unordered=only("tags sshKeys volumeIds"),
    unstored=only("userData"),
    auto_name="name",
    server=True,
)
