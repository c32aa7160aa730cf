from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.attacks import ATTACKS, Patch, Poisoning, Transport
from core.datasets import DATASETS, Sampling
from core.defenses import DEFENSES
from core.experiment import RunConfig, parse_settings
from core.foundation.errors import InputError
from core.foundation.params import Param, describe, values_of
from core.foundation.seeds import Seeds
from core.models import MODELS
from core.training import Recipe
from tests.conftest import Parse


def test_defaults_are_the_story_of_the_data_set() -> None:
    config = RunConfig().resolved()
    assert (config.source, config.target, config.poisons) == ((7,), 1, 10)
    assert config.layer == "block3"
    assert config.dataset_options == {"test_share": 0.2}
    assert config.attack_options == values_of(Patch())
    assert config.poisoning == values_of(Poisoning())
    assert config.transport == {"format": "none", "quality": 75, "resize": None}
    assert config.seeds == {"data": None, "poison": None, "training": None}
    assert config.training["epochs"] == 30


def test_training_options_go_over_the_data_sets_suggestions_over_the_recipe() -> None:
    config = RunConfig(dataset="signs", training={"epochs": "3"}).resolved()
    assert config.training["epochs"] == 3
    assert config.training["crop"] == DATASETS["signs"].training["crop"]
    assert config.training["weight_decay"] == Recipe().weight_decay


def test_zero_poisons_class_zero_and_seed_zero_are_not_taken_for_missing() -> None:
    config = RunConfig(poisons=0, source=0, target=2, seed=0).resolved()
    assert (config.poisons, config.source, config.target, config.seed) == (0, (0,), 2, 0)


def test_resolving_twice_changes_nothing() -> None:
    once = RunConfig(dataset="parquet", model="resnet32", attack="periodic", defense="clustering").resolved()
    assert once.resolved() == once


def test_options_of_the_defense_belong_to_that_defense_only() -> None:
    config = RunConfig(defense="spectral", defense_options={"removal_factor": 2.0}).resolved()
    assert config.make_defense("spectral", 5).get_params()["removal_factor"] == 2.0
    assert config.make_defense("spectre", 5).get_params()["removal_factor"] == 1.5
    assert config.make_defense("spectre", 5).get_params()["n_poisons"] == 5
    assert "n_poisons" not in config.defense_options


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"dataset": "cifar"}, "unknown data set 'cifar'; choose from: digits"),
        ({"attack": "laser"}, "unknown attack 'laser'; choose from: patch"),
        ({"model": "oracle"}, "unknown model 'oracle'; choose from: small"),
        ({"defense": "prayer"}, "unknown defense 'prayer'; choose from: spectre"),
        ({"layer": "block9"}, "model small has no layer 'block9'; choose from: block1, block2, block3, pooled"),
        ({"model": "resnet32", "layer": "block16"}, "model resnet32 has no layer 'block16'"),
        ({"seed": -1}, "seed -1 must lie between 0 and 4294967295"),
        ({"seed": 2**32}, "seed 4294967296 must lie between 0 and 4294967295"),
        ({"poisons": -1}, "-1 poisons: the count cannot be negative"),
        ({"attack_options": {"size": 0}}, "attack patch: size = 0 must be between"),
        ({"dataset_options": {"sizes": 1}}, "data set digits has no parameter 'sizes'"),
        ({"model_options": {"width": 1}}, "model small: width = 1 must be between"),
        ({"training": {"epochs": -1}}, "training: epochs = -1 must be between"),
        ({"training": {"epochs": 0, "weights": "w"}}, "0 epochs leave nothing to retrain; use --no-retrain"),
        ({"training": {"epochs": 0}}, "epochs = 0 needs weights to take as they are"),
        ({"defense_options": {"alpha": "x"}}, "defense spectre: alpha = x is not a number"),
        ({"defense_options": {"n_poisons": 3}}, "n_poisons is not a defense option of a run; use --poisons"),
        ({"defense_options": {"device": "cpu"}}, "device is not a defense option of a run"),
        ({"transport": {"format": "gif"}}, "transport: format = gif is not one of none, jpeg, webp, png"),
        ({"transport": {"quality": 0}}, "transport: quality = 0 must be between 1 and 100"),
        ({"device": "abacus"}, "device 'abacus' is not one of auto, cpu"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_mend(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as caught:
        RunConfig(**changes).resolved()
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "damage",
    [
        {"seed": "three"},
        {"seed": 1.5},
        {"seed": None},
        {"poisons": "ten"},
        {"poisons": 2.5},
        {"source": "seven"},
        {"source": ["seven"]},
        {"source": [True]},
        {"poisoning": 3},
        {"transport": "jpeg"},
        {"seeds": [1]},
        {"target": [1]},
        {"dataset": ["digits"]},
        {"attack": None},
        {"layer": 3},
        {"retrain": "no"},
        {"attack_options": [1]},
        {"attack_options": "size"},
        {"training": {"epochs": float("inf")}},
    ],
    ids=str,
)
def test_json_with_values_of_the_wrong_kind_is_refused(damage: dict[str, Any]) -> None:
    words = next(iter(damage)).replace("dataset", "data ?set")  # the message says which entry is meant
    with pytest.raises(InputError, match=words):
        RunConfig.from_json({**RunConfig().resolved().as_json(), **damage}).resolved()


def test_the_command_says_how_images_travel(parse: Parse) -> None:
    config = RunConfig(transport={"format": "webp", "quality": "60", "resize": 224}).resolved()
    assert config.command().endswith(
        "--set transport.format=webp --set transport.quality=60 --set transport.resize=224"
    )
    assert parse(config.command()) == config


def test_json_round_trip() -> None:
    config = RunConfig(dataset="folder", dataset_options={"path": "/a b"}, poisons=3, retrain=False).resolved()
    assert RunConfig.from_json(json.loads(json.dumps(config.as_json(), allow_nan=False))) == config


def test_json_with_unknown_entries_is_refused_and_they_are_named() -> None:
    with pytest.raises(InputError, match="unknown entries: colour, shape"):
        RunConfig.from_json({"seed": 1, "shape": 2, "colour": 3})


@pytest.mark.parametrize("value", [None, [], "digits", 3])
def test_json_of_another_shape_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match="not a JSON object"):
        RunConfig.from_json(value)


def test_settings_are_grouped() -> None:
    grouped = parse_settings(["attack.size=5", "dataset.path=/x=y", "attack.corner=top left"])
    assert grouped["attack"] == {"size": "5", "corner": "top left"}
    assert grouped["dataset"] == {"path": "/x=y"}
    assert grouped["model"] == {}


@pytest.mark.parametrize("setting", ["attack.size", "size=5", "weapon.size=5", "=5", ""])
def test_settings_of_another_form_are_refused(setting: str) -> None:
    with pytest.raises(InputError, match=r"not of the form GROUP.NAME=VALUE with a group of dataset, sampling, attack"):
        parse_settings([setting])


def test_settings_that_would_change_nothing_are_refused() -> None:
    assert parse_settings(["dataset.size=32"], ("dataset",))["dataset"] == {"size": "32"}
    with pytest.raises(InputError, match=r"--set model\.width=8 would change nothing here; only dataset can be set"):
        parse_settings(["dataset.size=32", "model.width=8"], ("dataset",))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"attack_options": {"x": "5"}},
            r"attack\.x does nothing with attack\.place = bottom right; set attack\.place to 'at x, y'",
        ),
        ({"transport": {"quality": "30"}}, r"transport\.quality does nothing with transport\.format = none"),
    ],
)
def test_options_that_do_nothing_beside_the_others_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        RunConfig(**changes).check_settings()


def test_options_that_matter_and_those_as_they_are_anyway_are_not() -> None:
    RunConfig(attack_options={"place": "at x, y", "x": 5}, transport={"format": "jpeg", "quality": 30}).check_settings()
    RunConfig().resolved().check_settings()


def value_for(p: Param) -> st.SearchStrategy[Any]:
    if p.choices:
        return st.sampled_from(p.choices)
    if p.type is bool:
        return st.booleans()
    if p.kind == "colour":
        return st.sampled_from(("white", "#0a141e"))
    if p.type is str:
        return st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=12)
    if p.type is float:
        return st.floats(p.low, p.high)
    whole = st.integers(int(p.low or 0), int(p.high or 1000))
    return st.none() | whole if p.optional else whole


def some_options(draw: st.DrawFn, entry: type, reserved: tuple[str, ...] = ()) -> dict[str, Any]:
    """Those that do something beside the others; a command leaves out the rest."""
    chosen = [p for p in describe(entry) if p.name not in reserved and draw(st.booleans())]
    options = {p.name: draw(value_for(p)) for p in chosen}
    values = {p.name: options.get(p.name, p.default) for p in describe(entry)}
    return {p.name: options[p.name] for p in chosen if p.matters(values)}


@st.composite
def recipes(draw: st.DrawFn) -> dict[str, Any]:
    """Options of the recipe; without weights there must be an epoch."""
    options = some_options(draw, Recipe)
    return options if options.get("weights") or options.get("epochs") != 0 else {**options, "epochs": 1}


@st.composite
def configs(draw: st.DrawFn) -> RunConfig:
    dataset, attack = draw(st.sampled_from(list(DATASETS))), draw(st.sampled_from(list(ATTACKS)))
    model, defense = draw(st.sampled_from(list(MODELS))), draw(st.sampled_from(list(DEFENSES)))
    training = draw(recipes())
    return RunConfig(
        dataset=dataset,
        dataset_options=some_options(draw, DATASETS[dataset]),
        sampling=some_options(draw, Sampling),
        attack=attack,
        attack_options=some_options(draw, ATTACKS[attack]),
        poisons=draw(st.none() | st.integers(0, 1000)),
        poisoning=some_options(draw, Poisoning),
        transport=some_options(draw, Transport),
        source=draw(st.none() | st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=3)),
        target=draw(st.none() | st.integers(0, 9)),
        model=model,
        model_options=some_options(draw, MODELS[model]),
        training=training,
        layer=draw(st.sampled_from(["", *MODELS[model]().layers()])),
        defense=defense,
        defense_options=some_options(draw, DEFENSES[defense], reserved=("n_poisons", "device")),
        seed=draw(st.integers(0, 2**32 - 1)),
        seeds=some_options(draw, Seeds),
        retrain=draw(st.booleans()) and training.get("epochs") != 0,
    )


@settings(derandomize=True, max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(config=configs())
def test_the_command_makes_the_same_config_again(parse: Parse, config: RunConfig) -> None:
    resolved = config.resolved()
    assert parse(resolved.command()) == resolved
    assert RunConfig.from_json(json.loads(json.dumps(resolved.as_json(), allow_nan=False))) == resolved


def test_the_command_keeps_the_device(parse: Parse) -> None:
    config = RunConfig(device="cpu").resolved()
    assert parse(config.command()).device == "cpu"


def test_the_command_of_the_default_run_is_short() -> None:
    assert "--set" not in RunConfig().resolved().command()


def test_a_path_with_spaces_and_quotes_survives_the_command(parse: Parse, tmp_path: Path) -> None:
    path = str(tmp_path / "my pictures' folder")
    config = replace(RunConfig(dataset="folder"), dataset_options={"path": path}).resolved()
    assert parse(config.command()).dataset_options["path"] == path


@pytest.mark.parametrize(
    ("changes", "sources"),
    [
        ({}, (0,)),
        ({"attack": "tact"}, (0,)),
        ({"attack": "blended"}, ()),
        ({"attack": "all-to-all"}, ()),
        ({"poisoning": {"labels": "clean"}}, ()),
        ({"attack": "blended", "source": 3}, (3,)),
        ({"source": [4, 2, 4]}, (4, 2)),
        ({"source": []}, ()),
    ],
)
def test_the_source_is_what_was_asked_for_else_what_the_attack_suggests(
    changes: dict[str, Any], sources: tuple[int, ...]
) -> None:
    config = RunConfig(dataset="signs", **changes).resolved()
    assert config.source == config.make_goal().sources == sources


def test_an_attack_brings_the_poisoning_of_its_paper_and_the_user_overrules_it() -> None:
    assert RunConfig(attack="sig").resolved().poisoning["labels"] == "clean"
    assert RunConfig(attack="wanet").resolved().poisoning["cover_rate"] == 2.0
    config = RunConfig(attack="wanet", poisoning={"cover_rate": 0.5}).resolved()
    assert config.make_poisoning().cover_rate == 0.5
    assert "poisoning.cover_rate=0.5" in config.command()


def test_the_config_of_a_first_version_is_still_read() -> None:
    old = {**RunConfig().resolved().as_json(), "source": 7}
    del old["poisoning"], old["seeds"], old["transport"]
    assert RunConfig.from_json(old).resolved().source == (7,)


def test_seeds_apart_move_one_source_of_chance_only() -> None:
    plain, other = RunConfig(seed=1), RunConfig(seed=1, seeds={"poison": 9})
    same = [
        purpose for purpose in ("data", "poison", "training", "x") if plain.seed_for(purpose) == other.seed_for(purpose)
    ]
    assert same == ["data", "training", "x"]
    assert other.seed_for("poison") == RunConfig(seed=9).seed_for("poison")


def test_a_budget_is_what_the_defenses_expect_and_none_is_the_truth(parse: Parse) -> None:
    plain, told = RunConfig(poisons=0), RunConfig(poisons=0, budget=12)
    assert plain.make_defense("spectre", 5).get_params()["n_poisons"] == 5
    assert {key: told.make_defense(key, 0).n_poisons for key in DEFENSES} == dict.fromkeys(DEFENSES, 12)
    assert "--budget" not in plain.resolved().command()
    assert parse(told.resolved().command()) == told.resolved() == RunConfig.from_json(told.resolved().as_json())
    before = plain.resolved().as_json()
    del before["budget"]  # runs of earlier versions have none
    assert RunConfig.from_json(before) == plain.resolved()
    with pytest.raises(InputError, match="budget of -1 poisons"):
        RunConfig(budget=-1).resolved()
    with pytest.raises(InputError, match="budget must be int or nothing"):
        RunConfig.from_json({"budget": "5"})


@pytest.mark.parametrize("name", ["digits-patch-10", "signs-patch-50"])
def test_a_run_of_the_first_versions_can_be_done_again(name: str) -> None:
    """Their patch had a corner; today it has a place."""
    now = json.loads((Path(__file__).resolve().parents[3] / "assets" / "runs" / name / "config.json").read_text())
    stored = {
        **now,
        "attack_options": {"size": 3, "inset": 1, "corner": "bottom right", "colour": "white"},
        "source": 0,
    }
    config = RunConfig.from_json(stored).resolved()
    assert config.attack_options["place"] == "bottom right"
    moved = RunConfig.from_json({**stored, "attack_options": {**stored["attack_options"], "corner": "top left"}})
    assert moved.resolved().attack_options["place"] == "top left"
    assert RunConfig.from_json(config.as_json()) == config
