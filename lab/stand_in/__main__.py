"""``python3 -m stand_in``: serve until the container is stopped."""

from __future__ import annotations

import os
import signal
import sys

from .memory import filled
from .serving import serve
from .wiring import MissingSetting, Wiring

try:
    wiring = Wiring.from_environment(os.environ)
except MissingSetting as error:
    sys.exit(f"stand-in: {error}")
signal.signal(signal.SIGTERM, lambda signal_number, frame: sys.exit(0))
with filled(wiring.fill_mb):
    serve(wiring)
