"""Making the services' images: layers by mmdebstrap, each on the one below, put into the registry's storage."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.errors import LabError
from lab.files import locked, read_json, write_json
from lab.image.build import cache_folder
from lab.image.layers import MADE, LayerFile, write_difference, write_files
from lab.image.recipe import SUITE
from lab.image.service_recipe import SERVICE_IMAGES, Artifact, Packages, ServiceImage, service_digest
from lab.image.sources import apt_options, source_lines
from lab.image.storage import Storage
from lab.requirements import MAVEN, ensure_programs

Progress = Callable[[str], None]

AT_ONCE = 2
"""Layers that are made side by side; unpacking packages keeps a core busy."""

LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIGURATION = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
"""Media types of the OCI image specification."""
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""The names of the OCI image specification (Go's) for the kernel's."""


@dataclass(frozen=True)
class Built:
    """An image in the storage."""

    name: str
    tag: str
    digest: str
    """of its manifest, ``sha256:...``"""
    size: int
    """bytes of all its layers"""


@dataclass(frozen=True)
class _Layer:
    """A blob in the storage. Uncompressed, so that its digest is that of its content as well."""

    digest: str
    size: int


def storage() -> Storage:
    """The storage of every lab of this user."""
    return Storage(cache_folder() / "registry")


def built_images() -> Mapping[str, Built]:
    """The images of the present recipes, by name; empty if they were not made yet."""
    return {name: Built(**entry) for name, entry in read_json(_index()).items()}


def build_service_images(progress: Progress) -> Mapping[str, Built]:
    """The images of every service, from the cache or made now (about a minute and a half on two cores).

    Raises:
        LabError: mmdebstrap or the Maven client failed; the message has the end of its log.
    """
    with locked(_index().with_suffix(".lock")):
        if not (made := built_images()):
            started = time.monotonic()
            progress(
                "making the services' images (Debian 13 packages; about a minute and a half where nothing is cached)"
            )
            made = _build(progress)
            write_json(_index(), {name: asdict(image) for name, image in made.items()})
            progress(f"made the services' images in {time.monotonic() - started:.0f} s")
    return made


def _index() -> Path:
    return cache_folder() / f"services-{service_digest()}.json"


def _build(progress: Progress) -> dict[str, Built]:
    with tempfile.TemporaryDirectory(dir=cache_folder(), prefix=".making-") as folder:
        layers = _package_layers({image.packages for image in SERVICE_IMAGES}, Path(folder), progress)
        return {image.name: _publish(image, layers, Path(folder), progress) for image in SERVICE_IMAGES}


def _package_layers(wanted: Iterable[Packages], folder: Path, progress: Progress) -> dict[Packages, _Layer]:
    chains = {layer for packages in wanted for layer in packages.chain}
    futures: dict[Packages, Future[_Layer]] = {}

    def make(packages: Packages) -> _Layer:
        below = [futures[layer].result() for layer in packages.chain[:-1]]
        return _package_layer(packages, [storage().blob(layer.digest) for layer in below], folder, progress)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        # What a layer stands on was submitted before it, so no thread waits for one that has not begun.
        for packages in sorted(chains, key=lambda layer: (len(layer.chain), layer.name)):
            futures[packages] = pool.submit(make, packages)
    return {packages: future.result() for packages, future in futures.items()}


def _package_layer(packages: Packages, below: list[Path], folder: Path, progress: Progress) -> _Layer:
    known = cache_folder() / f"layer-{packages.digest}.json"
    if entry := read_json(known):
        return _Layer(**entry)
    started = time.monotonic()
    whole = folder / f"{packages.name}.root.tar"
    _install(packages, below, whole)
    if below:
        layer = folder / f"{packages.name}.tar"
        write_difference(whole, below, layer)
        whole.unlink()
    else:
        layer = whole
    size = layer.stat().st_size
    made = _Layer(storage().take(layer), size)
    write_json(known, asdict(made))
    progress(f"made the layer {packages.name} in {time.monotonic() - started:.0f} s ({size / 1e6:.0f} MB)")
    return made


def _install(packages: Packages, below: list[Path], whole: Path) -> None:
    """The root file system with the packages, on top of what lies below."""
    command = ["mmdebstrap", f"--variant={'custom' if below else 'essential'}"]
    command += [f"--setup-hook=tar-in {layer} /" for layer in below]
    command += [f"--setup-hook={packages.before}"] if packages.before else []
    command += [f"--include={','.join(packages.packages)}"] if packages.packages else []
    command += [f"--dpkgopt=path-exclude={pattern}" for pattern in LEFT_OUT]
    command += [f"--aptopt={option}" for option in apt_options()]
    command += [f'--customize-hook=rm -f "$1"/{pattern}' for pattern in packages.without]
    command += [SUITE, str(whole), *source_lines(SUITE)]
    environment = {**os.environ, "SOURCE_DATE_EPOCH": str(MADE)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        log = "\n".join(done.stderr.strip().splitlines()[-15:])
        raise LabError(
            f"the layer {packages.name} cannot be made: mmdebstrap ended with {done.returncode}. It takes Debian 13 "
            f"from the archives in this machine's /etc/apt; are they reachable? The end of its log:\n{log}"
        )


def _publish(image: ServiceImage, layers: Mapping[Packages, _Layer], folder: Path, progress: Progress) -> Built:
    stack = [layers[packages] for packages in image.packages.chain]
    if image.artifact:
        jar = _bring(image.artifact, folder, progress)
        stack.append(_files_layer([LayerFile(image.artifact.path, jar)], folder / f"{image.name}.artifact.tar"))
    if image.files:
        stack.append(_files_layer(image.files, folder / f"{image.name}.files.tar"))
    configuration = {
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
            "Cmd": list(image.command),
            "WorkingDir": image.folder,
        },
        "rootfs": {"type": "layers", "diff_ids": [layer.digest for layer in stack]},
    }
    content = json.dumps(configuration, sort_keys=True).encode()
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": CONFIGURATION, "digest": storage().keep(content), "size": len(content)},
        "layers": [{"mediaType": LAYER, "digest": layer.digest, "size": layer.size} for layer in stack],
    }
    digest = storage().publish(image.name, image.tag, manifest)
    return Built(image.name, image.tag, digest, sum(layer.size for layer in stack))


def _files_layer(files: Iterable[LayerFile], layer: Path) -> _Layer:
    write_files(files, layer)
    size = layer.stat().st_size
    return _Layer(storage().take(layer), size)


def _bring(artifact: Artifact, folder: Path, progress: Progress) -> Path:
    """The artifact from the user's cache, or from Maven Central as this machine's Maven client is set up."""
    kept = cache_folder() / artifact.file_name
    if not kept.exists():
        ensure_programs((MAVEN,), progress)
        command = ["mvn", "--batch-mode", "--quiet", "dependency:copy"]
        command += [f"-Dartifact={artifact.coordinates}", f"-DoutputDirectory={folder}"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            log = "\n".join(done.stdout.strip().splitlines()[-8:])
            raise LabError(f"{artifact.coordinates} cannot be had from Maven Central: mvn said:\n{log}")
        (folder / artifact.file_name).replace(kept)
    with kept.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != artifact.sha256:
        kept.unlink()
        raise LabError(f"{artifact.coordinates} has the SHA-256 {found}, expected is {artifact.sha256}: it is not used")
    return kept
