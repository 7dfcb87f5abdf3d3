"""Where secrets with names come from: the fleet's encrypted file, the environment, the stacks' configuration, or a
program such as a password manager."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from functools import cache

from fleet.model.fleet import Credentials
from fleet.secrets.errors import SecretError
from fleet.secrets.reference import NamedSecrets
from fleet.secrets.store import SecretStore

COMMAND_SECONDS = 60
"""For one secret: a person may have to unlock a password manager."""

VARIABLE_PREFIX = "FLEET_SECRET_"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


def named_secrets(
    chosen: Credentials, store: SecretStore, environment: Mapping[str, str], stacks: NamedSecrets
) -> NamedSecrets:
    """The source that ``fleet.yaml`` chose. Each secret is asked for once.

    Args:
        stacks: a secret out of the stacks' configuration.
    """

    @cache
    def value(name: str) -> str:
        match chosen.source:
            case "file":
                found = _from_file(store, name)
            case "environment":
                found = _from_environment(environment, name)
            case "pulumi":
                found = stacks(name)
            case "command":
                found = _from_command(chosen.command, name)
        check_value(name, found)
        return found

    return value


def variable_of(name: str) -> str:
    """The environment variable of a secret: ``FLEET_SECRET_ALPACA_NJ_API_KEY`` of ``alpaca/nj/api-key``."""
    return VARIABLE_PREFIX + re.sub(r"[^A-Z0-9]", "_", name.upper())


def check_name(name: str) -> None:
    """A name that a reference can carry.

    Raises:
        SecretError: it is not one.
    """
    if not _NAME.fullmatch(name):
        raise SecretError(
            f"{name!r} is not a secret's name: parts of letters, digits, '.', '_', '-' with '/' between them, such as "
            "alpaca/nj/api-key"
        )


def check_value(name: str, value: str) -> None:
    """A value that can stand in single quotes on one line of an env file, where nothing can be escaped.

    Raises:
        SecretError: it cannot; does not repeat it.
    """
    if not value:
        raise SecretError(f"{name}: the value is empty")
    if not value.isprintable():
        raise SecretError(f"{name}: the value has a line break or another control character")
    if "'" in value or value.endswith("\\"):
        raise SecretError(f"{name}: the value has a single quote, or ends with a backslash: env files cannot hold that")


def _from_file(store: SecretStore, name: str) -> str:
    if name not in store.names():
        raise SecretError(f"no secret {name}: run: fleet secrets set {name}")
    return store.get(name)


def _from_environment(environment: Mapping[str, str], name: str) -> str:
    variable = variable_of(name)
    if variable not in environment:
        raise SecretError(f"no secret {name}: set {variable} in the environment (fleet.yaml: credentials.source)")
    return environment[variable]


def _from_command(command: tuple[str, ...], name: str) -> str:
    argv = [word.replace("{name}", name) for word in command]
    said = " ".join(argv)
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise SecretError(f"no secret {name}: {said}: did not answer within {COMMAND_SECONDS} s") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(f"no secret {name}: {said}: {error}") from None
    if done.returncode != 0:
        # What it wrote may hold anything; only its status is repeated.
        raise SecretError(f"no secret {name}: {said}: ended with status {done.returncode}")
    return done.stdout.removesuffix("\n").removesuffix("\r")
