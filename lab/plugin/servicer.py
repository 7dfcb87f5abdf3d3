"""Answers the engine's calls out of the simulated cloud. Raw protocol: the texts of errors reach the user unchanged."""

# ruff: noqa: N802 - the names are the protocol's.
from __future__ import annotations

import json
import os
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import grpc

from lab.cloud.diff import Change, diff_inputs
from lab.cloud.errors import CloudError
from lab.cloud.kind import Cloud, Provider
from lab.cloud.machinery import Machinery
from lab.cloud.operations import Operations
from lab.cloud.schema import UNKNOWN
from lab.cloud.store import CloudStore, Record, Values
from lab.plugin.engine import EngineLog
from lab.plugin.protocol import messages, plugin_messages, services
from lab.plugin.wire import from_wire, secret_names, to_wire

VERSION = "9999.0.0"
"""Never lower than any SDK's: the engine warns about plugins older than their SDK."""

_KINDS = {"add": 0, "delete": 2, "update": 4}
"""PropertyDiff kinds; the next number is the same with a replacement."""


class LabProvider(services.ResourceProviderServicer):  # type: ignore[misc]
    """One provider's plugin process."""

    def __init__(self, provider: Provider, home: Path, machines: Machinery, engine: EngineLog) -> None:
        self._provider = provider
        self._store = CloudStore(home)
        self._machines = machines
        self._engine = engine
        self._settings: Values = {}

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_messages.PluginInfo(version=VERSION)

    def GetSchema(self, request: Any, context: Any) -> Any:
        return messages.GetSchemaResponse(schema=json.dumps({"name": self._provider.name, "version": VERSION}))

    def CheckConfig(self, request: Any, context: Any) -> Any:
        return messages.CheckResponse(inputs=request.news)

    def DiffConfig(self, request: Any, context: Any) -> Any:
        changed = from_wire(request.old_inputs) != from_wire(request.news)
        kind = messages.DiffResponse.DIFF_SOME if changed else messages.DiffResponse.DIFF_NONE
        return messages.DiffResponse(changes=kind)

    def Configure(self, request: Any, context: Any) -> Any:
        self._settings = {name: _number(value) for name, value in from_wire(request.args).items()}
        wrong = self._provider.credentials(self._settings, os.environ)
        if wrong:
            context.abort(
                grpc.StatusCode.UNKNOWN,
                f"could not validate provider configuration: {wrong}",
            )
        return messages.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    def Cancel(self, request: Any, context: Any) -> Any:
        from google.protobuf.empty_pb2 import Empty

        return Empty()

    def Invoke(self, request: Any, context: Any) -> Any:
        arguments = from_wire(request.args)
        try:
            result = self._operations("").look_up(request.tok, arguments)
        except CloudError as error:
            context.abort(
                grpc.StatusCode.UNKNOWN,
                f"invocation of {request.tok} returned an error: {error}",
            )
        return messages.InvokeResponse(**{"return": to_wire(result)})

    def Check(self, request: Any, context: Any) -> Any:
        token, name = _of_urn(request.urn)
        operations = self._operations(request.urn)
        try:
            kind = operations.kind(token)
        except CloudError as error:
            context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))
        given, old = from_wire(request.news), from_wire(request.olds)
        given.pop("__defaults", None)
        inputs = operations.complete(kind, given, old, name)
        failures = [
            messages.CheckFailure(
                property="",
                reason=f"{f.reason} Examine values at '{name}.{f.property}'.",
            )
            for f in operations.check(kind, inputs)
        ]
        return messages.CheckResponse(inputs=to_wire(inputs, secret_names(request.news)), failures=failures)

    def Diff(self, request: Any, context: Any) -> Any:
        kind = self._operations(request.urn).kind(_of_urn(request.urn)[0])
        old = from_wire(request.old_inputs if request.old_inputs.fields else request.olds)
        changes = diff_inputs(kind, old, from_wire(request.news), tuple(request.ignoreChanges))
        response = messages.DiffResponse(
            changes=messages.DiffResponse.DIFF_SOME if changes else messages.DiffResponse.DIFF_NONE,
            diffs=sorted({_head(change.path) for change in changes}),
            replaces=sorted({_head(change.path) for change in changes if change.replaces}),
            hasDetailedDiff=True,
        )
        for change in changes:
            response.detailedDiff[change.path].CopyFrom(_property_diff(change))
        return response

    def Create(self, request: Any, context: Any) -> Any:
        operations = self._operations(request.urn)
        kind = operations.kind(_of_urn(request.urn)[0])
        inputs = from_wire(request.properties)
        secret = secret_names(request.properties) | kind.secret_outputs
        if request.preview:
            unknown = dict.fromkeys(operations.outputs(kind.token), UNKNOWN)
            return messages.CreateResponse(properties=to_wire({**unknown, **inputs}, secret))
        try:
            id, properties = operations.create(kind, inputs)
        except CloudError as error:
            _abort(context, error)
        return messages.CreateResponse(id=id, properties=to_wire(properties, secret))

    def Read(self, request: Any, context: Any) -> Any:
        operations = self._operations(request.urn)
        kind = operations.kind(_of_urn(request.urn)[0])
        # At an import AWS takes the region behind the id (``eipalloc-1@us-east-1``); no id of its own has an @.
        id = request.id.partition("@")[0]
        try:
            found = operations.read(kind, id)
        except CloudError as error:
            _abort(context, error)
        if found is None:
            return messages.ReadResponse()
        old_inputs, old = from_wire(request.inputs), from_wire(request.properties)
        inputs = _seen(found, old_inputs, kind.unstored)
        properties = {
            **{name: old[name] for name in kind.unstored if name in old},
            **found.properties,
        }
        secret = secret_names(request.inputs) | secret_names(request.properties) | kind.secret_outputs
        return messages.ReadResponse(
            id=id,
            inputs=to_wire(inputs, secret),
            properties=to_wire(properties, secret),
        )

    def Update(self, request: Any, context: Any) -> Any:
        operations = self._operations(request.urn)
        kind = operations.kind(_of_urn(request.urn)[0])
        old, inputs = from_wire(request.olds), from_wire(request.news)
        secret = secret_names(request.news) | kind.secret_outputs
        if request.preview:
            kept = {name: value for name, value in old.items() if name in operations.outputs(kind.token)}
            return messages.UpdateResponse(properties=to_wire({**kept, **inputs}, secret))
        try:
            properties = operations.update(kind, request.id, inputs, old)
        except CloudError as error:
            _abort(context, error)
        return messages.UpdateResponse(properties=to_wire(properties, secret))

    def Delete(self, request: Any, context: Any) -> Any:
        from google.protobuf.empty_pb2 import Empty

        operations = self._operations(request.urn)
        try:
            operations.delete(operations.kind(_of_urn(request.urn)[0]), request.id)
        except CloudError as error:
            _abort(context, error)
        return Empty()

    def _operations(self, urn: str) -> Operations:
        log = partial(self._engine.info, urn)
        cloud = Cloud(self._provider.name, self._store, self._machines, self._settings, log)
        return Operations(self._provider, cloud)


def _seen(found: Record, old_inputs: Mapping[str, Any], unstored: frozenset[str]) -> Values:
    """The inputs as the cloud has them now; at an import (no inputs yet) everything that it tells."""
    if not old_inputs:
        return found.inputs
    now = found.properties
    return {name: value if name in unstored else now.get(name) for name, value in old_inputs.items()}


def _of_urn(urn: str) -> tuple[str, str]:
    """Type token and name of ``urn:pulumi:stack::project::parent$type::name``."""
    _, _, rest = urn.partition("::")
    _, types, name = rest.split("::", 2)
    return types.rpartition("$")[2], name


def _head(path: str) -> str:
    return path.split(".")[0].split("[")[0]


def _property_diff(change: Change) -> Any:
    return messages.PropertyDiff(kind=_KINDS[change.action] + int(change.replaces), inputDiff=True)


def _number(value: Any) -> Any:
    """Configuration arrives as JSON in strings."""
    if isinstance(value, str) and value.isdigit():
        return int(value)
    return value


def _abort(context: Any, error: CloudError) -> None:
    context.abort(grpc.StatusCode.UNKNOWN, f"1 error occurred:\n\t* {error}\n\n")
