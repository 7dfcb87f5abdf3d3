"""Deleting an orphan at its provider."""

from __future__ import annotations

from fleet.operation.locks import locked_stacks
from fleet.orphans.comparison import Orphan
from fleet.orphans.search import Findings
from fleet.workspace import Workspace


class DeletionRefused(Exception):
    """It may be in use. Nothing was deleted."""

    exit_code = 3


def refuse_running(orphan: Orphan, workspace: Workspace) -> None:
    """Refuse while a run goes on that may be making this very thing: what it makes is in no state until it is done.

    Only a backend of files shows its locks; elsewhere the reader of the confirmation has to know.

    Raises:
        DeletionRefused: a stack is locked; names it.
    """
    if locked := locked_stacks(workspace):
        raise DeletionRefused(
            f"a run holds stack {', '.join(locked)}: what it makes is in no state until it is done, and "
            f"{orphan.owned.id} may be that. Wait for it; if it was killed, run: fleet unlock {locked[0]}"
        )


def delete(findings: Findings, orphan: Orphan) -> None:
    """Delete it at its provider.

    Raises:
        ListingFailed: the provider refused, or it is not known what came of it.
    """
    findings.listings[findings.source_of[orphan.owned]].delete(orphan.owned)
