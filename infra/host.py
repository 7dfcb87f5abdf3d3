"""The base of a host: login, hardening, firewall, time, upgrades, logs, Docker - everything but the mesh and bundles.

A rented server gets all of it. On a server that somebody else runs (``existing``) we are guests (design 5.8): only our
own files, units and nftables table are added; Docker, sshd's own settings and foreign firewall tables stay.
"""

from __future__ import annotations

from fleet.configuration import Configuration, HostRef
from fleet.model.fleet import Fleet
from fleet.model.stack import DigitalOceanHost, ExistingHost, Host
from fleet.secrets import Vault
from hosts import (
    BOOT_PROGRAM_PATH,
    BOOT_UNIT,
    File,
    Handler,
    HostState,
    KernelModule,
    Package,
    PackageSet,
    Revert,
    Sysctl,
    Target,
    Unit,
    User,
    boot_program,
)
from infra.adapter import HostPart, HostPartResource, part_of
from infra.backup import BackupPart, backup_part, keeper_of
from infra.bundles.host_bundles import mesh_ports
from infra.first_boot import DEPLOY_PATH, first_contact_path, late_key_seconds, permanent_path
from infra.guest import settled_ports
from infra.parts_provider import PartsProvider
from infra.servers.server import Server
from templates.render import render
from templates.settings import read_settings

SSH_PORT = 22


class BaseHost(HostPartResource, module="infra", name="BaseHost"):
    """The base of one host, as a resource."""


def base_part(configuration: Configuration, ref: HostRef, vault: Vault) -> HostPart:
    """The base of one host as it shall be."""
    return HostPart(
        target=host_target(configuration.fleet, ref, vault),
        state=base_state(configuration, ref, vault),
        first_contact_key="" if isinstance(ref.host, ExistingHost) else _first_contact_key(ref, vault),
        late_key_seconds=late_key_seconds(ref.host),
        guest=isinstance(ref.host, ExistingHost),
        settled_ports=_settled_ports(configuration.fleet, ref.host),
    )


def declare_base(part: HostPart, server: Server, provider: PartsProvider) -> BaseHost:
    """Declare the base of one host on its server."""
    return BaseHost(part.host, part, server, part_of(server.resource, provider))


def host_target(fleet: Fleet, ref: HostRef, vault: Vault, address: str = "") -> Target:
    """How to reach a host: its login, and the one key that it may answer with."""
    host = ref.host
    port, user = (host.ssh_port, host.ssh_user) if isinstance(host, ExistingHost) else (SSH_PORT, fleet.deploy_user)
    return Target(ref.id, address, port, user, pins=(pinned_host_key(host, ref.id, vault),))


def pinned_host_key(host: Host, host_id: str, vault: Vault) -> str:
    """The public host key that a host must show: its own where it stood before us, else the derived permanent one."""
    if isinstance(host, ExistingHost):
        return " ".join(host.host_key.split()[:2])
    return vault.ed25519_public(*permanent_path(host_id, host.generation))


def _first_contact_key(ref: HostRef, vault: Vault) -> str:
    return vault.ed25519_public(*first_contact_path(ref.id, ref.host.generation))


def _settled_ports(fleet: Fleet, host: Host) -> tuple[str, ...]:
    return tuple(sorted(settled_ports(fleet, host))) if isinstance(host, ExistingHost) else ()


def base_state(configuration: Configuration, ref: HostRef, vault: Vault) -> HostState:
    """What the base of a host consists of: everything on a rented server, next to nothing on a guest's."""
    backup = _backup_part(configuration, ref, vault)
    if isinstance(ref.host, ExistingHost):
        return HostState(
            packages=PackageSet(tuple(map(Package, MESH_PACKAGES))),
            directories=backup.directories,
            files=(*_firewall_files(configuration, ref), *_bundle_boot_files(), *backup.files),
            absent=backup.absent,
            sysctls=_sysctls(guest=True),
            units=(*_firewall_units(), BUNDLE_BOOT, *backup.units),
            handlers=(DAEMON_RELOAD, FIREWALL),
        )
    egress_files, egress_units, egress_handlers = _egress(ref.host)
    return HostState(
        packages=PackageSet(tuple(map(Package, (*MESH_PACKAGES, *RENTED_PACKAGES))), mask_before_install=DOCKER_UNITS),
        users=(_deploy_user(configuration.fleet, vault), *backup.users),
        directories=backup.directories,
        absent=backup.absent,
        files=(
            *_firewall_files(configuration, ref),
            *_ssh_files(configuration, ref, backup.logins, vault),
            *_system_files(configuration, ref),
            *_bundle_boot_files(),
            *egress_files,
            *backup.files,
        ),
        modules=tuple(map(KernelModule, ("tcp_bbr", "nf_conntrack", "wireguard"))),
        sysctls=_sysctls(guest=False),
        units=(
            *_firewall_units(),
            Unit("ssh.service"),
            Unit("chrony.service"),
            Unit("fleet-thp-never.service", enabled=True, active=None),
            Unit("apt-daily-upgrade.timer"),
            *egress_units,
            Unit("containerd.service"),
            Unit("docker.service"),
            BUNDLE_BOOT,
            *backup.units,
        ),
        handlers=(DAEMON_RELOAD, SSHD, FIREWALL, *SERVICE_HANDLERS, *egress_handlers),
    )


MESH_PACKAGES = ("nftables", "wireguard-tools", "wireguard-go", "iproute2", "iputils-ping")
RENTED_PACKAGES = (
    "ca-certificates",
    "chrony",
    "curl",
    "docker-cli",
    "docker-compose",
    "docker.io",
    "iptables",
    "unattended-upgrades",
)
DOCKER_UNITS = ("docker.service", "docker.socket", "containerd.service")

BUNDLE_BOOT = Unit(BOOT_UNIT, enabled=True, active=None)
"""Brings the host's bundles back after a boot. Never started here: a deploy does that, and gates it."""

DAEMON_RELOAD = Handler("daemon-reload", ("systemctl", "daemon-reload"), order=10)
SSHD = Handler("sshd", ("systemctl", "reload", "ssh.service"), order=40, revert=Revert(seconds=90))
FIREWALL = Handler(
    "firewall",
    ("nft", "-f", "/etc/fleet/fleet.nft"),
    order=45,
    revert=Revert(seconds=90, first_undo=("nft", "delete", "table", "inet", "fleet")),
    check=("nft", "list", "table", "inet", "fleet"),
)
SERVICE_HANDLERS = (
    Handler("journald", ("systemctl", "restart", "systemd-journald.service"), order=60),
    Handler("chrony", ("systemctl", "restart", "chrony.service"), order=60),
    Handler("huge-pages", ("systemctl", "restart", "fleet-thp-never.service"), order=60),
    # live-restore keeps the containers of a daemon that restarts.
    Handler("docker", ("systemctl", "restart", "docker.service"), order=70),
)

TIME_SERVERS = ("0.debian.pool.ntp.org", "1.debian.pool.ntp.org", "3.debian.pool.ntp.org")
"""Beside the pool in Debian's own file, so that one server with a wrong clock is outvoted."""

JOURNAL_MAX = "1G"
CONNTRACK_MAX = 524288
"""Tracked connections; at about 320 bytes each 160 MB at worst, which a 4 GB host can bear."""

FIRST_UPGRADE_HOUR = 3
"""UTC hour of the upgrade window of region 0; each region's window is an hour after the one before."""


def _deploy_user(fleet: Fleet, vault: Vault) -> User:
    keys = (vault.ed25519_public(*DEPLOY_PATH), *(fleet.operators.keys[name] for name in sorted(fleet.operators.keys)))
    return User(fleet.deploy_user, authorized_keys=keys, sudo=True)


def _firewall_files(configuration: Configuration, ref: HostRef) -> tuple[File, ...]:
    fleet, host = configuration.fleet, ref.host
    table = render(
        "host/fleet.nft.j2",
        guest=isinstance(host, ExistingHost),
        local_interfaces=["docker0", "br-*"],
        mesh_cidr=fleet.mesh.cidr,
        mesh_interfaces=["wg0", "wg1"],
        mesh_ports=mesh_ports(configuration, ref),
        public_ports=host.public_ports,
        ssh_port=host.ssh_port if isinstance(host, ExistingHost) else SSH_PORT,
        wireguard_ports=[fleet.mesh.port, fleet.mesh.port + 1],
    )
    return (
        File("/etc/fleet/fleet.nft", table, validator=("nft", "-c", "-f", "{}"), notifies=("firewall",)),
        _unit_file("fleet-nft.service", "host/fleet-nft.service.j2"),
        _unit_file("fleet-mesh.target", "host/fleet-mesh.target.j2"),
    )


def _bundle_boot_files() -> tuple[File, ...]:
    return (
        File(BOOT_PROGRAM_PATH, boot_program(), mode=0o755),
        _unit_file(BOOT_UNIT, "host/fleet-bundles.service.j2"),
    )


def _firewall_units() -> tuple[Unit, ...]:
    return (Unit("fleet-nft.service"), Unit("fleet-mesh.target"))


def _backup_part(configuration: Configuration, ref: HostRef, vault: Vault) -> BackupPart:
    keeper = keeper_of(configuration)
    key = "" if keeper is None else pinned_host_key(keeper.host, keeper.id, vault)
    return backup_part(configuration, ref, key, vault)


def _ssh_files(configuration: Configuration, ref: HostRef, logins: tuple[str, ...], vault: Vault) -> tuple[File, ...]:
    fleet = configuration.fleet
    hardening = render(
        "host/sshd.conf.j2",
        logins=[fleet.deploy_user, *logins],
        penalty_exempt=[str(network) for network in (*fleet.operators.addresses, fleet.mesh.cidr)],
        tcp_forwarding="local" if ref.region == fleet.hub else "no",
    )
    path = permanent_path(ref.id, ref.host.generation)
    private = vault.reference("ed25519", *path) + "\n"
    return (
        File(
            "/etc/ssh/sshd_config.d/10-fleet.conf",
            hardening,
            validator=("sshd", "-t", "-f", "{}"),
            notifies=("sshd",),
        ),
        File("/etc/ssh/ssh_host_ed25519_key", private, mode=0o600, sensitive=True, notifies=("sshd",)),
        File("/etc/ssh/ssh_host_ed25519_key.pub", vault.ed25519_public(*path) + "\n", notifies=("sshd",)),
    )


def _system_files(configuration: Configuration, ref: HostRef) -> tuple[File, ...]:
    fleet = configuration.fleet
    region = fleet.regions[ref.region]
    return (
        File("/etc/modules-load.d/fleet.conf", render("host/modules.conf.j2")),
        File(
            "/etc/chrony/conf.d/fleet.conf",
            render("host/chrony.conf.j2", time_servers=TIME_SERVERS),
            notifies=("chrony",),
        ),
        File("/etc/apt/apt.conf.d/52fleet-unattended-upgrades", render("host/unattended-upgrades.j2")),
        File(
            "/etc/systemd/system/apt-daily-upgrade.timer.d/10-fleet.conf",
            render(
                "host/apt-daily-upgrade.timer.j2",
                hour=(FIRST_UPGRADE_HOUR + region.index) % 24,
                minute=ref.host.index * 15 % 60,
            ),
            notifies=("daemon-reload",),
        ),
        File(
            "/etc/systemd/journald.conf.d/10-fleet.conf",
            render("host/journald.conf.j2", system_max_use=JOURNAL_MAX),
            notifies=("journald",),
        ),
        _unit_file("fleet-thp-never.service", "host/fleet-thp-never.service.j2", "huge-pages"),
        File(
            "/etc/systemd/system/docker.service.d/10-fleet.conf",
            render("host/docker.service.j2"),
            notifies=("daemon-reload",),
        ),
        File(
            "/etc/docker/daemon.json",
            render("host/daemon.json.j2", docker_pool=fleet.docker_pool, mtu=fleet.mesh.mtu),
            validator=("dockerd", "--validate", "--config-file", "{}"),
            notifies=("docker",),
        ),
    )


def _egress(host: Host) -> tuple[tuple[File, ...], tuple[Unit, ...], tuple[Handler, ...]]:
    """Where the provider lets a server's traffic leave by another address than its static one (clouds facts)."""
    if not isinstance(host, DigitalOceanHost):
        return (), (), ()
    return (
        (
            File("/usr/local/lib/fleet/egress", render("egress/egress.j2"), mode=0o755, notifies=("egress",)),
            File("/etc/systemd/networkd.conf.d/10-fleet.conf", render("egress/networkd.conf.j2")),
            _unit_file("fleet-egress.service", "egress/fleet-egress.service.j2", "egress"),
        ),
        (Unit("fleet-egress.service"),),
        (Handler("egress", ("systemctl", "restart", "fleet-egress.service"), order=55),),
    )


def _unit_file(name: str, template: str, *notifies: str) -> File:
    return File(f"/etc/systemd/system/{name}", render(template), notifies=("daemon-reload", *notifies))


def _sysctls(guest: bool) -> tuple[Sysctl, ...]:
    text = render("host/sysctl.conf.j2", guest=guest, conntrack_max=CONNTRACK_MAX)
    return tuple(Sysctl(key, value) for key, value in read_settings(text))
