"""Configurations: round trip, and a sentence for every mistake."""

from __future__ import annotations

import pytest

from xgeom_core.errors import ConfigError
from xgeom_core.resources import resource
from xgeom_core.training.config import Config, load_config


def write(tmp_path, text: str):
    path = tmp_path / "c.toml"
    path.write_text(text)
    return path


def test_a_configuration_survives_toml(tmp_path) -> None:
    config = Config.model_validate(
        {"name": 'a "quoted" \\ name', "data": {"kinds": {"flat": 0.5, "my recipe.toml": 2}, "reuse": 1}}
    )
    assert load_config(write(tmp_path, config.to_toml())) == config


def test_bundled_recipes_are_valid() -> None:
    for path in resource("recipes").glob("*.toml"):
        assert load_config(path).name


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[training]\nlearning_rat = 1.0", "did you mean 'learning_rate'"),
        ("[trainin]\nsteps = 1", "did you mean 'training'"),
        ("[training]\nsteps = 0", "training.steps = 0"),
        ('[training]\nsteps = "many"', "training.steps = 'many'"),
        ("[data]\nkinds = { standard = -1 }", "data.kinds.standard"),
        ("[data]\nreuse = 3", "multiple of data.reuse"),
        ("steps = ", "not valid TOML"),
    ],
)
def test_mistakes_are_named(tmp_path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        load_config(write(tmp_path, text))
    assert "c.toml" in str(caught.value)


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"no configuration file .*absent\.toml"):
        load_config(tmp_path / "absent.toml")
