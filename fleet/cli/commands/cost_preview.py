"""``fleet cost --preview``: what a change costs, by the engine's own preview."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.cli.commands.cost import end
from fleet.cli.context import Context
from fleet.cli.output import print_json, print_table, progress

if TYPE_CHECKING:
    from fleet.configuration import Configuration
    from fleet.cost.changes import Changes
    from fleet.cost.plan import Plan


def cost_of_changes(
    context: Context,
    asked: Sequence[str],
    usage_file: Path | None,
    *,
    as_json: bool,
    as_markdown: bool,
    strict: bool,
) -> None:
    """Print what the previews of stacks, or of files, change."""
    from fleet.cost.change_texts import COLUMNS, change_facts, change_markdown, change_rows, change_summary

    found = _changes(context, asked, usage_file)
    if as_json:
        print_json(change_facts(found))
    elif as_markdown:
        print(change_markdown(found))
    else:
        print_table("What up would change, USD a month", COLUMNS, change_rows(found))
        for line in change_summary(found):
            print(line)
    end(found.unpriced, over_budget=found.over_budget, strict=strict)


def _changes(context: Context, asked: Sequence[str], usage_file: Path | None) -> Changes:
    from fleet.catalogue import load
    from fleet.catalogue.overlay import FOLDER
    from fleet.catalogue.price_reading import load_prices
    from fleet.cost.changes import changes
    from fleet.cost.usage import Usage, read_usage

    configuration = _configuration(context, asked)
    if configuration is None:
        prices = load_prices(load())
        regions: tuple[str, ...] = ()
    else:
        prices = load_prices(configuration.catalogue, context.root / FOLDER)
        regions = tuple(configuration.stacks)
    usage = read_usage(usage_file, regions) if usage_file else Usage()
    return changes(tuple(_plans(context, configuration, asked)), configuration, prices, usage, date.today())


def _configuration(context: Context, asked: Sequence[str]) -> Configuration | None:
    """The fleet's; none where files are read outside a fleet's folder."""
    from fleet.workspace import WorkspaceError

    try:
        return context.configuration
    except WorkspaceError:
        if asked and all(_is_file(name) for name in asked) and context.given is None:
            return None
        raise


def _plans(context: Context, configuration: Configuration | None, asked: Sequence[str]) -> Iterator[Plan]:
    from fleet.cost.answer import refuse_unknown
    from fleet.cost.engine_preview import preview_plan
    from fleet.cost.plan import PreviewUnreadable, read_plan

    stacks = [name for name in asked if not _is_file(name)]
    if configuration is not None:
        refuse_unknown(configuration, stacks)
        from fleet.model.stack import ADDRESSES

        asked = asked or (ADDRESSES, *configuration.stacks)
    for name in asked:
        if _is_file(name):
            try:
                yield read_plan(Path(name).read_text(encoding="utf-8"), name)
            except (OSError, UnicodeDecodeError) as problem:
                raise PreviewUnreadable(f"{name}: cannot be read: {problem}") from None
        else:
            progress(name, "preview")
            yield preview_plan(context.workspace, name)


def _is_file(name: str) -> bool:
    return name.endswith(".json")
