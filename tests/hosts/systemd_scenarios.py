"""What must hold on a real Debian 13 host with systemd: scenarios that the lab's tests run against one of its hosts.

Each takes a ``SystemdHost`` whose ``first`` target logs in as root with the host key of its first boot. They build on
each other in the order of ``ALL``: first contact makes the deploy user and the permanent host key.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from hosts import (
    Argv,
    ChangeReverted,
    Connection,
    File,
    Handler,
    HostKeyMismatch,
    HostState,
    Report,
    Revert,
    Target,
    Unit,
    Unsettled,
    User,
    ValidationRefused,
    WireguardInterface,
    apply,
    connect,
    observe,
)
from templates.render import render
from tests.hosts.sshd import KeyPair

SSHD_FILE = "/etc/ssh/sshd_config.d/10-fleet.conf"
TABLE_FILE = "/etc/fleet/fleet.nft"
TABLE = """\
table inet fleet
delete table inet fleet
table inet fleet {{
  chain input {{
    type filter hook input priority filter; policy drop;
    {established}
    iif lo accept
    tcp dport {ssh} accept
  }}
}}
"""
HARDENED = "PermitRootLogin no\nPasswordAuthentication no\nKexAlgorithms mlkem768x25519-sha256\n"


@dataclass(frozen=True)
class SystemdHost:
    """A host to try things on."""

    first: Target
    login: KeyPair
    permanent: KeyPair
    """the host key that first contact installs"""

    @property
    def deploy(self) -> Target:
        return replace(self.first, user="deploy", pins=(self.permanent.public,))

    def open(self, deadline_seconds: float = 15.0) -> Connection:
        return connect(self.deploy, self.login.private, deadline_seconds)

    def apply(self, state: HostState, confirm: Callable[[], Connection] | None = None) -> Report:
        with self.open() as connection:
            return apply(connection, state, confirm or self.open)

    def differences(self, state: HostState) -> list[str]:
        with self.open() as connection:
            return [f"{change.kind} {change.name}" for change in observe(connection, state).changes]

    def says(self, *argv: str) -> str:
        with self.open() as connection:
            return connection.run(Argv("sudo", "-n", *argv)).stdout.decode()

    def base(self, sshd: str = HARDENED, ssh_port: int = 22, seconds: float = 60.0, **table: Any) -> HostState:
        established = table.get("established", "ct state established,related accept")
        ruleset = TABLE.format(ssh=ssh_port, established=established)
        delete = ("nft", "delete", "table", "inet", "fleet")
        return HostState(
            users=(User("deploy", (self.login.public,), groups=("adm",), sudo=True),),
            files=(
                File(TABLE_FILE, ruleset, validator=("nft", "-c", "-f", "{}"), notifies=("firewall",)),
                File(SSHD_FILE, sshd, validator=("sshd", "-t", "-f", "{}"), notifies=("sshd",)),
                File(
                    "/etc/ssh/ssh_host_ed25519_key",
                    self.permanent.private,
                    mode=0o600,
                    sensitive=True,
                    notifies=("sshd",),
                ),
                File("/etc/ssh/ssh_host_ed25519_key.pub", self.permanent.public + "\n", notifies=("sshd",)),
            ),
            units=(Unit("ssh.service"),),
            handlers=(
                Handler("sshd", ("systemctl", "reload", "ssh.service"), order=40, revert=Revert(seconds)),
                Handler(
                    "firewall",
                    ("nft", "-f", TABLE_FILE),
                    order=45,
                    revert=Revert(seconds, first_undo=delete),
                    check=("nft", "list", "table", "inet", "fleet"),
                ),
            ),
        )

    def mesh(self, interface: str, *gone: str) -> HostState:
        """One interface with one peer, brought up by the fleet's own unit; the ``gone`` ones removed."""
        private, peer = (base64.b64encode(bytes([8, *bytes(30), end])).decode() for end in (65, 66))
        path = f"/etc/wireguard/{interface}.conf"
        config = (
            f"[Interface]\nAddress = 198.18.77.1/32\nMTU = 1420\nListenPort = 5182{interface[-1]}\n"
            f"PrivateKey = {private}\n[Peer]\nPublicKey = {peer}\nAllowedIPs = 198.18.77.2/32\n"
        )
        route = "198.18.77.2/32"
        return HostState(
            name="mesh",
            files=(
                File("/usr/local/lib/fleet/wg-run", render("mesh/wg-run.j2"), mode=0o755),
                File("/usr/local/lib/fleet/wg-up", render("mesh/wg-up.j2"), mode=0o755),
                File(
                    "/etc/systemd/system/fleet-wg@.service",
                    render("mesh/fleet-wg@.service.j2"),
                    notifies=("daemon-reload",),
                ),
                File(f"/etc/fleet/mesh/{interface}.routes", route + "\n"),
                File(path, config, mode=0o600, sensitive=True),
            ),
            wireguard=(
                WireguardInterface(interface, path, address="198.18.77.1/32", routes=(route,)),
                *(WireguardInterface(name, f"/etc/wireguard/{name}.conf", present=False) for name in gone),
            ),
            handlers=(Handler("daemon-reload", ("systemctl", "daemon-reload"), order=10),),
        )


def first_contact_leaves_the_permanent_key_and_the_deploy_user(host: SystemdHost) -> None:
    with connect(host.first, host.login.private, deadline_seconds=30) as connection:
        report = apply(connection, host.base(), host.open)
        assert connection.channels_opened == 1
    assert [armed.name for armed in report.armed] == ["sshd", "firewall"]
    with pytest.raises(HostKeyMismatch):
        connect(host.first, host.login.private, deadline_seconds=5)
    assert host.apply(host.base()).changes == ()


def a_changed_sshd_option_keeps_the_connection_that_brought_it(host: SystemdHost) -> None:
    with host.open() as connection:
        report = apply(connection, host.base(HARDENED + "X11Forwarding no\n"), host.open)
        assert [change.name for change in report.changes] == [SSHD_FILE, "sshd"]
        assert connection.run(Argv("true")).exit_status == 0
    host.apply(host.base())


def a_bad_sshd_text_changes_nothing(host: SystemdHost) -> None:
    with pytest.raises(ValidationRefused, match="Bad configuration option: Nonsense"):
        host.apply(host.base("Nonsense yes\n"))
    assert host.differences(host.base()) == []


def an_sshd_that_locks_us_out_reverts(host: SystemdHost) -> None:
    with pytest.raises(ChangeReverted, match="sshd was reverted"):
        host.apply(host.base("AllowUsers nobody\n", seconds=4), lambda: host.open(2))
    assert host.differences(host.base()) == []


def an_sshd_that_does_not_speak_our_algorithms_reverts(host: SystemdHost) -> None:
    with pytest.raises(ChangeReverted, match="no algorithm in common"):
        host.apply(host.base("Ciphers chacha20-poly1305@openssh.com\n", seconds=4), lambda: host.open(2))
    assert host.differences(host.base()) == []


def a_firewall_that_locks_us_out_reverts(host: SystemdHost) -> None:
    with pytest.raises(ChangeReverted, match="firewall was reverted"):
        host.apply(host.base(ssh_port=2222, seconds=4), lambda: host.open(2))
    assert host.differences(host.base()) == []


def a_firewall_that_cuts_the_running_connection_too_reverts(host: SystemdHost) -> None:
    with pytest.raises(ChangeReverted, match="firewall was reverted"):
        host.apply(host.base(ssh_port=2222, seconds=4, established=""), lambda: host.open(2))
    assert host.differences(host.base()) == []


def a_lost_table_is_loaded_again(host: SystemdHost) -> None:
    host.says("nft", "delete", "table", "inet", "fleet")
    assert host.differences(host.base()) == ["handler firewall"]
    host.apply(host.base())
    assert "table inet fleet" in host.says("nft", "list", "tables")


def a_mesh_interface_comes_up_moves_and_goes(host: SystemdHost) -> None:
    host.apply(host.mesh("wg0"))
    assert host.apply(host.mesh("wg0")).changes == ()
    assert host.says("systemctl", "is-enabled", "fleet-wg@wg0.service") == "enabled\n"
    host.apply(host.mesh("wg1", "wg0"))
    assert host.differences(host.mesh("wg1", "wg0")) == []
    assert host.says("wg", "show", "interfaces") == "wg1\n"
    assert "198.18.77.2 dev wg1" in host.says("ip", "route")


def a_killed_wireguard_comes_back_by_its_unit(host: SystemdHost) -> None:
    host.says("ip", "link", "delete", "dev", "wg1")
    # Either the unit was faster or apply is: both end in the same state.
    host.apply(host.mesh("wg1"))
    assert host.differences(host.mesh("wg1")) == []


def a_unit_that_stops_by_itself_is_not_called_running(host: SystemdHost) -> None:
    unit = "[Service]\nType=oneshot\nExecStart=/bin/true\n"
    state = HostState(
        name="oneshot",
        files=(File("/etc/systemd/system/fleet-short.service", unit, notifies=("daemon-reload",)),),
        units=(Unit("fleet-short.service", enabled=None),),
        handlers=(Handler("daemon-reload", ("systemctl", "daemon-reload"), order=10),),
    )
    with pytest.raises(Unsettled, match=r"unit fleet-short.service: start inactive"):
        host.apply(state)


ALL: tuple[Callable[[SystemdHost], None], ...] = (
    first_contact_leaves_the_permanent_key_and_the_deploy_user,
    a_changed_sshd_option_keeps_the_connection_that_brought_it,
    a_bad_sshd_text_changes_nothing,
    an_sshd_that_locks_us_out_reverts,
    an_sshd_that_does_not_speak_our_algorithms_reverts,
    a_firewall_that_locks_us_out_reverts,
    a_firewall_that_cuts_the_running_connection_too_reverts,
    a_lost_table_is_loaded_again,
    a_mesh_interface_comes_up_moves_and_goes,
    a_killed_wireguard_comes_back_by_its_unit,
    a_unit_that_stops_by_itself_is_not_called_running,
)
