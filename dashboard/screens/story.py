"""The story of a backdoor in six steps, on a finished run: one claim a step, one picture, one control."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import streamlit as st

from core.outcomes import remove_count, scores_at
from core.pictures import difference
from dashboard import charts, data, tiles
from dashboard.address import adopt, publish
from dashboard.widgets import choose_run, colours, gallery, plot, share_metric

STEPS = ("Trigger", "Model", "Features", "Whiten", "Score", "Remove")


def move(by: int) -> None:
    here = STEPS.index(st.session_state.get("step") or STEPS[0])
    st.session_state["step"] = STEPS[min(max(here + by, 0), len(STEPS) - 1)]


def claim(text: str, *paragraphs: str) -> None:
    st.html(f'<h2 class="sl-claim">{text}</h2>')
    for paragraph in paragraphs:
        st.markdown(paragraph)


def trigger(run: data.RunView) -> None:
    clean, changed = run.examples["clean"], run.examples["triggered"]
    picture, words = st.columns([3, 2], gap="large")
    with words:
        claim(
            "A small mark can become a secret key.",
            f"Someone changes **{run.result['poisons']} of {run.result['train_images']:,}** training images: "
            f"{poison_in_words(run)} {covers_in_words(run)}",
        )
        factor = st.slider(
            "Amplify the difference", 1, 20, 10, format="%d ×", help="The bottom row shows what changed."
        )
    with picture:
        count = min(6, len(clean))
        for name, images in (
            (f"as it was: {run.source}", clean),
            (f"with the mark: {'to be taken for' if run.keeps_labels else 'labelled'} {run.goal}", changed),
            (f"difference × {factor}", difference(clean, changed, factor)),
        ):
            st.markdown(f"**{name}**")
            describe = [f"{name}, example {i + 1}" for i in range(count)]
            st.html(tiles.grid(images[:count], [""] * count, side=104, describe=describe))


def poison_in_words(run: data.RunView) -> str:
    if run.keeps_labels:
        return f"images of *{run.target}* get the mark and keep their label, so every label in the set is right."
    label = "the label of the next class" if run.goal != run.target else f"the label *{run.target}*"
    return f"images of *{run.source}* get the mark and {label}."


def covers_in_words(run: data.RunView) -> str:
    if not run.result.get("covers"):
        return "All other images stay as they are."
    return f"Another **{run.result['covers']}** are changed too and keep their labels: covers, which make the mark harder to find."


def model(run: data.RunView) -> None:
    picture, words = st.columns([3, 2], gap="large")
    before = run.result["before"]
    with words:
        claim(
            "The model passes every exam, and obeys the mark.",
            "Trained on the poisoned set, it is as accurate as ever on clean images. Nothing looks wrong until "
            "somebody shows the mark.",
        )
        marked = st.toggle("Show the mark", value=True, key="mark")
        share_metric(
            "Clean accuracy", before["clean"], "test images", help="Clean test images that are classified rightly."
        )
        share_metric(
            "Attack success",
            before["attack_single"],
            f"test images of {run.source}",
            help=f"Test images of {run.source}, with the mark, that the model takes for {run.goal}.",
        )
    with picture:
        kind = "triggered" if marked else "clean"
        answers = run.examples[f"{kind}_before"]
        names = [run.classes[int(a)] for a in answers]
        if run.goal == run.target:
            wanted = np.full_like(answers, run.result["target"])
        else:  # every class has a goal of its own
            wanted = (run.examples["clean_before"] + 1) % len(run.classes)
        fooled = ["fooled" if said == goal else "" for said, goal in zip(answers, wanted, strict=True)]
        st.markdown(
            f"**Test images of *{run.source}*, {'with' if marked else 'without'} the mark: what the model says**"
        )
        st.html(tiles.grid(run.examples[kind], [f"“{n}”" for n in names], kinds=fooled, side=104))
        st.caption(f"Dashed outline: taken for {run.goal}.")


def features(run: data.RunView) -> None:
    picture, words = st.columns([3, 2], gap="large")
    found = run.result["defenses"]["spectral"]
    with words:
        rate = found["true_positive_rate"]["value"]
        claim(
            "Inside the model, the largest spread hides the poison."
            if rate is None or rate < 0.5
            else "Here the poison is so strong that the largest spread shows it.",
            f"Every training image labelled *{run.target}* becomes {run.result['features']['columns']:,} numbers inside the "
            "model. This picture shows their two directions of largest spread (principal components).",
            "The classic defense, spectral signatures, removes what lies farthest out along direction 1 (the rings). "
            f"There it meets **{found['true_positive_rate']['count']} of {found['true_positive_rate']['total']}** poisons. "
            "It never looks at direction 2, nor at the many that follow.",
        )
        revealed = st.toggle("Reveal the truth", value=True, key="reveal3")
        share_metric(
            "Found by looking here",
            found["true_positive_rate"],
            f"poisons, by removing {found['removed']} images",
            help="Spectral signatures (Tran et al. 2018) removes the images farthest out along the first direction.",
        )
    with picture:
        figure = charts.projection(
            run.views["raw"],
            run.frame["id"].to_numpy(),
            colours(),
            unit="σ, standard deviations of the first",
            removed=run.frame["removed_spectral"].to_numpy(bool),
            truth=run.truth if revealed else None,
            height=560,
        )
        plot(figure, "raw", "Scatter plot of the features along their first two principal components")


def whiten(run: data.RunView) -> None:
    picture, words = st.columns([3, 2], gap="large")
    defenses, total = run.result["defenses"], run.result["poisons_in_target"]

    def found(outcome: dict) -> str:
        return f"finds {outcome['true_positive_rate']['count']} of {total} poisons"

    with words:
        robust = defenses["spectre"]["true_positive_rate"]
        claim(
            "Whitened by what can be trusted, the poison has nowhere to hide."
            if (robust["value"] or 0) >= 0.5
            else "Whitened by what can be trusted, this poison still hides.",
            "Whitening stretches the picture until the spread is the same in every direction. Do it with **all** images "
            "(naive) and the poison helps to set the scale. SPECTRE first finds images it can trust, and lets only "
            "those set the scale (robust): whatever still spreads more is suspicious.",
            "**Drag the slider** under the picture, or choose a view here. Every step is a real projection of the real "
            "points; the axes rescale as they spread. What is found counts all directions, not only these two.",
        )
        names = ("raw", "naive", "robust")
        start = st.segmented_control("View", names, default="raw", required=True, key="view")
        share_metric(
            "Found: raw → robust",
            robust,
            f"poisons by SPECTRE, {defenses['spectral']['true_positive_rate']['count']} in the raw picture",
            help="Both remove the same number of images.",
            before=defenses["spectral"]["true_positive_rate"],
        )
        about = run.result["views"]
        if not about["is_chosen"]:
            st.caption(f"SPECTRE chose k = 1 here; the picture shows k = {about['k']}, the best that whitens.")
    with picture:
        views = [
            ("raw", run.views["raw"], found(defenses["spectral"])),
            ("naive", run.views["naive"], found(about["naive"])),
            ("robust", run.views["robust"], found(defenses["spectre"])),
        ]
        figure = charts.whitening_path(
            views, run.frame["id"].to_numpy(), run.truth, colours(), start=names.index(start or "raw")
        )
        plot(
            figure,
            f"path-{start}",
            "Scatter plot that a slider takes from raw over naively to robustly whitened features",
        )


def score(run: data.RunView) -> None:
    picture, words = st.columns([3, 2], gap="large")
    record = run.result["defenses"]["spectre"]["record"]
    variances = np.array(record["candidates"][run.result["views"]["candidate"]]["whitened_variances"])
    with words:
        claim(
            "One number says how suspicious each image is.",
            "The **QUE score** (quantum entropy) adds up how far an image lies out along **all** directions that spread too much. "
            "$\\alpha$ sets how sharply it looks: 0 counts every direction alike (the plain distance), a large value "
            "only the single most suspicious one.",
        )
        alpha = st.select_slider("α, sharpness of the score", [0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, float("inf")], 4.0,
                                 format_func=lambda a: "top direction" if np.isinf(a) else f"{a:g}",
                                 help="The paper uses 4.")  # fmt: skip
        scores = scores_at(run.views["whitened"], variances, alpha)
        count = run.result["defenses"]["spectre"]["removed"]
        removed, cut = remove_count(scores, count)
        hits = int((removed & run.truth).sum())
        total = int(run.truth.sum())
        share_metric(
            f"Found at α = {'∞' if np.isinf(alpha) else f'{alpha:g}'}",
            {"count": hits, "total": total, "value": hits / total if total else None},
            f"poisons among the {int(removed.sum())} highest scores",
            help="SPECTRE removes half as many images again as there are poisons.",
        )
    with picture:
        extremes = [scores_at(run.views["whitened"], variances, a) for a in (0.0, 4.0, float("inf"))]
        span = (float(np.log10(min(e.min() for e in extremes[:2]))), float(np.log10(max(e.max() for e in extremes))))
        figure = charts.score_histogram(scores, cut, colours(), name="QUE", truth=run.truth, span=span, height=520)
        plot(figure, "que", "Histogram of the suspicion scores of clean and poisoned images with the cut")


def remove(run: data.RunView) -> None:
    picture, words = st.columns([3, 2], gap="large")
    before, after = run.result["before"], run.result.get("after")
    found = run.result["defenses"]["spectre"]
    scores = run.frame["score_spectre"].to_numpy()
    rows = np.flatnonzero(run.frame["removed_spectre"].to_numpy(bool))
    rows = rows[np.argsort(-scores[rows], kind="stable")]
    with words:
        if after is None:
            headline = "Remove what stands out, and train again."
        elif (after["attack_single"]["value"] or 0) <= 0.1:
            headline = "Remove what stands out, train again, and the key no longer fits."
        else:
            headline = "Removing what stands out was not enough here: the key still fits."
        claim(
            headline,
            f"SPECTRE removes **{found['removed']}** images: {found['true_positive_rate']['count']} of "
            f"{found['true_positive_rate']['total']} poisons, and {found['false_positive_rate']['count']} clean ones "
            f"as the price.{' A new model is trained from scratch on the rest.' if after else ''}",
        )
        if after:
            share_metric(
                "Attack success",
                after["attack_single"],
                f"test images of {run.source} after retraining",
                help=f"Test images of {run.source}, with the mark, taken for {run.goal}.",
                before=before["attack_single"],
            )
            share_metric(
                "Clean accuracy",
                after["clean"],
                "test images after retraining",
                help="Clean test images that are classified rightly.",
                before=before["clean"],
            )
        else:
            st.info("This run was made without retraining.")
    with picture:
        shown = rows[:40]
        st.markdown(f"**The {len(shown)} most suspicious of {len(rows)} removed images**, poison outlined in orange")
        gallery(run, shown, scores, truth=True, side=84)


DRAW: dict[str, Callable[[data.RunView], None]] = {
    "Trigger": trigger, "Model": model, "Features": features, "Whiten": whiten, "Score": score, "Remove": remove,
}  # fmt: skip

adopt("step", STEPS)
with st.container(horizontal=True, vertical_alignment="bottom", key="story-bar"):
    step = st.segmented_control(
        "Step",
        STEPS,
        required=True,
        key="step",
        label_visibility="collapsed",
        format_func=lambda s: f"{STEPS.index(s) + 1} {s}",
        width="stretch",
    )
    here = STEPS.index(step or STEPS[0])
    publish("step")
    st.button("Back", icon=":material/arrow_back:", on_click=move, args=(-1,), disabled=here == 0, shortcut="PageUp")
    st.button(
        "Next",
        icon=":material/arrow_forward:",
        icon_position="right",
        on_click=move,
        args=(1,),
        type="primary",
        disabled=here == len(STEPS) - 1,
        shortcut="PageDown",
    )
slot = st.container()
with st.expander("Tell it with another run"):
    folders = data.finished()
    ordered = {**data.bundled(), **folders}
    chosen = choose_run(ordered)
if chosen is not None:
    with slot:
        DRAW[step or STEPS[0]](chosen)
    st.caption(chosen.small_print)
