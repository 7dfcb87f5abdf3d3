"""The one error of this package."""


class SecretError(Exception):
    """A secret could not be read, derived or filled in.

    Its text is written for the user: one line that names the file or the reference, never a value.
    """
