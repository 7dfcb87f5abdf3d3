"""The adapter between Pulumi's dynamic providers and releases: rendered files as inputs, deploy as create and update.

The provider below is found again by module and name in the state of every fleet: **do not rename or move it**, and give
it no attributes (they would be pickled into the state).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)

from hosts import HostUnreachable, Release, ReleaseReport, Target
from infra.adapter import show_expected_errors_without_traceback
from infra.reach import REACH_INPUTS, reach_inputs, reached

REVISION = "1"
"""Raised when the meaning of the inputs changes so that every release must be deployed again."""

_INPUTS = (*REACH_INPUTS, "release", "files", "settings", "held", "revision", "server")


@dataclass(frozen=True)
class BundlePart:
    """A bundle as it shall run on a host."""

    target: Target
    release: Release
    held: str = ""
    """Digest of an earlier release that runs instead, by a roll-back; empty: the rendered one runs."""

    def inputs(self, address: pulumi.Input[str]) -> dict[str, pulumi.Input[Any]]:
        """The resource inputs: the digest for people, file contents by path, the rest as one readable document."""
        document = self.release.to_document()
        contents = {file["path"]: file.pop("content") for file in document["files"]}
        return {
            **reach_inputs(self.target, address),
            "release": self.release.digest,
            "files": contents,
            "settings": json.dumps(document, indent=1, sort_keys=True),
            "held": self.held,
            "revision": REVISION,
        }

    @classmethod
    def from_inputs(cls, props: Mapping[str, Any]) -> BundlePart:
        """The part that resource inputs describe.

        Raises:
            ValueError, KeyError: the inputs are not of this shape.
        """
        document = json.loads(props["settings"])
        for file in document["files"]:
            file["content"] = props["files"][file["path"]]
        return cls(target=reached(props), release=Release.from_document(document), held=props["held"])


class BundleReleaseProvider(ResourceProvider):
    """Deploy, observe and withdraw a bundle through ``hosts``."""

    serialize_as_secret_always = False

    def configure(self, req: ConfigureRequest) -> None:
        show_expected_errors_without_traceback()

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        failures = []
        if all(isinstance(news.get(key), (str, dict)) for key in ("files", "settings", "address")):
            try:
                BundlePart.from_inputs(news)
            except (ValueError, KeyError, TypeError) as problem:
                failures.append(CheckFailure("settings", f"{news.get('host')}: not a release: {problem}"))
        return CheckResult(news, failures)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        changed = [key for key in _INPUTS if olds.get(key) != news.get(key)]
        return DiffResult(changes=bool(changed or olds.get("drift")), replaces=[], delete_before_replace=True)

    def create(self, props: dict[str, Any]) -> CreateResult:
        part = BundlePart.from_inputs(props)
        return CreateResult(id_=f"{part.target.name}/{part.release.bundle}", outs=_delivered(props, part))

    def update(self, _id: str, _olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        return UpdateResult(outs=_delivered(news, BundlePart.from_inputs(news)))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Drift: what runs is not what was released. An unreachable host is reported, not an error."""
        from infra.delivery import look

        part = BundlePart.from_inputs(props)
        try:
            report = look(part)
        except HostUnreachable as unreachable:
            print(f"{id_}: not refreshed: {unreachable}", file=sys.stderr)
            return ReadResult(id_, props)
        drift = [f"{change.kind} {change.name}: {change.action}" for change in report.changes]
        return ReadResult(id_, {**_outputs(props, report), "drift": drift})

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Stop what runs; its data stays on the host. A host that does not answer keeps it, and that is said."""
        from infra.delivery import stop

        try:
            stop(BundlePart.from_inputs(props))
        except HostUnreachable as unreachable:
            print(f"{id_}: not stopped: {unreachable}", file=sys.stderr)


def _delivered(props: Mapping[str, Any], part: BundlePart) -> dict[str, Any]:
    from infra.delivery import deliver

    return _outputs(props, deliver(part))


def _outputs(inputs: Mapping[str, Any], report: ReleaseReport) -> dict[str, Any]:
    waiting = [f"{check.service}: {check.name}: {check.said}".rstrip(": ") for check in report.waiting]
    return {**{key: inputs.get(key) for key in _INPUTS}, "running": report.current, "waiting": waiting, "drift": []}
