"""What is allowed, and better known before it matters."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.configuration.configuration import Configuration
from fleet.configuration.draft import stack_file
from fleet.model.stack import ExistingHost


def warnings(configuration: Configuration) -> Iterator[str]:
    """A sentence for each, with the file and the key."""
    if configuration.fleet.questdb.backup is None:
        yield "fleet.yaml: questdb.backup: no copy of the market database leaves the hub: there is no RPO"
    for ref in configuration.hosts():
        if isinstance(ref.host, ExistingHost) and ref.host.memory_gb is None:
            file, key = stack_file(ref.region), f"config.fleet:hosts.{ref.host.name}.memory_gb"
            yield f"{file}: {key}: is not said, so nobody checks whether the services of {ref.id} fit into its memory"
