"""The one exception that users are meant to read."""


class InputError(ValueError):
    """Something the user gave cannot be used; the message says what, and what to do about it.

    The command line prints it as one line and exits with status 2; the dashboard shows it beside the control.
    """


class Cancelled(Exception):
    """The user asked a running job to stop. Not an error: what is finished stays on disk."""
