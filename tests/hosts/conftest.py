"""A real sshd on loopback for these tests, and a folder that stands for a host's root."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hosts import HostEnvironment
from tests.hosts.sshd import SSHD, Server, SshServers

STAND_INS = Path(__file__).parent / "stand_ins"


@pytest.fixture(scope="session")
def ssh_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshServers]:
    if not SSHD:
        pytest.skip("openssh-server is not installed")
    servers = SshServers(tmp_path_factory.mktemp("ssh"))
    yield servers
    servers.stop()


@pytest.fixture(scope="session")
def server(ssh_servers: SshServers) -> Server:
    return ssh_servers.start()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that stands for the host's root."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


@pytest.fixture
def environment(root: Path, tmp_path: Path) -> HostEnvironment:
    """The host program working below ``root``, with stand-ins for systemd's timers."""
    stand_ins = tmp_path / "stand-ins"
    shutil.copytree(STAND_INS, stand_ins)
    python = Path(sys.executable).parent
    return HostEnvironment(root=str(root), path=f"{stand_ins}:{python}:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
