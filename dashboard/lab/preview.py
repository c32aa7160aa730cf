"""What the attack does to images, before anything is trained."""

from __future__ import annotations

import numpy as np
import streamlit as st

from core import devices
from core.config import RunConfig
from core.images import ImageData, Split
from core.pictures import difference
from core.preview import Preview
from core.preview import preview as look
from core.workshop import Workshop
from dashboard import tiles
from dashboard.lab.shelf import key_of, shelf

SHOWN = 6
SIDE = 84


@st.fragment
def show(config: RunConfig, split: Split) -> None:
    """Rows of the same images: clean, poisoned, difference; covers and the test-time trigger where they differ.

    config: resolved, and checked against the data: anything that does not fit has been said before.
    """
    attack, goal, options = config.make_attack(), config.make_goal(), config.make_poisoning()
    names, train = split.train.class_names, split.train
    pictures, words = st.columns([3, 1], gap="large")
    with words:
        factor = st.slider(
            "Amplify the difference", 1, 20, 10, format="%d ×", key="amplify", persist_state="session",
            help="The third row shows what the trigger changed, so many times as strong.",
        )  # fmt: skip
        exact = _exact(config, split) if attack.prepares else None
        if attack.number_of_ways > 1 and attack.number_of_ways < SHOWN:
            st.caption(f"The trigger has {attack.number_of_ways} ways; they are shown one after another.")
    shown = exact or look(config, train, SHOWN)
    labels = train.labels[np.flatnonzero(goal.is_candidate(train.labels))[:SHOWN]]
    given = goal.label_for(labels, len(names))
    with pictures:
        if not len(labels):
            st.info("No training image can be poisoned like this. Choose other classes.")
            return
        _row("clean", shown.clean, [names[i] for i in labels])
        strength = f" at {100 * options.train_strength:.0f} % strength" if options.train_strength != 1 else ""
        how = " (the trigger alone)" if attack.prepares and exact is None else ""
        _row(f"poisoned{strength}, with the label it gets{how}", shown.poisoned, [f"→ {names[i]}" for i in given])
        _row(f"difference × {factor}", difference(shown.clean, shown.poisoned, factor))
        if config.poisons and options.cover_rate:
            covers = covers_of(config, train)
            _row("covers: changed, but with their own label", covers[0], [names[i] for i in covers[1]])
        victims, at_test = at_test_time(config, split.test)
        if len(victims) and _differs(config, shown, split):
            strength = f" at {100 * options.test_strength:.0f} % strength" if options.test_strength != 1 else ""
            _row(
                f"test images with the whole trigger{strength}: what the model shall say",
                at_test,
                [f"→ {names[i]}" for i in goal.label_for(victims, len(names))],
            )


def covers_of(config: RunConfig, train: ImageData) -> tuple[np.ndarray, np.ndarray]:
    """A few covers and their labels. The run draws its own at random; these are of the same kind."""
    goal, options = config.make_goal(), config.make_poisoning()
    free = train.labels != goal.target
    if goal.sources and goal.labels == "dirty":
        free &= ~np.isin(train.labels, goal.sources)
    rows = np.flatnonzero(free)[:SHOWN]
    dice = np.random.default_rng(config.seed_for("poison"))
    return config.make_attack().cover(train.images[rows], options.train_strength, dice), train.labels[rows]


def at_test_time(config: RunConfig, test: ImageData) -> tuple[np.ndarray, np.ndarray]:
    """True labels of a few victims, and their images with the whole trigger."""
    rows = np.flatnonzero(config.make_goal().is_victim(test.labels))[:SHOWN]
    return test.labels[rows], config.make_attack().apply_all(test.images[rows], config.make_poisoning().test_strength)


def _differs(config: RunConfig, shown: Preview, split: Split) -> bool:
    """Whether the trigger at test time looks otherwise than in training, or is shown on other classes."""
    attack, options = config.make_attack(), config.make_poisoning()
    if attack.prepares or options.labels == "clean":
        return True
    return not np.array_equal(attack.apply_all(shown.clean, options.test_strength), shown.poisoned)


def _exact(config: RunConfig, split: Split) -> Preview | None:
    """The pictures of an attack that prepares its images, once the visitor has asked for them."""
    c = config
    key = key_of(
        c.dataset, dict(c.dataset_options), dict(c.sampling), c.attack, dict(c.attack_options), dict(c.poisoning),
        c.source, c.target, c.model, dict(c.model_options), dict(c.training), c.seed, dict(c.seeds),
    )  # fmt: skip
    if (found := shelf().find("exact", key)) is not None:
        return found
    st.info(
        "This attack also changes each image with a model of its own. Without that model the pictures show the trigger "
        "alone.",
        icon=":material/visibility:",
    )
    pressed = st.button(
        "Compute the exact pictures", icon=":material/model_training:", key="exact",
        help="Trains the attacker's model now. It is kept, so the run finds it ready.",
    )  # fmt: skip
    if not pressed:
        return None
    slot = st.empty()
    message = "The attacker trains a model of his own"
    slot.progress(0.0, message)
    workshop = Workshop(
        config, split, devices.resolve(config.device), lambda share: slot.progress(min(share, 1.0), message)
    )
    made = look(config, split.train, SHOWN, resources=workshop)
    slot.empty()
    return shelf().keep("exact", key, made)


def _row(name: str, images: np.ndarray, captions: list[str] | None = None) -> None:
    st.markdown(f"**{name}**")
    told = captions or [""] * len(images)
    kind = name.split(",")[0].split(":")[0]
    describe = [f"{kind}, example {i + 1}{f', {text}' if text else ''}" for i, text in enumerate(told)]
    st.html(tiles.grid(images, told, side=SIDE, describe=describe))
