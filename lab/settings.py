"""Where a lab keeps its state, what it is called, and which of the machine's sixteen address ranges it has.

A lab's home holds ``lab.json`` (these settings), ``machines.json`` (servers and addresses), ``cloud.json`` (what the
simulated clouds know), ``docker/`` (the private daemon) and ``seed/`` (the servers' first-boot data).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.files import locked, read_json, write_json
from lab.ranges import SLOTS, Ranges, ranges

HOME_VARIABLE = "FLEET_LAB_HOME"
CHECKOUT = Path(__file__).resolve().parents[1]
REGISTER = Path("/run/fleet-lab")
"""Which lab has which slot; empty after a boot of the machine, as are namespaces and containers."""
SLOTS_FILE = "slots.json"
SLOTS_LOCK = "slots.lock"


def default_home(environment: Mapping[str, str] = os.environ) -> Path:
    """``FLEET_LAB_HOME``, else a folder of this checkout below the user's state folder."""
    if given := environment.get(HOME_VARIABLE):
        return Path(given)
    state = Path(environment.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return state / "fleet" / f"lab-{_digest(CHECKOUT)}"


def _digest(path: Path) -> str:
    return hashlib.sha256(str(path).encode()).hexdigest()[:8]


class LabHome:
    """One lab's folder and settings."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = (path or default_home()).resolve()

    @property
    def id(self) -> str:
        """Eight hex digits that every name of this lab carries."""
        return _digest(self.path)

    @property
    def namespace(self) -> str:
        """The lab's network namespace."""
        return f"fl{self.id}"

    @property
    def settings(self) -> dict[str, Any]:
        return read_json(self.path / "lab.json")

    def configure(self, **values: Any) -> None:
        """Change settings: ``servers`` (bool), ``images`` (server name to ``full`` or ``bare``)."""
        self.path.mkdir(parents=True, exist_ok=True)
        with locked(self.path / "lab.lock"):
            write_json(self.path / "lab.json", {**self.settings, **values})

    @property
    def servers_enabled(self) -> bool:
        """False: servers and addresses exist on paper only; needs no root and no Docker."""
        return bool(self.settings.get("servers", True))

    def image_of(self, name: str) -> str:
        """The image that the server called ``name`` gets: ``full`` unless set otherwise."""
        images: dict[str, str] = self.settings.get("images", {})
        return images.get(name, "full")

    @property
    def slot(self) -> int:
        """The slot this lab has.

        Raises:
            LabError: it has none: the lab was never up.
        """
        settings = self.settings
        if "slot" not in settings:
            if not self.servers_enabled:
                return 0
            raise LabError(f"the lab at {self.path} is not up; `fleet lab up` starts it")
        return int(settings["slot"])

    @property
    def ranges(self) -> Ranges:
        """The lab's networks. Raises LabError where ``slot`` does."""
        return ranges(self.slot)

    def claim_slot(self) -> int:
        """Take a slot for this lab, the one it had before if that is free.

        Raises:
            LabError: all slots are taken; the message names their labs.
        """
        with locked(REGISTER / SLOTS_LOCK):
            taken = {number: owner for number, owner in read_json(REGISTER / SLOTS_FILE).items() if _lives(owner)}
            mine = [int(number) for number, owner in taken.items() if owner == str(self.path)]
            wanted = self.settings.get("slot")
            order = mine or ([wanted] if wanted is not None else []) + list(range(SLOTS))
            slot = next((number for number in order if taken.get(str(number), str(self.path)) == str(self.path)), None)
            if slot is None:
                homes = ", ".join(sorted(taken.values()))
                raise LabError(f"{SLOTS} labs run on this machine already: {homes}; `fleet lab down` ends one")
            write_json(REGISTER / SLOTS_FILE, {**taken, str(slot): str(self.path)})
        self.configure(slot=slot)
        return slot

    def give_slot_back(self) -> None:
        """Let other labs have the slot, and remove the register once nobody is in it."""
        if not REGISTER.exists():
            return
        with locked(REGISTER / SLOTS_LOCK):
            taken = read_json(REGISTER / SLOTS_FILE)
            write_json(REGISTER / SLOTS_FILE, {n: owner for n, owner in taken.items() if owner != str(self.path)})


def _lives(owner: str) -> bool:
    """A lab whose folder or namespace is still there. One without either left nothing that could be disturbed."""
    return Path(owner).exists() or Path(f"/run/netns/fl{_digest(Path(owner))}").exists()


def container_name(name: str, id: str) -> str:
    """A container's name: readable, unique in the lab, within Docker's alphabet."""
    readable = re.sub(r"[^a-zA-Z0-9_.-]", "-", name).strip("-.") or "server"
    return f"{readable}-{hashlib.sha256(id.encode()).hexdigest()[:8]}"
