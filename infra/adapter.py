"""The one adapter between Pulumi's dynamic providers and the host library.

A resource's inputs are the rendered files and settings of one part of a host (its base, its mesh node); so a preview
shows every file as a text diff. Its operations are the host library's observe and apply (``infra.visit``). Secrets
never pass through Pulumi: the inputs carry references, resolved in the provider's process right before they go out.

The classes below are found again by module and name in the state of every fleet: **do not rename or move them**, and
give providers no attributes (they would be pickled into the state).
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    Resource,
    ResourceProvider,
    UpdateResult,
)

from hosts import HostState, HostUnreachable, Report, Target
from infra.parts_provider import PartsProvider
from infra.reach import REACH_INPUTS, reach_inputs, reached

if TYPE_CHECKING:
    from infra.servers.server import Server

REVISION = "1"
"""Raised when the meaning of the inputs changes so that every host must be applied again."""

_INPUTS = (
    *REACH_INPUTS,
    "first_contact_key",
    "late_key_seconds",
    "guest",
    "settled_ports",
    "files",
    "settings",
    "revision",
    "server",
)


@dataclass(frozen=True)
class HostPart:
    """One part of a host as it shall be, and how to reach the host."""

    target: Target
    state: HostState
    first_contact_key: str = ""
    """The one-use key of its first boot, accepted beside the permanent one when it is made; empty for none."""
    late_key_seconds: float = 0.0
    """How long the server may show yet another key before its first-boot script has run."""
    guest: bool = False
    """The server is somebody else's: what we put there is taken away again when the part is deleted."""
    settled_ports: tuple[str, ...] = ()
    """On a guest's first visit: the ports in use that the configuration decides about; empty on a rented server."""

    def inputs(self, address: pulumi.Input[str]) -> dict[str, pulumi.Input[Any]]:
        """The resource inputs: file contents by path, everything else as one readable document."""
        files, settings = split_files(self.state)
        return {
            **reach_inputs(self.target, address),
            "first_contact_key": self.first_contact_key,
            "late_key_seconds": f"{self.late_key_seconds:g}",
            "guest": "yes" if self.guest else "",
            "settled_ports": list(self.settled_ports),
            "files": files,
            "settings": settings,
            "revision": REVISION,
        }

    @classmethod
    def from_inputs(cls, props: Mapping[str, Any]) -> HostPart:
        """The part that resource inputs describe.

        Raises:
            ValueError: the inputs are not of this shape.
        """
        return cls(
            target=reached(props),
            state=join_files(props["files"], props["settings"]),
            first_contact_key=props["first_contact_key"],
            # A state that an older version of this package wrote does not have these: a refresh reads it all the same.
            late_key_seconds=float(props.get("late_key_seconds", 0.0)),
            guest=bool(props.get("guest")),
            settled_ports=tuple(props.get("settled_ports", ())),
        )

    @property
    def host(self) -> str:
        """The host's id in the fleet."""
        return self.target.name

    def at_first_contact(self) -> Target:
        """The target with the one-use key of its first boot accepted beside its permanent one."""
        pins = (*self.target.pins, self.first_contact_key) if self.first_contact_key else self.target.pins
        return replace(self.target, pins=pins)


def split_files(state: HostState) -> tuple[dict[str, str], str]:
    """A state as (contents by path, the rest as indented JSON): the two shapes that diff well in a preview."""
    document = state.to_document()
    contents = {file["path"]: file.pop("content") for file in document["files"]}
    return contents, json.dumps(document, indent=1, sort_keys=True)


def join_files(contents: Mapping[str, str], settings: str) -> HostState:
    """The inverse of ``split_files``."""
    document = json.loads(settings)
    for file in document["files"]:
        file["content"] = contents[file["path"]]
    return HostState.from_document(document)


class HostStateProvider(ResourceProvider):
    """Create, update, read and delete one part of a host through ``hosts``."""

    serialize_as_secret_always = False

    def configure(self, req: ConfigureRequest) -> None:
        show_expected_errors_without_traceback()

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        failures = []
        if all(isinstance(news.get(key), (str, dict)) for key in ("files", "settings")):
            try:
                join_files(news["files"], news["settings"])
            except (ValueError, KeyError, TypeError) as problem:
                failures.append(CheckFailure("settings", f"{news.get('host')}: not a host state: {problem}"))
        return CheckResult(news, failures)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        changed = [key for key in _INPUTS if olds.get(key) != news.get(key)]
        return DiffResult(changes=bool(changed or olds.get("drift")), replaces=[], delete_before_replace=True)

    def create(self, props: dict[str, Any]) -> CreateResult:
        from infra.visit import first_visit

        part = HostPart.from_inputs(props)
        return CreateResult(id_=part.host, outs=_outputs(props, first_visit(part)))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        from infra.visit import first_visit, visit

        # The server was lost at its provider and rented again: the state knows of the part, the host has nothing of it.
        another = olds.get("server", news["server"]) != news["server"]
        part = HostPart.from_inputs(news)
        return UpdateResult(outs=_outputs(news, first_visit(part) if another else visit(part)))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Drift: what the host no longer has as declared. An unreachable host is reported, not an error."""
        from infra.visit import observe_part

        part = HostPart.from_inputs(props)
        try:
            report = observe_part(part)
        except HostUnreachable as unreachable:
            print(f"{part.host}: not refreshed: {unreachable}", file=sys.stderr)
            return ReadResult(id_, props)
        drift = [f"{change.kind} {change.name}: {change.action}" for change in report.changes]
        return ReadResult(id_, {**_outputs(props, report), "drift": drift})

    def delete(self, _id: str, props: dict[str, Any]) -> None:
        """A guest takes away what it brought. A rented server goes with its disk: nothing to do there."""
        if not props.get("guest"):
            return
        from infra.visit import leave

        part = HostPart.from_inputs(props)
        try:
            leave(part)
        except HostUnreachable as unreachable:
            print(f"{part.host}: what the fleet put there stays: {unreachable}", file=sys.stderr)


def _outputs(inputs: Mapping[str, Any], report: Report) -> dict[str, Any]:
    kept = {key: inputs.get(key) for key in _INPUTS}
    skipped = [f"{item.kind} {item.name}: {item.reason}" for item in report.skipped]
    return {**kept, "skipped": skipped, "drift": []}


def show_expected_errors_without_traceback() -> None:
    """Make this provider process report an expected error by its text alone.

    The SDK's servicer hands ``traceback.format_exc()`` of whatever a provider raises to the engine and offers no other
    way to fail (pulumi.dynamic.__main__, ``_abort_with_traceback``); this process runs nothing but our providers.
    """
    original = traceback.format_exc
    if getattr(original, "shows_expected_errors", False):
        return

    def format_exc(limit: int | None = None, chain: bool = True) -> str:
        from infra.arrival import EXPECTED_ERRORS

        error = sys.exc_info()[1]
        return str(error) if isinstance(error, EXPECTED_ERRORS) else original(limit, chain)

    format_exc.shows_expected_errors = True  # type: ignore[attr-defined]
    traceback.format_exc = format_exc


class HostPartResource(Resource, module="infra", name="HostPart"):
    """Base of the resources in ``infra.host`` and ``infra.mesh``: a part of a host, applied over ssh."""

    skipped: pulumi.Output[list[str]]
    """What the host's kernel refused, each with its reason."""

    def __init__(self, name: str, part: HostPart, server: Server, opts: pulumi.ResourceOptions) -> None:
        inputs = {**part.inputs(server.address), "server": server.id, "skipped": None, "drift": None}
        super().__init__(HostStateProvider(), name, inputs, opts)


def part_of(
    server: pulumi.Resource | None, provider: PartsProvider, after: pulumi.Resource | None = None
) -> pulumi.ResourceOptions:
    """Options of a host part: it is made anew with its server, and goes with it without a last visit."""
    followed = {"deleted_with": server, "replace_with": [server]} if server is not None else {}
    depends_on = [after] if after is not None else None
    return pulumi.ResourceOptions(provider=provider, depends_on=depends_on, **followed)  # type: ignore[arg-type]
