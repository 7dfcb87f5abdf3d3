"""Stack of a probe: one server that stands for some minutes. ``fleet latency probe`` makes it and takes it away."""

from collections.abc import Mapping
from typing import Any

import pulumi

from fleet.configuration import Configuration
from fleet.secrets import Vault
from infra.probe import declare_probe, probe_host


def probe(configuration: Configuration, vault: Vault, name: str, values: Mapping[str, Any]) -> None:
    """Declare the server and export where it is reached."""
    server = declare_probe(configuration, vault, name, values["place"], probe_host(values))
    pulumi.export("address", server.address)
