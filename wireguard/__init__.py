"""The mesh as a pure function: nodes in, plan, keys, configuration texts, rotation steps and verdicts out."""
