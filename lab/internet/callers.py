"""From where a packet comes: the origin of the server that has its source address, as the lab's state says now."""

from __future__ import annotations

from lab import state
from lab.internet.table import Internet
from lab.settings import LabHome


class Callers:
    """Answers for each packet, so it reads the state only when its file changed."""

    def __init__(self, home: LabHome, internet: Internet) -> None:
        self._home, self._internet = home, internet
        self._read_at = -1
        self._origins: dict[str, str] = {}

    def origin(self, address: str) -> str | None:
        """The origin of whoever has this public address; None for one that nobody has, or whose place is unknown."""
        changed = self._changed()
        if changed != self._read_at:
            lab = state.load(self._home)
            origins = {machine.id: self._internet.origin_of(machine) for machine in lab.machines.values()}
            self._origins = {
                public: origin
                for machine in lab.machines.values()
                if (origin := origins[machine.id]) is not None
                for public in lab.public_addresses(machine)
            }
            self._read_at = changed
        return self._origins.get(address)

    def _changed(self) -> int:
        try:
            return (self._home.path / state.FILE).stat().st_mtime_ns
        except FileNotFoundError:
            return 0
