"""What stands beside the engine's diff in ``fleet preview``: money before and after, and the milliseconds it buys."""
