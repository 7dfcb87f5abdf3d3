"""A resource monitor that records what a stack's program declares: every resource, input and option, without an engine.

``set_mocks`` drops every resource option; this is a real gRPC monitor in the test's own process, so what is asserted
is exactly what the engine would have been sent.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Mapping
from concurrent import futures
from dataclasses import dataclass, field
from typing import Any

import grpc
import pulumi
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime import Settings, configure
from pulumi.runtime.proto import (
    engine_pb2,
    engine_pb2_grpc,
    provider_pb2,
    resource_pb2,
    resource_pb2_grpc,
)

SECRET = "4dabf18193072939515e22adb298388d"
"""The wire format's marker of a secret value."""

Answers = Callable[[str, str, Mapping[str, Any]], Mapping[str, Any]]
"""(type, name, inputs) -> the outputs that a provider would have added."""


@dataclass(frozen=True)
class Declared:
    """One resource as the engine would have been asked to register it."""

    type: str
    name: str
    inputs: Mapping[str, Any]
    request: resource_pb2.RegisterResourceRequest

    @property
    def protect(self) -> bool:
        return self.request.protect

    @property
    def ignored(self) -> set[str]:
        return set(self.request.ignoreChanges)


@dataclass
class Recording:
    """Everything one program run declared."""

    resources: list[Declared] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)
    logs: list[str] = field(default_factory=list)
    error: BaseException | None = None

    def of(self, type_: str) -> list[Declared]:
        return [resource for resource in self.resources if resource.type == type_]

    def by_name(self) -> list[Declared]:
        """Every resource in an order of its own: they are registered at the same time, in no particular one."""
        return sorted(self.resources, key=lambda resource: (resource.type, resource.name))

    def one(self, type_: str) -> Declared:
        found = self.of(type_)
        assert len(found) == 1, f"{type_}: {[r.name for r in found]} of {sorted({r.type for r in self.resources})}"
        return found[0]


def is_secret(value: Any) -> bool:
    """True for a value that crosses the wire as a secret."""
    return isinstance(value, dict) and SECRET in value


def plain(value: Any) -> Any:
    """A wire value without its secret marks."""
    if is_secret(value):
        return plain(value["value"])
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


_LEFT_OUT = (resource_pb2.RESOURCE_MONITOR_FEATURE_OUTPUT_VALUES,)
"""Without output values, inputs arrive as plain JSON (secrets still marked)."""


def _every_feature() -> list[int]:
    prefix = "RESOURCE_MONITOR_FEATURE_"
    return [getattr(resource_pb2, name) for name in dir(resource_pb2) if name.startswith(prefix)]


class _Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    def __init__(self, recording: Recording, answers: Answers, stacks: Mapping[str, Mapping[str, Any]]) -> None:
        self.recording, self.answers, self.stacks = recording, answers, stacks
        self.lock = threading.Lock()

    def SupportsFeature(self, request: Any, _context: Any) -> Any:  # noqa: N802
        return resource_pb2.SupportsFeatureResponse(hasSupport=True)

    def GetDeploymentInfo(self, request: Any, _context: Any) -> Any:  # noqa: N802
        features = [feature for feature in _every_feature() if feature not in _LEFT_OUT]
        return resource_pb2.DeploymentInfo(supportedFeatures=features)

    def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802
        given = json_format.MessageToDict(request.args)
        if request.tok == "pulumi:pulumi:readStackOutputs":
            stack = given["name"].split("/")[-1]
            if stack not in self.stacks:
                context.abort(grpc.StatusCode.UNKNOWN, f'unknown stack "organization/fleet/{stack}"')
            return provider_pb2.InvokeResponse(**{"return": _struct({"outputs": self.stacks[stack]})})
        answer = self.answers(request.tok, "", given)
        return provider_pb2.InvokeResponse(**{"return": _struct(answer)})

    def RegisterResource(self, request: Any, _context: Any) -> Any:  # noqa: N802
        inputs = json_format.MessageToDict(request.object)
        with self.lock:
            self.recording.resources.append(Declared(request.type, request.name, inputs, request))
        added = dict(self.answers(request.type, request.name, inputs)) if request.custom else {}
        id_ = added.pop("id", f"{request.name}-id") if request.custom else ""
        return resource_pb2.RegisterResourceResponse(urn=_urn(request), id=id_, object=_struct({**inputs, **added}))

    def RegisterResourceOutputs(self, request: Any, _context: Any) -> Any:  # noqa: N802
        if request.urn.endswith("::pulumi:pulumi:Stack::stack"):
            self.recording.outputs.update(plain(json_format.MessageToDict(request.outputs)))
        return empty_pb2.Empty()

    def RegisterErrorHook(self, request: Any, _context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()

    def SignalAndWaitForShutdown(self, request: Any, _context: Any) -> Any:  # noqa: N802
        return empty_pb2.Empty()


class _Engine(engine_pb2_grpc.EngineServicer):
    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.root = ""

    def Log(self, request: Any, _context: Any) -> Any:  # noqa: N802
        self.recording.logs.append(request.message)
        return empty_pb2.Empty()

    def GetRootResource(self, request: Any, _context: Any) -> Any:  # noqa: N802
        return engine_pb2.GetRootResourceResponse(urn=self.root)

    def SetRootResource(self, request: Any, _context: Any) -> Any:  # noqa: N802
        self.root = request.urn
        return engine_pb2.SetRootResourceResponse()


def record(
    program: Callable[[], Any], stack: str, answers: Answers, stacks: Mapping[str, Mapping[str, Any]]
) -> Recording:
    """Run a stack's (async) program against a recording monitor.

    Args:
        answers: what providers would answer to resources and invokes.
        stacks: outputs of the stacks that the program may reference, by name.
    """
    recording = Recording()
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(_Monitor(recording, answers, stacks), server)
    engine_pb2_grpc.add_EngineServicer_to_server(_Engine(recording), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()

    async def registered() -> None:
        pulumi.run(program)

    def in_a_context_of_its_own() -> None:
        address = f"127.0.0.1:{port}"
        configure(Settings("fleet", stack, monitor=address, engine=address, organization="organization"))
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(pulumi.runtime.run_in_stack(registered))
        except BaseException as error:
            recording.error = error
        finally:
            loop.close()

    # Pulumi keeps its settings in context variables: a thread starts with none of another test's.
    runner = threading.Thread(target=in_a_context_of_its_own)
    runner.start()
    runner.join(timeout=60)
    server.stop(grace=None)
    assert not runner.is_alive(), "the program did not end"
    return recording


def _struct(value: Mapping[str, Any]) -> struct_pb2.Struct:
    struct = struct_pb2.Struct()
    struct.update(value)
    return struct


def _urn(request: Any) -> str:
    name = "stack" if request.type == "pulumi:pulumi:Stack" else request.name
    return f"urn:pulumi:recorded::fleet::{request.type}::{name}"
