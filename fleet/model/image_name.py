"""The image of a server whose stack file names none."""

DEFAULT_IMAGE = "debian-13"
