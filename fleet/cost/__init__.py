"""What a fleet costs a month, before anything exists: things that cost, their prices, and what came of both."""
