"""Vultr Instance: what describes its first boot replaces it; a reserved address is its main one from creation."""

from __future__ import annotations

from lab.cloud.errors import CloudError
from lab.cloud.kind import Cloud, Created, Kind, only, random_hex, random_uuid, wait_for
from lab.cloud.moment import now
from lab.cloud.store import CloudState, Record, Values
from lab.cloud.vultr import api
from lab.cloud.vultr.firewall import rules_of
from lab.cloud.vultr.offers import PLANS, REGIONS, SYSTEMS
from lab.cloud.vultr.reserved_ip import holder
from lab.server import OPEN, ServerSpec

ATTACHED_PATIENCE_SECONDS = 3.0
"""How long create is repeated while the reserved address is still attached elsewhere. The provider repeats it until
the create timeout, one hour less a minute (source read); a lab that hangs for an hour teaches nothing more."""


def create(cloud: Cloud, inputs: Values) -> Created:
    id = random_uuid()
    _check_order(cloud.store.snapshot(), inputs)
    _reserve(cloud, id, inputs)
    try:
        addresses = cloud.machines.create(_spec(cloud, id, inputs))
    except BaseException:
        with cloud.store.transaction() as state:
            state.remove(api.NAME, api.INSTANCE, id)
        raise
    return Created(id, _outputs(inputs, addresses.main_ip))


def _check_order(state: CloudState, inputs: Values) -> None:
    region, plan = inputs["region"], inputs["plan"]
    if region not in REGIONS:
        raise api.refused(api.INSTANCE, "create", f"Server add failed: Invalid location: {region}.")
    if plan not in PLANS:
        raise api.refused(api.INSTANCE, "create", f"Server add failed: Invalid plan: {plan}.")
    if region not in PLANS[plan].locations:
        raise CloudError(api.no_capacity(api.INSTANCE, inputs))
    images = [field for field in ("osId", "appId", "imageId", "isoId", "snapshotId") if inputs.get(field)]
    if not images:
        raise CloudError(
            "error creating server: you must set one of the following: os_id, app_id, image_id, iso_id, snapshot_id"
        )
    if len(images) > 1:
        raise CloudError(f"error creating server: too many os options have been selected: {', '.join(images)}")
    if images != ["osId"] or inputs["osId"] not in SYSTEMS:
        raise api.refused(
            api.INSTANCE,
            "create",
            f"Server add failed: Invalid OS: {inputs[images[0]]}.",
        )
    for key in inputs.get("sshKeyIds") or []:
        if state.find(api.NAME, api.SSH_KEY, key) is None:
            raise api.refused(api.INSTANCE, "create", f"Server add failed: Invalid SSH key: {key}.")
    group = inputs.get("firewallGroupId")
    if group and state.find(api.NAME, api.FIREWALL_GROUP, group) is None:
        raise api.refused(
            api.INSTANCE,
            "create",
            f"Server add failed: Invalid firewall group: {group}.",
        )


def _reserve(cloud: Cloud, id: str, inputs: Values) -> None:
    """Note the order, so that two orders cannot have one reserved address; repeated while another server has it."""
    wanted = inputs.get("reservedIpId")

    def noted() -> bool:
        with cloud.store.transaction() as state:
            if wanted:
                reserved = state.find(api.NAME, api.RESERVED_IP, wanted)
                if reserved is None:
                    raise api.refused(
                        api.INSTANCE,
                        "create",
                        "Server add failed: Invalid reserved IP.",
                        404,
                    )
                if reserved.inputs["region"] != inputs["region"]:
                    error = (
                        f"Server add failed: Floating IPv4 address is in location {reserved.inputs['region']}, "
                        f"the server in {inputs['region']}"
                    )
                    raise api.refused(api.INSTANCE, "create", error)
                if holder(state, wanted, reserved):
                    return False
            kept = {name: value for name, value in inputs.items() if name != "userData"}
            state.put(api.NAME, api.INSTANCE, id, Record(kept, {}, {"pending": True}))
            return True

    if not noted():
        cloud.log(f"{api.ALREADY_ATTACHED}: repeating the call")
        if not wait_for(noted, ATTACHED_PATIENCE_SECONDS):
            raise api.refused(api.INSTANCE, "create", api.ALREADY_ATTACHED)


def _spec(cloud: Cloud, id: str, inputs: Values) -> ServerSpec:
    state = cloud.store.snapshot()
    wanted = inputs.get("reservedIpId")
    reserved = state.find(api.NAME, api.RESERVED_IP, wanted) if wanted else None
    keys = [state.find(api.NAME, api.SSH_KEY, key) for key in inputs.get("sshKeyIds") or []]
    return ServerSpec(
        id=id,
        provider=api.NAME,
        name=inputs.get("hostname") or inputs.get("label") or f"vultr-{id[:8]}",
        user_data=inputs.get("userData") or "",
        address_kind="direct",
        address=reserved.outputs["subnet"] if reserved else None,
        authorized_keys=tuple(key.inputs["sshKey"] for key in keys if key),
        memory_mb=PLANS[inputs["plan"]].ram,
        labels={
            "region": inputs["region"],
            "plan": inputs["plan"],
            "label": inputs.get("label") or "",
        },
    )


def _outputs(inputs: Values, main_ip: str) -> Values:
    return {
        "mainIp": main_ip,
        "defaultPassword": random_hex(20),
        "dateCreated": now(),
        "gatewayV4": main_ip.rpartition(".")[0] + ".1",
        "netmaskV4": "255.255.254.0",
        "internalIp": "",
        "kvm": "https://console.lab.invalid/",
        "os": SYSTEMS[inputs["osId"]].name,
        "status": "active",
        "powerStatus": "running",
        "serverStatus": "ok",
        "features": [],
        "v6MainIp": "",
        "v6Network": "",
        "v6NetworkSize": 0,
        **_size(inputs["plan"]),
    }


def _size(plan: str) -> Values:
    size = PLANS[plan]
    return {
        "ram": size.ram,
        "disk": size.disk,
        "vcpuCount": size.vcpu_count,
        "allowedBandwidth": size.bandwidth,
    }


def update(cloud: Cloud, id: str, record: Record, inputs: Values) -> Values:
    group = inputs.get("firewallGroupId")
    if group and cloud.store.snapshot().find(api.NAME, api.FIREWALL_GROUP, group) is None:
        raise api.refused(api.INSTANCE, "update", f"Invalid firewall group: {group}.", 404)
    old, new = record.inputs["plan"], inputs["plan"]
    if old == new:
        return {}
    if new not in PLANS or inputs["region"] not in PLANS[new].locations:
        raise api.refused(api.INSTANCE, "update", f"Server upgrade failed: Invalid plan: {new}.")
    if new.split("-")[0] != old.split("-")[0] or PLANS[new].disk < PLANS[old].disk:
        raise api.refused(
            api.INSTANCE,
            "update",
            f"Server upgrade failed: {old} cannot be upgraded to {new}.",
        )
    cloud.machines.reboot(id)
    return _size(new)


def after(cloud: Cloud, id: str) -> None:
    state = cloud.store.snapshot()
    record = state.find(api.NAME, api.INSTANCE, id)
    if record:
        group = record.inputs.get("firewallGroupId")
        cloud.machines.set_firewall(id, rules_of(state, group) if group else OPEN)


def delete(cloud: Cloud, id: str, record: Record) -> None:
    cloud.machines.destroy(id)


KIND = Kind(
    api.INSTANCE,
    create,
    update,
    delete,
    after=after,
    replaces=only(
        "region osId sshKeyIds userData hostname reservedIpId disablePublicIpv4 "
        "appId imageId isoId snapshotId scriptId userScheme"
    ),
    unordered=only("tags sshKeyIds vpcIds"),
    secret_outputs=only("defaultPassword"),
    unstored=only("userData"),
    server=True,
)
