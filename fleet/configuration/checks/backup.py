"""Where copies of the market database go: off the hub, to a disk that the fleet owns and keeps."""

from __future__ import annotations

from collections.abc import Iterator

from fleet.configuration.draft import Draft
from fleet.model.nearest import nearest
from fleet.model.problems import Problem
from fleet.model.stack import MAIN, ExistingHost, RentedHost, host_id
from fleet.model.validation import at

PATH = ("questdb", "backup", "to")


def check_backup(draft: Draft) -> Iterator[Problem]:
    """The keeper is a rented host of another region than the hub, and none that is taken away at short notice."""
    fleet = draft.fleet.fleet if draft.fleet else None
    if draft.fleet is None or fleet is None or fleet.questdb.backup is None:
        return
    to = fleet.questdb.backup.to
    fitting = [
        host_id(stack.name, host.name)
        for stack, host in draft.hosts()
        if stack.name != fleet.hub and isinstance(host, RentedHost) and not host.spot
    ]
    allowed = f"a rented host of another region: {', '.join(fitting) or 'there is none yet'}"
    hosts = {host_id(stack.name, host.name): (stack.name, host) for stack, host in draft.hosts()}
    if fleet.questdb.edition == "enterprise":
        message = "is for the open-source edition: Enterprise restores in another way, and the two must not be mixed"
        yield at(draft.fleet.document, PATH[:2], "a mapping", message, "no such settings, and its own BACKUP DATABASE")
    elif "://" in to:
        message = "is not supported: a copy goes over the mesh to a host of the fleet, not to a store of objects"
        yield at(draft.fleet.document, PATH, to, message, allowed)
    elif to not in hosts:
        # A region's main host that is missing has its problem already.
        if to not in draft.host_ids() and to not in draft.fleet.names:
            yield at(draft.fleet.document, PATH, to, "is not a host", allowed, nearest(to, tuple(fitting)))
    elif hosts[to][0] == fleet.hub:
        yield at(draft.fleet.document, PATH, to, "stands in the hub's region, where the database itself is", allowed)
    elif isinstance(hosts[to][1], ExistingHost):
        yield at(draft.fleet.document, PATH, to, "is somebody else's server, where the fleet adds no user", allowed)
    elif not hosts[to][1].critical and hosts[to][1].name != MAIN:
        yield at(draft.fleet.document, PATH, to, "is rented at the spot market: its disk may go any day", allowed)
