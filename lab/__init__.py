"""The cloud in a box: the whole fleet on one machine. It stands where the clouds stand and imports nothing of ours."""
