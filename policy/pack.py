"""The pack as the engine talks to it: a gRPC service whose port is the one line that it prints.

Pulumi's own package for policies pins another protobuf than its SDK needs, and a pack directory does not start with the
language host for Python; an executable file does (the engine starts it like any plugin). So the protocol is spoken
here, with the messages that the SDK ships.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty
from google.protobuf.json_format import MessageToDict
from pulumi.runtime.proto import analyzer_pb2 as messages
from pulumi.runtime.proto import analyzer_pb2_grpc as services
from pulumi.runtime.proto import plugin_pb2

from fleet.catalogue.overlay import FOLDER
from fleet.catalogue.price_reading import load_prices
from fleet.configuration import load
from fleet.cost.gate import BUDGET, PRICED, Resource, Violation, violations
from fleet.cost.resources import SECRET
from fleet.model.problems import ConfigurationError
from fleet.workspace import WorkspaceError, find_root

NAME, VERSION = "fleet-cost", "0.1.0"
PARENT_CHECK_SECONDS = 2
SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Marks a value of a special kind in the engine's messages (its SDKs' constant)."""

POLICIES = {
    BUDGET: ("The fleet stays within its budgets", messages.MANDATORY),
    PRICED: ("Everything has a known price", messages.ADVISORY),
}


class Pack(services.AnalyzerServicer):
    """Judges whole stacks; single resources have no budget."""

    def __init__(self) -> None:
        self._stack = ""
        self._config: dict[str, str] = {}

    def Handshake(self, request: Any, context: grpc.ServicerContext) -> messages.AnalyzerHandshakeResponse:  # noqa: N802
        return messages.AnalyzerHandshakeResponse()

    def GetPluginInfo(self, request: Any, context: grpc.ServicerContext) -> plugin_pb2.PluginInfo:  # noqa: N802
        return plugin_pb2.PluginInfo(version=VERSION)

    def GetAnalyzerInfo(self, request: Any, context: grpc.ServicerContext) -> messages.AnalyzerInfo:  # noqa: N802
        policies = [
            messages.PolicyInfo(name=name, displayName=name, description=text, enforcementLevel=level)
            for name, (text, level) in POLICIES.items()
        ]
        return messages.AnalyzerInfo(name=NAME, displayName="Cost of the fleet", version=VERSION, policies=policies)

    def ConfigureStack(self, request: Any, context: grpc.ServicerContext) -> messages.AnalyzerStackConfigureResponse:  # noqa: N802
        self._stack, self._config = request.stack, dict(request.config)
        return messages.AnalyzerStackConfigureResponse()

    def Configure(self, request: Any, context: grpc.ServicerContext) -> Empty:  # noqa: N802
        return Empty()

    def Analyze(self, request: Any, context: grpc.ServicerContext) -> messages.AnalyzeResponse:  # noqa: N802
        return messages.AnalyzeResponse()

    def Remediate(self, request: Any, context: grpc.ServicerContext) -> messages.RemediateResponse:  # noqa: N802
        return messages.RemediateResponse()

    def Cancel(self, request: Any, context: grpc.ServicerContext) -> Empty:  # noqa: N802
        return Empty()

    def AnalyzeStack(self, request: Any, context: grpc.ServicerContext) -> messages.AnalyzeResponse:  # noqa: N802
        resources = [
            Resource(row.urn, row.type, row.name, {key: _plain(value) for key, value in _values(row).items()})
            for row in request.resources
            # Components and the stack have no provider, and cost nothing.
            if row.HasField("provider")
        ]
        found = _judged(self._stack, resources, self._config)
        return messages.AnalyzeResponse(diagnostics=[_diagnostic(one) for one in found])


def _judged(stack: str, resources: list[Resource], config: Mapping[str, str]) -> tuple[Violation, ...]:
    try:
        root = find_root()
        configuration = load(root)
        prices = load_prices(configuration.catalogue, root / FOLDER)
    except (ConfigurationError, WorkspaceError) as problem:
        return (Violation(BUDGET, f"the fleet's budgets cannot be read: {problem}"),)
    return violations(stack, resources, config, configuration, prices, date.today())


def _values(row: Any) -> Mapping[str, Any]:
    return MessageToDict(row.properties)


def _plain(value: Any) -> Any:
    """A property's value; a secret as the engine's previews write it."""
    if isinstance(value, dict):
        return SECRET if SIGNATURE in value else {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _diagnostic(found: Violation) -> messages.AnalyzeDiagnostic:
    text, level = POLICIES[found.policy]
    return messages.AnalyzeDiagnostic(
        policyName=found.policy,
        policyPackName=NAME,
        policyPackVersion=VERSION,
        description=text,
        message=found.message,
        enforcementLevel=level,
        urn=found.urn,
    )


def main() -> None:
    """Serve until the engine ends the process."""
    engine_process = os.getppid()
    ended = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: ended.set())
    server = grpc.server(
        ThreadPoolExecutor(1),
        # A stack's resources come in one message; a host's files are inputs.
        options=[("grpc.max_receive_message_length", 400 * 1024 * 1024)],
    )
    services.add_AnalyzerServicer_to_server(Pack(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)
    # An engine that was killed asks nobody to end.
    while not ended.wait(PARENT_CHECK_SECONDS) and os.getppid() == engine_process:
        pass
    server.stop(grace=None).wait()
