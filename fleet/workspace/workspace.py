"""The workspace of one fleet: everything that is not in version control but that every run needs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from fleet.workspace import stop
from fleet.workspace.engine_path import engine_path

if TYPE_CHECKING:
    from fleet.secrets import SecretStore

SETTINGS = Path(".fleet") / "settings.yaml"
"""Relative to the fleet's folder; written by ``fleet init``, never committed."""

ENGINE_DEFAULTS = {
    "PULUMI_SKIP_UPDATE_CHECK": "1",
}


class WorkspaceError(Exception):
    """A fleet's folder or its settings are missing or wrong. Its text is complete."""

    exit_code = 2


def find_root(start: Path | None = None) -> Path:
    """The folder of the fleet: the nearest one with a ``fleet.yaml`` from ``start`` upwards.

    Without ``start``: $FLEET_ROOT, else the nearest one from the current folder upwards.

    Raises:
        WorkspaceError: there is none.
    """
    named = os.environ.get("FLEET_ROOT")
    if named and start is None:
        if not (Path(named) / "fleet.yaml").is_file():
            raise WorkspaceError(f"FLEET_ROOT is {named}, but there is no fleet.yaml in it")
        return Path(named).absolute()
    here = (start or Path.cwd()).absolute()
    for folder in (here, *here.parents):
        if (folder / "fleet.yaml").is_file():
            return folder
    raise WorkspaceError(f"no fleet.yaml in {here} or above it: run this in the folder of a fleet, or give --root")


@dataclass(frozen=True)
class Workspace:
    """One fleet's folder and what belongs to it on this machine."""

    root: Path
    backend: str
    """Where Pulumi keeps the state: a ``file://`` or ``s3://`` URL."""
    passphrase_file: Path
    """One passphrase for all stacks and for the secrets file."""
    secrets_file: Path
    environment: Mapping[str, str]
    """Further variables for engine runs; the lab puts its own here."""

    @classmethod
    def open(cls, root: Path) -> Workspace:
        """Read the settings of the fleet in ``root``.

        Raises:
            WorkspaceError: the fleet was never initialised here, or its settings are not readable.
        """
        path = root / SETTINGS
        try:
            settings = yaml.safe_load(path.read_text())
        except FileNotFoundError:
            raise WorkspaceError(
                f"{root} was not initialised on this machine ({path} is missing): run fleet init"
            ) from None
        except (OSError, yaml.YAMLError) as problem:
            raise WorkspaceError(f"{path}: {problem}") from None
        texts = ("backend", "passphrase_file", "secrets_file")
        if (
            not isinstance(settings, dict)
            or not set(texts) <= set(settings) <= {*texts, "environment"}
            or not all(isinstance(settings[name], str) and settings[name] for name in texts)
            or not isinstance(settings.get("environment") or {}, dict)
        ):
            raise WorkspaceError(
                f"{path}: needs backend, passphrase_file and secrets_file, each a text (and may have environment, "
                "a mapping). Put it right, or move it away and run fleet init with the same values"
            )
        return cls(
            root=root,
            backend=settings["backend"],
            passphrase_file=root / settings["passphrase_file"],
            secrets_file=root / settings["secrets_file"],
            environment={str(name): str(value) for name, value in (settings.get("environment") or {}).items()},
        )

    @classmethod
    def find(cls) -> Workspace:
        """The workspace of the folder that we are in (see ``find_root``)."""
        return cls.open(find_root())

    def save(self) -> None:
        """Write the settings, mode 0600, paths inside the fleet's folder as relative ones."""
        path = self.root / SETTINGS
        path.parent.mkdir(mode=0o700, exist_ok=True)
        settings = {
            "backend": self.backend,
            "passphrase_file": self._relative(self.passphrase_file),
            "secrets_file": self._relative(self.secrets_file),
            "environment": dict(self.environment),
        }
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(settings, sort_keys=False))

    def passphrase(self) -> str:
        """The passphrase, without the line's end.

        Raises:
            WorkspaceError: its file is missing or empty.
        """
        try:
            text = self.passphrase_file.read_text().rstrip("\n")
        except OSError as problem:
            raise WorkspaceError(
                f"{self.passphrase_file}: {problem.strerror}; it holds the fleet's passphrase"
            ) from None
        if not text:
            raise WorkspaceError(f"{self.passphrase_file} is empty; it holds the fleet's passphrase")
        return text

    def open_secrets(self) -> SecretStore:
        """The fleet's secrets file, opened.

        Raises:
            WorkspaceError: no passphrase.
            SecretError: the file is missing, damaged or under another passphrase.
        """
        # Imported where it is needed: cryptography is a third of the time of a command that needs no secret.
        from fleet.secrets import SecretStore

        return SecretStore.open(self.secrets_file, self.passphrase())

    def engine_environment(self) -> dict[str, str]:
        """What an engine run of this fleet needs beside the caller's own environment.

        Raises:
            EngineError: there is no engine on this machine yet.
        """
        return {
            **ENGINE_DEFAULTS,
            "PATH": engine_path(os.environ.get("PATH", os.defpath)),
            "PULUMI_BACKEND_URL": self.backend,
            "PULUMI_CONFIG_PASSPHRASE_FILE": str(self.passphrase_file),
            "FLEET_ROOT": str(self.root),
            stop.VARIABLE: str(stop.stop_file(self.root)),
            **self.environment,
        }

    def _relative(self, path: Path) -> str:
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)
