"""Releases on a host: deploy, observe, list, roll back. Each is one exec of the host program.

with connect(target, login_key, deadline_seconds=240) as connection:
    report = deploy(connection, release, vault.fill)

A release replaces the one before it in place: the same project, the same ports and volumes. There is no time at which
two of a bundle run, since two traders of one account or two databases on one folder are worse than a short stop. So all
that can be judged before is: space, images, the Compose file, ports. What shows only when it runs, the gate judges, and
goes back.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from hosts.document import from_document
from hosts.errors import (
    ComposeRefused,
    DataChangeUnprepared,
    GateRed,
    NotEnoughSpace,
    PortTaken,
    PullFailed,
    ReleaseFailed,
    ReleaseUnknown,
    RollBackRefused,
)
from hosts.release import Release
from hosts.release_report import KnownRelease, ReleaseReport
from hosts.run import HOST, HostEnvironment, base_payload, run_program, who

if TYPE_CHECKING:
    from hosts.connection import Connection

OBSERVE_SECONDS = 120.0
DEPLOY_SECONDS = 3600.0
"""Above what pulling all images over a slow line and two gates (the new release's and the old one's) may take."""
LOCK_SECONDS = 30.0

_WITHHELD_FROM = 6
"""Characters: shorter words of a secret would take half of a log with them."""
_BETWEEN_WORDS = re.compile(r"[\s\"'=:@/,;&?]+")

_ERRORS: Mapping[str, type[ReleaseFailed]] = {
    "space": NotEnoughSpace,
    "pull": PullFailed,
    "compose": ComposeRefused,
    "port": PortTaken,
    "data": DataChangeUnprepared,
    "roll-back": RollBackRefused,
    "unknown": ReleaseUnknown,
    "host": ReleaseFailed,
}


def deploy(
    connection: Connection,
    release: Release,
    fill: Callable[[str], str],
    environment: HostEnvironment = HOST,
    lock_wait_seconds: float = LOCK_SECONDS,
) -> ReleaseReport:
    """Bring a release to a host, judge it, and keep it or go back. Deploying what runs already changes nothing.

    The host finishes by itself if the connection breaks. If the host itself breaks off, its next boot brings back the
    last good release, and the next deploy starts from whatever is there.

    Args:
        fill: puts the secrets into a file's content; the release's digest stays that of the unfilled one.

    Raises:
        NotEnoughSpace, PullFailed, ComposeRefused, PortTaken, DataChangeUnprepared: found before anything was touched.
        RollBackRefused: it has an older version of something whose data a newer one may have written.
        GateRed: it did not run as it must; the message says why, what was kept and what runs now.
        HostBusy: another deploy of this bundle is at work there.
        AgentFailed: Docker does not answer there, or the program could not run.
        HostUnreachable, StageTimeout: as ``Connection.run``.
    """
    filled = [fill(file.content) for file in release.files]
    files = [
        {"path": file.path, "content": content, "mode": file.mode, "uid": file.uid}
        for file, content in zip(release.files, filled, strict=True)
    ]
    document = release.to_document()
    payload = {
        **_changing("deploy", release.bundle, environment, lock_wait_seconds),
        "release": document,
        "digest": release.digest,
        "files": files,
        "withhold": sorted(_secret_words([file.content for file in release.files], filled)),
    }
    return _outcome(connection, payload, f"release {release.digest} of {release.bundle}")


def roll_back(
    connection: Connection,
    bundle: str,
    digest: str | None = None,
    environment: HostEnvironment = HOST,
    lock_wait_seconds: float = LOCK_SECONDS,
) -> ReleaseReport:
    """Deploy a release that the host still has, by the same code: ``digest``, or the one promoted before the current.

    Raises:
        ReleaseUnknown: the host has no such release.
        RollBackRefused: another version of something may have written its data; a restore is the way back.
        GateRed and others: as ``deploy``.
    """
    payload = {**_changing("roll-back", bundle, environment, lock_wait_seconds), "digest": digest or ""}
    return _outcome(connection, payload, f"the roll-back of {bundle}{f' to {digest}' if digest else ''}")


def withdraw(
    connection: Connection,
    bundle: str,
    environment: HostEnvironment = HOST,
    lock_wait_seconds: float = LOCK_SECONDS,
) -> ReleaseReport:
    """Stop and remove a bundle's containers and forget its releases. Its volumes stay. Repeating it is harmless.

    Raises:
        ReleaseFailed: a container is not to be removed.
        HostBusy, AgentFailed, HostUnreachable, StageTimeout: as ``deploy``.
    """
    payload = _changing("withdraw", bundle, environment, lock_wait_seconds)
    return _outcome(connection, payload, f"the removal of {bundle}")


def observe_release(connection: Connection, release: Release, environment: HostEnvironment = HOST) -> ReleaseReport:
    """What differs between the host and ``release``: which is current, its files, its containers. Writes nothing.

    Raises:
        AgentFailed, HostUnreachable, StageTimeout: as ``deploy``.
    """
    payload = {**base_payload("observe-release", environment), "bundle": release.bundle, "digest": release.digest}
    document = run_program(connection, payload, OBSERVE_SECONDS)
    return ReleaseReport.from_document(document["report"])


def list_releases(connection: Connection, bundle: str, environment: HostEnvironment = HOST) -> tuple[KnownRelease, ...]:
    """The releases of a bundle that the host has, the newest promotion first; none for a bundle that is not there.

    Raises:
        AgentFailed, HostUnreachable, StageTimeout: as ``deploy``.
    """
    payload = {**base_payload("list-releases", environment), "bundle": bundle}
    document = run_program(connection, payload, OBSERVE_SECONDS)
    return tuple(from_document(KnownRelease, known) for known in document["releases"])


def data_restored(
    connection: Connection,
    bundle: str,
    data_versions: Mapping[str, str],
    environment: HostEnvironment = HOST,
    lock_wait_seconds: float = LOCK_SECONDS,
) -> None:
    """Tell the host that a bundle's data is now a backup's, written by ``data_versions``: what a restore does last.

    From then on a release with these versions may be deployed or rolled back to, older as they may be.

    Raises:
        HostBusy, AgentFailed, HostUnreachable, StageTimeout: as ``deploy``.
    """
    payload = {**_changing("data-restored", bundle, environment, lock_wait_seconds), "data_versions": {**data_versions}}
    _outcome(connection, payload, f"the restore of {bundle}")


def _changing(mode: str, bundle: str, environment: HostEnvironment, lock_wait_seconds: float) -> dict[str, Any]:
    return {
        **base_payload(mode, environment),
        "bundle": bundle,
        "who": who(),
        "lock_wait_seconds": lock_wait_seconds,
    }


def _outcome(connection: Connection, payload: dict[str, Any], what: str) -> ReleaseReport:
    document = run_program(connection, payload, DEPLOY_SECONDS)
    report = ReleaseReport.from_document(document["report"])
    failure = document["failure"]
    if failure is None:
        return report
    runs = f"Release {report.current} stays the current one." if report.current else "No release was there before."
    after = failure["consequence"] or f"Nothing was touched. {runs}"
    subject = f"{connection.target}: {what} was not promoted: "
    if failure["code"] != "gate":
        raise _ERRORS[failure["code"]](f"{subject}{failure['message']}.\n{after}", report)
    service, cause, log = failure["service"], failure["message"], failure["log"]
    shown = "".join(f"\n    {line}" for line in log.splitlines())
    last = f"\n  the last lines of {service}:{shown}" if log else ""
    named = f"{service} " if service else ""
    raise GateRed(f"{subject}{named}{cause}.{last}\n{after}", report, service, cause, log)


def _secret_words(unfilled: list[str], filled: list[str]) -> set[str]:
    """What came with the secrets, whole and in words: nothing that comes back from the host may quote it."""
    known = {word for text in unfilled for word in _BETWEEN_WORDS.split(text)}
    secret: set[str] = set()
    for before, after in zip(unfilled, filled, strict=True):
        for piece in _inserted(before.splitlines(), after.splitlines()):
            secret |= {piece, *_BETWEEN_WORDS.split(piece)} - known
    return {word for word in secret if len(word) >= _WITHHELD_FROM}


def _inserted(before: list[str], after: list[str]) -> Iterator[str]:
    """What stands in these lines and not in those before: of a line that differs, the part that does."""
    for _, start, end, new_start, new_end in difflib.SequenceMatcher(None, before, after, False).get_opcodes():
        new_lines = after[new_start:new_end]
        # Otherwise a secret of several lines has taken the place of one.
        old_lines = before[start:end] if end - start == len(new_lines) else [""] * len(new_lines)
        for old, new in zip(old_lines, new_lines, strict=True):
            head = _common(old, new)
            tail = _common(old[head:][::-1], new[head:][::-1])
            yield new[head : len(new) - tail]


def _common(first: str, second: str) -> int:
    """How many characters both begin with."""
    pairs = zip(first, second, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), min(len(first), len(second)))
