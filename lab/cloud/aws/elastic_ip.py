"""EC2 Eip and EipAssociation: an address of the account, translated 1:1 to a server's private address."""

from __future__ import annotations

from lab.cloud.aws import api
from lab.cloud.aws.network import gateway_of
from lab.cloud.errors import Failure
from lab.cloud.kind import Cloud, Created, Kind, only
from lab.cloud.schema import UNKNOWN
from lab.cloud.store import CloudState, Record, Values


def check(inputs: Values) -> list[Failure]:
    domain = inputs.get("domain")
    if domain not in (None, "vpc", "standard", UNKNOWN):
        return [
            Failure(
                "domain",
                f'expected domain to be one of ["vpc" "standard"], got {domain}',
            )
        ]
    return []


def create(cloud: Cloud, inputs: Values) -> Created:
    api.check_region(api.EIP, inputs)
    if inputs.get("instance"):
        _must_be_reachable(cloud.store.snapshot(), api.EIP, inputs["instance"], inputs["region"])
    id = api.new_id("eipalloc")
    address = cloud.machines.allocate_address("nat")
    outputs = {
        "allocationId": id,
        "publicIp": address,
        "arn": api.arn(api.EIP, inputs["region"], f"elastic-ip/{id}"),
        "associationId": "",
        "privateDns": "",
        "privateIp": "",
        "ptrRecord": "",
        "publicDns": "",
        "carrierIp": "",
        "customerOwnedIp": "",
        **api.tags_all(inputs),
    }
    hidden = {}
    if inputs.get("instance"):
        cloud.machines.attach_address(address, inputs["instance"])
        hidden = {"instance": inputs["instance"], "association": api.new_id("eipassoc")}
    return Created(id, outputs, hidden)


def update(cloud: Cloud, id: str, record: Record, inputs: Values) -> Values:
    wanted = inputs.get("instance")
    if wanted and wanted != record.hidden.get("instance"):
        _must_be_reachable(cloud.store.snapshot(), api.EIP, wanted, inputs["region"])
        _associate(cloud, id, wanted, api.new_id("eipassoc"))
    elif record.inputs.get("instance") and not wanted:
        _associate(cloud, id, "", "")
    return api.tags_all(inputs)


def delete(cloud: Cloud, id: str, record: Record) -> None:
    if record.hidden.get("association"):
        message = f"Address {record.outputs['publicIp']} is in use."
        raise api.refused(api.EIP, "delete", "InvalidIPAddress.InUse", message)
    cloud.machines.release_address(record.outputs["publicIp"])


def associated(state: CloudState, id: str, record: Record) -> Values:
    """What the association decides; as inputs of the Eip itself only where the program gave them."""
    return {
        "associationId": record.hidden.get("association") or "",
        "instance": record.hidden.get("instance") or "",
    }


def create_association(cloud: Cloud, inputs: Values) -> Created:
    allocation, server = inputs.get("allocationId"), inputs.get("instanceId")
    state = cloud.store.snapshot()
    address = state.find(api.NAME, api.EIP, allocation or "")
    if address is None or address.inputs["region"] != inputs["region"]:
        message = f"The allocation ID '{allocation}' does not exist"
        raise api.refused(api.EIP_ASSOCIATION, "create", "InvalidAllocationID.NotFound", message)
    _must_be_reachable(state, api.EIP_ASSOCIATION, server or "", inputs["region"])
    holder = address.hidden.get("association")
    # Reassociation is automatic in a Vpc unless it is refused explicitly.
    if holder and inputs.get("allowReassociation") is False:
        message = f"resource {allocation} is already associated with associate-id {holder}"
        raise api.refused(api.EIP_ASSOCIATION, "create", "Resource.AlreadyAssociated", message)
    id = api.new_id("eipassoc")
    _associate(cloud, str(allocation), str(server), id)
    return Created(id, {} if inputs.get("publicIp") else {"publicIp": address.outputs["publicIp"]})


def delete_association(cloud: Cloud, id: str, record: Record) -> None:
    address = cloud.store.snapshot().find(api.NAME, api.EIP, record.inputs["allocationId"])
    if address and address.hidden.get("association") == id:
        _associate(cloud, record.inputs["allocationId"], "", "")


def _associate(cloud: Cloud, allocation: str, server: str, association: str) -> None:
    with cloud.store.transaction() as state:
        address = state.find(api.NAME, api.EIP, allocation)
        if address is None:
            return
        address.hidden |= {"instance": server, "association": association}
        state.put(api.NAME, api.EIP, allocation, address)
    if server:
        cloud.machines.attach_address(address.outputs["publicIp"], server)
    else:
        cloud.machines.detach_address(address.outputs["publicIp"])


def _must_be_reachable(state: CloudState, token: str, server: str, region: str) -> None:
    record = state.find(api.NAME, api.EC2_INSTANCE, server)
    if record is None or record.inputs["region"] != region:
        message = f"The instance ID '{server}' does not exist"
        raise api.refused(token, "create", "InvalidInstanceID.NotFound", message)
    subnet = state.find(api.NAME, api.SUBNET, record.inputs["subnetId"])
    vpc = subnet.inputs["vpcId"] if subnet else ""
    if not gateway_of(state, vpc):
        message = f"Network {vpc} is not attached to any internet gateway"
        raise api.refused(token, "create", "Gateway.NotAttached", message)


KINDS = (
    Kind(
        api.EIP,
        create,
        update,
        delete,
        refresh=associated,
        check=check,
        replaces=only("domain address networkBorderGroup publicIpv4Pool region"),
        defaults=api.default_region,
    ),
    Kind(
        api.EIP_ASSOCIATION,
        create_association,
        delete=delete_association,
        replaces=only("allocationId allowReassociation instanceId networkInterfaceId privateIpAddress publicIp region"),
        defaults=api.default_region,
    ),
)
