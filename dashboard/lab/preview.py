"""What the attack does to images, before anything is trained."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import streamlit as st

from core.experiment import RunConfig, Workshop
from core.experiment.preview import Preview
from core.experiment.preview import preview as look
from core.foundation import devices
from core.foundation.errors import InputError
from core.foundation.images import ImageData, Split
from core.foundation.pictures import difference
from dashboard import access, tiles
from dashboard.lab import way
from dashboard.plain import as_is
from dashboard.shelf import key_of, shelf

Tiles = tuple[str, np.ndarray, list[str]]  # title, images (n, h, w, c), captions

SHOWN = 6
SIDE = 112  # three in a third of a wide page, and three on a telephone


def show(config: RunConfig, split: Split) -> None:
    """The same images clean, poisoned, and their difference; covers, and the trigger at test time where it differs.

    All as they arrive, with what is left of the trigger.

    config: resolved. Raises InputError for what does not fit the images.
    """
    if not config.make_goal().is_candidate(split.train.labels).any():
        raise InputError("no training image can be poisoned like this; choose other classes")
    _draw(config, split, look(config, split.train, SHOWN), _more(config, split))


@st.fragment  # the slider and the exact pictures need not run the whole page again
def _draw(config: RunConfig, split: Split, plain: Preview, more: list[Tiles]) -> None:
    attack, goal, options = config.make_attack(), config.make_goal(), config.make_poisoning()
    names, train = split.train.class_names, split.train
    labels = train.labels[np.flatnonzero(goal.is_candidate(train.labels))[:SHOWN]]
    arrow = "still" if goal.labels == "clean" else "→"
    given = [f"{arrow} {names[i]}" for i in goal.label_for(labels, len(names))]
    exact = _exact(config, split) if attack.prepares else None
    shown = exact or plain
    alone = " (the trigger alone)" if attack.prepares and exact is None else ""
    with st.container(key="strip"):
        left, middle, right = st.columns(3, gap="medium")
    with left:
        _tiles("clean", shown.clean, [names[i] for i in labels])
    with middle:
        would = "" if config.poisons else "would be "
        _tiles(f"{would}poisoned{_strength(options.train_strength)}{alone}", shown.poisoned, given)
        way.left(shown)
    with st.container(horizontal=True, horizontal_alignment="right"):
        factor = st.slider(
            "Amplify the difference", 1, 20, 10, format="%d ×", key="amplify", persist_state="session", width=390,
            help="What the trigger changed, so many times as strong.",
        )  # fmt: skip
    with right:
        _tiles(f"difference × {factor}", difference(shown.clean, shown.poisoned, factor))
    for column, (name, images, captions) in zip(st.columns(3, gap="medium") if more else (), more, strict=False):
        with column:
            _tiles(name, images, captions)


def _more(config: RunConfig, split: Split) -> list[Tiles]:
    """What else there is to see: covers, and test images with the trigger where it differs from that in training."""
    goal, options, names = config.make_goal(), config.make_poisoning(), split.train.class_names
    more = []
    if config.poisons and options.cover_rate:
        images, own = covers_of(config, split.train)
        more.append(("covers: changed, with their own label", images, [names[i] for i in own]))
    victims, images = at_test_time(config, split.test)
    if len(victims) and _differs(config, split.train):
        said = [f"→ {names[i]}" for i in goal.label_for(victims, len(names))]
        more.append((f"at test time{_strength(options.test_strength)}: what it shall say", images, said))
    return more


def _strength(share: float) -> str:
    return f" at {100 * share:.0f} % strength" if share != 1 else ""


def covers_of(config: RunConfig, train: ImageData) -> tuple[np.ndarray, np.ndarray]:
    """A few covers and their labels. The run draws its own at random; these are of the same kind."""
    goal, options = config.make_goal(), config.make_poisoning()
    rows = np.flatnonzero(goal.may_cover(train.labels))[:SHOWN]
    dice = np.random.default_rng(config.seed_for("poison"))
    covers = config.make_attack().cover(train.images[rows], options.train_strength, dice)
    return config.make_transport().apply(covers), train.labels[rows]


def at_test_time(config: RunConfig, test: ImageData) -> tuple[np.ndarray, np.ndarray]:
    """True labels of a few victims, and their images with the whole trigger."""
    rows = np.flatnonzero(config.make_goal().is_victim(test.labels))[:SHOWN]
    sent = config.make_attack().apply_all(test.images[rows], config.make_poisoning().test_strength)
    return test.labels[rows], config.make_transport().apply(sent)


def _differs(config: RunConfig, train: ImageData) -> bool:
    """Whether the trigger at test time looks otherwise than in training, or is shown on other classes."""
    attack, options = config.make_attack(), config.make_poisoning()
    if attack.prepares or options.labels == "clean":
        return True
    shown = look(replace(config, transport={}), train, SHOWN)
    return not np.array_equal(attack.apply_all(shown.clean, options.test_strength), shown.poisoned)


def is_exact(config: RunConfig) -> bool:
    """Whether the exact pictures of this config are there, and with them the attacker's model."""
    return shelf().find("exact", _exact_key(config)) is not None


def _exact_key(config: RunConfig) -> str:
    c = config
    return key_of(
        c.dataset, dict(c.dataset_options), dict(c.sampling), c.attack, dict(c.attack_options), dict(c.poisoning),
        dict(c.transport), c.source, c.target, c.model, dict(c.model_options), dict(c.training), c.seed, dict(c.seeds),
    )  # fmt: skip


def _exact(config: RunConfig, split: Split) -> Preview | None:
    """The pictures of an attack that prepares its images, once the visitor has asked for them."""
    key = _exact_key(config)
    if (found := shelf().find("exact", key)) is not None:
        return found
    refused, slot = access.training_refused(), st.empty()
    with slot.container():
        st.info(
            "This attack also changes each image with a model of its own. Without that model the pictures show the "
            "trigger alone.",
            icon=":material/visibility:",
        )
        pressed = st.button(
            "Compute the exact pictures", icon=":material/model_training:", key="exact",
            disabled=bool(refused), help=refused or "Trains the attacker's model now. It is kept, so the run finds it ready.",
        )  # fmt: skip
    if not pressed or refused:
        return None

    def on_step(share: float) -> None:
        slot.progress(min(share, 1.0), "The attacker trains a model of his own")

    on_step(0.0)
    workshop = Workshop(config, split, devices.resolve(config.device), on_step)
    try:
        made = look(config, split.train, SHOWN, resources=workshop)
    except InputError as problem:
        st.error(as_is(problem))
        return None
    finally:
        slot.empty()
    return shelf().keep("exact", key, made)


def _tiles(name: str, images: np.ndarray, captions: list[str] | None = None) -> None:
    st.markdown(f"**{name}**")
    told = captions or ["\N{NO-BREAK SPACE}"] * len(images)  # a line as high as in the other columns
    kind = name.split(":")[0]
    describe = [f"{kind}, example {i + 1}{f', {text}' if captions else ''}" for i, text in enumerate(told)]
    st.html(tiles.grid(images, told, side=SIDE, describe=describe))
