"""The platform's own services as a release: how each is wired to its region, in the names that the platform reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from fleet.configuration import Configuration, HostRef
from fleet.model.bundles import QUESTDB, REDIS
from fleet.model.memory import service_limit_mb
from fleet.model.ports import QUESTDB_SQL
from fleet.model.stack import MAIN
from fleet.secrets import Vault
from hosts.release import COMPOSE_FILE, Gate, PublishedPort, Release, ReleaseFile, Trial
from infra.bundles import questdb, redis
from infra.bundles.host_memory import host_memory_mb
from infra.bundles.redis_cluster import cluster_settings
from rediscluster import plan
from templates.render import render

UID = 10080
"""Who the services run as. Their images own nothing at run time: the root is read-only."""

DATABASE = "qdb"
"""QuestDB's only database."""

GATE_SECONDS = 180.0
"""A .NET service on a small host that starts everything at once."""

HEALTH_SCRIPT = (
    "if command -v wget >/dev/null 2>&1; then exec wget -q -O /dev/null -T 5 http://127.0.0.1:{port}/health; fi; "
    "if command -v curl >/dev/null 2>&1; then exec curl -fsS -m 5 -o /dev/null http://127.0.0.1:{port}/health; fi; "
    "if command -v python3 >/dev/null 2>&1; then exec python3 -c 'import urllib.request as u; "
    'u.urlopen("http://127.0.0.1:{port}/health", timeout=5)\'; fi; '
    'exec bash -c \'exec 3<>/dev/tcp/127.0.0.1/{port} && printf "GET /health HTTP/1.0\\r\\n\\r\\n" >&3 && '
    'read -r _ status _ <&3 && [ "$status" = 200 ]\''
)
"""``GET /health`` by the first of wget, curl, python3 and bash that an image has; Alpine's has wget, Debian's bash."""


@dataclass(frozen=True)
class Service:
    """One container."""

    name: str
    image: str
    """Pinned."""
    port: int
    memory_mb: int
    environments: Mapping[str, Mapping[str, str]]
    """The env files that it reads, by their name without ``.env``; what a name means is the same for every service."""
    health: tuple[str, ...]
    published: tuple[PublishedPort, ...] = ()
    trial: Mapping[str, str] | None = None
    """Variables by which a second one keeps still while it is tried beside the first; None: there must be no second."""


def service_release(bundle: str, services: tuple[Service, ...]) -> Release:
    """A bundle of services: a Compose file and the env files, which alone hold secrets, 0600."""
    environments = {name: values for service in services for name, values in service.environments.items()}
    compose = render(
        "bundles/services/compose.yaml.j2",
        bundle=bundle,
        uid=UID,
        services=[
            {
                "name": service.name,
                "image": service.image,
                "env_files": [f"env/{name}.env" for name in service.environments],
                "memory_mb": service.memory_mb,
                "health": json.dumps(service.health),
                "published": [f"{one.address}:{one.port}:{one.port}/{one.protocol}" for one in service.published],
            }
            for service in services
        ],
    )
    return Release(
        bundle=bundle,
        files=(
            ReleaseFile(COMPOSE_FILE, compose),
            *(
                ReleaseFile(f"env/{name}.env", render("bundles/services/service.env.j2", values=values), mode=0o600)
                for name, values in environments.items()
            ),
        ),
        images=tuple(dict.fromkeys(service.image for service in services)),
        trials=tuple(Trial(service.name, service.trial) for service in services if service.trial is not None),
        gate=Gate(timeout_seconds=GATE_SECONDS, ports=tuple(port for one in services for port in one.published)),
    )


@dataclass(frozen=True)
class Region:
    """What the services of one host are made from."""

    configuration: Configuration
    ref: HostRef
    vault: Vault

    @property
    def memory_mb(self) -> int:
        """The host's."""
        return host_memory_mb(self.configuration, self.ref)

    def service(
        self,
        name: str,
        port: int,
        environments: Mapping[str, Mapping[str, str]],
        published: tuple[PublishedPort, ...] = (),
        trial: Mapping[str, str] = MappingProxyType({}),
    ) -> Service:
        """One of the platform's services, wired to the stores of its region; ``environments`` come on top.

        Their images own nothing at run time, so that a release of any of them can be tried beside the running one.
        """
        own = {
            "SERVICE_NAME": name,
            "PORT": str(port),
            "ASPNETCORE_ENVIRONMENT": "Production",
            "ASPNETCORE_URLS": f"http://0.0.0.0:{port}",
        }
        return Service(
            name=name,
            image=self.configuration.images.pinned(name),
            port=port,
            memory_mb=service_limit_mb(self.memory_mb, name),
            environments={"stores": self.stores(), name: own, **environments},
            health=self.health(port),
            published=published,
            trial=trial,
        )

    def health(self, port: int) -> tuple[str, ...]:
        """The health check of a service at a port, as Compose takes it."""
        chosen = self.configuration.fleet.services.health
        if chosen:
            return ("CMD", *(_in_compose(word.replace("{port}", str(port))) for word in chosen))
        return ("CMD", "sh", "-c", _in_compose(HEALTH_SCRIPT.replace("{port}", str(port))))

    def stores(self) -> dict[str, str]:
        """How every service of the region reaches the databases and Redis, and what it does without the hub.

        A region without a replica reads the primary; one without Redis has no local instance to be told.
        """
        bundles = self.configuration.stacks[self.ref.region].bundles
        is_hub = self.ref.region == self.configuration.fleet.hub
        primary = questdb.SERVICE if is_hub else self._hub_address()
        nearest = questdb.SERVICE if QUESTDB in bundles else primary
        values = {
            "FLEET_REGION": self.ref.region,
            "ConnectionStrings__QuestDB": self._database(nearest, questdb.READER),
            "ConnectionStrings__QuestDBPrimary": self._database(primary, questdb.WRITER),
            "FLEET_HUB_UNREACHABLE": self.configuration.fleet.services.hub_unreachable,
        }
        if REDIS in bundles:
            values["REDIS_CONNECTION"] = redis.local_connection(self.vault)
        shards = plan(cluster_settings(self.configuration)).shards
        if shards:
            values["REDIS_CLUSTER"] = ",".join(shard.home.endpoint for shard in shards)
            values["REDIS_CLUSTER_USER"] = "app"
            values["REDIS_CLUSTER_PASSWORD"] = redis.password_reference("app", self.vault)
        return values

    def _hub_address(self) -> str:
        hosts = self.configuration.hosts_of(self.configuration.fleet.hub)
        return str(next(ref.mesh_address for ref in hosts if ref.host.name == MAIN))

    def _database(self, host: str, user: str) -> str:
        password = questdb.password_reference(user, self.vault)
        return f"host={host};port={QUESTDB_SQL};database={DATABASE};username={user};password={password}"

    def limit_mb(self, service: str) -> int:
        """The limit of a service or of a ``sidecar``."""
        return service_limit_mb(self.memory_mb, service)


def _in_compose(text: str) -> str:
    """Compose fills in ``$NAME``; ``$$`` is a dollar."""
    return text.replace("$", "$$")
