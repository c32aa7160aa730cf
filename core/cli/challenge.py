"""`python -m core challenge ...`: challenges for a class, made, listed, judged and served."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from core.cli.fitting import Column, FittingTable
from core.cli.options import Device, RunsDir, Threads
from core.cli.terminal import out
from core.foundation.errors import InputError

if TYPE_CHECKING:
    from core.challenges import Challenge, Store

app = typer.Typer(
    no_args_is_help=True, help="A class at work: suspicious sets with the truth sealed, answers, a board."
)

Home = Annotated[
    Path, typer.Option("--challenges", help="Folder of challenges and answers.", envvar="SPECTRE_LENS_CHALLENGES")
]
ROOT = Path(__file__).resolve().parents[2]


@app.command()
def make(
    run_id: str,
    out_dir: Annotated[Path, typer.Option("--out", help="The challenge's new folder, for instance challenges/first.")],
    title: Annotated[
        str, typer.Option(help="As players see it; must not tell the answer. Default: the data set.")
    ] = "",
    assumed: Annotated[
        int | None, typer.Option(min=1, help="Poisons the scores reckon with in each label. Default: a tenth.")
    ] = None,
    device: Device = "auto",
    threads: Threads = None,
    runs_dir: RunsDir = Path("runs"),
) -> None:
    """Make a challenge of a finished run, poisoned or clean (--poisons 0)."""
    from core.challenges.make import make_challenge
    from core.foundation import devices
    from core.runs import Runs

    devices.use_threads(threads)
    folder = Runs(runs_dir).open(run_id)
    with out.status("reading the run") as status:
        made = make_challenge(
            folder, out_dir, title=title, assumed=assumed, device=device,
            on_step=lambda words, share: status.update(f"{words}: {share:.0%}"),
        )  # fmt: skip
    out.print(
        Text.assemble(
            "challenge ", (out_dir.name, "bold"), f": {made['rows']:,} images, {made['poisons']} of them poisoned"
        ),
        soft_wrap=True,
    )
    out.print(
        f"scores reckon with {made['assumed']} poisons in each label; {made['verdict']}",
        soft_wrap=True,
        highlight=False,
    )
    out.print(f"written to {out_dir}; truth.json is for the teacher's eyes only", soft_wrap=True, highlight=False)


@app.command(name="list")
def list_challenges(home: Home = Path("challenges")) -> None:
    """List the challenges, one's own first, and how many teams have answered each."""
    from core.challenges import Store, find_challenges, open_challenge

    rows = []
    store = Store(home / "submissions.sqlite3")
    for name, path in find_challenges(home, ROOT / "assets" / "challenges").items():
        try:
            found = open_challenge(path)
        except InputError as problem:
            rows.append((name, "", "", "", "", str(problem)))
            continue
        state = "revealed" if store.is_revealed(found.seal) else "open"
        teams = str(len(store.board(found.seal)))
        rows.append((name, found.title, f"{len(found.rows):,}", str(len(found.classes)), teams, state))
    ids, titles, *counts, states = zip(*rows, strict=True) if rows else [()] * 6
    headings = ("images", "labels", "teams")
    out.print(
        FittingTable(
            [
                Column("challenge", ids, "left"),
                Column("title", titles, "left", prose=True),
                *(Column(heading, cells) for heading, cells in zip(headings, counts, strict=True)),
                Column("state", states, "left", prose=True),
            ]
        )
    )


@app.command()
def board(challenge_id: str, home: Home = Path("challenges")) -> None:
    """Print the board of a challenge as CSV, scores included: for the teacher."""
    from core.challenges import as_csv

    found, store = _open(challenge_id, home)
    typer.echo(as_csv(store.board(found.seal), found.classes), nl=False)


@app.command()
def reveal(challenge_id: str, home: Home = Path("challenges")) -> None:
    """Reveal the truth to everyone; nothing is taken afterwards."""
    found, store = _open(challenge_id, home)
    store.reveal(found.seal)
    out.print(f"{challenge_id} is revealed; open pages turn within seconds", soft_wrap=True)


@app.command()
def release(name: str, home: Home = Path("challenges")) -> None:
    """Free the name of a team that has lost its browser: who answers next under it has it."""
    from core.challenges import Store

    if not Store(home / "submissions.sqlite3").release(name):
        raise InputError(f"no visitor has taken the name '{name}'")
    out.print(f"{name} is free; its answers stay", soft_wrap=True, markup=False)


@app.command()
def reset(
    challenge_id: str,
    home: Home = Path("challenges"),
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget all answers to a challenge, and open it again."""
    found, store = _open(challenge_id, home)
    if not yes:
        typer.confirm(f"Forget {len(store.board(found.seal))} team(s)' answers to {found.title}?", abort=True)
    out.print(f"forgotten: {store.reset(found.seal)} answer(s)", soft_wrap=True)


@app.command()
def serve(
    teacher_code: Annotated[
        str, typer.Option("--teacher-code", help="What reveals and resets. Without one, everybody can reveal it.")
    ] = "",
    address: Annotated[str, typer.Option(help="0.0.0.0 lets the class in from its own computers.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    home: Home = Path("challenges"),
) -> None:
    """Serve the challenges to a class: no other page, so that nobody trains models or reads files on this computer."""
    from core.cli.serving import serve as serve_page

    os.environ["SPECTRE_LENS_CHALLENGES"] = str(home.absolute())
    if teacher_code.strip():  # handed on by the environment: every user of a computer can read a command line
        os.environ["SPECTRE_LENS_TEACHER"] = teacher_code
    serve_page("classroom.py", port, address)


def _open(challenge_id: str, home: Path) -> tuple[Challenge, Store]:
    """The challenge and the file of its answers. Raises InputError."""
    from core.challenges import Store, find_challenges, open_challenge

    found = find_challenges(home, ROOT / "assets" / "challenges")
    if challenge_id not in found:
        raise InputError(f"there is no challenge '{challenge_id}'; there are: {', '.join(found) or 'none'}")
    return open_challenge(found[challenge_id]), Store(home / "submissions.sqlite3")
