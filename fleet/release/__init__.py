"""Releases as an operator sees them: which a host keeps, going back to one, and letting the rendered one in again.

A roll-back is a change of configuration: the stack file says which release is held, and the engine brings it about by
the same deploy. So Pulumi's state and the host agree afterwards, and no ``up`` brings the bad release back unasked.
"""
