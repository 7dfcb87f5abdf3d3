"""EC2 KeyPair and Instance: user data replaces only where asked; the type changes in place, with a stop and a start."""

from __future__ import annotations

from lab.cloud.aws import api
from lab.cloud.aws.offers import INSTANCE_TYPES, OLD_REGIONS_ONLY, amis, architecture_of
from lab.cloud.aws.security_group import rules_of
from lab.cloud.errors import Failure
from lab.cloud.kind import Cloud, Created, Kind, only
from lab.cloud.schema import UNKNOWN
from lab.cloud.ssh import is_public_key, md5_fingerprint
from lab.cloud.store import CloudState, Record, Values
from lab.server import ServerSpec

USER_DATA_LIMIT = 16 * 1024
"""Bytes."""


def create_key(cloud: Cloud, inputs: Values) -> Created:
    api.check_region(api.EC2_KEY, inputs)
    name, key = inputs["keyName"], inputs["publicKey"]
    if not is_public_key(key):
        raise api.refused(
            api.EC2_KEY,
            "create",
            "InvalidKey.Format",
            "Key is not in valid OpenSSH public key format",
        )
    outputs = {
        "arn": api.arn(api.EC2_KEY, inputs["region"], f"key-pair/{name}"),
        "fingerprint": md5_fingerprint(key),
        "keyPairId": api.new_id("key"),
        "keyType": "ed25519" if key.startswith("ssh-ed25519") else "rsa",
        **api.tags_all(inputs),
    }
    with cloud.store.transaction() as state:
        # The lab keeps one space of names for all regions: ids would collide otherwise.
        if state.find(api.NAME, api.EC2_KEY, name):
            message = f"The keypair already exists: {name}"
            raise api.refused(api.EC2_KEY, "create", "InvalidKeyPair.Duplicate", message)
        state.put(api.NAME, api.EC2_KEY, name, Record(inputs, outputs))
    return Created(name, outputs)


def check(inputs: Values) -> list[Failure]:
    failures = []
    if not inputs.get("launchTemplate"):
        failures += [
            Failure(field, f'"{name}": one of `{name},launch_template` must be specified')
            for field, name in (("ami", "ami"), ("instanceType", "instance_type"))
            if inputs.get(field) is None
        ]
    if inputs.get("userData") and inputs.get("userDataBase64"):
        failures.append(Failure("userData", '"user_data": conflicts with user_data_base64'))
    market = inputs.get("instanceMarketOptions")
    kind = market.get("marketType") if isinstance(market, dict) else None
    if kind not in (None, UNKNOWN, "spot", "capacity-block"):
        reason = f'expected market_type to be one of ["spot" "capacity-block"], got {kind}'
        failures.append(Failure("instanceMarketOptions.marketType", reason))
    return failures


def create(cloud: Cloud, inputs: Values) -> Created:
    id = api.new_id("i")
    with cloud.store.transaction() as state:
        _check_order(state, inputs)
        key = state.find(api.NAME, api.EC2_KEY, inputs.get("keyName") or "")
        subnet = state.find(api.NAME, api.SUBNET, inputs["subnetId"])
        kept = {name: value for name, value in inputs.items() if name not in ("userData", "userDataBase64")}
        state.put(api.NAME, api.EC2_INSTANCE, id, Record(kept, {}, {"pending": True}))
    assert subnet is not None
    name = (inputs.get("tags") or {}).get("Name") or id
    spec = ServerSpec(
        id=id,
        provider=api.NAME,
        name=name,
        user_data=inputs.get("userData") or "",
        address_kind="nat",
        authorized_keys=(key.inputs["publicKey"],) if key else (),
        memory_mb=INSTANCE_TYPES[inputs["instanceType"]][1],
        labels={
            "service": "ec2",
            "zone": subnet.properties["availabilityZone"],
            "type": inputs["instanceType"],
        },
    )
    try:
        addresses = cloud.machines.create(spec)
    except BaseException:
        with cloud.store.transaction() as state:
            state.remove(api.NAME, api.EC2_INSTANCE, id)
        raise
    public = addresses.main_ip if _public(inputs, subnet) else ""
    spot = (inputs.get("instanceMarketOptions") or {}).get("marketType") == "spot"
    outputs = {
        "arn": api.arn(api.EC2_INSTANCE, inputs["region"], f"instance/{id}"),
        "instanceState": "running",
        "instanceLifecycle": "spot" if spot else "",
        "spotInstanceRequestId": f"sir-{id[-8:]}" if spot else "",
        "outpostArn": "",
        "passwordData": "",
        "primaryNetworkInterfaceId": api.new_id("eni"),
        "privateDns": "",
        "publicDns": "",
        "publicIp": public,
        **({} if inputs.get("privateIp") else {"privateIp": addresses.private_ip or ""}),
        **({} if inputs.get("availabilityZone") else {"availabilityZone": subnet.properties["availabilityZone"]}),
        **api.tags_all(inputs),
    }
    return Created(id, outputs, {"ownAddress": public})


def _public(inputs: Values, subnet: Record) -> bool:
    asked = inputs.get("associatePublicIpAddress")
    return bool(subnet.inputs.get("mapPublicIpOnLaunch") if asked is None else asked)


def _check_order(state: CloudState, inputs: Values) -> None:
    region, size = inputs["region"], inputs["instanceType"]
    api.check_region(api.EC2_INSTANCE, inputs)
    image = next((ami for ami in amis(region) if ami.id == inputs["ami"]), None)
    if image is None:
        raise _refused("InvalidAMIID.NotFound", f"The image id '[{inputs['ami']}]' does not exist")
    _check_type(region, size, "create")
    if image.architecture != architecture_of(size):
        message = (
            f"The architecture '{architecture_of(size)}' of the specified instance type does not match the "
            f"architecture '{image.architecture}' of the specified AMI."
        )
        raise _refused("InvalidParameterValue", message)
    subnet = state.find(api.NAME, api.SUBNET, inputs.get("subnetId") or "")
    if subnet is None or subnet.inputs["region"] != region:
        if not inputs.get("subnetId"):
            message = "No default VPC for this user. The lab's accounts have none: name a subnet."
            raise _refused("VPCIdNotSpecified", message)
        message = f"The subnet ID '{inputs.get('subnetId')}' does not exist"
        raise _refused("InvalidSubnetID.NotFound", message)
    zone = inputs.get("availabilityZone")
    if zone and zone != subnet.properties["availabilityZone"]:
        raise _refused(
            "InvalidParameterValue",
            f"The subnet is not in the Availability Zone {zone}.",
        )
    if inputs.get("keyName") and state.find(api.NAME, api.EC2_KEY, inputs["keyName"]) is None:
        raise _refused(
            "InvalidKeyPair.NotFound",
            f"The key pair '{inputs['keyName']}' does not exist",
        )
    _check_groups(state, inputs, "create")
    if len((inputs.get("userData") or "").encode()) > USER_DATA_LIMIT:
        raise _refused("InvalidParameterValue", "User data is limited to 16384 bytes")


def _check_type(region: str, size: str, operation: str) -> None:
    if size not in INSTANCE_TYPES:
        message = f"Invalid value '{size}' for InstanceType."
        raise api.refused(api.EC2_INSTANCE, operation, "InvalidParameterValue", message)
    if region not in OLD_REGIONS_ONLY.get(size, (region,)):
        message = f"Your requested instance type ({size}) is not supported in your requested region ({region})."
        raise api.refused(api.EC2_INSTANCE, operation, "Unsupported", message)


def _check_groups(state: CloudState, inputs: Values, operation: str) -> None:
    for group in inputs.get("vpcSecurityGroupIds") or []:
        if state.find(api.NAME, api.SECURITY_GROUP, group) is None:
            message = f"The security group '{group}' does not exist"
            raise api.refused(api.EC2_INSTANCE, operation, "InvalidGroup.NotFound", message)


def _refused(code: str, message: str) -> Exception:
    return api.refused(api.EC2_INSTANCE, "create", code, message)


def update(cloud: Cloud, id: str, record: Record, inputs: Values) -> Values:
    _check_groups(cloud.store.snapshot(), inputs, "update")
    if inputs["instanceType"] != record.inputs["instanceType"]:
        _check_type(inputs["region"], inputs["instanceType"], "update")
        cloud.machines.reboot(id)
    return api.tags_all(inputs)


def after(cloud: Cloud, id: str) -> None:
    state = cloud.store.snapshot()
    record = state.find(api.NAME, api.EC2_INSTANCE, id)
    if record:
        cloud.machines.set_firewall(id, rules_of(state, record.inputs.get("vpcSecurityGroupIds") or []))


def address_of(state: CloudState, id: str, record: Record) -> Values:
    for address in state.all(api.NAME, api.EIP).values():
        if address.hidden.get("instance") == id:
            return {"publicIp": address.outputs["publicIp"]}
    return {"publicIp": record.hidden.get("ownAddress") or ""}


def delete(cloud: Cloud, id: str, record: Record) -> None:
    with cloud.store.transaction() as state:
        for allocation, address in state.all(api.NAME, api.EIP).items():
            if address.hidden.get("instance") == id:
                address.hidden |= {"instance": "", "association": ""}
                state.put(api.NAME, api.EIP, allocation, address)
    cloud.machines.destroy(id)


def user_data_replaces(inputs: Values) -> frozenset[str]:
    return only("userData userDataBase64") if inputs.get("userDataReplaceOnChange") else frozenset()


KEY = Kind(
    api.EC2_KEY,
    create_key,
    lambda cloud, id, record, inputs: api.tags_all(inputs),
    replaces=only("keyName keyNamePrefix publicKey region"),
    auto_name="keyName",
    defaults=api.default_region,
)
INSTANCE = Kind(
    api.EC2_INSTANCE,
    create,
    update,
    delete,
    after=after,
    refresh=address_of,
    check=check,
    replaces=only(
        "ami availabilityZone subnetId keyName privateIp associatePublicIpAddress instanceMarketOptions tenancy "
        "securityGroups region"
    ),
    replaces_if=user_data_replaces,
    unordered=only("vpcSecurityGroupIds securityGroups"),
    unstored=only("userData userDataBase64"),
    server=True,
    defaults=api.default_region,
)
