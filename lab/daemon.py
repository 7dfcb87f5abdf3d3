"""The lab's own Docker daemon: in the lab's network namespace, with its own data, beside any other daemon."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from lab import control_groups, namespace
from lab.errors import LabError
from lab.processes import end, has_ended, pid_of, processes_of, spawn
from lab.settings import REGISTER, LabHome

if TYPE_CHECKING:
    from docker import DockerClient

START_SECONDS = 60.0
STOP_SECONDS = 30.0
PROGRAMS = ("dockerd", "containerd", "containerd-shim", "containerd-shim-runc-v2")


class Daemon:
    """The daemon of one lab."""

    def __init__(self, home: LabHome) -> None:
        self.home = home
        # Sockets have short paths (108 bytes), so what runs is not below the lab's folder.
        self.run_folder = REGISTER / home.id
        self.socket = self.run_folder / "docker.sock"
        self.pid_file = self.run_folder / "dockerd.pid"
        self.data = home.path / "docker"
        self.log = home.path / "dockerd.log"

    @property
    def pid(self) -> int | None:
        """The daemon's process, None if it does not run."""
        return pid_of(self.pid_file, str(self.socket))

    def client(self) -> DockerClient:
        """A client of this daemon.

        Raises:
            LabError: it does not run.
        """
        import docker

        if self.pid is None:
            raise LabError(f"the lab's Docker daemon does not run (lab {self.home.path}); `fleet lab up` starts it")
        return docker.DockerClient(base_url=f"unix://{self.socket}", version="auto", timeout=180)

    def start(self) -> bool:
        """Start it unless it runs; False if it ran. What an earlier crash left is taken over.

        Raises:
            LabError: it does not get ready; the message has the end of its log.
        """
        if self.pid is not None and self._answers():
            return False
        self._forget_the_dead()
        self.run_folder.mkdir(parents=True, exist_ok=True)
        self.data.mkdir(parents=True, exist_ok=True)
        argv = [
            *namespace.inside(self.home),
            # Its mounts are its own: they end with it, also when it crashes.
            *("unshare", "--mount", "--propagation", "private", "--"),
            *("dockerd", "--host", f"unix://{self.socket}", "--data-root", str(self.data)),
            *("--exec-root", str(self.run_folder / "exec"), "--pidfile", str(self.pid_file)),
            *("--config-file", str(self._configuration()), "--bridge", "none"),
            # Filtering and translation are the lab's clouds' (lab/network.py); it adds no rules of its own.
            *("--iptables=false", "--ip-masq=false", "--userland-proxy=false"),
            *("--cgroup-parent", control_groups.parent(self.home)),
        ]
        start = self.log.stat().st_size if self.log.exists() else 0
        pid = spawn(argv, self.log)
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if has_ended(pid) or time.monotonic() > deadline:
                lines = self.log.read_bytes()[start:].decode(errors="replace").splitlines()
                raise LabError("the lab's Docker daemon does not start. The end of its log:\n" + "\n".join(lines[-12:]))
            time.sleep(0.05)
        return True

    def _forget_the_dead(self) -> None:
        """End what hangs and remove the pid files of what crashed.

        dockerd refuses to start while there is any process of the number in its pid file, be it another program's or
        the dead one's entry that nobody has collected yet.
        """
        if (pid := self.pid) is not None:
            end(pid, str(self.socket), STOP_SECONDS)
        containerd = self.run_folder / "exec" / "containerd" / "containerd.pid"
        if (pid := pid_of(containerd, str(self.run_folder))) is not None:
            end(pid, str(self.run_folder), 5.0)
        for file in (self.pid_file, containerd):
            file.unlink(missing_ok=True)

    def _configuration(self) -> Path:
        # The machine's own /etc/docker/daemon.json is another daemon's.
        file = self.run_folder / "daemon.json"
        file.write_text("{}\n")
        return file

    def _answers(self) -> bool:
        import docker
        import requests

        if not self.socket.exists() or self.pid is None:
            return False
        try:
            client = docker.DockerClient(base_url=f"unix://{self.socket}", version="1.41", timeout=10)
            try:
                return bool(client.ping())
            finally:
                client.close()
        except (docker.errors.DockerException, requests.RequestException):
            return False

    def stop(self) -> None:
        """End the daemon and whatever it started that still lives; its containers must be gone before."""
        if (pid := self.pid) is not None:
            end(pid, str(self.socket), STOP_SECONDS)
        # containerd and the shims carry the folder in their command lines.
        for pid in processes_of(PROGRAMS, str(self.run_folder)):
            end(pid, str(self.run_folder), 5.0)
        _unmount_below(self.run_folder, self.data)
        shutil.rmtree(self.run_folder, ignore_errors=True)
        control_groups.remove_leftovers(self.home)

    def remove_data(self) -> None:
        """Remove images, containers and volumes from the disk; the daemon must be stopped."""
        shutil.rmtree(self.data, ignore_errors=True)
        self.log.unlink(missing_ok=True)


def _unmount_below(*folders: Path) -> None:
    """Unmount what lies below ``folders``, the innermost first."""
    for line in reversed(Path("/proc/self/mountinfo").read_text().splitlines()):
        mounted = line.split()[4].replace("\\040", " ")
        if any(Path(mounted).is_relative_to(folder) for folder in folders):
            subprocess.run(["umount", "--lazy", mounted], check=False, capture_output=True)
