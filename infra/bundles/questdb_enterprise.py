"""The native replication of QuestDB Enterprise: a host's role, its keys, and the guard against a second primary."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from fleet.model.enterprise import Enterprise
from fleet.secrets import SecretError, Vault

Role = Literal["primary", "replica"]

INSTANCES = uuid.UUID("6b0f3f0e-2c0b-5d0c-9d3e-6a1a5f3f7c11")
"""Namespace of the instances' ids. Changing it changes the id of every database."""

STORE_FILE = "object-store"
GUARD = "start.sh"


@dataclass(frozen=True)
class Replication:
    """How one host takes part."""

    role: Role
    fleet: str
    host_id: str
    settings: Enterprise

    @property
    def instance_id(self) -> str:
        """The same for a host for ever, another for each."""
        return str(uuid.uuid5(INSTANCES, f"{self.fleet}/{self.host_id}"))

    def environment(self, secrets: str) -> Mapping[str, str]:
        """The keys of server.conf as variables (``QDB_``, upper case, ``_`` for ``.``), as the documentation names them
        (configuration/database-replication.md, high-availability/tuning.md)."""
        shared = {
            "QDB_REPLICATION_ROLE": self.role,
            "QDB_REPLICATION_OBJECT_STORE_FILE": f"{secrets}/{STORE_FILE}",
            "QDB_CAIRO_SNAPSHOT_INSTANCE_ID": self.instance_id,
            "QDB_REPLICATION_METRICS_PER_TABLE": "true",
        }
        if self.role == "replica":
            return {**shared, "QDB_REPLICATION_REPLICA_POLL_INTERVAL": str(self.settings.poll_ms)}
        return {
            **shared,
            "QDB_REPLICATION_PRIMARY_THROTTLE_WINDOW_DURATION": str(self.settings.upload_ms),
            "QDB_REPLICATION_PRIMARY_SEQUENCER_PART_TXN_COUNT": "5000",
            "QDB_CAIRO_WAL_SEGMENT_ROLLOVER_SIZE": str(self.settings.segment_bytes),
        }

    def entrypoint(self, scripts: str, root: str) -> tuple[str, ...]:
        """The guard, which ends as the image's own program."""
        return (
            "bash",
            f"{scripts}/{GUARD}",
            self.role,
            *(word.replace("{root}", root) for word in self.settings.start),
        )

    def store(self, vault: Vault) -> str:
        """The object store with references to its credentials; the same text on every host.

        Raises:
            SecretError: a credential is missing; names the command that sets it.
        """
        try:
            credentials = "".join(
                f"{name}={vault.reference('named', *secret_name(self.settings, name))};"
                for name in self.settings.store_secrets
            )
        except SecretError as error:
            raise SecretError(f"questdb.enterprise needs its object store's credentials: {error}") from None
        return self.settings.object_store + credentials


def secret_name(settings: Enterprise, name: str) -> tuple[str, str, str]:
    """The name of a credential, in parts: ``questdb/hub/access-key-id``."""
    return "questdb", settings.primary, name.replace("_", "-")
