"""DigitalOcean's API as its provider words it: error texts, paths of the calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lab.cloud.errors import CloudError
from lab.cloud.kind import random_uuid
from lab.cloud.store import Values

NAME = "digitalocean"
TOKEN = "lab-stand-in-digitalocean"  # noqa: S105
"""The token that the lab's environment sets. A plugin of the lab refuses every other one."""

DROPLET = "digitalocean:index/droplet:Droplet"
SSH_KEY = "digitalocean:index/sshKey:SshKey"
FIREWALL = "digitalocean:index/firewall:Firewall"
RESERVED_IP = "digitalocean:index/reservedIp:ReservedIp"
ASSIGNMENT = "digitalocean:index/reservedIpAssignment:ReservedIpAssignment"
TAG = "digitalocean:index/tag:Tag"

_PATHS = {
    DROPLET: "droplets",
    SSH_KEY: "account/keys",
    FIREWALL: "firewalls",
    RESERVED_IP: "reserved_ips",
    ASSIGNMENT: "reserved_ips/actions",
    TAG: "tags",
}
_NOUNS = {
    DROPLET: "droplet",
    SSH_KEY: "SSH Key",
    FIREWALL: "firewall",
    RESERVED_IP: "reserved IP",
    ASSIGNMENT: "reserved IP assignment",
    TAG: "tag",
}
_DOING = {
    "create": "creating",
    "read": "retrieving",
    "update": "updating",
    "delete": "deleting",
}
_METHODS = {"create": "POST", "read": "GET", "update": "PUT", "delete": "DELETE"}


def refused(token: str, operation: str, error: str, status: int = 422) -> CloudError:
    """The provider's error around an answer of the API."""
    call = f'{_call(token, operation)}: {status} (request "{random_uuid()}") {error}'
    return CloudError(f"Error {_DOING[operation]} {_NOUNS[token]}: {call}")


def rate_limited(token: str, operation: str, attempts: int) -> str:
    call = f"{_call(token, operation)}: 429 Too many requests: giving up after {attempts} attempt(s)"
    return f"Error {_DOING[operation]} {_NOUNS[token]}: {call}"


def broken(token: str, operation: str) -> str:
    return str(refused(token, operation, "Server Error", 500))


def lost(token: str, operation: str) -> str:
    method = _METHODS[operation].capitalize()
    call = f'{method} "https://api.digitalocean.com/v2/{_PATHS[token]}"'
    return f"Error {_DOING[operation]} {_NOUNS[token]}: {call}: read: connection reset by peer"


def no_capacity(token: str, inputs: Values) -> str:
    error = f"Size {inputs['size']} is not available in this region: {inputs.get('region')}."
    return str(refused(token, "create", error))


def credentials(settings: Mapping[str, Any], environment: Mapping[str, str]) -> str:
    token = (
        settings.get("token") or environment.get("DIGITALOCEAN_TOKEN") or environment.get("DIGITALOCEAN_ACCESS_TOKEN")
    )
    if not token:
        return "Unable to authenticate you: no digitalocean:token and no DIGITALOCEAN_TOKEN is set"
    return "" if token == TOKEN else "invalid token: this is the lab's digitalocean, it takes the lab's own token only"


def _call(token: str, operation: str) -> str:
    return f"{_METHODS[operation]} https://api.digitalocean.com/v2/{_PATHS[token]}"
