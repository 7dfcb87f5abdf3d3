"""What the hosts of the fleet may reach on each other inside the mesh, by what runs there. All else is closed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MeshPort:
    """A port that is open inside the mesh."""

    port: int
    protocol: str = "tcp"
    sources: tuple[str, ...] = ()
    """Mesh addresses of the only hosts that may reach it; empty: every host, and this one's own containers."""
