"""The field types that the models share. A field's ``description`` is what a problem report calls ``allowed``."""

from __future__ import annotations

import base64
import binascii
import re
from decimal import Decimal, InvalidOperation
from ipaddress import AddressValueError, IPv4Address, IPv4Network, NetmaskValueError
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StrictInt

LONGEST_NAME = 20
"""Longest name of a fleet, region or host: ``<fleet>-<region>-<host>`` stays a DNS label (63 characters)."""

SYSTEM_USERS = frozenset(
    {
        "root",
        "daemon",
        "bin",
        "sys",
        "sync",
        "games",
        "man",
        "lp",
        "mail",
        "news",
        "uucp",
        "proxy",
        "www-data",
        "backup",
        "list",
        "irc",
        "nobody",
        "_apt",
        "systemd-network",
        "systemd-timesync",
        "messagebus",
        "sshd",
        "polkitd",
        "_chrony",
    }
)
"""Users that Debian 13 itself or its packages create; a login user must not be one of them."""

PUBLIC_KEY_TYPES = (
    "ssh-ed25519",
    "sk-ssh-ed25519@openssh.com",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-rsa",
)
"""Key types that OpenSSH 10 (Debian 13) accepts for a login."""


class Frozen(BaseModel):
    """Base of the models: immutable, and an unknown key is an error."""

    GIVEN: ClassVar[frozenset[str]] = frozenset()
    """Fields that a file does not say: they follow from where the value stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def _label(text: str) -> str:
    if len(text) > LONGEST_NAME:
        raise ValueError(f"is longer than {LONGEST_NAME} characters")
    if not re.fullmatch(r"[a-z]([a-z0-9-]*[a-z0-9])?", text):
        raise ValueError("is not a name")
    return text


def _domain(text: str) -> str:
    labels = text.split(".")
    fits = all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", label) for label in labels)
    if len(text) > 253 or len(labels) < 2 or not fits or labels[-1].isdigit():
        raise ValueError("is not a domain name")
    return text


def _unix_user(text: str) -> str:
    if not re.fullmatch(r"[a-z_][a-z0-9_-]{0,31}", text):
        raise ValueError("is not a user name")
    return text


def _own_user(text: str) -> str:
    if text in SYSTEM_USERS:
        raise ValueError("is a user of the system")
    return text


def _as_text(value: object) -> object:
    """Addresses must be written as text: a number would be read as one (5 as 0.0.0.5)."""
    if isinstance(value, (str, IPv4Network, IPv4Address)):
        return value
    raise ValueError("is not text")


def _network(value: object) -> IPv4Network:
    if isinstance(value, IPv4Network):
        return value
    text = str(_as_text(value))
    if ":" in text:
        raise ValueError("is an IPv6 network: the fleet is IPv4 only, IPv6 is switched off on its hosts")
    try:
        return IPv4Network(text)
    except (AddressValueError, NetmaskValueError, ValueError):
        pass
    try:
        whole = IPv4Network(text, strict=False)
    except (AddressValueError, NetmaskValueError, ValueError):
        raise ValueError("is not an IPv4 network") from None
    raise ValueError(f"has bits set behind its prefix; the network is {whole}")


def _address(value: object) -> IPv4Address:
    if isinstance(value, IPv4Address):
        return value
    text = str(_as_text(value))
    try:
        address = IPv4Address(text)
    except AddressValueError:
        raise ValueError("is not an IPv4 address") from None
    if address.is_loopback or address.is_multicast or address.is_unspecified or address.is_link_local:
        raise ValueError("is not the address of a server")
    return address


def _money(value: object) -> Decimal:
    """Exact: a float like 29.99 is not, hence the quotes."""
    if isinstance(value, Decimal):
        return value
    text = str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise ValueError("is not an amount in quotes") from None
    if not amount.is_finite() or amount < 0:
        raise ValueError("is not an amount")
    return amount


def key_blob(text: str, kinds: tuple[str, ...]) -> bytes:
    """The decoded second word of an OpenSSH public key line of one of ``kinds``.

    Raises:
        ValueError: the line is not such a key; says in which way.
    """
    if "PRIVATE KEY" in text:
        raise ValueError("is a private key: never put one into a configuration file, and replace this one")
    words = text.split()
    if not words or words[0] not in kinds:
        raise ValueError("does not start with a known key type")
    if "\n" in text.strip() or len(words) < 2:
        raise ValueError("is not one line of an OpenSSH public key")
    try:
        blob = base64.b64decode(words[1], validate=True)
    except binascii.Error:
        raise ValueError("is cut off or mistyped: its second word is not base64") from None
    size = int.from_bytes(blob[:4], "big")
    if blob[4 : 4 + size] != words[0].encode():
        raise ValueError("is cut off or mistyped: its second word is not a key of that type")
    if words[0] == "ssh-ed25519" and (len(blob) != 51 or blob[15:19] != b"\x00\x00\x00\x20"):
        raise ValueError("is cut off or mistyped: an ssh-ed25519 key has 32 bytes")
    return blob


def _host_key(text: str) -> str:
    key_blob(text, ("ssh-ed25519",))
    return text


def _login_key(text: str) -> str:
    key_blob(text, PUBLIC_KEY_TYPES)
    return text


NAME_ALLOWED = f"a DNS label: a-z, 0-9 and '-', starting with a letter, at most {LONGEST_NAME} characters"

Label = Annotated[str, AfterValidator(_label), Field(description=NAME_ALLOWED)]
Domain = Annotated[
    str,
    AfterValidator(_domain),
    Field(description="a lower-case domain name of two or more labels, such as fleet.example.com"),
]
UnixUser = Annotated[
    str, AfterValidator(_unix_user), Field(description="a user name: a-z, 0-9, '_' and '-', at most 32 characters")
]
OwnUser = Annotated[
    str,
    AfterValidator(_unix_user),
    AfterValidator(_own_user),
    Field(description="a user name (a-z, 0-9, '_', '-', at most 32) that the system does not have itself; not root"),
]
Network = Annotated[
    IPv4Network,
    BeforeValidator(_network),
    Field(description="an IPv4 network in quotes or plain, such as 10.77.0.0/16"),
]
Address = Annotated[
    IPv4Address, BeforeValidator(_address), Field(description="the IPv4 address of a server, such as 203.0.113.10")
]
Money = Annotated[
    Decimal, BeforeValidator(_money), Field(description='an amount in US dollars in quotes, such as "30.00"')
]
Count = Annotated[StrictInt, Field(ge=1, description="a whole number from 1")]
Index = Annotated[StrictInt, Field(ge=0, description="a whole number from 0")]
Port = Annotated[StrictInt, Field(ge=1, le=65535, description="a port: a whole number 1..65535")]
PortName = Annotated[
    str, Field(pattern=r"^[1-9][0-9]{0,4}/(tcp|udp)$", description="a port and its protocol, such as 8080/tcp")
]
HostKey = Annotated[
    str, AfterValidator(_host_key), Field(description="the server's host key: 'ssh-ed25519 AAAA...', one line")
]
LoginKey = Annotated[
    str,
    AfterValidator(_login_key),
    Field(description="an OpenSSH public key, one line: " + ", ".join(PUBLIC_KEY_TYPES)),
]
