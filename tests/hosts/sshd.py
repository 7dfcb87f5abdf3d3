"""A real sshd on loopback, with its own keys and settings."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hosts import Target

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/local/sbin") or ""


@dataclass(frozen=True)
class KeyPair:
    private: str
    public: str


def new_key() -> KeyPair:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return KeyPair(private.decode(), public.decode())


@dataclass(frozen=True)
class Server:
    """A running sshd."""

    target: Target
    login_key: str
    host_key: KeyPair
    folder: Path
    log: Path

    def pinned_to(self, *pins: str) -> Target:
        return replace(self.target, pins=pins)


class SshServers:
    """Starts sshd processes on free loopback ports and ends them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []

    def start(self, *settings: str, port: int = 0) -> Server:
        folder = self._folder / f"sshd{len(self._processes)}"
        folder.mkdir()
        host_key, login = new_key(), new_key()
        (folder / "host_key").write_text(host_key.private)
        (folder / "host_key").chmod(0o600)
        (folder / "authorized_keys").write_text(login.public + "\n")
        port = port or free_port()
        lines = [
            *settings,
            f"Port {port}",
            "ListenAddress 127.0.0.1",
            f"HostKey {folder}/host_key",
            f"AuthorizedKeysFile {folder}/authorized_keys",
            f"PidFile {folder}/pid",
            "StrictModes no",
            "UsePAM no",
            "PasswordAuthentication no",
            "PermitRootLogin prohibit-password",
            "LogLevel VERBOSE",
        ]
        (folder / "sshd_config").write_text("\n".join(lines) + "\n")
        Path("/run/sshd").mkdir(exist_ok=True)
        log = folder / "log"
        process = subprocess.Popen([SSHD, "-D", "-f", str(folder / "sshd_config"), "-E", str(log)])
        self._processes.append(process)
        wait_for_port(port, process)
        target = Target("nj", "127.0.0.1", port, "root", (host_key.public,))
        return Server(target, login.private, host_key, folder, log)

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(f"sshd ended with {process.returncode}")
