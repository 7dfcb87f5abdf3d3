"""``tools/setup``: what it says where it cannot work, and that it does nothing where nothing is to be done."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
MISSING = 4


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    place = tmp_path / "checkout"
    (place / "tools").mkdir(parents=True)
    for name in ("tools/setup", "pyproject.toml", "requirements-dev.txt"):
        shutil.copy(CHECKOUT / name, place / name)
    return place


def path_with(folder: Path, **programs: str) -> str:
    """A PATH of the system's basic tools and the given ones; without any Python but those."""
    folder.mkdir()
    for name in ("cat", "cut", "dirname", "flock", "rm", "sha256sum", "sh"):
        (folder / name).symlink_to(shutil.which(name) or f"/usr/bin/{name}")
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    return str(folder)


def setup(checkout: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "tools" / "setup"],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_python_it_names_the_package(checkout: Path, tmp_path: Path) -> None:
    done = setup(checkout, PATH=path_with(tmp_path / "bin"))

    assert done.returncode == MISSING
    assert done.stderr == (
        "setup: needs Python 3.11 or later on PATH, found: none "
        "(Debian 12 and later: apt-get install python3 python3-venv)\n"
    )


def test_an_old_python_is_named(checkout: Path, tmp_path: Path) -> None:
    old = '#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2\nexit 1\n'

    done = setup(checkout, PATH=path_with(tmp_path / "bin", python3=old))

    assert done.returncode == MISSING
    assert "needs Python 3.11 or later on PATH, found: Python 3.9.2" in done.stderr


def test_debians_python_without_its_venv_package_is_told(checkout: Path, tmp_path: Path) -> None:
    without = f'#!/bin/sh\ncase "$*" in *ensurepip*) exit 1 ;; esac\nexec {sys.executable} "$@"\n'

    done = setup(checkout, PATH=path_with(tmp_path / "bin", python3=without))

    assert done.returncode == MISSING
    assert done.stderr == ("setup: python3 cannot make virtual environments (Debian: apt-get install python3-venv)\n")
    assert not (checkout / ".venv").exists()


def test_requirements_that_cannot_be_had_are_told_with_pips_words(checkout: Path) -> None:
    # A virtual environment that is there already, so that only the installation is tried.
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", checkout / ".venv"], check=True)
    (checkout / ".venv" / "place").write_text(f"{checkout}\n")
    site = next((checkout / ".venv").glob("lib/python3*/site-packages"))
    (site / "pip.pth").write_text(f"{Path(sys.prefix) / site.relative_to(checkout / '.venv')}\n")
    (checkout / "requirements-dev.txt").write_text(f"no-such-release==1.0 --hash=sha256:{'0' * 64}\n")

    done = setup(checkout, PIP_INDEX_URL="http://127.0.0.1:9/simple", PIP_FIND_LINKS="", PIP_RETRIES="0")

    assert done.returncode == MISSING
    assert "no-such-release" in done.stderr
    assert "the requirements could not be installed" in done.stderr
    assert not (checkout / ".venv" / "requirements.sha256").exists()


def test_where_everything_stands_nothing_is_done(checkout: Path) -> None:
    venv = checkout / ".venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    site = next(venv.glob("lib/python3*/site-packages"))
    (site / "pip.pth").write_text(f"{Path(sys.prefix) / site.relative_to(venv)}\n")
    (venv / "place").write_text(f"{checkout}\n")
    for stamp, source in (("requirements", "requirements-dev.txt"), ("project", "pyproject.toml")):
        digest = hashlib.sha256((checkout / source).read_bytes()).hexdigest()
        (venv / f"{stamp}.sha256").write_text(f"{digest}\n")

    done = setup(checkout, PIP_INDEX_URL="http://127.0.0.1:9/simple")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_every_requirement_has_its_hashes_and_names_no_place_to_get_it_from() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (CHECKOUT / name).read_text().splitlines()
        logical = "\n".join(line for line in lines if not line.lstrip().startswith("#")).replace("\\\n", " ")
        for requirement in filter(str.strip, logical.splitlines()):
            assert "==" in requirement.split()[0]
            assert "--hash=sha256:" in requirement
            assert "://" not in requirement


def test_both_locks_agree() -> None:
    def pins(name: str) -> dict[str, str]:
        lines = (CHECKOUT / name).read_text().splitlines()
        return dict(line.split(" ")[0].split("==") for line in lines if "==" in line and line[0].isalpha())

    development = pins("requirements-dev.txt")
    runtime = pins("requirements.txt")
    assert runtime.items() <= development.items()
    wanted = {"pulumi": "3.272.0", "ediri-vultr": "2.27.1", "pulumi-digitalocean": "4.84.1", "pulumi-aws": "7.51.1"}
    assert wanted.items() <= runtime.items()
    assert "pip" in runtime  # the language host calls it
