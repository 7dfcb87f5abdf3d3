"""The one place where an argument list becomes text for a remote shell.

An ssh ``exec`` request carries a single string that the login shell of the remote user splits again. Nothing else in
the project writes such a string: the program on the host runs argument lists without a shell.
"""

from __future__ import annotations

import shlex


class Argv(tuple[str, ...]):
    """A command as its arguments: ``Argv("systemctl", "restart", name)``. ``str()`` quotes every one of them.

    Raises:
        TypeError: an argument is not text.
        ValueError: there is no argument, the command is empty, or an argument holds a NUL, which no argument can.
    """

    __slots__ = ()

    def __new__(cls, *arguments: str) -> Argv:
        if not arguments or not arguments[0]:
            raise ValueError("a command needs a program")
        for argument in arguments:
            if not isinstance(argument, str):
                raise TypeError(f"a command's arguments are text, not {type(argument).__name__}")
            if "\0" in argument:
                raise ValueError("a command's argument cannot hold a NUL character")
        return super().__new__(cls, arguments)

    def __str__(self) -> str:
        return shlex.join(self)
