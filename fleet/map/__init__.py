"""The fleet on a world map."""
