"""The sentences of the page, computed from the same numbers as its figures. No Streamlit here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.studies.evidence.summary import ALIVE, WORKS, Cell, Look, whole
from core.studies.evidence.ways import Way
from core.studies.intervals import Interval
from dashboard.compare.claims import listed, mean_percent
from dashboard.plain import as_is

ENOUGH = 0.9  # share of the poison, in the mean over seeds, from which a removal is called enough
FEW = 4  # names in one list


def headline(cells: Sequence[Cell]) -> str:
    """How many attacks work, and how many of those are over once SPECTRE has removed what it removes."""
    working = [cell for cell in cells if cell.works]
    if not working:
        return f"The attack works in none of the {len(cells):,} cells."
    text = f"The attack works in {len(working):,} of {len(cells):,} cells"
    looks = [look for cell in working if (look := cell.look("spectre"))]
    clear = [look for look in looks if look.clear and not look.alive]
    others = [look for look in looks if look not in clear]
    text += f". SPECTRE removes all poison of {f'{len(clear):,}' if clear else 'none'} with every seed"
    other, more = (" other", " others") if clear else ("", "")
    judged = [look.alive for look in others if look.alive is not None]
    over, on = judged.count(False), judged.count(True)
    if len(judged) == 1:
        text += f"; 1{other}, trained anew without what it removes, {'lives on' if on else 'is over'}"
    elif judged:
        lives = "none lives on" if not on else f"{on:,} live{'s' if on == 1 else ''} on"
        text += f"; of {len(judged):,}{more}, trained anew without what it removes, {over:,} {'is' if over == 1 else 'are'} over, and {lives}"
    left = [look for look in others if look.alive is None]
    good = sum(1 for look in left if look.found and look.found.centre >= ENOUGH)
    most = f"at least {100 * ENOUGH:.0f} %"
    if left and not judged and good == len(left):
        return f"{text}, and {most} of {good:,} more."
    if left:
        rest = " more" if judged else other if len(left) == 1 else more
        text += f"; of {len(left):,}{rest}, not trained anew, it removes {most} of {f'{good:,}' if good else 'none'}"
    return f"{text}."


def coverage(planned: int, finished: int, failed: int) -> str:
    """ "36 of 144 trainings made, 1 failed, 107 not run: their places are empty." """
    left = planned - finished - failed
    text = f"{finished:,} of {planned:,} trainings made, {failed:,} failed"
    return f"{text}, {left:,} not run: their places are empty." if left else f"{text}."


def enough(title: str, looks: Iterable[Look], cells: Iterable[Cell]) -> str:
    """Where a defense finds enough of the poison of an attack that works, and where not. Markdown."""
    working = {(cell.experiment, cell.poisons) for cell in cells if cell.works}
    mine = [look for look in looks if (look.experiment, look.poisons) in working]
    asked = [look for look in mine if any(row["poisons_in_target"] for row in look.rows)]
    known = [look for look in asked if look.found is not None]
    if not asked:
        return f"**{title}** looked at no attack that works."
    if not known:
        places = f"any of the {len(asked):,} cells" if len(asked) > 1 else "the one cell"
        return f"**{title}** gave no verdict in {places} where the attack works."
    by_attack: dict[str, list[bool]] = {}
    for look in known:
        assert look.found is not None
        by_attack.setdefault(look.experiment, []).append(look.found.centre >= ENOUGH)
    good = sum(map(sum, by_attack.values()))
    text = f"**{title}** removes at least {100 * ENOUGH:.0f} % of the poison in {good:,} of {len(known):,} cells where the attack works"
    always = [name for name, found in by_attack.items() if all(found)]
    never = [name for name, found in by_attack.items() if not any(found)]
    some = [name for name in by_attack if name not in always and name not in never]
    parts = [_named("enough for", always), _named("at some numbers for", some), _named("not for", never)]
    text = f"{text}: {'; '.join(part for part in parts if part)}"
    if silent := sum(look.verdicts < len(look.rows) for look in asked):
        text += f". In {silent:,} of the {len(asked):,} cells it gave no verdict with some seed"
    return f"{text}."


def ways(found: Sequence[Way]) -> str:
    """Which other ways find more of the poison than the usual one, and which less, on the same runs and as the table rounds. Markdown."""
    gains = {
        f"*{as_is(way.title)}*": round(100 * way.found(), 1) - round(100 * way.found(usual=True), 1) for way in found
    }
    more, less = [name for name, gain in gains.items() if gain > 0], [name for name, gain in gains.items() if gain < 0]
    text = f"In the mean over runs, more of the poison is removed by {listed(more) if more else 'none'}"
    return f"{text}; less by {listed(less)}." if less else f"{text}."


def cell_words(cell: Cell) -> str:
    """One cell in a sentence: what the attack does, and what becomes of it."""
    text = f"{cell.experiment}, {cell.poisons:,} poisons: the attack turns {percent(cell.attack)} of the {cell.rows[0]['attack_of']:,} test images it is after"
    text += f" ({percent(cell.confused)} without the trigger)"
    if not cell.works:
        return f"{text}; it does not work."
    look = cell.look("spectre")
    if look is None:
        return f"{text}."
    if not look.verdicts:
        return f"{text}. SPECTRE gives no verdict: {look.rows[0]['problem']}."
    if look.found is None:
        return f"{text}. None of its poison carries the label of the one class that is looked at."
    if not whole(cell.rows):
        return (
            f"{text}. Its poison carries the labels of several classes; SPECTRE removes {percent(look.found)} of that in the one class that is "
            "looked at, so what is left after training anew says nothing of it."
        )
    told = "" if look.verdicts == cell.seeds else f", in {look.verdicts:,} of {cell.seeds:,} seeds"
    text += f". SPECTRE removes {percent(look.found)} of the poison and {percent(look.wasted)} of the clean rows{told}"
    if look.alive is None:
        return f"{text}; {'with no poison left, ' if look.none_left else ''}no model was trained anew."
    accuracy = f"clean accuracy {percent(cell.clean)}, then {percent(look.clean_after)}"
    anew = (
        "trained anew"
        if look.retrained == cell.seeds
        else f"trained anew in {look.retrained:,} of {cell.seeds:,} seeds"
    )
    return f"{text}; {anew}, {percent(look.after)} are still turned: {'it lives on' if look.alive else 'it is over'} ({accuracy})."


def limits() -> str:
    """What the two words mean."""
    return (
        f"An attack *works* where the share of test images that are taken for its goal is at least {100 * WORKS:.0f} percentage points larger with the "
        f"trigger than without, in the mean over seeds. It *lives on* where it still is at least {100 * ALIVE:.0f} points larger after training without "
        "what was removed, in the mean over the seeds in which it was so much larger before; in the others, or where no poison is left, no model need "
        "be trained anew."
    )


def percent(interval: Interval | None) -> str:
    """Rounded, but never to none or all where it is neither; with its range where there is one."""
    if interval is None:
        return "–"
    if interval.kind == "none":
        return mean_percent(interval)
    if round(100 * interval.low) == round(100 * interval.high) and interval.low < interval.high:
        return f"{100 * interval.centre:.1f} % [{100 * interval.low:.1f}–{100 * interval.high:.1f}]"
    return f"{mean_percent(interval)} [{100 * interval.low:.0f}–{100 * interval.high:.0f}]"


def _named(words: str, names: Sequence[str]) -> str:
    if not names:
        return ""
    shown = [f"*{as_is(name)}*" for name in names[:FEW]] + ([f"{len(names) - FEW} more"] if len(names) > FEW else [])
    return f"{words} {listed(shown, 'or' if words.startswith('not') else 'and')}"
