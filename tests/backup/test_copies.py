"""A copy on its way to its keeper and back, whatever happens in between."""

from __future__ import annotations

import gzip
import io
import itertools
import os
import tarfile
import time
from pathlib import Path

import pytest

from backup.archive import unpack, verify
from backup.problem import CopyProblem
from backup.store import Store
from tests.backup.standing import COLUMN, EVERY_SECONDS, KEEP, Hub

pytestmark = pytest.mark.unit

FIRST, SECOND = "20261123T120000Z", "20261123T180000Z"


def store(hub: Hub) -> Store:
    return Store(hub.kept, KEEP, EVERY_SECONDS)


def test_a_copy_is_named_for_its_moment_and_checked_where_it_arrives(hub: Hub) -> None:
    sent = hub.send()
    assert (sent["name"], sent["host"]) == (FIRST, "nj")
    assert store(hub).copies() == [{"name": FIRST, "bytes": sent["bytes"]}]
    with (hub.kept / f"{FIRST}.tar.gz").open("rb") as file:
        assert verify(file) == {
            "name": FIRST,
            "made": "2026-11-23T12:00:00Z",
            "tables": {"trades": {"rows": 1, "transaction": 7}},
        }


def test_a_copy_comes_back_as_it_was_and_what_was_there_is_put_aside(hub: Hub) -> None:
    hub.send()
    hub.fill("later", rows=5)
    outcome = hub.restore(FIRST)
    assert hub.content() == "1.5"
    assert outcome["tables"] == {"trades": 1}
    assert (Path(outcome["aside"]) / COLUMN).read_bytes().startswith(b"later")
    assert hub.database.asked == ["stop", "start", "start shippers"]
    # Without its marks a shipper copies every table anew: the replica may be ahead of what was restored.
    assert not (hub.volume / "shipped").exists()
    assert (Path(outcome["aside"]) / "shipped/nj/later").exists()
    assert (hub.volume / COLUMN).stat().st_size == len("1.5") + (2 << 20)


def test_an_empty_volume_gets_the_copy_too(hub: Hub) -> None:
    hub.send()
    for child in ("conf", "db", ".checkpoint", "shipped", "backups"):
        (hub.volume / child).rename(hub.kept.parent / child)
    hub.restore(FIRST)
    assert hub.content() == "1.5"


class Killed(BaseException):
    """As kill -9: nothing is cleared up."""


def test_killed_at_any_step_and_run_again_it_is_restored_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = Path.rename
    for steps in itertools.count():
        hub = Hub(_new(tmp_path / str(steps)))
        hub.send()
        hub.fill("later", rows=5)
        left = steps

        def killed_after_some(path: Path, target: Path) -> Path:
            nonlocal left
            if left == 0:
                raise Killed
            left -= 1
            return rename(path, target)

        monkeypatch.setattr(Path, "rename", killed_after_some)
        try:
            hub.restore(FIRST)
            finished = True
        except Killed:
            finished = False
        monkeypatch.setattr(Path, "rename", rename)
        if finished:
            assert steps > 6, "each of the parts is moved twice"
            return
        hub.restore(FIRST)
        assert hub.content() == "1.5", steps
        assert "later" in hub.everything(), steps


def test_started_by_a_reboot_on_half_a_copy_it_starts_over(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.send()
    hub.fill("later", rows=5)
    rename = Path.rename

    def killed_at_the_database(path: Path, target: Path) -> Path:
        if path.name == ".checkpoint":
            raise Killed
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", killed_at_the_database)
    with pytest.raises(Killed):
        hub.restore(FIRST)
    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(CopyProblem, match=f"half brought back: go on with fleet db restore --copy {FIRST}"):
        hub.send()
    hub.database.runs = True
    (hub.volume / COLUMN).write_text("spoilt")
    hub.restore(FIRST)
    assert hub.content() == "1.5"
    assert hub.everything() == {"1.5", "spoilt", "later"}


def test_fewer_rows_than_the_manifest_says_leave_the_replicas_alone(hub: Hub) -> None:
    hub.fill("1.5", rows=1001)
    (hub.volume / "db/trades~1/rows").write_text("1000")
    hub.send()
    with pytest.raises(CopyProblem, match=r"fewer rows than the copy has: trades\. The shippers stay stopped"):
        hub.restore(FIRST)
    assert "start shippers" not in hub.database.asked


def test_no_copy_takes_the_place_of_another_and_a_damaged_one_does_not_join_them(hub: Hub) -> None:
    hub.send()
    with pytest.raises(CopyProblem, match=f"{FIRST}: is there already, and is not replaced"):
        hub.send()
    whole = (hub.kept / f"{FIRST}.tar.gz").read_bytes()
    for content, reason in (
        (whole[: len(whole) // 2], "the copy is cut off or damaged|is missing in the copy"),
        (gzip.compress(gzip.decompress(whole).replace(b"1.5\0", b"1.6\0")), f"{COLUMN}: is damaged"),
        (whole, f"is the copy {FIRST}"),
    ):
        with pytest.raises(CopyProblem, match=reason):
            store(hub).put(SECOND, io.BytesIO(content))
    assert [copy["name"] for copy in store(hub).copies()] == [FIRST]
    assert sorted(file.name for file in hub.kept.iterdir()) == [f"{FIRST}.tar.gz", "lock"]


def test_old_copies_go_only_when_enough_newer_ones_had_the_time_to_come(hub: Hub) -> None:
    for hour in range(4):
        hub.moment = f"2026-11-23T0{hour}:00:00Z"
        hub.send()
    assert len(store(hub).copies()) == 4, "many at once push nothing out"
    oldest = hub.kept / "20261123T000000Z.tar.gz"
    past = time.time() - KEEP * EVERY_SECONDS - 60
    os.utime(oldest, (past, past))
    hub.moment = "2026-11-23T04:00:00Z"
    hub.send()
    assert [copy["name"][9:11] for copy in store(hub).copies()] == ["04", "03", "02", "01"]


@pytest.mark.parametrize("name", ["../../etc/passwd", "20261123", "20261123T120000Z.part", ""])
def test_a_name_is_a_moment_and_no_path(hub: Hub, name: str) -> None:
    with pytest.raises(CopyProblem, match="is not the name of a copy"):
        store(hub).get(name, io.BytesIO())


@pytest.mark.parametrize("path", ["/etc/cron.d/x", "db/../../x", "etc/x", "db"])
def test_a_copy_from_a_keeper_that_was_taken_over_writes_nowhere_else(tmp_path: Path, path: str) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in (("manifest.json", b"{}"), ("SHA256SUMS", b""), (path, b"x")):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    packed.seek(0)
    with pytest.raises(CopyProblem, match="is not a file of a copy"):
        unpack(packed, _new(tmp_path / "into"), os.getuid())
    assert list((tmp_path / "into").iterdir()) == []


def test_a_link_in_a_copy_is_refused(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name in ("manifest.json", "SHA256SUMS"):
            member = tarfile.TarInfo(name)
            member.size = 2
            archive.addfile(member, io.BytesIO(b"{}"))
        link = tarfile.TarInfo("db/link")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc"
        archive.addfile(link)
    packed.seek(0)
    with pytest.raises(CopyProblem, match="db/link: is not a file of a copy"):
        unpack(packed, _new(tmp_path / "into"), os.getuid())


def _new(folder: Path) -> Path:
    folder.mkdir()
    return folder
