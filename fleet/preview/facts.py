"""An outlook for programs: money as text, milliseconds as numbers."""

from __future__ import annotations

from typing import Any

from fleet.cost.change_texts import change_facts
from fleet.preview.outlook import Closer, Outlook


def outlook_facts(outlook: Outlook) -> dict[str, Any]:
    """Everything that the command prints beside the engine's diff."""
    return {
        "cost": change_facts(outlook.changes),
        "not_counted": list(outlook.not_counted),
        "added": list(outlook.added),
        "standing": list(outlook.standing),
        "closer": [_closer_facts(row) for row in outlook.closer],
    }


def _closer_facts(row: Closer) -> dict[str, Any]:
    gain = row.gain
    return {
        "region": gain.region,
        "venue": gain.site,
        "hosted_in": gain.hosted_in,
        "mode": row.mode,
        "before_from": gain.before_from or None,
        "before_ms": gain.before_ms,
        "before_basis": None if gain.before_basis is None else str(gain.before_basis),
        "ms": gain.ms,
        "basis": str(gain.basis),
    }
