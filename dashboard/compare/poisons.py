"""How many poisons does it take? Runs that differ in the number of poisons and the seed alone."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from core.runs import duration
from core.studies.series import Series
from dashboard import data, lens
from dashboard.address import adopt, publish
from dashboard.charts import series as charts
from dashboard.compare import choices, claims, light
from dashboard.plain import as_is
from dashboard.widgets import again, colours, plot

EXAMPLE = (
    "python -m core sweep --dataset digits --attack patch --poisons 3,10,30 --seeds 0,1,2 --out runs/series-digits"
)
RATES = {"true_positive_rate": "poison", "false_positive_rate": "clean images"}


def show() -> None:
    found = light.all_series()
    if not found:
        st.info(
            "No series yet: runs that differ in the number of poisons and the seed alone. Make one on the command line; it "
            "appears here while it grows.", icon=":material/stacked_line_chart:",
        )  # fmt: skip
        lens.code(EXAMPLE, "series-command", "an example")
        return
    place = st.container()
    one = _choose(found)
    rows = one.rows
    differ = any(row["before"]["attack_single"] != row["before"]["attack_combined"] for row in rows)
    single = differ and bool(
        st.toggle("One random trigger on each image", key="single", help="In place of all triggers at once.")
    )
    name = "attack_single" if single else "attack_combined"
    curve = charts.by_poisons(rows, lambda row: row["before"][name])
    with place:
        choices.claim(claims.how_many(curve))
        if spread := claims.spread(curve):
            st.caption(spread)
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown(
            f"**Does the attack work?** Test images of *{as_is(rows[0]['victims'])}* with the trigger, taken for *{as_is(rows[0]['goal'])}*",
            help="Attack success rate: the share of the test images the attack is after that the model, shown the trigger, "
            "takes for what the attacker wants.",
        )
        plot(
            charts.success_by_poisons(rows, colours(), single=single),
            "success",
            "Attack success against the number of poisons",
        )
    with right:
        _found(one)
    st.caption(interval_words(one))
    frame, every = summary_frame(one, name), runs_frame(one)
    with st.expander(f"As a table: {len(frame)} numbers of poisons, {len(every)} runs"):
        ranges = [column for column in frame.columns if column.endswith("%")]
        choices.table(
            frame, f"{one.name}-series", csv=every,
            columns=choices.rates(ranges),
        )  # fmt: skip
        st.caption("The CSV has a line for each run, in counts.")
    again(_command(one), _python(one))
    devices = sorted({row["device"] for row in rows})
    st.caption(
        f"showing {len(rows)} of {len(rows)} runs · seeds {', '.join(map(str, one.seeds))} · layer {rows[0]['layer']} · "
        f"{'; '.join(devices)} · {duration(sum(row['seconds'] for row in rows))} in all · the same seed on another number of processor threads gives "
        "slightly different weights, and so slightly different figures than those of the run that comes with the program"
    )


def _choose(found: dict[str, Series]) -> Series:
    adopt("series", list(found))
    name = st.selectbox(
        "Series", list(found), key="series", format_func=lambda n: light.title(found[n]),
        help="Runs with the same settings but for poisons and seed: made by `sweep`, or found among your own runs.",
    )  # fmt: skip
    publish("series")
    return found[name]


def _found(one: Series) -> None:
    titles = one.defenses
    if not titles:
        st.info("The runs of this series have no defense in common.")
        return
    first = next(iter(titles))
    curve = charts.by_poisons(one.rows, lambda row: row["defenses"][first]["true_positive_rate"])
    left, right = st.columns([2, 1], vertical_alignment="top")
    with left:
        st.markdown(f"**Is it found?** {claims.also_found(titles[first], curve, one.config.get('budget'))}")
    with right:
        adopt("rate", list(RATES))
        rate = st.segmented_control(
            "Share of", list(RATES), key="rate", required=True, format_func=RATES.__getitem__, label_visibility="collapsed",
        )  # fmt: skip
        publish("rate")
    figure = charts.found_by_poisons(one.rows, titles, list(titles), colours(), rate=str(rate))
    plot(
        figure, "series-found", f"Share of the {RATES[str(rate)]} removed by each defense against the number of poisons"
    )


def interval_words(one: Series) -> str:
    """Which intervals the figures show, as far as the numbers of runs allow."""
    sizes = [sum(row["poisons"] == count for row in one.rows) for count in one.poisons]
    kinds = []
    if max(sizes) >= 3:
        kinds.append("Student t, 95 %, over three seeds or more; where they all agree Wilson over what was counted")
    if 1 in sizes:
        kinds.append("Wilson, 95 %, over the images, for a run alone")
    if 2 in sizes:
        kinds.append("none for two runs")
    budget = one.config.get("budget")
    return (
        f"Small marks: single runs, seeds side by side. Large marks: their mean. Bars: {'; '.join(kinds)}. "
        f"Each defense is told {'the true number of' if budget is None else f'to expect {budget:,}'} poisons. "
        + (
            "The runs of a series cannot be inspected, so there is no truth to hide."
            if light.home_of(one)
            else "The truth of these runs is shown."
        )
    )


def summary_frame(one: Series, name: str) -> pd.DataFrame:
    """One line for each number of poisons: means over the runs with the interval's ends, in percent."""
    lines = []
    for count in one.poisons:
        rows = [row for row in one.rows if row["poisons"] == count]
        line: dict[str, float | int | None] = {"poisons": count, "runs": len(rows)}
        picks = {
            "attack success": lambda row: row["before"][name],
            "clean accuracy": lambda row: row["before"]["clean"],
        }
        if any(row["after"] for row in rows):
            picks["attack after retraining"] = lambda row: (row["after"] or {}).get(name)
        for key, title in one.defenses.items():
            picks[f"{title}: TPR"] = partial(_found_by, key)
        for title, pick in picks.items():
            found = charts.by_poisons(rows, pick)
            interval = found[0][2] if found else None
            line[f"{title}, %"] = 100 * interval.centre if interval else None
            for end in ("low", "high"):
                line[f"{title}, {end} %"] = (
                    100 * getattr(interval, end) if interval and interval.kind != "none" else None
                )
        lines.append(line)
    return pd.DataFrame(lines)


def _found_by(key: str, row: charts.Row) -> dict[str, int]:
    found: dict[str, int] = row["defenses"][key]["true_positive_rate"]
    return found


def runs_frame(one: Series) -> pd.DataFrame:
    """One line for each run, in counts."""
    lines = []
    for row in one.rows:
        line = {key: row[key] for key in ("run", "poisons", "seed", "target_rows", "layer", "device", "seconds")}
        for moment in ("before", "after"):
            for name, share in (row[moment] or {}).items():
                line |= {f"{moment}_{name}_count": share["count"], f"{moment}_{name}_total": share["total"]}
        for key, cell in row["defenses"].items():
            line[f"{key}_removed"] = cell["removed"]
            for rate in ("true_positive_rate", "false_positive_rate"):
                line |= {f"{key}_{rate}_count": cell[rate]["count"], f"{key}_{rate}_total": cell[rate]["total"]}
        lines.append(line)
    return pd.DataFrame(lines)


def _command(one: Series) -> str:
    if one.command:
        return f"{one.command} --out runs/{one.name}"
    finished = data.finished()  # runs that were made one by one
    return "\n".join(finished[row["run"]].result["command"] for row in one.rows if row["run"] in finished)


def _python(one: Series) -> str:
    home = light.home_of(one)
    if home:
        head, made = "from pathlib import Path\n", f'made = series.load(Path("{data.as_typed(home)}"))\n'
    else:  # runs that were made one by one
        ids = {row["run"] for row in one.rows}
        folders = [data.as_typed(run.path) for run_id, run in data.finished().items() if run_id in ids]
        head = "from pathlib import Path\nfrom core.runs import RunFolder\n"
        made = f"(made,) = series.groups([series.read(RunFolder(Path(folder))) for folder in {folders}])\n"
    return (
        f"{head}from core.studies import series\n"
        "from core.studies.intervals import over_runs\n\n"
        f"{made}"
        "for count in made.poisons:\n"
        '    shares = [row["before"]["attack_combined"] for row in made.rows if row["poisons"] == count]\n'
        '    print(count, over_runs([(share["count"], share["total"]) for share in shares]))'
    )
