"""Entry of the ``fleet`` command, and the one place where an error becomes text and an exit code.

Exit codes: 0 done (or nothing to do), 1 failed, 2 wrong usage or configuration, 3 refused (a confirmation was not
given, something would be lost, a budget is exceeded), 4 something is missing on this machine, 130 interrupted.
"""

from __future__ import annotations

import signal
import sys
import tempfile
import traceback
from pathlib import Path

import typer

from fleet import short_run
from fleet.cli.commands import register

FAILED, INTERRUPTED = 1, 130
OUR_ROOMS = ("fleet", "hosts", "infra", "lab", "rediscluster", "templates", "wireguard")

app = typer.Typer(
    name="fleet",
    help="A worldwide VPS fleet as code.",
    epilog="Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 refused, 4 something is missing here, "
    "130 interrupted.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
)
register(app)


def main() -> None:
    """Run the command line; never shows a traceback."""
    short_run.begin()
    # A shell's background job ignores SIGINT, and so would the engine's plugins, which it ends by this signal: every
    # run would wait five seconds for them.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        app(prog_name="fleet")
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - the last line of defence: every error becomes text
        sys.exit(_report(error))


def _report(error: Exception) -> int:
    if type(error).__module__.split(".")[0] in OUR_ROOMS:
        print(f"error: {error}", file=sys.stderr)
        return int(getattr(error, "exit_code", FAILED))
    with tempfile.NamedTemporaryFile("w", prefix="fleet-defect-", suffix=".txt", delete=False) as file:
        file.write("".join(traceback.format_exception(error)))
    print(
        f"error: {type(error).__name__}: {error}\nThis is a defect of fleet. What it was doing: {Path(file.name)}",
        file=sys.stderr,
    )
    return FAILED
