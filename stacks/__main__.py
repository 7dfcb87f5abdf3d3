"""Entry of every stack."""

import pulumi

from stacks.program import declare

pulumi.run(declare)
