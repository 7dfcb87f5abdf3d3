"""The comparison as markdown."""

from __future__ import annotations

from fleet.latency.comparison import Comparison
from fleet.latency.simulated import SIMULATED
from fleet.latency.text import COMPARED_COLUMNS, compared_rows, comparison_sentences


def markdown(fleet: str, found: Comparison, picture: str) -> str:
    """A page with the picture, the table, and what has to be said to it.

    Args:
        picture: where the picture is, seen from the page.
    """
    lines = [f"# {fleet}: latency before and after", ""]
    if found.simulated:
        lines += [f"**{SIMULATED}.**", ""]
    lines += [f"![p50 and p95 before and after]({picture})", ""]
    lines += [_row(COMPARED_COLUMNS), _row(("---",) * len(COMPARED_COLUMNS))]
    lines += [_row(cells) for cells in compared_rows(found)]
    lines += ["", *(f"- {sentence}" for sentence in comparison_sentences(found) if sentence != SIMULATED)]
    return "\n".join(lines) + "\n"


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
