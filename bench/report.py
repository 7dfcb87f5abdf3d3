"""What a run measured, as ``results.json`` and as the table of ``docs/benchmarks.md``."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.comparison import Comparison, Result

CHECKOUT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results.json"
PAGE = CHECKOUT / "docs" / "benchmarks.md"

DEMO_AIM_SECONDS = 180.0
"""What ``make demo`` may take with everything cached and all bundles, on two cores."""

_TABLE = re.compile(r"(?<=<!-- results -->\n).*(?=<!-- end of results -->)", re.DOTALL)


def line(comparison: Comparison) -> str:
    """One comparison in one line."""
    verdict = "reached" if comparison.reached else "NOT reached"
    return (
        f"{comparison.name}: {comparison.ours_seconds:.3f} s, {comparison.peer} {comparison.peer_seconds:.3f} s; "
        f"ratio {comparison.ratio:.3f}, wanted {comparison.wanted:.3f}: {verdict}"
    )


def write_results(
    comparisons: Sequence[Comparison], alone: Sequence[Result], demo: Mapping[str, float], path: Path = RESULTS
) -> None:
    """Write ``results.json``; what is measured alone and the demo's stages have no peer."""
    stages = [
        Result(name=f"demo, {stage}", ours=round(seconds, 2), peer=None, ratio=None, unit="s")
        for stage, seconds in demo.items()
    ]
    rows = [*(comparison.result() for comparison in comparisons), *alone, *stages]
    path.write_text(json.dumps(rows, indent=1) + "\n")


def write_page(
    comparisons: Sequence[Comparison], alone: Sequence[Result], demo: Mapping[str, float], path: Path = PAGE
) -> None:
    """Put the tables between the page's two marks; the text around them stays."""
    rows = [
        f"| {item.name} | {item.peer} | {item.ours_seconds:.3g} | {item.peer_seconds:.3g} | {item.ratio:.3f} | "
        f"{item.wanted:.2f} | {'yes' if item.reached else '**no**'} |"
        for item in comparisons
    ]
    total = sum(demo.values())
    stages = [f"| {stage} | {seconds:.1f} |" for stage, seconds in demo.items()]
    reached = "yes" if total <= DEMO_AIM_SECONDS else "**no**"
    table = [
        "| work | against | ours, s | theirs, s | ratio | wanted | reached |",
        "|---|---|---:|---:|---:|---:|---|",
        *rows,
        "",
        "| measured alone | | |",
        "|---|---:|---|",
        *(f"| {item['name']} | {item['ours']:.3g} | {item['unit']} |" for item in alone),
        "",
        "| stage of the demo | s |",
        "|---|---:|",
        *stages,
        f"| all, wanted {DEMO_AIM_SECONDS:.0f}, reached: {reached} | {total:.1f} |",
        "",
    ]
    path.write_text(_TABLE.sub(lambda _: "\n".join(table), path.read_text()))
