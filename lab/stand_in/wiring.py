"""What a service is told by its environment: the platform's own names, ``FLEET_...`` where only the fleet knows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

READ_DATABASE = "ConnectionStrings__QuestDB"
WRITE_DATABASE = "ConnectionStrings__QuestDBPrimary"
REDIS = "REDIS_CONNECTION"
CLUSTER = "REDIS_CLUSTER"

MODES = ("active", "standby", "off")


class MissingSetting(Exception):
    """The environment lacks something or says it in a way that cannot be read. ``str`` names the variable."""


@dataclass(frozen=True)
class Database:
    """One ``host=..;port=..;database=..;username=..;password=..``, as .NET's Npgsql writes it."""

    host: str
    port: int
    name: str
    user: str
    password: str

    @property
    def target(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, variable: str, text: str) -> Database:
        """From a connection string.

        Raises:
            MissingSetting: the host is missing, or the port is none.
        """
        parts = (part.partition("=") for part in text.split(";") if part.strip())
        values = {key.strip().lower(): value.strip() for key, _, value in parts}
        port = values.get("port", "8812")
        if not values.get("host") or not port.isdigit():
            raise MissingSetting(f"{variable} is not 'host=..;port=..;...'")
        user = values.get("username", values.get("user id", "admin"))
        return cls(values["host"], int(port), values.get("database", "qdb"), user, values.get("password", ""))


@dataclass(frozen=True)
class Cache:
    """One ``host:port[,user=..][,password=..]``, as .NET's StackExchange.Redis writes it."""

    host: str
    port: int
    user: str
    password: str

    @property
    def target(self) -> str:
        return f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, variable: str, text: str) -> Cache:
        """From a connection string.

        Raises:
            MissingSetting: it does not begin with a host and a port.
        """
        endpoint, *options = text.split(",")
        host, _, port = endpoint.strip().rpartition(":")
        if not host or not port.isdigit():
            raise MissingSetting(f"{variable} is not 'host:port': {endpoint!r}")
        values = {key.strip().lower(): value.strip() for key, _, value in (option.partition("=") for option in options)}
        return cls(host, int(port), values.get("user", ""), values.get("password", ""))


@dataclass(frozen=True)
class Wiring:
    """Everything of it."""

    service: str
    region: str
    port: int
    venues: Mapping[str, str]
    """Mode by venue."""
    credentials: tuple[str, ...]
    """Names of the variables that look like a broker's key; never their values."""
    read: Database
    write: Database | None
    redis: Cache | None
    cluster: tuple[str, ...]
    fill_mb: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Wiring:
        """From the variables of a container.

        Raises:
            MissingSetting: one is missing or malformed.
        """
        if READ_DATABASE not in environment:
            raise MissingSetting(f"{READ_DATABASE} is not set")
        primary = environment.get(WRITE_DATABASE)
        redis = environment.get(REDIS)
        return cls(
            service=environment.get("SERVICE_NAME", "stand-in"),
            region=environment.get("FLEET_REGION", ""),
            port=_number(environment, "PORT", 8080),
            venues=_venues(environment.get("FLEET_VENUES", "")),
            credentials=tuple(sorted(name for name in environment if _is_credential(name))),
            read=Database.parse(READ_DATABASE, environment[READ_DATABASE]),
            write=Database.parse(WRITE_DATABASE, primary) if primary else None,
            redis=Cache.parse(REDIS, redis) if redis else None,
            cluster=tuple(node.strip() for node in environment.get(CLUSTER, "").split(",") if node.strip()),
            fill_mb=_number(environment, "FILL_MB", 0),
        )


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, str(default))
    if not text.isdigit():
        raise MissingSetting(f"{name} is not a whole number: {text!r}")
    return int(text)


def _venues(text: str) -> dict[str, str]:
    """``binance=active,bybit=standby``."""
    venues = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _, mode = entry.partition("=")
        if mode not in MODES:
            raise MissingSetting(f"FLEET_VENUES: {entry!r} is not venue=mode with a mode of {', '.join(MODES)}")
        venues[name] = mode
    return venues


def _is_credential(name: str) -> bool:
    return re.search(r"(api_?key|api_?secret|token|passphrase)$", name, re.IGNORECASE) is not None
