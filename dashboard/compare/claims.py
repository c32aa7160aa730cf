"""The sentence above each figure, computed from the same numbers as the figure. No Streamlit here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from core.studies.intervals import Interval, whole_percent
from core.studies.overlap import Part
from dashboard.compare import settings

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def numeral(count: int) -> str:
    return NUMBERS[count] if count < len(NUMBERS) else f"{count:,}"


def listed(words: Sequence[str], link: str = "and") -> str:
    """ "a", "a and b", "a, b and c"."""
    return f" {link} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else list(words))


def images(count: int) -> str:
    return f"{count:,} image{'' if count == 1 else 's'}"


def overlap(parts: Sequence[Part], titles: Mapping[str, str]) -> str:
    """Truth hidden: how far the defenses agree."""
    if not parts:
        return "No defense removes anything here."
    common = sum(len(part) for part in parts if len(part.members) == len(titles))
    alone = sum(len(part) for part in parts if len(part.members) == 1)
    everybody = "both defenses" if len(titles) == 2 else f"all {numeral(len(titles))} defenses"
    removed = sum(len(part) for part in parts)
    return (
        f"{images(removed)} look{'s' if removed == 1 else ''} poisoned to at least one defense: {common:,} to {everybody}, "
        f"{alone:,} to a single one."
    )


def matched(found: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str], count: int) -> str:
    """Truth revealed: who finds most where all remove the same number."""
    total = next(iter(found.values()))["true_positive_rate"]["total"]
    if not total:
        return "There is no poison among these images: whatever is removed is removed for nothing."
    hits = {key: one["true_positive_rate"]["count"] for key, one in found.items()}
    best = max(hits.values())
    first = [titles[key] for key in found if hits[key] == best]
    rest = {key: hit for key, hit in hits.items() if hit < best}
    verb = "find" if len(first) > 1 else "finds"
    text = f"Where each removes {images(count)}, {listed(first)} {verb} {best:,} of {total:,} poisons"
    if not rest:
        return f"{text}."
    second = max(rest.values())
    others = [titles[key] for key in rest if rest[key] == second]
    return f"{text}; the next best, {listed(others)}, {'find' if len(others) > 1 else 'finds'} {second:,}."


def chosen(found: Mapping[str, Mapping[str, Any]], titles: Mapping[str, str]) -> str:
    """Truth revealed: who finds most where each removes what it chose; of equal ones that which wastes fewest images."""
    total = next(iter(found.values()))["true_positive_rate"]["total"]
    if not total:
        return "There is no poison among these images: whatever is removed is removed for nothing."
    outcome = {
        key: (-one["true_positive_rate"]["count"], one["false_positive_rate"]["count"]) for key, one in found.items()
    }
    first, *rest = sorted(set(outcome.values()))

    def told(place: tuple[int, int]) -> tuple[str, str]:
        names = [titles[key] for key in found if outcome[key] == place]
        return listed(names), "" if len(names) > 1 else "s"

    names, s = told(first)
    each = "" if s else " each"
    waste = f"{first[1]:,} clean image{'' if first[1] == 1 else 's'}"
    text = f"Removing what each chose, {names} find{s} {-first[0]:,} of {total:,} poisons and remove{s} {waste}{each}"
    if not rest:
        return f"{text}."
    names, s = told(rest[0])
    return f"{text}; the next best, {names}, find{s} {-rest[0][0]:,} and remove{s} {rest[0][1]:,} clean."


def how_many(curve: Sequence[tuple[int, Any, Interval]]) -> str:
    """(poisons, runs, interval) by rising poisons: where the attack begins to work."""
    poisoned = [(count, interval) for count, _, interval in curve if count]
    if not poisoned:
        return "No run of this series has an attack to measure."
    works = [(count, interval) for count, interval in poisoned if interval.centre >= 0.5]
    if not works:
        count, interval = max(poisoned, key=lambda item: item[1].centre)
        return f"The attack never works more often than not: at best {mean_percent(interval)} of the tries, with {count:,} poisons."
    count, interval = works[0]
    below = [(c, i) for c, i in poisoned if c < count]
    text = f"{count:,} poisons turn {mean_percent(interval)} of the images the attack is after"
    if not below:
        return f"{text}, and fewer were not tried."
    fewer, share = below[-1]
    return f"{text}; {fewer:,} turn {mean_percent(share) if share.centre else 'none'}."


def spread(curve: Sequence[tuple[int, Sequence[tuple[Mapping[str, Any], float]], Interval]]) -> str:
    """What stands behind the shares of `how_many`: "50 poisons: mean of 3 seeds (3 runs, 78 % to 92 %)." Empty where
    no number of poisons was run more than once."""
    poisoned = [item for item in curve if item[0]]
    works = next((i for i, item in enumerate(poisoned) if item[2].centre >= 0.5), None)
    if works is None:
        named = sorted(poisoned, key=lambda item: item[2].centre)[-1:]
    else:
        named = poisoned[max(works - 1, 0) : works + 1][::-1]
    told = []
    for count, runs, _ in named:
        if len(runs) > 1:
            seeds, shares = len({row["seed"] for row, _ in runs}), [share for _, share in runs]
            low, high = 100 * min(shares), 100 * max(shares)
            told.append(f"{count:,} poisons: mean of {seeds} seeds ({len(runs)} runs, {low:.0f} % to {high:.0f} %)")
    return "; ".join(told) + "." if told else ""


def also_found(title: str, curve: Sequence[tuple[int, Any, Interval]], budget: int | None = None) -> str:
    """What a defense finds at the two ends of the series. budget: the number that it is told in every run, None for the true one."""
    told = "Told the true number of poisons" if budget is None else f"Told to expect {budget:,} poisons"
    known = [(count, interval) for count, _, interval in curve if count]
    if not known:
        return ""
    (low, first), (high, last) = known[0], known[-1]
    if low == high:
        return f"{told}, {title} finds {mean_percent(first)} of {low:,} poisons."
    shares = [interval.centre for _, interval in known]
    if min(shares) == max(shares):
        return f"{told}, {title} finds {mean_percent(first)} of the poison, be there {low:,} or {high:,}."
    if min(shares) >= 0.995:
        return f"{told}, {title} finds, on average, more than 99 % of the poison, be there {low:,} or {high:,}."
    return f"{told}, {title} finds {mean_percent(first)} of the poison where there are {low:,} and {mean_percent(last)} where there are {high:,}."


def mean_percent(interval: Interval) -> str:
    """Rounded, but never to none or all where it is neither."""
    return f"{whole_percent(interval.centre)} %".replace("<", "less than ").replace(">", "more than ")


def layers(study: Mapping[str, Any], revealed: bool) -> str:
    """Where SPECTRE, choosing k by itself, finds most and least; truth hidden: which k it takes."""
    rows = study["rows"]
    if not revealed:
        ks = [row["chosen"]["k"] for row in rows]
        low, high = min(ks), max(ks)
        taken = f"k = {low} at every layer" if low == high else f"k from {low} to {high}, layer by layer"
        return f"SPECTRE takes {taken}. Which layer shows most, only the truth can say: reveal it."
    rate = {row["layer"]: row["chosen"]["true_positive_rate"] for row in rows}
    if not all(share["total"] for share in rate.values()):
        return "There is no poison among these images, so no layer can show any."
    best, worst = (pick(rate, key=lambda layer: rate[layer]["count"]) for pick in (max, min))
    own = study["layer"]  # of equally good ones that which the run looked at
    best = own if own in rate and rate[own]["count"] == rate[best]["count"] else best
    total = rate[best]["total"]
    if rate[best]["count"] == rate[worst]["count"]:
        one_k = min((cell["true_positive_rate"]["count"] for row in rows for cell in row["by_k"]), default=0)
        text = (
            f"With the k it takes by itself, SPECTRE finds {rate[best]['count']:,} of {total:,} poisons at every layer"
        )
        return f"{text}; a bad k finds {one_k:,}." if one_k < rate[best]["count"] else f"{text}, and at every k."
    return (
        f"The layer matters: SPECTRE finds {rate[best]['count']:,} of {total:,} poisons at {best}, "
        f"but {rate[worst]['count']:,} at {worst}."
    )


def budgets(study: Mapping[str, Any], key: str, revealed: bool) -> str:
    """What a guess four times too low or too high does to one defense."""
    rows = study["rows"]
    low, high = rows[0], rows[-1]
    first, last = low["defenses"][key], high["defenses"][key]
    title = first["title"]
    if not revealed:
        return (
            f"Told to expect {low['assumed']:,} poisons, {title} removes {images(first['removed'])}; "
            f"told {high['assumed']:,}, it removes {last['removed']:,}."
        )
    hit, lost = first["true_positive_rate"], last["false_positive_rate"]
    return (
        f"Told to expect {low['assumed']:,} poisons where there are {study['true']:,}, {title} finds "
        f"{hit['count']:,}; told {high['assumed']:,}, it finds {last['true_positive_rate']['count']:,} and removes "
        f"{lost['count']:,} clean images for nothing."
    )


def differ(names: Sequence[str], runs: int, revealed: bool = True, most: int = 5) -> str:
    """In what several runs differ; revealed: whether names holds the settings that tell the truth."""
    if not names and not revealed:
        return f"These {numeral(runs)} runs agree in all that can be told while the truth is hidden."
    if not names:
        return f"These {numeral(runs)} runs have the same settings."
    shown = [settings.name(name) for name in names[:most]]
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return f"These {numeral(runs)} runs differ in {', '.join(shown) + more if more else listed(shown)}."
