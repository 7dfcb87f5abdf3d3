"""Entry of every stack: checks the whole configuration, then declares what the selected stack consists of."""

import pulumi

from fleet.configuration import load
from fleet.model.problems import ConfigurationError
from fleet.workspace import find_root


async def declare() -> None:
    """Dispatch on the stack's name: ``addresses``, or a region of fleet.yaml."""
    try:
        configuration = load(find_root())
    except ConfigurationError as problems:
        raise pulumi.RunError(str(problems)) from None
    stack = pulumi.get_stack()
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


pulumi.run(declare)
