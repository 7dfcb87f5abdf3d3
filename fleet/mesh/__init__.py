"""Operating the mesh of a running fleet: looking at it, verifying it, rotating its keys."""
