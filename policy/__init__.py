"""The budgets of fleet.yaml as a Pulumi policy pack, for people who run plain ``pulumi preview`` and ``pulumi up``."""
