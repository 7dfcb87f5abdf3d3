"""A bare Pulumi program: as many plain resources as the stack that it is compared with has in all."""

import ediri_vultr as vultr
import pulumi
from pulumi.dynamic import CreateResult, Resource, ResourceProvider


class NothingProvider(ResourceProvider):
    """A dynamic provider that has nothing to do."""

    def create(self, props):
        return CreateResult("nothing", {})


class Nothing(Resource, module="bench", name="Nothing"):
    """What it provides."""


config = pulumi.Config()
for number in range(config.require_int("resources")):
    vultr.FirewallGroup(f"group-{number}", description=f"bench {number}")
for number in range(config.require_int("dynamic")):
    Nothing(NothingProvider(), f"nothing-{number}", {})
