"""``fleet mesh``: look at the mesh, verify it, rotate its keys."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json, print_table, progress

if TYPE_CHECKING:
    from fleet.mesh.collect import MeshView
    from wireguard.verification import Link

app = typer.Typer(name="mesh", help="Look at the mesh, verify it, rotate its keys.", no_args_is_help=True)


@app.command()
def show(root: Root = None, json: Json = False) -> None:
    """Every link between the hosts that stand: handshake age and round-trip time."""
    from fleet.mesh.view import look

    context = Context(root)
    tell(look(context.configuration, context.hosts, context.vault), json)


@app.command()
def verify(root: Root = None, json: Json = False) -> None:
    """As show, but exit code 1 unless every link stands and no ping is lost."""
    from fleet.mesh.view import look

    context = Context(root)
    view = look(context.configuration, context.hosts, context.vault)
    tell(view, json)
    for problem in view.problems:
        print(problem, file=sys.stderr)
    if view.problems:
        raise typer.Exit(1)


@app.command()
def rotate(
    keys: Annotated[bool, typer.Option("--keys", help="Every node's key pair.")] = False,
    psk: Annotated[bool, typer.Option("--psk", help="The pre-shared keys.")] = False,
    node: Annotated[str, typer.Option(help="One node's key pair.")] = "",
    master: Annotated[
        bool, typer.Option("--master", help="The master secret, and with it every key of the fleet.")
    ] = False,
    abort: Annotated[bool, typer.Option("--abort", help="Go back to the keys before an unfinished rotation.")] = False,
    root: Root = None,
) -> None:
    """Give the mesh new keys without losing a packet. Killed half-way, the same command goes on."""
    from fleet.mesh.exchange import call_off, exchange
    from fleet.mesh.master import RunningFleet
    from fleet.mesh.rotation import Wish, rotate_mesh

    if [keys, psk, bool(node), master, abort].count(True) != 1:
        raise typer.BadParameter("give exactly one of --keys, --psk, --node NODE, --master, --abort")
    context = Context(root)
    store = context.workspace.open_secrets()
    if master or (abort and (store.successor or store.retired)):
        acts = RunningFleet(context.workspace, context.configuration, context.hosts, store, progress)
        (exchange if master else call_off)(store, acts, partial(progress, "mesh"))
        return
    wish = Wish.ABORT if abort else Wish.PSK if psk else Wish.KEYS
    rotate_mesh(context.workspace, context.configuration, context.hosts, context.vault, wish, node, progress)


def facts_of(view: MeshView) -> dict[str, object]:
    """A view of the mesh as JSON shows it."""
    links = [{**vars(link), "state": link.state.value} for link in _between_hosts_that_stand(view)]
    return {"links": links, "silent": dict(view.silent), "problems": list(view.problems)}


def tell(view: MeshView, json: bool) -> None:
    """Print a view of the mesh."""
    if json:
        print_json(facts_of(view))
        return
    rows = [
        (
            f"{link.node} -> {link.peer}",
            link.state.value,
            "-" if link.handshake_age is None else f"{link.handshake_age} s",
            "-" if link.rtt_median is None else f"{link.rtt_median:.2f} ms",
            link.lost,
            link.reason,
        )
        for link in _between_hosts_that_stand(view)
    ]
    print_table("Mesh", ("link", "state", "handshake", "RTT", "lost", ""), rows)


def _between_hosts_that_stand(view: MeshView) -> list[Link]:
    return [link for link in view.matrix if {link.node, link.peer} <= set(view.asked)]
