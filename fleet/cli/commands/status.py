"""``fleet status``: what stands."""

from __future__ import annotations

from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json, print_table

COLUMNS = ("host", "region", "provider", "plan", "address", "allow-list at brokers", "mesh address", "$/month")


def status(root: Root = None, json: Json = False) -> None:
    """The hosts that stand, with the address to allow-list at brokers."""
    from fleet.orphans import count_orphans

    context = Context(root)
    facts = [host.facts() for host in context.hosts]
    if json:
        print_json(facts)
        return
    print_table("Hosts", COLUMNS, [tuple(fact.values()) for fact in facts])
    standing = {host.ref.region for host in context.hosts}
    if closed := [name for name in context.configuration.stacks if name not in standing]:
        print(f"not up: {', '.join(closed)}")
    for line in count_orphans(context.configuration, context.workspace).lines():
        print(line)
