"""Vultr SSHKey: names may repeat, the key is checked, both change in place."""

from __future__ import annotations

from lab.cloud.kind import Cloud, Created, Kind, random_uuid
from lab.cloud.moment import now
from lab.cloud.ssh import is_public_key
from lab.cloud.store import Record, Values
from lab.cloud.vultr import api


def create(cloud: Cloud, inputs: Values) -> Created:
    _must_be_a_key(inputs, "create")
    return Created(random_uuid(), {"dateCreated": now()})


def update(cloud: Cloud, id: str, record: Record, inputs: Values) -> Values:
    _must_be_a_key(inputs, "update")
    return {}


def _must_be_a_key(inputs: Values, operation: str) -> None:
    if not is_public_key(inputs["sshKey"]):
        raise api.refused(api.SSH_KEY, operation, "Invalid SSH Key.")


KIND = Kind(api.SSH_KEY, create, update, auto_name="name")
