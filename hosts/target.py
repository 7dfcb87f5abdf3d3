"""How to reach a host, and which keys it may show: plain data, without the ssh library."""

from __future__ import annotations

from dataclasses import dataclass

from hosts.quoting import Argv


@dataclass(frozen=True)
class Target:
    """How to reach a host, and which keys it may show."""

    name: str
    address: str
    port: int
    user: str
    pins: tuple[str, ...]
    """accepted host keys, each "ssh-ed25519 AAAA..."; what follows is ignored"""
    proxy: Target | None = None
    """a host to go through (direct-tcpip), with the same login key"""

    def __post_init__(self) -> None:
        if not self.pins:
            raise ValueError(f"{self.name}: no pinned host key, and an unknown host is never trusted")
        for pin in self.pins:
            if pin.split(maxsplit=1)[:1] != ["ssh-ed25519"]:
                raise ValueError(f"{self.name}: a pinned host key reads 'ssh-ed25519 AAAA...', not {pin[:20]!r}")

    def as_root(self, *arguments: str) -> Argv:
        """A command with root's rights on this host, whoever logs in."""
        return Argv(*arguments) if self.user == "root" else Argv("sudo", "-n", *arguments)

    def __str__(self) -> str:
        through = f" through {self.proxy.name}" if self.proxy else ""
        return f"{self.name} ({self.user}@{self.address}:{self.port}{through})"
