"""An experiment in one paragraph. No widgets here."""

from __future__ import annotations

from collections.abc import Sequence

from core.attacks import ATTACKS, Attack, Goal
from core.defenses import DEFENSES
from core.experiment import RunConfig
from core.models import MODELS
from dashboard.plain import as_is


def who_in_words(goal: Goal, names: Sequence[str], count: int, candidates: int) -> str:
    """ "50 of 1,000 images of stop", as Markdown."""
    target = as_is(names[goal.target])
    if goal.labels == "clean":
        return f"**{count:,}** of {candidates:,} images of *{target}*"
    if goal.labels == "all-to-all":
        over = " and ".join(f"*{as_is(names[i])}*" for i in goal.sources) if goal.sources else "all classes"
        return f"**{count:,}** of {candidates:,} images, spread evenly over {over},"
    return f"**{count:,}** of {candidates:,} images of *{as_is(goal.victims_in_words(names))}*"


def label_in_words(goal: Goal, names: Sequence[str], count: int) -> str:
    """What becomes of the label, as the end of the sentence."""
    one = count == 1
    if goal.labels == "clean":
        return f"and {'keeps its' if one else 'keep their'} label"
    if goal.labels == "all-to-all":
        return f"and {'' if one else 'each '}the label of the next class"
    return f"and the label *{as_is(names[goal.target])}*"


def covers_in_words(covers: int) -> str:
    if not covers:
        return ""
    if covers == 1:
        return " Another image, a cover, is changed too and keeps its label."
    return f" Another {covers:,} images, the covers, are changed too and keep their labels."


def strength_in_words(strength: float) -> str:
    return f", at {100 * strength:.0f} % of its strength," if strength != 1 else ""


def way_in_words(config: RunConfig) -> str:
    """What happens to all images on their way, as a sentence; empty where nothing does."""
    way = config.make_transport().in_words()
    return f" All images, clean and poisoned, travel {way}." if way else ""


def sentence(config: RunConfig, names: Sequence[str], candidates: int, attack: Attack | None = None) -> str:
    """The whole experiment, as Markdown. config: resolved. candidates: how many images may be poisoned."""
    attack = attack or config.make_attack()
    goal, options, count = config.make_goal(), config.make_poisoning(), config.poisons or 0
    if count:
        verb = "gets" if count == 1 else "get"
        who = who_in_words(goal, names, count, candidates)
        label = label_in_words(goal, names, count)
        told = f"{who} {verb} {attack.in_words()}{strength_in_words(options.train_strength)} {label}."
        told += covers_in_words(round(options.cover_rate * count))
        if options.test_strength != options.train_strength:
            told += f" At test time the trigger has {100 * options.test_strength:.0f} % of its strength."
    else:
        told = f"**No** image is poisoned: a control run for {ATTACKS[config.attack].title}."
    told += way_in_words(config)
    epochs = config.make_recipe().epochs
    lasts = f"trains for {epochs} epoch{'s' * (epochs != 1)}" if epochs else "is taken as it is"
    told += f" {MODELS[config.model].title} {lasts}; {DEFENSES[config.defense].title} then looks for the poison"
    return told + (", and the model is trained anew without what it removes." if config.retrain else ".")
