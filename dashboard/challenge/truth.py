"""After the reveal: what was done to the set, what the answer was worth and why, and the images it was about."""

from __future__ import annotations

import streamlit as st

from core.challenges import COST_OF_HINT, FOR_LABEL, FOR_ROWS, Challenge, Entry, Truth
from core.runs import share_text
from dashboard import tiles
from dashboard.challenge.game import BUNDLED, Game
from dashboard.challenge.pictures import file_of, sources
from dashboard.plain import as_is
from dashboard.widgets import again

SHOWN = 48  # images of one kind


def revealed(game: Game, truth: Truth) -> None:
    """The truth, the points, the images."""
    st.success(story(game.challenge, truth), icon=":material/visibility:")
    left, right = st.columns([2, 3], gap="large")
    with left:
        _points(game, truth)
    with right:
        _images(game, truth)
    made = str(truth.story.get("command", ""))
    again(f"{made}\npython -m core challenge make RUN --out challenges/again", _python(game.challenge))


def _python(challenge: Challenge) -> str:
    """Python that reads the challenge and its truth."""
    home = "assets/challenges" if challenge.path.parent == BUNDLED else "challenges"
    return (
        "from pathlib import Path\n\n"
        "from core.challenges import open_challenge, read_truth\n\n"
        f'challenge = open_challenge(Path("{home}/{challenge.id}"))\n'
        "scores = challenge.rows  # one row an image: label, que, pca, and its place in three pictures\n"
        "truth = read_truth(challenge)  # checked against the seal: label, poison, true_labels, story\n"
    )


def story(challenge: Challenge, truth: Truth) -> str:
    """What was done to the set, in one or two sentences of Markdown."""
    told = truth.story
    if truth.label is None:
        return (
            "**Nothing was poisoned.** Every label of a clean set has images that stand apart: rare, badly drawn or hard "
            "to read. To remove them costs data and buys nothing."
        )
    target, n = as_is(challenge.classes[truth.label]), len(truth.poison)
    words = f"**{n} images labelled {target} were poisoned**: images of *{as_is(told.get('victims'))}* with {as_is(told.get('in_words'))}."
    if told.get("success"):
        words += f" With that mark, the model takes {share_text(told['success'])} test images of *{as_is(told['victims'])}* for *{target}*."
    return words


def explain(entry: Entry, challenge: Challenge, truth: Truth) -> list[tuple[str, str, str]]:
    """(what for, points, why) of an answer, line by line, with the total last."""
    s = entry.score
    said = "nothing is poisoned" if entry.label is None else challenge.classes[entry.label]
    right = "nothing is poisoned" if truth.label is None else challenge.classes[truth.label]
    label_why = f"you said {said}" + ("" if s.label else f"; right was {right}")
    if s.poisons and s.removed:
        row_why = (
            f"{s.hits} of {s.poisons} poisons removed, {s.hits} of your {s.removed} removed are poison; "
            f"F1 = 2 × {s.hits} / ({s.removed} + {s.poisons}) = {2 * s.hits / (s.removed + s.poisons):.2f}"
        )
    elif s.poisons:
        row_why = f"none of the {s.poisons} poisons removed"
    elif s.removed:
        row_why = f"{s.removed} clean images removed; each costs {FOR_ROWS}/{challenge.assumed} points"
    else:
        row_why = "nothing removed, and nothing had to be"
    lines = [("label", f"{s.label:g} of {FOR_LABEL}", label_why), ("images", f"{s.rows:.1f} of {FOR_ROWS}", row_why)]
    if s.hint:
        lines.append(("ranking seen", f"−{COST_OF_HINT}", "you looked at SPECTRE's ranking"))
    return [*lines, ("total", f"{s.total:g} of 100", "")]


def _points(game: Game, truth: Truth) -> None:
    if game.last is None:
        st.info(
            "You have not answered this one. The truth is out, so nothing is taken any more; try another challenge."
        )
        return
    st.metric("Your score", f"{game.last.score.total:g}", border=True)
    st.caption(f"of 100 points, answer {game.last.attempt}")
    lines = explain(game.last, game.challenge, truth)
    head = "| for | points | because |\n|:--|--:|:--|\n"
    st.markdown(head + "\n".join(f"| {what} | {points} | {as_is(why)} |" for what, points, why in lines))
    seal = game.seal
    st.caption(
        f"Sealed before you answered: the SHA-256 of truth.json is {seal[:16]}…, as the page said. "
        f"{small_print(game.challenge, truth)}"
    )


def small_print(challenge: Challenge, truth: Truth) -> str:
    """How the set was made, now that it may be said."""
    told = truth.story
    return (
        f"{len(challenge.rows):,} training images · seed {told.get('seed')} · {told.get('device')} · "
        f"{told.get('seconds')} s · model's accuracy on clean test images {share_text(told.get('accuracy'))}"
    )


def _images(game: Game, truth: Truth) -> None:
    """The images by what became of them, the poison outlined."""
    gone = set(game.last.rows) if game.last else set()
    poison = set(truth.poison)
    sets = {
        "found": sorted(gone & poison),
        "missed": sorted(poison - gone),
        "wronged": sorted(gone - poison),
    }
    left = "Poison you left in" if game.last else "The poison"
    names = {"found": "Poison you removed", "missed": left, "wronged": "Clean images you removed"}
    there = [key for key in sets if sets[key]]
    if not there:
        st.markdown("No image was poisoned and you removed none: there is nothing to show.")
        return
    which = st.segmented_control(
        "Images", there, default=there[0], required=True, key=f"outcome {game.seal}", wrap=True,
        format_func=lambda k: f"{names[k]} ({len(sets[k])})",
    )  # fmt: skip
    rows = sets[which or there[0]]
    classes, labels = game.challenge.classes, game.challenge.rows["label"].to_numpy()
    files = [file_of(truth, i) for i in rows[:SHOWN]]
    captions = [
        f"id {i}\npoison: {classes[truth.true_labels[i]]}" if i in poison else f"id {i}\nclean: {classes[labels[i]]}"
        for i in rows[:SHOWN]
    ]
    captions = [f"{caption}\n{short}".rstrip("\n") for caption, (short, _) in zip(captions, files, strict=True)]
    kinds = ["poison" if i in poison else "clean" for i in rows[:SHOWN]]
    titles = [full for _, full in files]
    st.html(tiles.grid(sources(game.challenge, rows[:SHOWN]), captions, kinds=kinds, side=72, titles=titles))
    if len(rows) > SHOWN:
        st.caption(f"showing {SHOWN} of {len(rows)}, by id")
