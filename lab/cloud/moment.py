"""Times as the providers write them."""

from datetime import UTC, datetime


def now() -> str:
    """The present moment, RFC 3339."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S+00:00")
