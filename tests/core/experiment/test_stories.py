"""The presets of the Lab are configs that work, and differ from each other in what they tell."""

from __future__ import annotations

import pytest

from core.experiment.stories import STORIES, Story


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_a_story_is_a_config_that_can_be_run(story: Story) -> None:
    config = story.config.resolved()
    assert config.dataset == "signs", "drawn by the program: nothing to fetch, the same pictures everywhere"
    assert config.seed == 0
    assert story.sees.endswith(".")


def test_the_clean_one_has_no_poison_but_a_budget() -> None:
    config = STORIES["clean"].config
    assert (config.poisons, config.budget) == (0, 50)
    assert all(story.config.budget is None for key, story in STORIES.items() if key != "clean")
