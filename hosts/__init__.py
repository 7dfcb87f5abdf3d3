"""What happens on a host over ssh: one pinned connection; observe, plan and apply by one program sent to the host.

with connect(target, login_key, deadline_seconds=240) as connection:
    report = apply(connection, state, confirm=lambda: connect(target, login_key, deadline_seconds=30))
"""

from hosts.connection import Connection, Target, connect, fingerprint
from hosts.errors import (
    AgentFailed,
    ApplyFailed,
    AuthenticationRefused,
    ChangeReverted,
    HostBusy,
    HostError,
    HostKeyMismatch,
    HostUnreachable,
    StageTimeout,
    Unsettled,
    ValidationRefused,
)
from hosts.quoting import Argv
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

__all__ = [
    "Absent",
    "AgentFailed",
    "ApplyFailed",
    "Argv",
    "Armed",
    "AuthenticationRefused",
    "Change",
    "ChangeReverted",
    "Connection",
    "Directory",
    "Failed",
    "File",
    "Handler",
    "HostBusy",
    "HostEnvironment",
    "HostError",
    "HostKeyMismatch",
    "HostState",
    "HostUnreachable",
    "KernelModule",
    "Link",
    "Package",
    "PackageSet",
    "Report",
    "Revert",
    "Reverted",
    "Skipped",
    "StageTimeout",
    "Sysctl",
    "Target",
    "Unit",
    "Unsettled",
    "User",
    "ValidationRefused",
    "WireguardInterface",
    "apply",
    "connect",
    "fingerprint",
    "observe",
    "plan",
]
