"""What every stack begins with: the whole configuration is checked, then the selected stack is declared."""

import pulumi

from fleet.configuration import load
from fleet.model.problems import ConfigurationError
from fleet.secrets import SecretError
from fleet.workspace import WorkspaceError, find_root
from templates.render import TemplateError
from wireguard.plan import MeshError


async def declare() -> None:
    """Declare the selected stack: ``addresses``, or a region of fleet.yaml.

    Raises:
        pulumi.RunError: with the text of every problem in the configuration, or of a missing secret; nothing was
            declared.
    """
    try:
        await _declare(pulumi.get_stack())
    except (ConfigurationError, SecretError, WorkspaceError, TemplateError, MeshError) as problem:
        raise pulumi.RunError(str(problem)) from None


async def _declare(stack: str) -> None:
    configuration = load(find_root())
    if stack == "addresses":
        from stacks.addresses import addresses

        addresses(configuration)
    elif stack in configuration.stacks:
        from stacks.region import region

        await region(configuration, stack)
    else:
        raise pulumi.RunError(
            f"no region '{stack}' in fleet.yaml. Stacks of this fleet: addresses, {', '.join(configuration.stacks)}"
        )
