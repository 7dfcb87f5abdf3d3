"""Messages to the engine, shown to the user beside the resource they concern."""

from __future__ import annotations

import grpc

from lab.plugin.protocol import engine_messages, engine_services


class EngineLog:
    """The engine's log, reached at the address that the plugin was started with."""

    def __init__(self, address: str) -> None:
        self._stub = engine_services.EngineStub(grpc.insecure_channel(address)) if address else None

    def info(self, urn: str, message: str) -> None:
        """Say something about a resource."""
        if self._stub:
            self._stub.Log(engine_messages.LogRequest(severity=engine_messages.INFO, urn=urn, message=message))
