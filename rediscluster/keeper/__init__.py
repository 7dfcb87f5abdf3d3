"""The keeper: runs on each member beside its instances and brings them where the plan wants them.

It acts on its own host's instances only and looks at all of them, so no host configures another one, and hosts may be
opened in any order. On a host this package stands alone (``python -m keeper``) with nothing but the standard library.
"""
