"""Starting and ending the internet of a lab, and making it known to the lab's servers."""

from __future__ import annotations

import shutil
from pathlib import Path

from lab import services, state
from lab.certificates import Trust, make
from lab.errors import LabError
from lab.execution import execute
from lab.internet.table import Internet, from_text, to_text
from lab.settings import LabHome
from lab.state import Machine

MODULE = "lab.internet.program"
AUTHORITY = "/usr/local/share/ca-certificates/fleet-lab-internet.crt"
"""Where Debian looks for authorities that a host is to trust beside the public ones (update-ca-certificates(8))."""

_TRUST = (
    f'[ "$(cat {AUTHORITY} 2>/dev/null)" = "$1" ] || {{ printf "%s\\n" "$1" > {AUTHORITY}; update-ca-certificates; }}'
)


def folder(home: LabHome) -> Path:
    """What it consists of: the table, key and certificates."""
    return home.path / "internet"


def exists(home: LabHome) -> bool:
    """Whether this lab was given an internet."""
    return _table(home).exists()


def read_table(home: LabHome) -> Internet:
    return from_text(_table(home).read_text())


def certificate_of(home: LabHome) -> Trust:
    """The certificate of all sites, made when there is none."""
    names = [site.name for site in read_table(home).sites]
    return make(folder(home), "Internet of a fleet's lab", names)


def establish(home: LabHome, internet: Internet) -> None:
    """Have this internet, answering, and known to every server that runs; what is there already stays.

    Raises:
        LabError: it does not start, or a server does not take the authority.
    """
    if not home.servers_enabled:
        raise LabError("a lab without servers has no internet: nothing in it could ask")
    text = to_text(internet)
    if exists(home) and _table(home).read_text() != text:
        remove(home)
    if not exists(home):
        folder(home).mkdir(parents=True, exist_ok=True)
        _table(home).write_text(text)
    start(home)
    for machine in state.load(home).machines.values():
        if machine.running:
            introduce(home, machine)


def start(home: LabHome) -> None:
    """Start it, if this lab was given one, unless it runs; returns when it answers."""
    if exists(home):
        certificate_of(home)
        services.start(home, MODULE)


def introduce(home: LabHome, machine: Machine) -> None:
    """Let a server trust the sites' authority, if this lab was given an internet.

    Raises:
        LabError: the server does not take it.
    """
    if not exists(home):
        return
    authority = certificate_of(home).authority.read_text().strip()
    done = execute(home, machine, ["sh", "-c", _TRUST, "sh", authority])
    if done.code != 0:
        raise LabError(f"{machine.name} does not take the authority of the lab's internet: {done.stderr.strip()}")


def remove(home: LabHome) -> None:
    """End it and remove what is its own; servers go on trusting an authority whose key nobody has."""
    services.stop(home, MODULE)
    shutil.rmtree(folder(home), ignore_errors=True)


def _table(home: LabHome) -> Path:
    return folder(home) / "table.json"
