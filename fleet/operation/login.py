"""A person's shell on a host: the system's ssh client with our pinned key and login key, in files of this run only."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

from fleet.operation.hosts_of import RunningHost
from fleet.secrets import Vault
from infra.first_boot import DEPLOY_PATH


def log_in(host: RunningHost, hub: RunningHost | None, vault: Vault, command: list[str]) -> int:
    """Run ssh in the foreground; returns its exit code. With ``hub`` it goes through the hub, to the mesh address."""
    with tempfile.TemporaryDirectory(prefix="fleet-ssh-") as folder:
        key = Path(folder) / "key"
        key.touch(mode=0o600)
        key.write_text(vault.ed25519_private(*DEPLOY_PATH))
        known = Path(folder) / "known_hosts"
        known.write_text("".join(f"{one.ref.id} {one.target.pins[0]}\n" for one in (host, hub) if one))
        argv = ["ssh", *_options(key, known, host.ref.id)]
        if hub is not None:
            jump = ["ssh", *_options(key, known, hub.ref.id), "-W", "%h:%p", "-p", str(hub.target.port)]
            argv += ["-o", f"ProxyCommand={_joined([*jump, f'{hub.target.user}@{hub.address}'])}"]
        address = str(host.ref.mesh_address) if hub is not None else host.address
        argv += ["-p", str(host.target.port), f"{host.target.user}@{address}", *command]
        return subprocess.run(argv, check=False).returncode


def _options(key: Path, known: Path, alias: str) -> list[str]:
    settings = {
        "IdentityFile": str(key),
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": str(known),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "HostKeyAlias": alias,
        "LogLevel": "ERROR",
    }
    return [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def _joined(argv: list[str]) -> str:
    """One string for ssh's ProxyCommand, which a shell splits again; ssh's own %-tokens stay."""
    from hosts import Argv

    return str(Argv(*argv))
