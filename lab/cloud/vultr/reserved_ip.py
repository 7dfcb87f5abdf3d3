"""Vultr ReservedIp: belongs to a region, outlives the instance that it is attached to."""

from __future__ import annotations

from lab.cloud.errors import Failure
from lab.cloud.kind import Cloud, Created, Kind, must_find, only, random_uuid
from lab.cloud.schema import UNKNOWN
from lab.cloud.store import CloudState, Record, Values
from lab.cloud.vultr import api
from lab.cloud.vultr.offers import REGIONS


def check(inputs: Values) -> list[Failure]:
    if inputs["ipType"] not in ("v4", "v6", UNKNOWN):
        return [
            Failure(
                "ipType",
                f'expected ip_type to be one of ["v4" "v6"], got {inputs["ipType"]}',
            )
        ]
    return []


def create(cloud: Cloud, inputs: Values) -> Created:
    if inputs["region"] not in REGIONS:
        raise api.refused(api.RESERVED_IP, "create", f"Invalid region: {inputs['region']}.")
    if inputs["ipType"] == "v6":
        raise api.refused(api.RESERVED_IP, "create", "The lab has IPv4 addresses only.")
    _may_attach(cloud, inputs, "create")
    address = cloud.machines.allocate_address("direct")
    return Created(random_uuid(), {"subnet": address, "subnetSize": 32})


def update(cloud: Cloud, id: str, record: Record, inputs: Values) -> Values:
    if inputs.get("instanceId") and inputs.get("instanceId") != holder(cloud.store.snapshot(), id, record):
        _may_attach(cloud, inputs, "update")
        return {}
    return {}


def after(cloud: Cloud, id: str) -> None:
    """Attached later it is a second address of the server, which the guest must configure itself."""
    record = cloud.store.snapshot().find(api.NAME, api.RESERVED_IP, id)
    if record is None:
        return
    wanted = record.inputs.get("instanceId")
    attached = record.hidden.get("attached")
    if wanted == attached or (wanted is None and attached is None):
        return
    if wanted:
        cloud.machines.attach_address(record.outputs["subnet"], wanted)
    elif attached:
        cloud.machines.detach_address(record.outputs["subnet"])
    with cloud.store.transaction() as state:
        record.hidden["attached"] = wanted
        state.put(api.NAME, api.RESERVED_IP, id, record)


def delete(cloud: Cloud, id: str, record: Record) -> None:
    cloud.machines.release_address(record.outputs["subnet"])


def _may_attach(cloud: Cloud, inputs: Values, operation: str) -> None:
    server = inputs.get("instanceId")
    if not server:
        return
    gone = str(api.refused(api.RESERVED_IP, operation, "Invalid instance.", 404))
    instance = must_find(cloud.store.snapshot(), api.NAME, api.INSTANCE, server, gone)
    if instance.inputs["region"] != inputs["region"]:
        raise api.refused(
            api.RESERVED_IP,
            operation,
            "Server and reserved IP must be in the same location.",
        )


def holder(state: CloudState, id: str, record: Record) -> str:
    """The instance that has this address, empty if none: as main address, or attached later."""
    for server, instance in state.all(api.NAME, api.INSTANCE).items():
        if instance.inputs.get("reservedIpId") == id:
            return server
    attached = record.hidden.get("attached") or ""
    return attached if attached and state.find(api.NAME, api.INSTANCE, attached) else ""


def attached_to(state: CloudState, id: str, record: Record) -> Values:
    return {"instanceId": holder(state, id, record)}


KIND = Kind(
    api.RESERVED_IP,
    create,
    update,
    delete,
    after=after,
    refresh=attached_to,
    check=check,
    replaces=only("region ipType"),
)
