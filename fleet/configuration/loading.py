"""Reading a fleet's folder: every file, every problem, one answer."""

from __future__ import annotations

from pathlib import Path

from fleet import catalogue
from fleet.catalogue.overlay import FOLDER, read_overlay
from fleet.catalogue.own_rows import venues_with_own_rows, with_own_rows
from fleet.configuration.checks import CHECKS
from fleet.configuration.configuration import Configuration
from fleet.configuration.draft import Draft, StackDraft
from fleet.configuration.images import read_images
from fleet.configuration.reading import read_draft
from fleet.model.images import Images
from fleet.model.problems import ConfigurationError
from fleet.model.stack import RegionStack


def load(root: Path) -> Configuration:
    """Read every file in ``root``: ``fleet.yaml``, ``images.yaml``, ``Pulumi.<stack>.yaml``, the fleet's own catalogue.

    Raises:
        ConfigurationError: with every problem of every file.
    """
    shipped = catalogue.load()
    overlay, wrong_rows = read_overlay(root / FOLDER, shipped)
    draft, malformed = read_draft(root, with_own_rows(shipped, overlay), venues_with_own_rows(overlay))
    # What is malformed has no meaning that could be checked: one problem a value, its first.
    known = {(problem.file, problem.key) for problem in malformed}
    checked = (problem for check in CHECKS for problem in check(draft) if (problem.file, problem.key) not in known)
    images, wrong_images = read_images(root)
    problems = (*malformed, *checked, *wrong_images, *wrong_rows)
    if problems:
        raise ConfigurationError(problems)
    return _complete(draft, images)


def _complete(draft: Draft, images: Images) -> Configuration:
    """The configuration of a draft without problems: every part of it is there."""
    assert draft.fleet is not None
    assert draft.fleet.fleet is not None
    assert draft.addresses is not None
    regions = draft.fleet.fleet.regions
    return Configuration(
        fleet=draft.fleet.fleet,
        stacks={
            name: _region_stack(draft.stacks[name]) for name in sorted(regions, key=lambda name: regions[name].index)
        },
        addresses=draft.addresses,
        catalogue=draft.catalogue,
        venues=draft.venues,
        images=images,
    )


def _region_stack(stack: StackDraft) -> RegionStack:
    return RegionStack(
        name=stack.name,
        hosts=stack.hosts,
        held=stack.held,
        bundles=stack.bundles,
        venues=tuple(written.use for written in stack.venues),
    )
