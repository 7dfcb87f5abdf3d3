"""Lets another key of the fleet in beside the one that stands there, or takes one away. Runs *on the host*.

Arguments: ``add USER KNOWN ADDED`` or ``remove USER GONE KEPT``, the last two being the base64 parts of public keys.
Prints ``{"changed": [paths], "error": text or ""}``. Only lines with a key that was named are touched: the added line
is the known one with the key exchanged, so it keeps its restrictions. Repeating is harmless.
"""

from __future__ import annotations

import json
import os
import pwd
import subprocess
import sys
import tempfile
from pathlib import Path

DEFAULT = ".ssh/authorized_keys .ssh/authorized_keys2"
"""sshd's own default of AuthorizedKeysFile."""


class Refused(Exception):
    """It would lock us out, or it is not known where a key belongs."""


def holds(line: str, key: str) -> bool:
    """Whether a line of authorized_keys lets this key in."""
    return not line.lstrip().startswith("#") and key in line.split()


def with_key(text: str, known: str, added: str) -> str:
    """The text with a copy of each line of the known key for the added one; as it was if that stands there already."""
    lines = text.splitlines()
    if any(holds(line, added) for line in lines):
        return text
    result = []
    for line in lines:
        result += [line, line.replace(known, added)] if holds(line, known) else [line]
    return "".join(f"{line}\n" for line in result)


def without_key(text: str, gone: str) -> str:
    """The text without the lines of a key."""
    lines = text.splitlines()
    if not any(holds(line, gone) for line in lines):
        return text
    return "".join(f"{line}\n" for line in lines if not holds(line, gone))


def add(texts: dict[Path, str], user: str, known: str, added: str) -> dict[Path, str]:
    """New texts of the files in which the known key stands."""
    if not any(holds(line, key) for text in texts.values() for line in text.splitlines() for key in (known, added)):
        places = ", ".join(map(str, texts)) or "no file"
        raise Refused(
            f"the key that lets the fleet in as {user} stands in none of the files that sshd reads ({places}). "
            f"Let 'ssh-ed25519 {added}' in at the place where it stands, then run the same command again"
        )
    return {path: with_key(text, known, added) for path, text in texts.items()}


def remove(texts: dict[Path, str], user: str, gone: str, kept: str) -> dict[Path, str]:
    """New texts of the files without a key, provided that the other one lets us in."""
    left = {path: without_key(text, gone) for path, text in texts.items()}
    if left != texts and not any(holds(line, kept) for text in left.values() for line in text.splitlines()):
        raise Refused(f"'ssh-ed25519 {kept}' does not let the fleet in as {user}, so the other key was left")
    return left


def key_files(user: str) -> list[Path]:
    """The files in which sshd looks for keys of this user, as far as they exist."""
    account = pwd.getpwnam(user)
    environment = {**os.environ, "PATH": f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"}
    ask = ["sshd", "-T", "-C", f"user={user},host=localhost,addr=127.0.0.1"]
    try:
        told = subprocess.run(ask, capture_output=True, text=True, check=False, env=environment).stdout
    except OSError:
        told = ""
    settings = dict(line.partition(" ")[::2] for line in told.splitlines())
    values = {"%h": account.pw_dir, "%u": user, "%U": str(account.pw_uid), "%%": "%"}
    files = []
    for pattern in settings.get("authorizedkeysfile", DEFAULT).split():
        for token, value in values.items():
            pattern = pattern.replace(token, value)
        path = Path(account.pw_dir, pattern).resolve()
        if path.is_file() and path not in files:
            files.append(path)
    return files


def read(path: Path) -> str:
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        return file.read()


def replace_whole(path: Path, text: str) -> None:
    """Put a new text in place of the file, by rename: sshd reads the old one or the new one."""
    status = path.stat()
    descriptor, name = tempfile.mkstemp(prefix=".fleet-", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.write(text)
            os.fchown(file.fileno(), status.st_uid, status.st_gid)
            os.fchmod(file.fileno(), status.st_mode & 0o7777)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink()
        raise


def main(action: str, user: str, first: str, second: str) -> None:
    changed: list[str] = []
    error = ""
    try:
        texts = {path: read(path) for path in key_files(user)}
        for path, text in {"add": add, "remove": remove}[action](texts, user, first, second).items():
            if text != texts[path]:
                replace_whole(path, text)
                changed.append(str(path))
    except (Refused, OSError, KeyError) as problem:
        error = str(problem)
    print(json.dumps({"changed": changed, "error": error}))


if __name__ == "__main__":
    main(*sys.argv[1:])
