"""An engine that the user installed is used as it is - if it is new enough and complete."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from fleet.engine import Engine, EngineError, Unusable, examine_installed, find_engine, installed_engine

HOST = {
    "pulumi_language_python": "#!/bin/sh\n",
    "pulumi_language_python_exec": "#!/bin/sh\n",
    "pulumi_resource_pulumi_python": "#!/bin/sh\n",
}
"""What stands beside a CLI of the official archive, for Python."""


def cli(version: str) -> str:
    return f"#!/bin/sh\necho {version}\n"


def on_path(*folders: Path) -> dict[str, str]:
    return {"PATH": ":".join([*map(str, folders), "/usr/bin", "/bin"])}


def test_a_complete_one_on_path_is_used(install: Callable[..., Path]) -> None:
    folder = install("opt", pulumi=cli("v3.244.0"), **HOST)

    assert installed_engine(on_path(folder)) == Engine(folder, "3.244.0", built=False)


def test_it_goes_before_our_own_build(
    checkout: Path, environment: Mapping[str, str], install: Callable[..., Path]
) -> None:
    folder = install("opt", pulumi=cli("v3.300.1"), **HOST)

    assert find_engine(checkout, {**environment, **on_path(folder)}).folder == folder


def test_a_link_to_it_is_followed_to_its_language_host(install: Callable[..., Path], tmp_path: Path) -> None:
    folder = install("opt", pulumi=cli("v3.244.0"), **HOST)
    links = tmp_path / "links"
    links.mkdir()
    (links / "pulumi").symlink_to(folder / "pulumi")

    found = installed_engine(on_path(links))

    assert found is not None
    assert found.folder == folder


def test_a_language_host_elsewhere_on_path_is_good_too(install: Callable[..., Path]) -> None:
    folder = install("cli", pulumi=cli("v3.244.0"))

    assert installed_engine(on_path(folder, install("host", **HOST))) is not None


@pytest.mark.parametrize(
    ("programs", "reason"),
    [
        ({"pulumi": cli("v3.243.9"), **HOST}, "it is v3.243.9, and 3.244.0 is the oldest that works"),
        (
            {"pulumi": cli("v3.300.0")},
            "pulumi-language-python, pulumi-language-python-exec, pulumi-resource-pulumi-python "
            "is neither beside it nor on PATH",
        ),
        ({"pulumi": cli("no version today"), **HOST}, "its version is not to be had from 'pulumi version'"),
    ],
    ids=["too old", "without its language host", "broken"],
)
def test_one_that_cannot_be_used_says_why(install: Callable[..., Path], programs: dict[str, str], reason: str) -> None:
    folder = install("opt", **programs)

    assert examine_installed(on_path(folder)) == Unusable(folder, reason)


def test_none_at_all_names_the_command_that_builds_one(checkout: Path, environment: Mapping[str, str]) -> None:
    with pytest.raises(EngineError, match=r"neither an installed one .* nor a built one\. Run: fleet engine build"):
        find_engine(checkout, environment)


def test_one_that_is_too_old_is_named_when_there_is_no_other(
    checkout: Path, environment: Mapping[str, str], install: Callable[..., Path]
) -> None:
    folder = install("opt", pulumi=cli("v3.100.0"), **HOST)

    with pytest.raises(EngineError, match=r"The installed one cannot be used: it is v3\.100\.0"):
        find_engine(checkout, {**environment, **on_path(folder)})
