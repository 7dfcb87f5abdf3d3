"""What the demo prints: what stands, and what to try next."""

from __future__ import annotations

import sys
from typing import Any

from fleet.cli.commands import mesh, up
from fleet.cli.commands.status import COLUMNS
from fleet.cli.output import print_table
from fleet.rehearsal.demo import Outcome


def tell(outcome: Outcome) -> None:
    """The whole outcome on standard output; problems on standard error."""
    if outcome.hosts:
        print_table("Hosts", COLUMNS, [tuple(host.facts().values()) for host in outcome.hosts])
    if outcome.mesh:
        mesh.tell(outcome.mesh, json=False)
        rows = [
            (host.ref.id, host.address, _listed(outcome.outside.get(host.ref.id, ())), outcome.egress.get(host.ref.id))
            for host in outcome.hosts
        ]
        print_table("Seen from outside", ("host", "address", "open TCP ports", "a venue sees it as"), rows)
    for name, seconds in outcome.reads.items():
        if seconds is not None:
            print(f"a row written on the hub was read on {name}, as its read-only user, after {seconds:.1f} s")
    stages = "  ".join(f"{name} {seconds:.0f} s" for name, seconds in outcome.seconds.items())
    print(f"{stages}  (in all {sum(outcome.seconds.values()):.0f} s)")
    for problem in outcome.problems:
        print(f"problem: {problem}", file=sys.stderr)
    if outcome.ok:
        print("nothing changed: the fleet stood already" if not outcome.changed else "the fleet stands and is verified")
        root = f"--root {outcome.root}"
        print("\nTry next:")
        for line in (
            f"fleet status {root}",
            f"fleet mesh show {root}",
            f"fleet ssh nj {root}",
            f"fleet db status {root}",
            f"fleet redis status {root}",
            f"fleet release list nj {root}",
            f"fleet mesh rotate --keys {root}",
            "fleet lab fault --help",
            "make demo-down",
        ):
            print(f"  {line}")


def facts_of(outcome: Outcome) -> dict[str, Any]:
    """The whole outcome as JSON shows it; what was not come to is null or empty."""
    return {
        "ok": outcome.ok,
        "problems": outcome.problems,
        "changed": outcome.changed,
        "root": outcome.root,
        "stacks": [up.facts_of(run) for run in outcome.runs],
        "hosts": [host.facts() for host in outcome.hosts],
        "mesh": mesh.facts_of(outcome.mesh) if outcome.mesh else None,
        "open_tcp_ports": dict(outcome.outside),
        "seen_by_a_venue_as": dict(outcome.egress),
        "seconds_until_read": dict(outcome.reads),
        "seconds": dict(outcome.seconds),
    }


def _listed(ports: tuple[int, ...]) -> str:
    return ", ".join(map(str, ports)) or "none"
