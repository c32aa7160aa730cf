"""The command line: `python -m core ...`, or `spectre-lens ...` where the package is installed.

Bad input gets one line that says what is wrong and what to do, exit status 2, and nothing is written. The commands import
what they need themselves, so that --help answers at once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import typer

from core.cli import (
    audit,
    challenge,
    data,
    experiments,
    look,
    models,
    reports,
    series,
    shelf,
    studies,
    takeaway,
    verdicts,
)
from core.cli.terminal import err
from core.foundation.errors import Cancelled, InputError
from core.foundation.shortage import shortage

__all__ = ["app", "main"]

# What Typer raises for a wrong option; its own copy of Click in new versions, Click itself in older ones.
USAGE_ERROR: type[Exception] = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help="Poison an image classifier, look inside it, and watch robust statistics find and remove the poison.",
)
SHOWN: tuple[Callable[..., None], ...] = (
    experiments.run, series.sweep, studies.study, verdicts.filter_features, verdicts.scan, audit.audit, takeaway.clean, takeaway.agree, reports.report, models.features, models.layers, shelf.runs, experiments.resume,
    shelf.cancel, shelf.delete, shelf.export, shelf.options, data.data, look.preview, look.demo,
)  # fmt: skip
HIDDEN: tuple[Callable[..., None], ...] = (
    experiments.work,
    studies.study_work,
    audit.audit_work,
)  # what the dashboard starts
for command in (*SHOWN, *HIDDEN):
    name = "filter" if command is verdicts.filter_features else None  # a function of that name would hide Python's own
    app.command(name, hidden=command in HIDDEN)(command)
app.add_typer(challenge.app, name="challenge")


def main() -> None:
    """Entry point: run a command, and turn everything a user can mend into one line and exit status 2."""
    try:
        status = app(standalone_mode=False)
    except InputError as problem:
        status = _complain(str(problem))
    except USAGE_ERROR as problem:
        message = problem.format_message()  # type: ignore[attr-defined]
        status = _complain(f"{message} (--help lists the options)") if message else 2  # none: help was shown
    except (Cancelled, typer.Abort, KeyboardInterrupt):
        err.print("cancelled")
        status = 130
    except Exception as problem:
        if (told := shortage(problem)) is None:
            raise
        _complain(told)
        status = 1
    sys.exit(status if isinstance(status, int) else 0)


def _complain(message: str) -> int:
    err.print(f"error: {' '.join(message.split())}", style="bold red", highlight=False, soft_wrap=True)
    return 2
