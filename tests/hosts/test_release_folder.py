"""What a host keeps of a bundle: whole releases, links that move at once, the last five; and what boot starts of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from hosts import Release, ReleaseFile
from hosts.agent import boot_program
from hosts.agent.bundle_folder import KEPT_RELEASES, BundleFolder, KeptRelease, all_images
from hosts.agent.machine import Machine
from hosts.agent.mounts import Mounts

IMAGE = "registry/web:1@sha256:" + "a" * 64


def release(value: str, image: str = IMAGE, environment: str = "") -> Release:
    files = (
        ReleaseFile("compose.yaml", "services: {}\n", uid=os.getuid()),
        ReleaseFile("conf/web.conf", f"value={value}\n", uid=os.getuid()),
        ReleaseFile("web.env", environment, uid=os.getuid()),
        ReleaseFile("key", "reference\n", mode=0o400, uid=os.getuid()),
    )
    return Release("b", files, (image,))


def place(folder: BundleFolder, wanted: Release, secret: str = "secret") -> KeptRelease:
    files = [
        {"path": file.path, "content": file.content.replace("reference", secret), "mode": file.mode, "uid": file.uid}
        for file in wanted.files
    ]
    return folder.place(wanted.digest, wanted.to_document(), files)


def mounted(wanted: Release) -> Mounts:
    return Mounts({"services": {"web": {}}}, {f"{wanted.digest}/web.conf": "conf/web.conf"}, {})


def promote(folder: BundleFolder, wanted: Release, when: int) -> KeptRelease:
    placed = place(folder, wanted)
    folder.place_mounts(placed, mounted(wanted))
    promoted: dict[str, Any] = {"when": f"2026-11-23T02:00:{when:02}Z", "mounts": mounted(wanted).links}
    folder.promote(placed, promoted)
    return placed


@pytest.fixture
def folder(tmp_path: Path) -> BundleFolder:
    made = BundleFolder(Machine(str(tmp_path), os.defpath), "b")
    made.make()
    return made


def test_a_release_is_placed_as_declared_and_its_secrets_stand_in_its_file_alone(folder: BundleFolder) -> None:
    placed = place(folder, release("1"))
    assert Path(placed.folder, "conf/web.conf").read_text() == "value=1\n"
    assert Path(placed.folder, "key").read_text() == "secret\n"
    assert Path(placed.folder, "key").stat().st_mode & 0o777 == 0o400
    assert Path(folder.path).stat().st_mode & 0o777 == 0o700
    holding = [path for path in Path(folder.path).rglob("*") if path.is_file() and "secret" in path.read_text()]
    assert holding == [Path(placed.folder, "key")]
    assert Release.from_document(placed.document) == release("1")


def test_placing_it_again_writes_nothing_unless_somebody_changed_it(folder: BundleFolder) -> None:
    placed = place(folder, release("1"))
    before = Path(placed.folder).stat()
    assert place(folder, release("1")) == placed
    assert Path(placed.folder).stat() == before
    Path(placed.folder, "conf/web.conf").write_text("mine\n")
    assert folder.differing(placed) == ["conf/web.conf"]
    assert folder.differing(place(folder, release("1"))) == []


def test_a_mount_that_somebody_changed_is_told_and_put_right(folder: BundleFolder) -> None:
    placed = promote(folder, release("1"), 1)
    assert folder.place_mounts(placed, mounted(release("1"))) == {}
    link, path = next(iter(mounted(release("1")).links.items()))
    # As an editor does it: a new file in the old one's place.
    Path(folder.store, link).unlink()
    Path(folder.store, link).write_text("mine\n")
    assert folder.place_mounts(placed, mounted(release("1"))) == {link: path}
    assert Path(folder.store, link).samefile(Path(placed.folder, path))


@pytest.mark.parametrize("cut_off", [".new-{}", ".old-{}"])
def test_what_a_cut_off_run_left_is_cleared_or_put_back(folder: BundleFolder, cut_off: str) -> None:
    placed = promote(folder, release("1"), 1)
    leftover = Path(folder.releases, cut_off.format(placed.digest))
    if "old" in cut_off:
        Path(placed.folder).rename(leftover)
    else:
        leftover.mkdir()
    folder.make()
    assert [path.name for path in Path(folder.releases).iterdir()] == [placed.digest]
    assert folder.kept(placed.digest) is not None


def test_the_one_before_is_of_promotions_and_a_roll_back_goes_further_back_each_time(folder: BundleFolder) -> None:
    first, second, third = (promote(folder, release(str(number)), number) for number in (1, 2, 3))
    place(folder, release("never promoted"))
    assert (folder.linked("current"), folder.linked("last-good")) == (third.digest, third.digest)
    assert folder.previous() == second.digest
    promote(folder, release("2"), 4)
    assert folder.previous() == first.digest
    promote(folder, release("1"), 5)
    assert folder.previous() == ""
    assert [kept.digest for kept in folder.all_kept()][:3] == [first.digest, second.digest, third.digest]


def test_no_release_is_kept_for_a_secret_that_the_current_one_has_not(folder: BundleFolder) -> None:
    broker = "A='secret:named/alpaca/nj/key#0123456789ab'\nB='secret:password/redis/app#0123456789ab'\n"
    for number, environment in enumerate((broker, broker.replace("0123", "aaaa"), "")):
        promote(folder, release(str(number), environment=environment), number)
        assert len(folder.prune()) == (0, 0, 2)[number], "another value of the same secret is the same secret"
    promote(folder, release("3", environment=broker), 3)
    assert folder.prune() == [], "what has no secret may stay beside what has some"


def test_the_last_releases_are_kept_with_what_they_mount_and_the_others_are_gone(folder: BundleFolder) -> None:
    machine = Machine(str(Path(folder.path).parents[2]), os.defpath)
    images = [f"registry/web:{number}@sha256:{number:064}" for number in range(KEPT_RELEASES + 2)]
    for number, image in enumerate(images):
        promote(folder, release(str(number), image), number)
    failed = place(folder, release("failed"))
    removed = {kept.digest for kept in folder.prune()}
    assert removed == {release(str(number), images[number]).digest for number in (0, 1)} | {failed.digest}
    assert {path.name for path in Path(folder.store).iterdir()} == {kept.digest for kept in folder.all_kept()}
    assert all_images(machine) == set(images[2:])
    # After a roll-back to the oldest, it is the current one, and stays.
    promote(folder, release("2", images[2]), 50)
    for number in range(KEPT_RELEASES - 1):
        place(folder, release(f"more {number}"))
    assert release("2", images[2]).digest not in {kept.digest for kept in folder.prune()}


def test_boot_starts_what_was_promoted_without_the_network(folder: BundleFolder) -> None:
    assert boot_program.plan(folder.path) == ([], "no release was promoted")
    placed = promote(folder, release("1"), 1)
    arguments, _ = boot_program.plan(folder.path)
    assert arguments[:4] == ["--file", f"{placed.folder}/compose.yaml", "--file", f"{placed.folder}/mounts.json"]
    assert arguments[4:] == ["up", "--detach", "--no-build", "--pull", "never", "--no-recreate"]


def test_boot_goes_back_to_what_was_promoted_when_a_deploy_was_cut_off(folder: BundleFolder) -> None:
    promote(folder, release("1"), 1)
    folder.save(boot_program.MARKER_FILE, {"digest": "2", "data_changed": False})
    assert "--no-recreate" not in boot_program.plan(folder.path)[0]
    # An older database never opens what a newer one has written.
    folder.save(boot_program.MARKER_FILE, {"digest": "2", "data_changed": True})
    assert boot_program.plan(folder.path)[0] == []
