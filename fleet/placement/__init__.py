"""Which regions to open for the venues that one trades: exact, under a budget and within what the law allows."""
