"""The cluster of Redis across the regions, for whoever operates it: how it is, and changing its members."""
