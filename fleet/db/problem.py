"""What goes wrong with the database, in words for the person who has to act."""


class DatabaseProblem(Exception):
    """Something about the database could not be asked or done; the text says what and what to do."""

    exit_code = 1
