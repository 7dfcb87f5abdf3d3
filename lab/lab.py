"""The whole lab: up, down, what stands."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lab import existing, metadata, namespace, network, packages, registry, requirements, services, state, venue
from lab.cloud import listing
from lab.cloud.environment import environment, install_plugins
from lab.containers import IMAGE_REPOSITORY, Containers, image_tag
from lab.daemon import Daemon
from lab.errors import LabError
from lab.execution import Result, execute, wait_until_booted
from lab.files import locked
from lab.image.build import build_image
from lab.image.recipe import RECIPES
from lab.image.service_build import build_service_images
from lab.internet import setup as internet
from lab.internet.table import Internet
from lab.ranges import ranges
from lab.settings import LabHome

if TYPE_CHECKING:
    from docker import DockerClient

Progress = Callable[[str], None]

OWN_FILES = ("machines.json", "machines.lock", "network.lock", "cloud.json", "cloud.lock", "existing.json")


@dataclass(frozen=True)
class HostStatus:
    """One server as the lab sees it. ``state``: running, stopped, failed (should run and does not), or paper."""

    id: str
    name: str
    provider: str
    state: str
    addresses: tuple[str, ...]
    inner_addresses: tuple[str, ...]
    memory_mb: int


@dataclass(frozen=True)
class LabStatus:
    """The lab: ``up`` if its daemon runs; its hosts."""

    home: Path
    id: str
    up: bool
    hosts: tuple[HostStatus, ...]


class Lab:
    """One lab."""

    def __init__(self, home: LabHome | None = None) -> None:
        self.home = home or LabHome()
        self.daemon = Daemon(self.home)

    def up(self, progress: Progress = lambda message: None) -> None:
        """Bring the lab up, or back after a crash or a boot of the machine; does only what is missing.

        Raises:
            LabError: the message says what is missing or failed.
        """
        home = self.home
        home.path.mkdir(parents=True, exist_ok=True)
        if not home.servers_enabled:
            return
        requirements.ensure(progress)
        wanted = {"full", *home.settings.get("images", {}).values()}
        archives = {image: build_image(RECIPES[image], progress) for image in sorted(wanted)}
        build_service_images(progress)
        with locked(home.path / "up.lock"):
            before = home.settings.get("slot")
            if home.claim_slot() != before and before is not None and state.load(home).machines:
                raise LabError(
                    f"another lab took the address range of this one ({ranges(int(before)).base}) while it was not "
                    "running. `fleet lab down` removes its servers, and `fleet lab up` starts it anew in another range"
                )
            namespace.set_up(home)
            # Before anything starts: not one packet passes without the clouds' rules.
            network.apply_rules(home)
            if self.daemon.start():
                progress("the lab's Docker daemon runs")
            client = self.daemon.client()
            try:
                for image, archive in archives.items():
                    _import_image(client, image, archive, progress)
                network.make_networks(home, client)
            finally:
                client.close()
            services.start(home, metadata.MODULE)
            registry.start(home)
            listing.start(home)
            namespace.add_local_address(home, home.ranges.resolver_address)
            internet.start(home)
            if "bare" in archives:
                self._serve_packages()
            self._start_machines(progress)
            venue.create(home)

    def _serve_packages(self) -> None:
        namespace.add_local_address(self.home, self.home.ranges.packages_address)
        services.start(self.home, packages.MODULE)

    def _start_machines(self, progress: Progress) -> None:
        containers = Containers(self.home)
        for machine in state.load(self.home).machines.values():
            if machine.running and not containers.is_running(machine):
                progress(f"starting {machine.name} again")
                containers.start(machine)

    def down(self, progress: Progress = lambda message: None) -> None:
        """End everything and leave nothing: no server, process, network, mount, route, rule, nor what the clouds know.

        What stays is on disk only: images in the lab's own Docker data, so that the next ``up`` is quick (``forget``
        removes them too), and folders in the lab's home that are not the lab's: a rehearsal's project, the engine's
        state. A lab that is not up is no error.
        """
        home = self.home
        if not home.path.exists():
            return
        if home.servers_enabled and ("slot" in home.settings or namespace.exists(home)):
            with locked(home.path / "up.lock"):
                self._end_servers(progress)
                for module in (metadata.MODULE, packages.MODULE):
                    services.stop(home, module)
                registry.stop(home)
                internet.remove(home)
                self.daemon.stop()
                if "slot" in home.settings:
                    namespace.take_down(home)
                    home.give_slot_back()
        listing.stop(home)
        for name in OWN_FILES:
            (home.path / name).unlink(missing_ok=True)
        shutil.rmtree(home.path / "seed", ignore_errors=True)
        (home.path / "up.lock").unlink(missing_ok=True)

    def forget(self, progress: Progress = lambda message: None) -> None:
        """``down``, and remove the lab's images, settings and folder too; images in the user's cache stay."""
        self.down(progress)
        self.daemon.remove_data()
        for name in ("lab.json", "lab.lock"):
            (self.home.path / name).unlink(missing_ok=True)
        if self.home.path.exists() and not any(self.home.path.iterdir()):
            self.home.path.rmdir()

    def _end_servers(self, progress: Progress) -> None:
        if not self.daemon.data.exists():
            return
        if not namespace.exists(self.home):
            # Since the machine's last boot the lab was not up: nothing runs, and its servers are files only.
            self.daemon.remove_data()
            return
        # After a crash the containers still run, and only a daemon can end them in order.
        self.daemon.start()
        import docker

        client = self.daemon.client()
        try:
            found = client.containers.list(all=True)
            if found:
                progress(f"removing {len(found)} servers")
            for container in found:
                container.remove(v=True, force=True)
            client.volumes.prune({"all": True} if float(client.api._version) >= 1.42 else {})
            for docker_network in client.networks.list(filters={"label": f"fleet-lab={self.home.id}"}):
                docker_network.remove()
        except docker.errors.DockerException as error:
            raise LabError(f"the lab's servers cannot be removed: {error}") from None
        finally:
            client.close()

    def status(self) -> LabStatus:
        """What stands, without changing anything."""
        home = self.home
        up = home.servers_enabled and self.daemon.pid is not None
        containers = Containers(home) if up else None
        lab = state.load(home)
        hosts = []
        for machine in lab.machines.values():
            if not home.servers_enabled:
                shown = "paper"
            elif containers is None or not containers.is_running(machine):
                shown = "failed" if machine.running else "stopped"
            else:
                shown = "running"
            hosts.append(
                HostStatus(
                    machine.id,
                    machine.name,
                    machine.provider,
                    shown,
                    lab.public_addresses(machine),
                    lab.inner_addresses(machine),
                    machine.memory_mb,
                )
            )
        return LabStatus(home.path, home.id, up, tuple(hosts))

    def environment(self) -> dict[str, str]:
        """The variables under which the engine meets this lab instead of the clouds; its plugins are put in place."""
        install_plugins(self.home.path)
        return environment(self.home.path)

    def run(self, host: str, argv: Sequence[str]) -> Result:
        """Run a program as root on a server, given by name or id. Raises LabError if it cannot be reached."""
        return execute(self.home, state.load(self.home).named(host), argv)

    def wait_until_booted(self, host: str) -> None:
        """Wait until a server's first boot is done. Raises LabError if it fails."""
        wait_until_booted(self.home, state.load(self.home).named(host))

    def add_existing(self, name: str, authorized_key: str) -> existing.ExistingServer:
        """A server that stood before the fleet, ready; the same one when it is asked for again."""
        server = existing.create(self.home, name, authorized_key)
        if self.home.servers_enabled:
            existing.wait_until_ready(self.home, name)
        return server

    def establish_internet(self, wanted: Internet) -> None:
        """Have this internet, answering and trusted by the servers; the same one when it is asked for again.

        Servers that come later know it too. A lab that is not asked for one has none.

        Raises:
            LabError: the lab is not up, or the internet does not start.
        """
        internet.establish(self.home, wanted)

    def blocked(self) -> dict[str, int]:
        """Packets that each provider's firewall kept from its server so far, by the server's name."""
        counted = network.counters(self.home)
        lab = state.load(self.home)
        return {machine.name: counted.get(f"blocked-{machine.container}", 0) for machine in lab.machines.values()}

    def ssh_argv(self, host: str, user: str = "root", key: Path | None = None) -> list[str]:
        """The ssh command that logs in to a server."""
        lab = state.load(self.home)
        address = lab.public_addresses(lab.named(host))[-1]
        # Lab servers come and go under the same addresses.
        options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"]
        identity = ["-o", "IdentitiesOnly=yes", "-i", str(key)] if key else []
        return ["ssh", *options, *identity, f"{user}@{address}"]


def _import_image(client: DockerClient, image: str, archive: Path, progress: Progress) -> None:
    import docker

    tag = image_tag(image)
    try:
        client.images.get(tag)
        return
    except docker.errors.ImageNotFound:
        pass
    progress(f"loading the {image} image into the lab's daemon (some 15 s, once)")
    for old in client.images.list(name=IMAGE_REPOSITORY):
        if any(known.startswith(f"{IMAGE_REPOSITORY}:{image}-") for known in old.tags):
            client.images.remove(old.id, force=True)
    with archive.open("rb") as source:
        # An iterator, not the file: the SDK declares chunks, and only an iterator is sent in chunks.
        chunks = iter(lambda: source.read(1 << 20), b"")
        client.api.import_image_from_stream(
            chunks, repository=IMAGE_REPOSITORY, tag=tag.partition(":")[2], changes=['CMD ["/sbin/init"]']
        )
