"""sysctls against a real kernel, in a network namespace of its own: set, persisted, refused with a reason."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts import HostEnvironment, HostState, KernelModule, Sysctl
from tests.hosts.agent_program import run_program

pytestmark = [
    pytest.mark.parts,
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("ip") or not os.access("/proc/sys/net/ipv4/ip_forward", os.W_OK),
        reason="needs root, iproute2 and a writable /proc/sys/net",
    ),
]


@pytest.fixture
def namespace(root: Path) -> Iterator[tuple[str, ...]]:
    """The command that runs something in the namespace."""
    (root / "proc").symlink_to("/proc")
    name = f"fleet-sysctl-{os.getpid()}"
    subprocess.run(["ip", "netns", "add", name], check=True)
    yield ("ip", "netns", "exec", name)
    subprocess.run(["ip", "netns", "del", name], check=True)


STATE = HostState(
    sysctls=(
        Sysctl("net.ipv4.ip_forward", "1"),
        Sysctl("net.ipv4.ip_local_port_range", "20000 60000"),
        Sysctl("net.ipv4.tcp_congestion_control", "no-such-algorithm"),
        Sysctl("net.fleet.no_such_key", "1"),
    ),
)


def test_what_the_kernel_takes_is_set_and_what_it_refuses_is_skipped_with_its_reason(
    namespace: tuple[str, ...], environment: HostEnvironment, root: Path
) -> None:
    subprocess.run([*namespace, "sysctl", "-qw", "net.ipv4.ip_forward=0"], check=True)
    report, outcome = run_program("apply", STATE, environment, *namespace)
    assert outcome == "done"
    assert {change.name: change.diff for change in report.changes if change.kind == "sysctl"} == {
        "net.ipv4.ip_forward": "0 -> 1",
        "net.ipv4.ip_local_port_range": "32768 60999 -> 20000 60000",
    }
    reasons = {skipped.name: skipped.reason for skipped in report.skipped}
    assert reasons["net.fleet.no_such_key"] == "this kernel does not have it"
    assert reasons["net.ipv4.tcp_congestion_control"].startswith("the kernel refuses no-such-algorithm: No such file")
    assert report.unsettled == ()
    for mode in ("apply", "plan", "observe"):
        again, _ = run_program(mode, STATE, environment, *namespace)
        assert again.settled, mode
        assert {skipped.name for skipped in again.skipped} == set(reasons), mode


def test_the_file_for_the_next_boot_tolerates_refusals(
    namespace: tuple[str, ...], environment: HostEnvironment, root: Path
) -> None:
    run_program("apply", STATE, environment, *namespace)
    lines = (root / "etc/sysctl.d/90-fleet-base.conf").read_text().splitlines()
    assert lines == [f"-{sysctl.key} = {sysctl.value}" for sysctl in STATE.sysctls]


def test_a_dry_run_before_the_first_apply_announces_the_change(
    namespace: tuple[str, ...], environment: HostEnvironment
) -> None:
    report, _ = run_program("observe", STATE, environment, *namespace)
    assert "net.ipv4.ip_local_port_range" in {change.name for change in report.changes}


def test_a_module_that_the_kernel_lacks_is_skipped(namespace: tuple[str, ...], environment: HostEnvironment) -> None:
    state = HostState(modules=(KernelModule("fleet_no_such_module"),))
    first, _ = run_program("observe", state, environment, *namespace)
    assert [(change.kind, change.action) for change in first.changes] == [("module", "load")]
    report, outcome = run_program("apply", state, environment, *namespace)
    assert outcome == "done"
    assert report.settled
    assert [skipped.name for skipped in report.skipped] == ["fleet_no_such_module"]
    assert run_program("observe", state, environment, *namespace)[0].settled
