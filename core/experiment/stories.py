"""Experiments that tell something, each as a full config. What they show was measured (docs/attacks.md); seed 0."""

from __future__ import annotations

from dataclasses import dataclass

from core.experiment.config import RunConfig


@dataclass(frozen=True)
class Story:
    """An experiment, and what will be seen. `sees` speaks of the run with exactly this config."""

    key: str
    title: str
    sees: str
    config: RunConfig


STORIES = {
    story.key: story
    for story in (
        Story(
            "spectre-wins",
            "Spectral signatures fail, SPECTRE wins",
            "A white square on 50 of 1,000 stop signs, and nine of ten with the square pass for speed 80. With this "
            "seed, spectral signatures (PCA) find none of the poison, SPECTRE all of it; after retraining the square does nothing.",
            RunConfig(dataset="signs", attack="patch", poisons=50),
        ),
        Story(
            "both-fail",
            "Both fail: Adaptive-Blend",
            "An attack made to hide: each poison shows half of a faint pattern, and covers show it with their right "
            "label. With this seed, spectral signatures find none, SPECTRE about one in ten, and the backdoor outlives the retraining; "
            "the page Evidence has two seeds with which SPECTRE finds nearly all.",
            RunConfig(dataset="signs", attack="adaptive-blend", poisons=50),
        ),
        Story(
            "attack-fails",
            "The attack itself fails",
            "One changed pixel on 15 stop signs is too little to be learned: no stop sign passes for anything else. "
            "SPECTRE finds all 15 even so: they are stop signs among signs of another kind.",
            RunConfig(dataset="signs", attack="pixel", poisons=15, retrain=False),
        ),
        Story(
            "clean",
            "Clean data: removed for nothing",
            "Nobody has poisoned anything, but the defenses are told to expect 50. They remove images all the same, "
            "every one of them clean: 75 of 1,000, and activation clustering almost half.",
            RunConfig(dataset="signs", attack="patch", poisons=0, budget=50),
        ),
    )
}
