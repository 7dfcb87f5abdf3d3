"""The end of a guest's visit: what our parts put on a server that somebody else runs, taken away again.

A rented server needs none of this: it goes with its disk. Packages stay, and so do kernel settings until the next
boot: nobody knows any more what they were.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath

from hosts import Absent, Handler, HostState, Unit

UNIT_FOLDER = PurePosixPath("/etc/systemd/system")

DAEMON_RELOAD = Handler("daemon-reload", ("systemctl", "daemon-reload"), order=10)
TABLE_FILE = "/etc/fleet/fleet.nft"
TABLE_GONE = Handler("firewall-gone", ("nft", "delete", "table", "inet", "fleet"), order=45)


def departure(state: HostState) -> tuple[HostState, HostState]:
    """Two states to apply one after the other: everything of ours stopped, then its files gone.

    Only units whose files are ours are stopped; those of the server's own that a state mentions are left alone.
    """
    ours = {PurePosixPath(file.path).name for file in state.files if PurePosixPath(file.path).parent == UNIT_FOLDER}
    stopped = HostState(
        name=state.name,
        units=tuple(Unit(unit.name, enabled=False, active=False) for unit in state.units if unit.name in ours),
        wireguard=tuple(replace(interface, present=False) for interface in state.wireguard),
    )
    settings = [f"/etc/sysctl.d/90-fleet-{state.name}.conf"] if state.sysctls else []
    gone = HostState(
        name=state.name,
        absent=tuple(Absent(path, _notified(path)) for path in (*(file.path for file in state.files), *settings)),
        handlers=(DAEMON_RELOAD, TABLE_GONE),
    )
    return stopped, gone


def _notified(path: str) -> tuple[str, ...]:
    if path == TABLE_FILE:
        return (TABLE_GONE.name,)
    return (DAEMON_RELOAD.name,) if PurePosixPath(path).parent == UNIT_FOLDER else ()
