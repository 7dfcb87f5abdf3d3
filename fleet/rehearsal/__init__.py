"""Rehearsing the whole fleet on one machine: the same programs and engine, the lab in place of the clouds."""
