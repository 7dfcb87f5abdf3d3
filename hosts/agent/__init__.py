"""The program that runs on a host: standard library of Python 3.11 and nothing else.

``hosts.run`` sends these modules as text over the connection; nothing is installed. They import each other relatively,
since on the host the package has another name. Every kind of thing a host consists of is a class with the same three
methods: ``observe(desired) -> current``, ``plan(desired, current) -> changes`` and ``apply(change)``. Dry run, drift
and apply are these three, so they cannot disagree.
"""
