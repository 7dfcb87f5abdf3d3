"""The cloud in a box: the whole fleet on one machine. Imports nothing of the fleet: it stands where the clouds stand."""
