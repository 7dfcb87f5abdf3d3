"""The ``fleet`` package: what a fleet is (model, catalogue, configuration) and the operator's questions about it."""
