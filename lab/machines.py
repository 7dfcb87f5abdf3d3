"""The servers of a lab, as its clouds use them."""

from __future__ import annotations

from lab.server import ANYWHERE, OPEN, AddressKind, Rule, ServerAddresses, ServerSpec
from lab.settings import LabHome

__all__ = ["ANYWHERE", "OPEN", "AddressKind", "Machines", "Rule", "ServerAddresses", "ServerSpec"]


class Machines:
    """The servers of the lab at ``home`` and their addresses.

    With the lab's servers switched off everything is recorded and addresses are given out, but nothing runs.
    """

    def __init__(self, home: LabHome) -> None:
        self.home = home

    def create(self, spec: ServerSpec) -> ServerAddresses:
        """Start a server; returns as soon as it boots.

        Raises:
            LabError: the lab is not up, or the server cannot start.
        """
        raise NotImplementedError

    def destroy(self, id: str) -> None:
        """Remove a server with its disk; an unknown id is no error."""
        raise NotImplementedError

    def stop(self, id: str) -> None:
        """Power a server off; it stays off until ``start``."""
        raise NotImplementedError

    def start(self, id: str) -> None:
        """Power a server on."""
        raise NotImplementedError

    def reboot(self, id: str) -> None:
        """Power-cycle a server."""
        raise NotImplementedError

    def exists(self, id: str) -> bool:
        """True if there is such a server, running or not."""
        raise NotImplementedError

    def allocate_address(self, kind: AddressKind) -> str:
        """Reserve an address."""
        raise NotImplementedError

    def release_address(self, address: str) -> None:
        """Give a reserved address back; it is detached before."""
        raise NotImplementedError

    def attach_address(self, address: str, id: str) -> None:
        """Let a reserved address lead to a server; it leaves any other one."""
        raise NotImplementedError

    def detach_address(self, address: str) -> None:
        """Let a reserved address lead nowhere."""
        raise NotImplementedError

    def set_firewall(self, id: str, rules: tuple[Rule, ...]) -> None:
        """Replace the inbound rules in front of a server; no rules: nothing gets in."""
        raise NotImplementedError
