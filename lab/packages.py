"""The lab's package source: the APT repository for hosts that were made from the bare image.

Run by the lab inside its network namespace: ``python -m lab.packages HOME``.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from lab.image.build import package_folder
from lab.image.recipe import BARE
from lab.services import pid_file
from lab.settings import LabHome

MODULE = "lab.packages"


class Quiet(SimpleHTTPRequestHandler):
    """Files of one folder, without a log line for each."""

    def log_message(self, format: str, *arguments: object) -> None:
        return None


def serve(home: LabHome) -> None:
    """Answer until the process is ended."""
    handler = partial(Quiet, directory=str(package_folder(BARE)))
    server = ThreadingHTTPServer((str(home.ranges.packages_address), 80), handler)
    pid_file(home, MODULE).write_text(str(os.getpid()))
    server.serve_forever()


if __name__ == "__main__":
    serve(LabHome(Path(sys.argv[1])))
