"""DigitalOcean ReservedIp and its assignment: inbound traffic to it reaches the droplet's anchor address."""

from __future__ import annotations

from lab.cloud.digitalocean import api
from lab.cloud.digitalocean.offers import REGIONS
from lab.cloud.errors import CloudError
from lab.cloud.kind import Cloud, Created, Kind, only, random_hex
from lab.cloud.store import CloudState, Record, Values


def create(cloud: Cloud, inputs: Values) -> Created:
    if inputs["region"] not in REGIONS:
        raise api.refused(
            api.RESERVED_IP,
            "create",
            f"You specified an invalid region: {inputs['region']}.",
        )
    if inputs.get("dropletId"):
        _must_be_here(
            cloud.store.snapshot(),
            inputs["region"],
            inputs["dropletId"],
            api.RESERVED_IP,
            "create",
        )
    address = cloud.machines.allocate_address("anchor")
    droplet = str(inputs.get("dropletId") or "")
    if droplet:
        cloud.machines.attach_address(address, droplet)
    return Created(
        address,
        {"ipAddress": address, "reservedIpUrn": f"do:reservedip:{address}"},
        {"droplet": droplet},
    )


def update(cloud: Cloud, id: str, record: Record, inputs: Values) -> Values:
    wanted = str(inputs.get("dropletId") or "")
    if wanted:
        _must_be_here(cloud.store.snapshot(), inputs["region"], wanted, api.RESERVED_IP, "update")
    _move(cloud, id, wanted)
    return {}


def delete(cloud: Cloud, id: str, record: Record) -> None:
    cloud.machines.release_address(id)


def assigned(state: CloudState, id: str, record: Record) -> Values:
    droplet = holder(state, record)
    return {"dropletId": int(droplet)} if droplet else {"dropletId": None}


def holder(state: CloudState, record: Record) -> str:
    """The droplet that has this address, empty if none."""
    droplet = str(record.hidden.get("droplet") or "")
    return droplet if droplet and state.find(api.NAME, api.DROPLET, droplet) else ""


def assign(cloud: Cloud, inputs: Values) -> Created:
    address, droplet = inputs["ipAddress"], str(inputs["dropletId"])
    state = cloud.store.snapshot()
    reserved = state.find(api.NAME, api.RESERVED_IP, address)
    if reserved is None:
        raise CloudError(
            f"Error Assigning reserved IP ({address}) to the droplet: "
            f"{api.refused(api.ASSIGNMENT, 'create', 'The resource you requested could not be found.', 404)}"
        )
    _must_be_here(state, reserved.inputs["region"], droplet, api.ASSIGNMENT, "create")
    # An address that another droplet holds moves without an error, as at the real API.
    _move(cloud, address, droplet)
    return Created(f"{droplet}-{address}-{random_hex(26)}", {})


def unassign(cloud: Cloud, id: str, record: Record) -> None:
    state = cloud.store.snapshot()
    reserved = state.find(api.NAME, api.RESERVED_IP, record.inputs["ipAddress"])
    if reserved and holder(state, reserved) == str(record.inputs["dropletId"]):
        _move(cloud, record.inputs["ipAddress"], "")


def _move(cloud: Cloud, address: str, droplet: str) -> None:
    with cloud.store.transaction() as state:
        record = state.find(api.NAME, api.RESERVED_IP, address)
        if record is None or record.hidden.get("droplet", "") == droplet:
            return
        record.hidden["droplet"] = droplet
        state.put(api.NAME, api.RESERVED_IP, address, record)
    if droplet:
        cloud.machines.attach_address(address, droplet)
    else:
        cloud.machines.detach_address(address)


def _must_be_here(state: CloudState, region: str, droplet: object, token: str, operation: str) -> None:
    record = state.find(api.NAME, api.DROPLET, str(droplet))
    if record is None:
        raise api.refused(token, operation, f"Droplet {droplet} could not be found.", 404)
    there = record.properties.get("region")
    if there != region:
        error = f"The reserved IP is in region {region}, the droplet in {there}: both must be in the same region."
        raise api.refused(token, operation, error)


RESERVED = Kind(
    api.RESERVED_IP,
    create,
    update,
    delete,
    refresh=assigned,
    replaces=only("region ipAddress"),
)
ASSIGNMENT = Kind(api.ASSIGNMENT, assign, delete=unassign, replaces=only("ipAddress dropletId"))
