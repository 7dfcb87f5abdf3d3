"""Lightsail: every object is known by its name, which is unique in its region. Nothing of a server changes in place."""

from __future__ import annotations

import hashlib
import json

from lab.cloud.aws import api
from lab.cloud.aws.lightsail_ports import DEFAULT_RULES, rules_of
from lab.cloud.aws.offers import BLUEPRINTS, BUNDLES, zones
from lab.cloud.errors import CloudError
from lab.cloud.kind import Cloud, Created, Kind, only
from lab.cloud.moment import now
from lab.cloud.ssh import is_public_key, md5_fingerprint
from lab.cloud.store import CloudState, Record, Values
from lab.server import ServerSpec

USER_DATA_LIMIT = 16 * 1024
"""Bytes."""


def create_key(cloud: Cloud, inputs: Values) -> Created:
    api.check_region(api.LIGHTSAIL_KEY, inputs)
    key = inputs.get("publicKey")
    if not key:
        raise CloudError("the lab's Lightsail imports keys only: give publicKey")
    if not is_public_key(key):
        raise _invalid(api.LIGHTSAIL_KEY, "The public key is not valid.")
    outputs = {
        "fingerprint": md5_fingerprint(key),
        "arn": _arn(api.LIGHTSAIL_KEY, inputs, "KeyPair"),
    }
    return _named(cloud, api.LIGHTSAIL_KEY, inputs, outputs | api.tags_all(inputs))


def create_instance(cloud: Cloud, inputs: Values) -> Created:
    token, name = api.LIGHTSAIL_INSTANCE, inputs["name"]
    _check_order(cloud.store.snapshot(), inputs)
    _named(
        cloud,
        token,
        {k: v for k, v in inputs.items() if k != "userData"},
        {},
        {"pending": True},
    )
    key = cloud.store.snapshot().find(api.NAME, api.LIGHTSAIL_KEY, inputs.get("keyPairName") or "")
    bundle = BUNDLES[inputs["bundleId"]]
    spec = ServerSpec(
        id=name,
        provider=api.NAME,
        name=name,
        user_data=inputs.get("userData") or "",
        address_kind="nat",
        authorized_keys=(key.inputs["publicKey"],) if key else (),
        memory_mb=int(bundle.ram * 1024),
        labels={
            "service": "lightsail",
            "zone": inputs["availabilityZone"],
            "bundle": bundle.id,
        },
    )
    try:
        addresses = cloud.machines.create(spec)
    except BaseException:
        with cloud.store.transaction() as state:
            state.remove(api.NAME, token, name)
        raise
    outputs = {
        "arn": _arn(token, inputs, "Instance"),
        "createdAt": now(),
        "cpuCount": bundle.cpu,
        "ramSize": bundle.ram,
        "ipv6Addresses": [],
        "isStaticIp": False,
        "privateIpAddress": addresses.private_ip or "",
        "publicIpAddress": addresses.main_ip,
        "username": BLUEPRINTS[inputs["blueprintId"]],
        **api.tags_all(inputs),
    }
    return Created(name, outputs, {"ownAddress": addresses.main_ip})


def _check_order(state: CloudState, inputs: Values) -> None:
    token = api.LIGHTSAIL_INSTANCE
    api.check_region(token, inputs)
    if inputs["availabilityZone"] not in zones(inputs["region"]):
        raise _invalid(
            token,
            f"The Availability Zone is invalid in {inputs['region']}: {inputs['availabilityZone']}.",
        )
    if inputs["blueprintId"] not in BLUEPRINTS:
        raise _invalid(token, f"The blueprint ID is not valid: {inputs['blueprintId']}.")
    if inputs["bundleId"] not in BUNDLES:
        raise _invalid(token, f"The bundle ID is not valid: {inputs['bundleId']}.")
    key = inputs.get("keyPairName")
    if key and state.find(api.NAME, api.LIGHTSAIL_KEY, key) is None:
        raise api.refused(token, "create", "NotFoundException", f"The KeyPair does not exist: {key}")
    if len((inputs.get("userData") or "").encode()) > USER_DATA_LIMIT:
        raise _invalid(token, "User data is limited to 16384 bytes.")


def update_tags(cloud: Cloud, id: str, record: Record, inputs: Values) -> Values:
    return api.tags_all(inputs)


def after_instance(cloud: Cloud, id: str) -> None:
    state = cloud.store.snapshot()
    if state.find(api.NAME, api.LIGHTSAIL_INSTANCE, id):
        cloud.machines.set_firewall(id, rules_of(state, id) or DEFAULT_RULES)


def delete_instance(cloud: Cloud, id: str, record: Record) -> None:
    with cloud.store.transaction() as state:
        for address, static in state.all(api.NAME, api.STATIC_IP).items():
            if static.hidden.get("instance") == id:
                static.hidden["instance"] = ""
                state.put(api.NAME, api.STATIC_IP, address, static)
    cloud.machines.destroy(id)


def address_of(state: CloudState, id: str, record: Record) -> Values:
    for static in state.all(api.NAME, api.STATIC_IP).values():
        if static.hidden.get("instance") == id:
            return {"publicIpAddress": static.outputs["ipAddress"], "isStaticIp": True}
    return {"publicIpAddress": record.hidden.get("ownAddress"), "isStaticIp": False}


def create_static_ip(cloud: Cloud, inputs: Values) -> Created:
    api.check_region(api.STATIC_IP, inputs)
    address = cloud.machines.allocate_address("nat")
    outputs = {
        "ipAddress": address,
        "arn": _arn(api.STATIC_IP, inputs, "StaticIp"),
        "supportCode": "lab",
    }
    try:
        return _named(cloud, api.STATIC_IP, inputs, outputs)
    except CloudError:
        cloud.machines.release_address(address)
        raise


def delete_static_ip(cloud: Cloud, id: str, record: Record) -> None:
    cloud.machines.release_address(record.outputs["ipAddress"])


def attach(cloud: Cloud, inputs: Values) -> Created:
    name, instance = inputs["staticIpName"], inputs["instanceName"]
    with cloud.store.transaction() as state:
        static = state.find(api.NAME, api.STATIC_IP, name)
        server = state.find(api.NAME, api.LIGHTSAIL_INSTANCE, instance)
        if static is None:
            raise api.refused(
                api.ATTACHMENT,
                "create",
                "NotFoundException",
                f"The StaticIp does not exist: {name}",
            )
        if server is None:
            message = f"The Instance does not exist: {instance}"
            raise api.refused(api.ATTACHMENT, "create", "NotFoundException", message)
        if static.inputs["region"] != server.inputs["region"]:
            raise _invalid(api.ATTACHMENT, f"{name} and {instance} are not in the same region.")
        holder = static.hidden.get("instance")
        if holder and holder != instance:
            message = f"The static IP {name} is already attached to {holder}. Detach it first."
            raise api.refused(api.ATTACHMENT, "create", "OperationFailureException", message)
        static.hidden["instance"] = instance
        state.put(api.NAME, api.STATIC_IP, name, static)
    cloud.machines.attach_address(static.outputs["ipAddress"], instance)
    return Created(name, {"ipAddress": static.outputs["ipAddress"]})


def detach(cloud: Cloud, id: str, record: Record) -> None:
    """By the static address's name, whichever instance holds it now: a new one loses it as well."""
    with cloud.store.transaction() as state:
        static = state.find(api.NAME, api.STATIC_IP, id)
        if static is None or not static.hidden.get("instance"):
            return
        static.hidden["instance"] = ""
        state.put(api.NAME, api.STATIC_IP, id, static)
    cloud.machines.detach_address(static.outputs["ipAddress"])


def _named(
    cloud: Cloud,
    token: str,
    inputs: Values,
    outputs: Values,
    hidden: Values | None = None,
) -> Created:
    """Store an object under its name, unless the name is taken."""
    name = inputs["name"]
    with cloud.store.transaction() as state:
        taken = [state.find(api.NAME, t, name) for t in (api.LIGHTSAIL_INSTANCE, api.LIGHTSAIL_KEY, api.STATIC_IP)]
        same = state.find(api.NAME, token, name)
        # Names are unique in a region (the console's rule). That instances and static addresses share one space of
        # names, and key pairs have their own, is the lab's strict reading of it; the API was not asked.
        if same or (token != api.LIGHTSAIL_KEY and any((taken[0], taken[2]))):
            raise _invalid(token, f"Some names are already in use: {name}")
        state.put(api.NAME, token, name, Record(inputs, outputs, hidden or {}))
    return Created(name, outputs, hidden or {})


def _invalid(token: str, message: str) -> CloudError:
    return api.refused(token, "create", "InvalidInputException", message)


def _arn(token: str, inputs: Values, kind: str) -> str:
    digest = hashlib.sha256(json.dumps([kind, inputs["name"]]).encode()).hexdigest()[:32]
    return api.arn(token, inputs["region"], f"{kind}/{digest}")


KEY = Kind(
    api.LIGHTSAIL_KEY,
    create_key,
    update_tags,
    replaces=only("name namePrefix publicKey pgpKey region"),
    auto_name="name",
    defaults=api.default_region,
)
INSTANCE = Kind(
    api.LIGHTSAIL_INSTANCE,
    create_instance,
    update_tags,
    delete_instance,
    after=after_instance,
    refresh=address_of,
    replaces=only("name availabilityZone blueprintId bundleId keyPairName userData region"),
    unstored=only("userData"),
    auto_name="name",
    server=True,
    defaults=api.default_region,
)
STATIC = Kind(
    api.STATIC_IP,
    create_static_ip,
    delete=delete_static_ip,
    replaces=only("name region"),
    auto_name="name",
    defaults=api.default_region,
)
ATTACHED = Kind(
    api.ATTACHMENT,
    attach,
    delete=detach,
    replaces=only("instanceName staticIpName region"),
    defaults=api.default_region,
)
