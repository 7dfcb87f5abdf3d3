"""Where this machine gets its Debian packages from: an image is made from the same place."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

SOURCES = Path("/etc/apt")
_PASSED_ON = re.compile(r'Acquire::(?:https?::.*|Check-Valid-Until|Check-Date|Retries) ".+";')


def source_lines(suite: str, sources: Path = SOURCES) -> list[str]:
    """One ``deb`` line for each Debian archive of the machine, for ``suite``; empty if the machine is no Debian.

    Only the main archive and the security one: their other suites (updates, backports) are optional.
    """
    lines = []
    for address, suites in _archives(sources):
        for given in suites:
            name, _, pocket = given.partition("-")
            if name not in ("bookworm", "trixie", "forky", "stable", "testing", "sid", "unstable"):
                continue
            if pocket in ("", "security"):
                lines.append(f"deb {address} {suite}{'-' if pocket else ''}{pocket} main")
    return list(dict.fromkeys(lines))


def _archives(sources: Path) -> Iterator[tuple[str, list[str]]]:
    files = [sources / "sources.list", *sorted((sources / "sources.list.d").glob("*.list"))]
    for file in files:
        for line in file.read_text().splitlines() if file.exists() else ():
            if match := re.match(r"deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s+(?:\S+\s+)*?main\b", line.strip()):
                yield match[1], [match[2]]
    for file in sorted((sources / "sources.list.d").glob("*.sources")):
        for stanza in re.split(r"\n\s*\n", file.read_text()):
            fields = dict(re.findall(r"^([A-Za-z-]+):[ \t]*(.*)$", stanza, re.MULTILINE))
            usable = "main" in fields.get("Components", "").split() and fields.get("Enabled", "yes") != "no"
            if usable and "deb" in fields.get("Types", "").split():
                for address in fields.get("URIs", "").split():
                    yield address, fields.get("Suites", "").split()


def apt_options() -> list[str]:
    """The machine's own settings for reaching its archives (a proxy, a frozen archive's dates)."""
    shown = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False).stdout
    return [line.rstrip(";") for line in shown.splitlines() if _PASSED_ON.fullmatch(line)]
