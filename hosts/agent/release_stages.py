"""One stage of a bundle: its lock, its work, its document without secrets."""

from __future__ import annotations

import errno
import os
import re
from typing import Any

from .boot_program import MARKER_FILE
from .bundles import Bundle
from .lock import exclusive
from .machine import Machine
from .report import ReleaseFailed


def execute(payload: dict[str, Any]) -> dict[str, Any]:
    """Do one stage of a bundle and return its document; raises AgentError where nothing could be done at all."""
    machine = Machine(payload["root"], payload["path"])
    os.umask(0o022)
    bundle = Bundle(machine, payload["bundle"], payload.get("who", ""))
    mode = payload["mode"]
    if mode == "list-releases":
        return {"releases": bundle.listing()}
    if mode == "observe-release":
        bundle.work.changes = bundle.differences(payload["digest"])
        bundle.work.interrupted = bundle.folder.load(MARKER_FILE).get("digest", "")
        return _withhold({"report": bundle.document(), "failure": None}, ())
    machine.make_folders()
    failure = None
    part = f"bundle {bundle.name}"
    with exclusive(machine, payload["who"], part, payload["lock_wait_seconds"], f"lock-{bundle.name}") as lock:
        try:
            if mode == "deploy":
                bundle.deploy(payload["release"], payload["digest"], payload["files"], lock)
            elif mode == "roll-back":
                bundle.roll_back(payload["digest"], lock)
            elif mode == "withdraw":
                bundle.withdraw(lock)
            else:
                bundle.data_restored(payload["data_versions"])
        except ReleaseFailed as failed:
            failure = failed.document()
        except OSError as error:
            code = "space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "host"
            place = f" ({error.filename})" if error.filename else ""
            failure = ReleaseFailed(code, f"{error.strerror}{place}").document()
        return _withhold({"report": bundle.document(), "failure": failure}, payload.get("withhold", ()))


def _withhold(document: dict[str, Any], secrets: Any) -> dict[str, Any]:
    """The document without what a command may have quoted of a secret."""
    if not secrets:
        return document
    pattern = re.compile("|".join(re.escape(secret) for secret in sorted(secrets, key=len, reverse=True)))

    def clean(value: Any) -> Any:
        if isinstance(value, str):
            return pattern.sub("[withheld]", value)
        if isinstance(value, list):
            return [clean(item) for item in value]
        if isinstance(value, dict):
            return {key: clean(item) for key, item in value.items()}
        return value

    cleaned: dict[str, Any] = clean(document)
    return cleaned
