"""What the composer's fields mean: values, problems with their places, presets, what a sweep varies."""

from __future__ import annotations

import pytest

from xgeom_core.errors import ConfigError
from xgeom_core.training.config import Config
from xgeom_core.training.search_space import Choice, Space, load_space
from xgeom_gui.training.form_values import check, fields, flat
from xgeom_gui.training.form_words import limits_text, unit_of
from xgeom_gui.training.presets import presets
from xgeom_gui.training.sweep_values import choice_of, runs_of, space_toml, text_of


def test_values_of_a_configuration_make_it_again():
    config = presets()[-2].config
    assert check(flat(config)) == (config, ())


@pytest.mark.parametrize(
    ("changes", "path", "words"),
    [
        ({"training.learning_rate": "fast"}, "training.learning_rate", "not a number"),
        ({"training.learning_rate": ""}, "training.learning_rate", "needs a number"),
        ({"training.learning_rate": "-1"}, "training.learning_rate", "greater than 0"),
        ({"training.batch": 31}, "training.batch", "multiple of “Uses of each frame”"),
        ({"training.accumulate": 3}, "training.batch", "multiple of"),
        ({"data.kinds": {}}, "data.kinds", "at least one kind"),
        ({"data.kinds": {"flat": "0"}}, "data.kinds", "greater than 0"),
        ({"validation.kinds": []}, "validation.kinds", "at least one set"),
        ({"model.uncertainty": "none"}, "training.loss", "predicted"),
        ({"model.architecture": "polar", "model.predicts": "center"}, "model.architecture", "polar"),
        ({"model.architecture": "vit", "model.vit.patch_px": 12}, "model.input_px", "Side of a patch"),
        ({"data.augment.gaps": "2"}, "data.augment.gaps", "less than or equal to 1"),
    ],
)
def test_a_problem_stands_at_its_field(changes, path, words):
    config, problems = check(flat(Config()) | changes)
    assert config is None
    assert [problem.path for problem in problems] == [path] and words in problems[0].text


def test_limits_and_units_are_those_of_the_schema():
    known = dict(fields())
    assert limits_text(known["data.reuse"]) == "1 to 8."
    assert limits_text(known["model.input_px"]) == "64 to 1024, a multiple of 16."
    assert (unit_of("model.input_px"), unit_of("training.checkpoint_minutes")) == ("px", "min")


def test_the_posters_settings_are_among_the_presets():
    poster = next(one for one in presets() if one.title.startswith("Poster: beam center"))
    config = poster.config
    assert config.model.architecture == "resnet18" and config.model.activations == 300
    assert (config.training.optimizer, config.training.learning_rate) == ("sgd", 0.05)
    varied = {key for one in presets() if one.space for key in one.space.vary}
    assert {"training.learning_rate", "model.architecture"} <= varied


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("200, 300,400", Choice(choices=[200, 300, 400])),
        ("sgd, adamw", Choice(choices=["sgd", "adamw"])),
        ("0.001 to 0.1 log", Choice(low=0.001, high=0.1, log=True)),
        ("1 to 5", Choice(low=1, high=5, whole=True)),
    ],
)
def test_what_varies_is_read_as_typed(text, choice, tmp_path):
    assert choice_of(text) == choice
    assert choice_of(text_of(choice)) == choice
    path = tmp_path / "space.toml"
    space = Space(vary={"training.learning_rate": choice}, rank_by="center")
    path.write_text(space_toml(space), encoding="utf-8")
    assert load_space(path) == space


@pytest.mark.parametrize("text", ["", "a to b", "5 to 1", "0 to 1 log", "1 to"])
def test_what_cannot_vary_is_refused_in_words(text):
    with pytest.raises(ConfigError, match=r"\.$"):
        choice_of(text)


def test_combinations_are_counted():
    assert runs_of({"a": choice_of("1, 2, 3"), "b": choice_of("x, y")}) == 6
    assert runs_of({"a": choice_of("1 to 3")}) is None
