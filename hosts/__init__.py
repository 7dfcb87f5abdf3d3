"""What happens on a host over ssh: one pinned connection; observe, plan and apply by one program sent to the host.

with connect(target, login_key, deadline_seconds=240) as connection:
    report = apply(connection, state, confirm=lambda: connect(target, login_key, deadline_seconds=30))
"""

from typing import TYPE_CHECKING, Any

from hosts.boot import BOOT_PROGRAM_PATH, BOOT_UNIT, boot_program
from hosts.errors import (
    AgentFailed,
    ApplyFailed,
    AuthenticationRefused,
    ChangeReverted,
    ComposeRefused,
    DataChangeUnprepared,
    GateRed,
    HostBusy,
    HostError,
    HostKeyMismatch,
    HostUnreachable,
    NotEnoughSpace,
    PortTaken,
    PullFailed,
    ReleaseFailed,
    ReleaseUnknown,
    RollBackRefused,
    StageTimeout,
    Unsettled,
    ValidationRefused,
)
from hosts.quoting import Argv
from hosts.release import Check, Gate, PublishedPort, Release, ReleaseFile, Trial
from hosts.release_report import KnownRelease, ReleaseReport, ServiceState, Waiting
from hosts.releases import data_restored, deploy, list_releases, observe_release, roll_back, withdraw
from hosts.report import Armed, Change, Failed, Report, Reverted, Skipped
from hosts.run import HostEnvironment, apply, observe, plan
from hosts.state import (
    Absent,
    Directory,
    File,
    Handler,
    HostState,
    KernelModule,
    Link,
    Package,
    PackageSet,
    Revert,
    Sysctl,
    Unit,
    User,
    WireguardInterface,
)
from hosts.target import Target

if TYPE_CHECKING:
    from hosts.connection import Connection, connect, fingerprint

__all__ = [
    "BOOT_PROGRAM_PATH",
    "BOOT_UNIT",
    "Absent",
    "AgentFailed",
    "ApplyFailed",
    "Argv",
    "Armed",
    "AuthenticationRefused",
    "Change",
    "ChangeReverted",
    "Check",
    "ComposeRefused",
    "Connection",
    "DataChangeUnprepared",
    "Directory",
    "Failed",
    "File",
    "Gate",
    "GateRed",
    "Handler",
    "HostBusy",
    "HostEnvironment",
    "HostError",
    "HostKeyMismatch",
    "HostState",
    "HostUnreachable",
    "KernelModule",
    "KnownRelease",
    "Link",
    "NotEnoughSpace",
    "Package",
    "PackageSet",
    "PortTaken",
    "PublishedPort",
    "PullFailed",
    "Release",
    "ReleaseFailed",
    "ReleaseFile",
    "ReleaseReport",
    "ReleaseUnknown",
    "Report",
    "Revert",
    "Reverted",
    "RollBackRefused",
    "ServiceState",
    "Skipped",
    "StageTimeout",
    "Sysctl",
    "Target",
    "Trial",
    "Unit",
    "Unsettled",
    "User",
    "ValidationRefused",
    "Waiting",
    "WireguardInterface",
    "apply",
    "boot_program",
    "connect",
    "data_restored",
    "deploy",
    "fingerprint",
    "list_releases",
    "observe",
    "observe_release",
    "plan",
    "roll_back",
    "withdraw",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        # Whoever only describes a host or compares descriptions, as every preview does, needs no paramiko.
        if name in ("Connection", "connect", "fingerprint"):
            from hosts import connection

            return getattr(connection, name)
        raise AttributeError(f"module 'hosts' has no attribute {name!r}")
