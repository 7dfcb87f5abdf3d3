"""What went wrong with a copy, in words for the person who has to act."""


class CopyProblem(Exception):
    """A copy could not be made, kept or brought back; the text says why and what stands."""
