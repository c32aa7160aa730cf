"""`clean` and `agree`: what is taken away from an audit, and what others say of the same rows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.fitting import Column, FittingTable
from core.cli.terminal import out, progress
from core.foundation.errors import InputError

if TYPE_CHECKING:
    from core.cases.agreement import Agreement
    from core.cases.decisions import Decisions
    from core.cases.folder import CaseFolder

Audit = Annotated[Path, typer.Argument(help="Folder of a finished audit.")]
DecisionsFile = Annotated[
    Path | None, typer.Option("--decisions", help="A decisions.json. Default: what was decided in the audit.")
]
Proposed = Annotated[bool, typer.Option("--proposed", help="What the findings propose, whatever was decided.")]
NAMED = 5  # names that the audit does not know which are shown


def clean(
    audit: Audit,
    out_dir: Annotated[Path, typer.Option("--out", help="New folder for the lists, with the copy in `cleaned`.")] = ...,  # type: ignore[assignment]
    proposed: Proposed = False,
    decisions: DecisionsFile = None,
    link: Annotated[
        bool, typer.Option("--link", help="Files of image folders as hard links, where that is possible.")
    ] = False,
    lists_only: Annotated[bool, typer.Option("--lists-only", help="The lists alone, no copy of the data.")] = False,
) -> None:
    """Write what was decided in an audit: lists to delete and relabel, a mask, and a cleaned copy of the data."""
    from core.cases.cleaned import NoCopy, check_place, write_cleaned
    from core.cases.takeaway import write_lists

    case = _finished(audit)
    chosen = _decisions(case, proposed, decisions)
    check_place(out_dir, Path(case.read_json("data.json")["path"]))
    told, without = None, "--lists-only"
    if not lists_only:
        with progress() as bar, _undone(out_dir):
            task = bar.add_task("writing the cleaned copy", total=1.0)
            try:
                told = write_cleaned(case, chosen, out_dir / "cleaned", link, lambda s: bar.update(task, completed=s))
            except NoCopy as reason:
                without = str(reason)
    try:
        counts = write_lists(case, chosen, out_dir)
    except OSError as problem:
        raise InputError(f"{out_dir} cannot be written ({problem.strerror}); choose another folder") from None
    said = {"remove": "to remove", "relabel": "to relabel", "keep": "to keep"}
    out.print(", ".join(f"{counts[do]:,} rows {words}" for do, words in said.items()), highlight=False)
    if counts["open"]:
        out.print(
            f"{counts['open']:,} rows of findings are not decided on; they were left as they are", highlight=False
        )
    if told:
        classes = ", ".join(f"{name} {count:,}" for name, count in told["per_class"].items())
        out.print(f"cleaned copy, read again: {classes}", soft_wrap=True, highlight=False)
    for note in told["notes"] if told else [f"no copy ({without})"]:
        out.print(f"note: {note}", soft_wrap=True, highlight=False)
    out.print(f"written to {out_dir}", soft_wrap=True)


@contextmanager
def _undone(folder: Path) -> Iterator[None]:
    """A folder that was made for something which fails is gone again, if nothing is in it."""
    new = not folder.exists()
    try:
        yield
    except BaseException:
        if new and folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
        raise


def agree(
    audit: Audit,
    others: Annotated[
        list[Path], typer.Argument(help="Masks, decisions, findings, lists of files or rows, folders of other audits.")
    ],
    proposed: Proposed = False,
    decisions: DecisionsFile = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Write all of it, the rows too, to this file.")
    ] = None,
) -> None:
    """What others say of the same rows: how many are flagged by both, Cohen's kappa, and which rows are not."""
    from core.cases.agreement import compare, own_decisions
    from core.foundation.files import write_json

    case = _finished(audit)
    own, what = own_decisions(case)
    if proposed or decisions:
        own, what = _decisions(case, proposed, decisions), "what the findings propose" if proposed else "decisions"
    found = [compare(case, own, other, what) for other in others]
    out.print(f"here: {what}", highlight=False)
    out.print(_table(found))
    for one in found:
        _tell(one)
    if json_file:
        try:
            write_json(json_file, [one.as_json() for one in found])
        except OSError as problem:
            raise InputError(f"{json_file} cannot be written ({problem.strerror})") from None


def _finished(folder: Path) -> CaseFolder:
    from core.cases.folder import CaseFolder

    case = CaseFolder(folder.absolute())
    if not case.file("summary.json").is_file():
        raise InputError(f"{folder} is no finished audit; give the folder that `audit --out` wrote")
    return case


def _decisions(case: CaseFolder, use_proposed: bool, file: Path | None) -> Decisions:
    from core.cases.decisions import decisions_for, proposed, read_decisions

    if use_proposed and file:
        raise InputError("--proposed and --decisions exclude each other; give one of them")
    if use_proposed:
        return proposed(case.summary)
    if file:
        if not file.is_file():
            raise InputError(f"{file} does not exist; give a decisions.json")
        try:
            return decisions_for(case, json.loads(file.read_text(encoding="utf-8")), file.name)
        except (OSError, ValueError) as problem:
            if isinstance(problem, InputError):
                raise
            raise InputError(f"{file.name} is no JSON; give a decisions.json") from None
    found = read_decisions(case)
    if not (found.findings or found.rows):
        raise InputError(
            f"nothing was decided in {case.path.name} yet; decide on the page Audit, give --decisions FILE, or take what the findings "
            "propose with --proposed"
        )
    return found


def _table(found: list[Agreement]) -> FittingTable:
    told = [one.as_json() for one in found]
    return FittingTable(
        [
            Column("other", [Path(one.other).name for one in found], "left", prose=True),
            Column("what", [one.there.what for one in found], "left", prose=True),
            *(
                Column(name.replace("_", " "), [f"{one[name]:,}" for one in told])
                for name in ("both", "only_here", "only_there", "neither")
            ),
            Column("kappa", [_figure(one["kappa"]) for one in told]),
            Column("of those touched", [f"{one['touched']:,}" for one in told], spare=True),
            Column("kappa", [_figure(one["touched_kappa"]) for one in told], spare=True),
        ],
        caption="rows to be removed or relabelled; touched: anything was said of them by either",
    )


def _tell(one: Agreement) -> None:
    name = Path(one.other).name
    for finding in one.findings:
        where = (
            f"finding {finding['finding']} ({finding['kind']}, class {finding['label']})"
            if finding["finding"]
            else "in no finding"
        )
        out.print(
            f"{name}: {where}: {finding['only_here']:,} rows here alone, {finding['only_there']:,} there alone",
            soft_wrap=True, highlight=False,
        )  # fmt: skip
    if one.there.unknown:
        some = ", ".join(one.there.unknown[:NAMED]) + ", ..." * (len(one.there.unknown) > NAMED)
        count = len(one.there.unknown)
        strange = f"{count:,} names are" if count > 1 else "1 name is"
        out.print(f"{name}: {strange} not of this audit: {some}", soft_wrap=True, highlight=False)


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"
