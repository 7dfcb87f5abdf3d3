"""Start of a provider plugin: which provider it is follows from the name of its file.

The engine starts it with its own address as argument and reads one line from its output: the port it listens on.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lab.settings import HOME_VARIABLE

PREFIX = "pulumi-resource-"
WORKERS = 16
"""Calls at one time: a stack's servers start side by side."""

GRACE_SECONDS = 60
PARENT_CHECK_SECONDS = 2


def main(arguments: list[str] = sys.argv) -> None:
    """Serve until the engine ends the process.

    Raises:
        SystemExit: not started as a lab's plugin; says why.
    """
    engine_process = os.getppid()
    name = Path(arguments[0]).name.removeprefix(PREFIX)
    home = os.environ.get(HOME_VARIABLE)
    if not home:
        raise SystemExit(f"{PREFIX}{name}: this is the lab's stand-in, and {HOME_VARIABLE} is not set: run it in a lab")
    ended = threading.Event()
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, lambda *_: ended.set())
    import grpc

    from lab.cloud.machinery import machinery
    from lab.cloud.registry import load_provider
    from lab.plugin.engine import EngineLog
    from lab.plugin.protocol import services
    from lab.plugin.servicer import LabProvider

    server = grpc.server(
        ThreadPoolExecutor(WORKERS),
        options=[("grpc.max_receive_message_length", 400 * 1024 * 1024)],
    )
    engine = EngineLog(arguments[1] if len(arguments) > 1 else "")
    servicer = LabProvider(load_provider(name), Path(home), machinery(Path(home)), engine)
    services.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)

    # An engine that was killed asks nobody to end.
    while not ended.wait(PARENT_CHECK_SECONDS) and os.getppid() == engine_process:
        pass
    # A server that is being created is waited for: killed in the middle it would be in no state.
    server.stop(grace=GRACE_SECONDS).wait()
