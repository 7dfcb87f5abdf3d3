"""A server as a container that boots systemd, cloud-init, sshd and a Docker of its own."""

from __future__ import annotations

import json
import resource
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab import control_groups, registry, registry_trust
from lab.daemon import Daemon
from lab.errors import LabError
from lab.files import write_private
from lab.image.recipe import RECIPES
from lab.network import network_name
from lab.server import ServerSpec
from lab.settings import LabHome
from lab.state import Machine

if TYPE_CHECKING:
    from docker import DockerClient
    from docker.models.containers import Container

SHUTDOWN_SECONDS = 20
POWEROFF_SIGNAL = "SIGRTMIN+3"
"""systemd's signal for a clean power-off (systemd(1))."""
OPEN_FILES = 1_048_576
CAP_SYS_RESOURCE = 24
"""Number of the capability to raise limits (capabilities(7))."""
IMAGE_REPOSITORY = "fleet-lab"


def image_tag(image: str) -> str:
    """The image ``full`` or ``bare`` as the lab's daemon names it."""
    return f"{IMAGE_REPOSITORY}:{image}-{RECIPES[image].digest}"


class Containers:
    """The containers behind the servers of a lab."""

    def __init__(self, home: LabHome) -> None:
        self.home = home
        self._daemon = Daemon(home)

    def require_daemon(self) -> None:
        """Raises LabError if no server can start here."""
        self._client().close()

    def _client(self) -> DockerClient:
        return self._daemon.client()

    def seed_folder(self, machine: Machine) -> Path:
        """The server's first-boot data."""
        return self.home.path / "seed" / machine.container / "nocloud"

    def provider_folder(self, machine: Machine) -> Path:
        """What its provider configures on it at each boot."""
        return self.home.path / "seed" / machine.container / "provider"

    def create(self, machine: Machine, spec: ServerSpec) -> None:
        """Make and start the container."""
        self._write_seed(machine, spec)
        options = control_groups.host_options(control_groups.version())
        volumes: dict[str, Any] = {
            **options["volumes"],
            self._volume(machine): {"bind": "/var/lib/docker", "mode": "rw"},
            str(self.seed_folder(machine)): {"bind": "/var/lib/cloud/seed/nocloud", "mode": "ro"},
            str(self.provider_folder(machine)): {"bind": "/var/lib/lab", "mode": "ro"},
        }
        import docker

        client = self._client()
        try:
            api = client.api
            host = api.create_host_config(
                binds=volumes,
                # Without SYS_PTRACE a server's Docker cannot exec (health checks too) in a container of another user.
                cap_add=["NET_ADMIN", "SYS_ADMIN", "NET_RAW", "SYS_PTRACE"],
                security_opt=["seccomp=unconfined", "apparmor=unconfined"],
                devices=["/dev/net/tun"] if Path("/dev/net/tun").exists() else [],
                tmpfs={"/run": "", "/run/lock": "", "/tmp": ""},  # noqa: S108 - inside the server
                mem_limit=f"{machine.memory_mb}m",
                # As Debian's systemd gives services on a real server; a container's own limit cannot be above it.
                ulimits=[docker.types.Ulimit(name="nofile", soft=_open_files(), hard=_open_files())],
                # A reboot inside ends the container: it starts again. Powered off by its cloud it stays off.
                restart_policy={"Name": "unless-stopped"},
                # Names are asked for in the lab, never on this machine.
                dns=[str(self.home.ranges.resolver_address)],
                # In place of DNS and of the public authorities.
                extra_hosts={registry_trust.NAME: str(self.home.ranges.registry_address)},
                mounts=[
                    docker.types.Mount(
                        registry_trust.DOCKERS_FOLDER,
                        str(registry_trust.trusted_folder(registry.folder(self.home))),
                        type="bind",
                        read_only=True,
                    )
                ],
            )
            host["CgroupnsMode"] = options["cgroupns"]
            name = network_name(self.home, machine.provider)
            endpoint = api.create_endpoint_config(ipv4_address=machine.interface_address)
            made = api.create_container(
                _loaded_image(client, self.home.image_of(machine.name)),
                command=options["command"],
                name=machine.container,
                hostname=_hostname(machine.name),
                tty=True,
                environment={"container": "docker"},
                stop_signal=POWEROFF_SIGNAL,
                labels={"fleet-lab": self.home.id, "fleet-lab.server": machine.id},
                host_config=host,
                networking_config=api.create_networking_config({name: endpoint}),
            )
            api.start(made["Id"])
        except docker.errors.DockerException as error:
            raise LabError(f"the lab cannot start the server {machine.name}: {error}") from None
        finally:
            client.close()

    def _volume(self, machine: Machine) -> str:
        return f"fl{self.home.id}-{machine.container}"

    def _write_seed(self, machine: Machine, spec: ServerSpec) -> None:
        folder = self.seed_folder(machine)
        folder.mkdir(parents=True, exist_ok=True)
        # The first-boot data may hold a key.
        folder.chmod(0o700)
        meta = {
            "instance-id": f"lab-{machine.container}",
            "local-hostname": _hostname(machine.name),
            "public-keys": list(spec.authorized_keys),
        }
        write_private(folder / "meta-data", json.dumps(meta) + "\n")
        write_private(folder / "user-data", spec.user_data or "#cloud-config\n{}\n")

    def destroy(self, machine: Machine) -> None:
        """Remove the container, its disk and its first-boot data, whatever of them there is."""
        import docker

        client = self._client()
        try:
            with suppress(docker.errors.NotFound):
                client.api.remove_container(machine.container, v=True, force=True)
            with suppress(docker.errors.NotFound):
                client.api.remove_volume(self._volume(machine), force=True)
        except docker.errors.DockerException as error:
            raise LabError(f"the lab cannot remove the server {machine.name}: {error}") from None
        finally:
            client.close()
        shutil.rmtree(self.seed_folder(machine).parent, ignore_errors=True)

    def stop(self, machine: Machine) -> None:
        self._with_container(machine, lambda container: container.stop(timeout=SHUTDOWN_SECONDS))

    def start(self, machine: Machine) -> None:
        self._with_container(machine, lambda container: container.start())

    def restart(self, machine: Machine) -> None:
        self._with_container(machine, lambda container: container.restart(timeout=SHUTDOWN_SECONDS))

    def is_running(self, machine: Machine) -> bool:
        return bool(self._with_container(machine, lambda container: container.status == "running"))

    def _with_container(self, machine: Machine, action: Any) -> Any:
        import docker

        client = self._client()
        try:
            container: Container = client.containers.get(machine.container)
            return action(container)
        except docker.errors.DockerException as error:
            raise LabError(f"the server {machine.name}: {error}") from None
        finally:
            client.close()


def _loaded_image(client: DockerClient, image: str) -> str:
    """The image that the lab's last ``up`` loaded, also when the recipe changed since."""
    for known in client.images.list(name=IMAGE_REPOSITORY):
        for tag in known.tags:
            if tag.startswith(f"{IMAGE_REPOSITORY}:{image}-"):
                return str(tag)
    raise LabError(f"the lab's daemon does not have the {image} image; `fleet lab up` loads it")


def _open_files() -> int:
    """Open files of a server's processes: less than on a real one where this machine's root may not raise its limit."""
    status = Path("/proc/self/status").read_text()
    effective = int(next(line for line in status.splitlines() if line.startswith("CapEff:")).split()[1], 16)
    if effective >> CAP_SYS_RESOURCE & 1:
        return OPEN_FILES
    return min(OPEN_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def _hostname(name: str) -> str:
    return "".join(c if c.isalnum() or c == "-" else "-" for c in name).strip("-")[:63] or "server"
