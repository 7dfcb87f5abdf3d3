"""Entry of every stack."""

import pulumi

from fleet import short_run
from stacks.program import declare

short_run.begin()
pulumi.run(declare)
