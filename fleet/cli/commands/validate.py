"""``fleet validate``: the whole configuration, or every problem in it."""

from __future__ import annotations

import typer

from fleet.cli.context import Context, Json, Root
from fleet.cli.output import print_json


def validate(root: Root = None, json: Json = False) -> None:
    """Check fleet.yaml and every stack file; every problem in one report. Needs no engine and no network."""
    from fleet.configuration.warnings import warnings
    from fleet.model.problems import ConfigurationError

    context = Context(root)
    try:
        configuration = context.configuration
    except ConfigurationError as problems:
        if not json:
            raise
        print_json({"problems": [vars(problem) for problem in problems.problems]})
        raise typer.Exit(2) from None
    placeholders, told = configuration.placeholders(), list(warnings(configuration))
    if json:
        print_json({"problems": [], "warnings": told, "placeholders": [vars(problem) for problem in placeholders]})
        return
    print(f"{len(configuration.stacks)} regions, {len(configuration.hosts())} hosts: no problems")
    for key in configuration.images.following():
        print(f"development: images.yaml: {key} follows its tag: each fleet up asks its registry which digest to run")
    for warning in told:
        print(f"warning: {warning}")
    for problem in placeholders:
        print(f"before real servers: {problem}")
