"""Configurations: round trip, and a sentence for every mistake."""

from __future__ import annotations

import pytest
from pydantic import BaseModel

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
        ("[data]\naugment = { shifts = 0.1 }", "did you mean 'shift'"),
        ("[model]\npolar = { radi = 8 }", "did you mean 'radii'"),
        ('[model]\narchitecture = "resnet19"', "model.architecture = 'resnet19'"),
        ('[model]\nuncertainty = "none"', "needs model.uncertainty"),
        ('[model]\narchitecture = "polar"\n[training]\nloss = "l1"', "needs training.loss"),
        ("[training]\nbatch = 32\naccumulate = 5", "multiple of training.accumulate"),
    ],
)
def test_mistakes_are_named(tmp_path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        load_config(write(tmp_path, text))
    assert "c.toml" in str(caught.value)


def fields(section, above: str = ""):
    for name, info in section.model_fields.items():
        yield above + name, info
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from fields(info.annotation, f"{above}{name}.")


def test_every_field_is_documented() -> None:
    sections = [
        name for name, info in fields(Config) if info.annotation and hasattr(info.annotation, "model_fields")
    ]
    for name, info in fields(Config):
        assert info.description or name in sections, name


def test_a_configuration_of_the_first_release_still_means_the_same(tmp_path) -> None:
    old = """name = "run"
[model]
architecture = "resnet18"
width = 24
[data]
kinds = { standard = 1.0 }
reuse = 2
[training]
steps = 2000
schedule = "constant"
device = "auto"
"""
    config = load_config(write(tmp_path, old))
    assert (config.training.loss, config.training.optimizer, config.data.reuse_lag) == (
        "likelihood",
        "adamw",
        0,
    )
    assert config.data.augment.model_dump().items() >= {"shift": 0.0, "gaps": 0.0, "dose": 0.0}.items()


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(ConfigError, match=r"no configuration file .*absent\.toml"):
        load_config(tmp_path / "absent.toml")
