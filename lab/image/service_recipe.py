"""What the images of the platform's services consist of: Debian 13's packages in place of the upstream images.

Commands, data folders and their owners are as in the upstream images, so that one Compose file runs with both.
"""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

from lab.image.layers import LayerFile, facts_of
from lab.image.recipe import SUITE

FOLDER = Path(__file__).parent
STAND_IN = FOLDER.parent / "stand_in"

BUILD = 1
"""Raised when images are made in another way."""

QUESTDB_OWNER = 10001
"""Who QuestDB's own image runs as."""
REDIS_OWNER = 999
"""Who Redis's own image runs as."""


@dataclass(frozen=True)
class Packages:
    """A layer of Debian packages, on top of another one or of nothing.

    ``before``: commands before they are installed; ``without``: files that are taken away again. Both are for the
    shell, with the root file system at ``$1``.
    """

    name: str
    packages: tuple[str, ...]
    below: Packages | None = None
    before: str = ""
    without: tuple[str, ...] = ()

    @property
    def chain(self) -> tuple[Packages, ...]:
        """Every layer of it, the lowest first."""
        return (*(self.below.chain if self.below else ()), self)

    @cached_property
    def digest(self) -> str:
        """Sixteen hex digits that change when the layer would."""
        below = self.below.digest if self.below else ""
        facts = [BUILD, SUITE, platform.machine(), below, self.packages, self.before, self.without]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Artifact:
    """A file from Maven Central, in a layer of its own."""

    coordinates: str
    """group:artifact:version"""
    sha256: str
    path: str
    """in the image"""

    @property
    def file_name(self) -> str:
        """As the Maven client names what it brings."""
        _, name, version = self.coordinates.split(":")
        return f"{name}-{version}.jar"


@dataclass(frozen=True)
class ServiceImage:
    """One image: packages, an artifact and files of the lab's own on top, and how a container starts."""

    name: str
    tag: str
    packages: Packages
    command: tuple[str, ...]
    files: tuple[LayerFile, ...] = ()
    folder: str = "/"
    """in which the command starts"""
    artifact: Artifact | None = None

    @property
    def facts(self) -> list[object]:
        """Everything that decides the image, as plain values."""
        return [
            self.name,
            self.tag,
            self.packages.digest,
            self.command,
            facts_of(self.files),
            self.folder,
            asdict(self.artifact) if self.artifact else None,
        ]


QUESTDB = Artifact(
    "org.questdb:questdb:9.3.4",
    "939bc53ab22f93dbaa6545143a6e7c536d4904c07b7f2d381e8eef10436be062",
    "/opt/questdb/questdb.jar",
)

BASE = Packages("base", ())
PYTHON = Packages("python", ("python3",), BASE)
REDIS = Packages("redis", ("redis-server", "redis-tools"), BASE)
JAVA = Packages(
    "java",
    ("openjdk-25-jre-headless",),
    BASE,
    # The package links its manual pages and fails without their folder.
    before='mkdir -p "$1"/usr/share/man/man1',
    # Archives for other settings of the JVM than QuestDB's: 50 MB.
    without=("usr/lib/jvm/*/lib/server/classes_nocoops*.jsa", "usr/lib/jvm/*/lib/server/classes_coh.jsa"),
)
DATABASE_CLIENTS = Packages("clients", ("python3-psycopg", "python3-redis"), PYTHON)

SERVICE_IMAGES = (
    ServiceImage(
        "questdb",
        "9.3.4",
        JAVA,
        ("/app/bin/java", "-m", "io.questdb/io.questdb.ServerMain", "-d", "/var/lib/questdb", "-f"),
        (
            LayerFile("/app/bin/java", FOLDER / "questdb" / "java", 0o755),
            LayerFile("/var/lib/questdb", None, 0o755, QUESTDB_OWNER),
        ),
        "/var/lib/questdb",
        QUESTDB,
    ),
    ServiceImage("redis", "8.0", REDIS, ("redis-server",), (LayerFile("/data", None, 0o755, REDIS_OWNER),), "/data"),
    ServiceImage("python", "3.13-slim", PYTHON, ("python3",)),
    # A broker's gateway process: something that takes connections at its port.
    ServiceImage("ib-gateway", "1", PYTHON, ("python3", "-m", "http.server", "--directory", "/opt", "4001")),
    ServiceImage(
        "stand-in",
        "1",
        DATABASE_CLIENTS,
        ("python3", "-m", "stand_in"),
        tuple(LayerFile(f"/opt/stand_in/{file.name}", file) for file in sorted(STAND_IN.glob("*.py"))),
        "/opt",
    ),
)


def service_digest() -> str:
    """Sixteen hex digits that change when any of the images would."""
    facts = json.dumps([BUILD, [image.facts for image in SERVICE_IMAGES]])
    return hashlib.sha256(facts.encode()).hexdigest()[:16]
