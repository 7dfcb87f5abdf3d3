"""Entry of every stack."""

import gc

import pulumi

from stacks.program import declare

# A run lives for seconds and most of what it makes stays: looking for garbage in it costs a twentieth of its time.
gc.disable()
pulumi.run(declare)
