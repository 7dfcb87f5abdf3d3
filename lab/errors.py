"""The lab's own error: what went wrong and what to do, in words for the person at the terminal."""

from __future__ import annotations


class LabError(Exception):
    """Something the lab cannot do; ``str()`` is the whole message."""
