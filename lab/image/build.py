"""Making an image, once for each recipe and machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from lab.errors import LabError
from lab.files import locked
from lab.image.recipe import SETUP, SUITE, Recipe, overlay_archive
from lab.image.repository import index_repository
from lab.image.sources import apt_options, source_lines

Progress = Callable[[str], None]

KEPT_RELEASES = "images"


def cache_folder() -> Path:
    """Where images are kept: ``images`` below ``FLEET_CACHE``, else below ``fleet`` in the user's cache."""
    given = os.environ.get("FLEET_CACHE")
    cache = Path(given) if given else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "fleet"
    return cache / KEPT_RELEASES


def build_image(recipe: Recipe, progress: Progress) -> Path:
    """The image's root file system as a tar file, from the cache or made now (about a minute).

    Raises:
        LabError: mmdebstrap failed; the message has the end of its log.
    """
    cache = cache_folder()
    archive = cache / f"{recipe.digest}.tar"
    with locked(cache / f"{recipe.digest}.lock"):
        if not archive.exists():
            started = time.monotonic()
            progress(f"making the {recipe.name} image (Debian 13, {len(recipe.packages)} packages, about a minute)")
            _make(recipe, archive)
            progress(f"made the {recipe.name} image in {time.monotonic() - started:.0f} s")
    return archive


def package_folder(recipe: Recipe) -> Path:
    """The APT repository that belongs to a built image whose recipe offers packages."""
    return cache_folder() / f"{recipe.digest}.packages"


def _make(recipe: Recipe, archive: Path) -> None:
    with tempfile.TemporaryDirectory(dir=archive.parent, prefix=".making-") as folder:
        made = Path(folder)
        (made / "overlay.tar").write_bytes(overlay_archive())
        target = made / "root.tar"
        hooks = [f"tar-in {made}/overlay.tar /"]
        if recipe.offered:
            (made / "packages").mkdir()
            hooks += [
                f'chroot "$1" apt-get install -y --no-install-recommends --download-only {" ".join(recipe.offered)}',
                f'cp "$1"/var/cache/apt/archives/*.deb {made}/packages/',
            ]
        # The setup step comes last: it takes the package sources away.
        hooks += [f"upload {SETUP} /lab-setup.sh", 'chroot "$1" sh /lab-setup.sh', 'rm "$1"/lab-setup.sh']
        command = ["mmdebstrap", "--variant=minbase", f"--include={','.join(recipe.packages)}"]
        command += [f"--aptopt={option}" for option in apt_options()]
        command += [f"--customize-hook={hook}" for hook in hooks]
        command += [SUITE, str(target), *source_lines(SUITE)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            log = "\n".join(done.stderr.strip().splitlines()[-15:])
            raise LabError(
                f"the {recipe.name} image cannot be made: mmdebstrap ended with {done.returncode}. It takes Debian 13 "
                f"from the archives in this machine's /etc/apt; are they reachable? The end of its log:\n{log}"
            )
        if recipe.offered:
            index_repository(made / "packages")
            (made / "packages").chmod(0o755)
            shutil.rmtree(package_folder(recipe), ignore_errors=True)
            (made / "packages").rename(package_folder(recipe))
        target.rename(archive)
