"""DigitalOcean Tag: created by itself, or by the first droplet that carries it."""

from __future__ import annotations

import re

from lab.cloud.digitalocean import api
from lab.cloud.errors import Failure
from lab.cloud.kind import Cloud, Created, Kind, only
from lab.cloud.store import CloudState, Record, Values

_ALLOWED = re.compile(r"[a-zA-Z0-9:\-_]{1,255}")


def wrong_tags(tags: list[str], path: str) -> list[Failure]:
    """The tags that DigitalOcean does not take."""
    reason = "tags may contain lowercase letters, numbers, colons, dashes, and underscores; there is a limit of 255"
    return [Failure(f"{path}[{i}]", reason) for i, tag in enumerate(tags) if not _ALLOWED.fullmatch(tag)]


def check(inputs: Values) -> list[Failure]:
    name = inputs.get("name")
    return [Failure("name", failure.reason) for failure in wrong_tags([name], "name")] if name else []


def create(cloud: Cloud, inputs: Values) -> Created:
    return Created(inputs["name"], {})


def counts(state: CloudState, id: str, record: Record) -> Values:
    droplets = sum(id in (d.inputs.get("tags") or []) for d in state.all(api.NAME, api.DROPLET).values())
    zero = dict.fromkeys(("databasesCount", "imagesCount", "volumeSnapshotsCount", "volumesCount"), 0)
    return {**zero, "dropletsCount": droplets, "totalResourceCount": droplets}


KIND = Kind(
    api.TAG,
    create,
    refresh=counts,
    check=check,
    replaces=only("name"),
    auto_name="name",
)
