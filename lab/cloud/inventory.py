"""What the clouds' own lists would answer: every server and address, whether or not any state knows of it.

This is where ``fleet orphans`` looks. Removing works as in the provider's console: through the provider's own checks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.cloud.aws import api as aws
from lab.cloud.digitalocean import api as digitalocean
from lab.cloud.registry import operations
from lab.cloud.store import CloudState, CloudStore, Record
from lab.cloud.vultr import api as vultr


@dataclass(frozen=True)
class Entry:
    """One server or address as its provider lists it.

    ``token`` and ``id`` are what an import into a stack needs. ``tags`` are written ``name`` or ``name=value``;
    ``holder`` is the id of the server that has the address; ``plan`` is empty for an address; ``created`` RFC 3339.
    ``complete`` is False while the server is still being made.
    """

    provider: str
    token: str
    id: str
    name: str
    tags: tuple[str, ...]
    address: str
    plan: str
    region: str
    created: str
    holder: str = ""
    complete: bool = True


def servers(home: Path) -> tuple[Entry, ...]:
    """Every server of every provider, in order of creation at each."""
    state = CloudStore(home).snapshot()
    return tuple(
        describe(state, id, record)
        for provider, token, describe in _SERVERS
        for id, record in state.all(provider, token).items()
    )


def addresses(home: Path) -> tuple[Entry, ...]:
    """Every reserved address of every provider."""
    state = CloudStore(home).snapshot()
    return tuple(
        describe(state, id, record)
        for provider, token, describe in _ADDRESSES
        for id, record in state.all(provider, token).items()
    )


def remove(home: Path, entry: Entry) -> None:
    """Delete a server or release an address at its provider.

    Raises:
        CloudError: the provider refuses (an address that is in use), with its own text.
    """
    calls = operations(home, entry.provider)
    calls.delete(calls.kind(entry.token), entry.id)


def _vultr_server(state: CloudState, id: str, record: Record) -> Entry:
    return Entry(
        provider=vultr.NAME,
        token=vultr.INSTANCE,
        id=id,
        name=record.inputs.get("label") or "",
        tags=tuple(record.inputs.get("tags") or ()),
        address=record.outputs.get("mainIp", ""),
        plan=record.inputs["plan"],
        region=record.inputs["region"],
        created=record.created,
        complete=not record.hidden.get("pending"),
    )


def _droplet(state: CloudState, id: str, record: Record) -> Entry:
    return Entry(
        provider=digitalocean.NAME,
        token=digitalocean.DROPLET,
        id=id,
        name=record.inputs["name"],
        tags=tuple(record.inputs.get("tags") or ()),
        address=record.outputs.get("ipv4Address", ""),
        plan=record.inputs["size"],
        region=record.properties.get("region", ""),
        created=record.created,
        complete=not record.hidden.get("pending"),
    )


def _lightsail_server(state: CloudState, id: str, record: Record) -> Entry:
    return Entry(
        provider=aws.NAME,
        token=aws.LIGHTSAIL_INSTANCE,
        id=id,
        name=id,
        tags=_aws_tags(record),
        address=record.outputs.get("publicIpAddress", ""),
        plan=record.inputs["bundleId"],
        region=record.inputs["region"],
        created=record.created,
        complete=not record.hidden.get("pending"),
    )


def _ec2_server(state: CloudState, id: str, record: Record) -> Entry:
    return Entry(
        provider=aws.NAME,
        token=aws.EC2_INSTANCE,
        id=id,
        name=(record.inputs.get("tags") or {}).get("Name", ""),
        tags=_aws_tags(record),
        address=record.outputs.get("publicIp", ""),
        plan=record.inputs["instanceType"],
        region=record.inputs["region"],
        created=record.created,
        complete=not record.hidden.get("pending"),
    )


def _vultr_address(state: CloudState, id: str, record: Record) -> Entry:
    from lab.cloud.vultr.reserved_ip import holder

    return _address(vultr.NAME, vultr.RESERVED_IP, id, record, "subnet", holder(state, id, record))


def _reserved_ip(state: CloudState, id: str, record: Record) -> Entry:
    from lab.cloud.digitalocean.reserved_ip import holder

    return _address(digitalocean.NAME, digitalocean.RESERVED_IP, id, record, "ipAddress", holder(state, record))


def _static_ip(state: CloudState, id: str, record: Record) -> Entry:
    return _address(aws.NAME, aws.STATIC_IP, id, record, "ipAddress", record.hidden.get("instance") or "")


def _elastic_ip(state: CloudState, id: str, record: Record) -> Entry:
    return _address(aws.NAME, aws.EIP, id, record, "publicIp", record.hidden.get("instance") or "")


def _address(provider: str, token: str, id: str, record: Record, field: str, holder: str) -> Entry:
    tags = record.inputs.get("tags") or {}
    return Entry(
        provider=provider,
        token=token,
        id=id,
        name=record.inputs.get("label") or record.inputs.get("name") or tags.get("Name", ""),
        tags=_aws_tags(record),
        address=record.outputs[field],
        plan="",
        region=record.inputs["region"],
        created=record.created,
        holder=holder,
    )


def _aws_tags(record: Record) -> tuple[str, ...]:
    return tuple(f"{name}={value}" for name, value in sorted((record.inputs.get("tags") or {}).items()))


_Describe = Callable[[CloudState, str, Record], Entry]
_SERVERS: tuple[tuple[str, str, _Describe], ...] = (
    (vultr.NAME, vultr.INSTANCE, _vultr_server),
    (digitalocean.NAME, digitalocean.DROPLET, _droplet),
    (aws.NAME, aws.LIGHTSAIL_INSTANCE, _lightsail_server),
    (aws.NAME, aws.EC2_INSTANCE, _ec2_server),
)
_ADDRESSES: tuple[tuple[str, str, _Describe], ...] = (
    (vultr.NAME, vultr.RESERVED_IP, _vultr_address),
    (digitalocean.NAME, digitalocean.RESERVED_IP, _reserved_ip),
    (aws.NAME, aws.STATIC_IP, _static_ip),
    (aws.NAME, aws.EIP, _elastic_ip),
)
