"""The one exception that users are meant to read."""

from __future__ import annotations

LONGEST = 1000  # characters of a message


class InputError(ValueError):
    """Something the user gave cannot be used; the message says what, and what to do about it.

    The command line prints it as one line and exits with status 2; the dashboard shows it beside the control. Names of
    strangers are in many messages: whatever they hold, the message is one line of characters that can be seen.
    """

    def __init__(self, message: object) -> None:
        super().__init__(one_line(message))


class Cancelled(Exception):
    """The user asked a running job to stop. Not an error: what is finished stays on disk."""


def one_line(text: object, longest: int = LONGEST) -> str:
    """The text in one line, its middle left out where it is long; what is no visible character becomes a box."""
    line = " ".join(str(text).replace("\t", " ").splitlines())
    if len(line) > longest:
        line = f"{line[: longest // 2]} … {line[-(longest // 2 - 3) :]}"
    return shown(line)


def shown(text: str) -> str:
    """The text with a box for what is no visible character, obeyed by a terminal, or turns the direction of reading."""
    return text if text.isprintable() else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
