"""``fleet images pin``: the digests of tags, from a real registry into images.yaml."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from fleet.cli import main
from fleet.images.errors import NoSuchImage, NotPinned
from fleet.images.follow import follow_tags
from fleet.images.pin import pin, read
from fleet.model.images import IMAGES_FILE, KEYS, ImageNotPinned
from tests.images.conftest import LOGIN, Registry

pytestmark = pytest.mark.parts

Write = Callable[[str], Path]


def test_every_tag_becomes_the_digest_of_its_registry_and_comments_stay(registry: Registry, fleet_with: Write) -> None:
    digests = {key: registry.publish(key, "1", key) for key in KEYS}
    root = fleet_with(registry.host)
    before = (root / IMAGES_FILE).read_text()

    pins = pin(root)

    assert {made.key: made.digest for made in pins} == digests
    after = (root / IMAGES_FILE).read_text()
    added = [line for line in after.splitlines() if line not in before.splitlines()]
    assert added == [line for digest in digests.values() for line in (f"  digest: {digest}", "  size_mb: 1")]
    assert [line for line in after.splitlines() if line not in added] == before.splitlines()


def test_pinning_again_changes_nothing_until_the_tag_moves(registry: Registry, fleet_with: Write) -> None:
    for key in KEYS:
        registry.publish(key, "1", "old")
    root = fleet_with(registry.host)
    pin(root)
    standing = (root / IMAGES_FILE).stat()
    untouched = (standing.st_ino, standing.st_mtime_ns)

    assert not any(made.changed for made in pin(root))
    after = (root / IMAGES_FILE).stat()
    assert (after.st_ino, after.st_mtime_ns) == untouched

    new = registry.publish("redis", "1", "new")
    assert [(made.key, made.digest) for made in pin(root) if made.changed] == [("redis", new)]


def test_what_a_host_downloads_is_written_down_and_asked_of_its_disk_four_times(
    registry: Registry, fleet_with: Write
) -> None:
    """Once as it comes, and for what it unpacks to."""
    registry.publish("redis", "1", layers=(30_000_000, 11_100_000))
    registry.publish("questdb", "1", layers=(200_000_000,), other_platforms=(700_000_000,))
    root = fleet_with(registry.host)
    assert {made.key: made.size_mb for made in pin(root, ["redis", "questdb"])} == {"redis": 42, "questdb": 201}
    images = read(root)
    asked = images.disk_bytes(images.pinned(key) for key in ("redis", "questdb"))
    assert asked == {images.pinned("redis"): 168_000_000, images.pinned("questdb"): 804_000_000}

    text = (root / IMAGES_FILE).read_text()
    (root / IMAGES_FILE).write_text(text.replace("  size_mb: 42\n", ""))
    assert images.pinned("redis") not in read(root).disk_bytes([images.pinned("redis")]), "as an older fleet's file"
    assert pin(root, ["redis"])[0].changed
    assert (root / IMAGES_FILE).read_text() == text


def test_an_image_for_other_machines_only_is_refused(registry: Registry, fleet_with: Write) -> None:
    registry.publish("redis", "1", layers=None, other_platforms=(1_000,))
    root = fleet_with(registry.host)
    with pytest.raises(NotPinned, match=r"has no \S+/redis:1 for linux/amd64"):
        pin(root, ["redis"])


def test_only_the_keys_that_are_named_are_pinned(registry: Registry, fleet_with: Write) -> None:
    digest = registry.publish("redis", "1")
    root = fleet_with(registry.host)

    assert [made.key for made in pin(root, ["redis"])] == ["redis"]
    assert (root / IMAGES_FILE).read_text().count("digest:") == 1
    assert digest in (root / IMAGES_FILE).read_text()


def test_one_missing_image_and_nothing_is_written(registry: Registry, fleet_with: Write) -> None:
    for key in KEYS[1:]:
        registry.publish(key, "1")
    root = fleet_with(registry.host)
    before = (root / IMAGES_FILE).read_bytes()

    with pytest.raises(NotPinned) as failed:
        pin(root)

    assert (root / IMAGES_FILE).read_bytes() == before
    assert set(failed.value.reasons) == {"questdb"}
    assert f"{registry.host} has no questdb with the tag 1" in str(failed.value)
    assert "images.yaml is as it was" in str(failed.value)


def test_a_key_that_is_not_there_is_named_with_the_nearest_one(registry: Registry, fleet_with: Write) -> None:
    with pytest.raises(NoSuchImage, match=r"no image 'reddis'.*redis"):
        pin(fleet_with(registry.host), ["reddis"])


def test_a_registry_with_a_login_is_asked_as_docker_login_left_it(
    start_registry: Callable[..., Registry], fleet_with: Write, tmp_path: Path
) -> None:
    registry = start_registry(login=True)
    digest = registry.publish("redis", "1")
    root = fleet_with(registry.host)

    with pytest.raises(NotPinned, match=f"docker login {registry.host}"):
        pin(root, ["redis"])

    log_in(tmp_path / "docker", registry.host, *LOGIN)
    assert pin(root, ["redis"])[0].digest == digest

    log_in(tmp_path / "docker", registry.host, LOGIN[0], "wrong-horse")
    with pytest.raises(NotPinned, match=f"docker login {registry.host}") as failed:
        pin(root, ["redis"])
    assert "wrong-horse" not in str(failed.value)


def log_in(folder: Path, registry: str, user: str, password: str) -> None:
    folder.mkdir(exist_ok=True)
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    (folder / "config.json").write_text(json.dumps({"auths": {registry: {"auth": auth}}}))


def test_a_registry_that_is_not_there_is_named(fleet_with: Write, start_registry: Callable[..., Registry]) -> None:
    with pytest.raises(NotPinned, match=r"127\.0\.0\.1:9 cannot be reached"):
        pin(fleet_with("127.0.0.1:9"), ["redis"])


def test_the_command_shows_old_and_new_and_json_has_both(
    registry: Registry, fleet_with: Write, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    root = fleet_with(registry.host)

    def fleet(*arguments: str) -> str:
        monkeypatch.setattr("sys.argv", ["fleet", "images", *arguments, "--root", str(root)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 0
        return capsys.readouterr().out

    (root / "fleet.yaml").write_text("name: fleet\n")
    old = registry.publish("redis", "1", "old")
    assert f"redis: {registry.host}/redis:1: not pinned -> {old[:19]}" in fleet("pin", "redis")
    new = registry.publish("redis", "1", "new")
    facts = json.loads(fleet("pin", "redis", "--json"))
    assert facts == [{"key": "redis", "image": f"{registry.host}/redis:1", "old": old, "new": new, "size_mb": 1}]
    assert json.loads(fleet("list", "--json"))["redis"]["digest"] == new
    assert new[:19] in fleet("list")
    assert "0 of 1 changed" in fleet("pin", "redis")


def test_an_image_that_follows_its_tag_is_pinned_before_each_up_and_that_is_said_aloud(
    registry: Registry, fleet_with: Write
) -> None:
    root = fleet_with(registry.host)
    registry.publish("redis", "1", "old")
    said: list[str] = []

    follow_tags(root, lambda subject, line: said.append(line))
    assert said == []

    text = (root / IMAGES_FILE).read_text()
    (root / IMAGES_FILE).write_text(text.replace('/redis\n  tag: "1"', '/redis\n  follow: true\n  tag: "1"'))
    for label, expected in (("old", "now {}"), ("old", "as before"), ("new", "now {}")):
        digest = registry.publish("redis", "1", label)
        follow_tags(root, lambda subject, line: said.append(line))
        outcome = expected.format(digest)
        assert said.pop() == f"DEVELOPMENT: redis follows the tag {registry.host}/redis:1: {outcome}"
        assert read(root).pinned("redis").endswith(digest)
    with pytest.raises(ImageNotPinned):
        read(root).pinned("questdb")
