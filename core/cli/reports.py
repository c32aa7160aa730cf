"""`report`: a finished audit or run as one file to hand on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.audit import AuditsDir
from core.cli.options import RunsDir
from core.cli.terminal import out
from core.foundation.errors import InputError
from core.foundation.files import given_path

if TYPE_CHECKING:
    from core.reports.content import Report
    from core.runs import JobFolder

ASSETS = Path(__file__).resolve().parents[2] / "assets"
NAME = "report.html"


def report(
    found: Annotated[str, typer.Argument(metavar="PATH_OR_RUN", help="Folder of an audit or a run, or the id of one.")],
    out_file: Annotated[
        Path | None, typer.Option("--out", help="The file, an .html. Default: report.html in the folder itself.")
    ] = None,
    pdf: Annotated[bool, typer.Option("--pdf", help="A PDF of the same beside it.")] = False,
    audits_dir: AuditsDir = Path("audits"),
    runs_dir: RunsDir = Path("runs"),
) -> None:
    """Write a finished audit or run as one HTML file that needs nothing else, and as PDF."""
    from core.reports import write

    if out_file is not None and (out_file.suffix.lower() != ".html" or not out_file.parent.is_dir()):
        raise InputError(f"{out_file} cannot be written; give the name of an .html in a folder that exists")
    folder = _folder(found, audits_dir, runs_dir)
    bundled = folder.path.is_relative_to(ASSETS)
    target = out_file or (Path(f"{folder.id}.html") if bundled else folder.file(NAME))
    for path in write(_content(folder), target, pdf=pdf):
        out.print(f"written to {path}, {path.stat().st_size / 1e6:.1f} MB", soft_wrap=True, highlight=False)


def _folder(found: str, audits_dir: Path, runs_dir: Path) -> JobFolder:
    """What is meant: a folder that is there, else an audit or a run of that id. Raises InputError."""
    from core.cases import CaseFolder, Cases
    from core.runs import ID, RunFolder, Runs

    path = given_path(found)
    if (path / "config.json").is_file():
        folder = RunFolder(path.absolute())
        return folder if "attack" in folder.config else CaseFolder(path.absolute())
    places = (Cases(audits_dir), Runs(runs_dir), Cases(ASSETS / "audits"), Runs(ASSETS / "runs"))
    for store in places if ID.fullmatch(found) else ():
        if (store.root / found / "config.json").is_file():
            return store.open(found)
    raise InputError(
        f"'{found}' is no folder of an audit or a run, and no id of one in {audits_dir} or {runs_dir}; "
        "`runs` lists the runs"
    )


def _content(folder: JobFolder) -> Report:
    """What the report says. Raises InputError where the work is not finished."""
    from core.cases import CaseFolder
    from core.runs import RunFolder

    if folder.status.state != "finished":
        raise InputError(f"{folder.id} is {folder.status.state}; a report is of what is finished")
    if isinstance(folder, CaseFolder):
        from core.cases.reporting import report_of

        return report_of(folder)
    from core.experiment import reporting

    assert isinstance(folder, RunFolder)
    return reporting.report_of(folder)
