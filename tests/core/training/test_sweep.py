"""Sweeps: what they vary is checked, what they ranked is kept, and a stopped one goes on."""

from __future__ import annotations

import csv
import math

import pytest

from xgeom_core.errors import ConfigError
from xgeom_core.training import sweep as sweeps
from xgeom_core.training.config import Config
from xgeom_core.training.events import EventLog, Failed, Finished, Validation
from xgeom_core.training.search_space import load_space

SPACE = """
rank_by = "center"
[vary]
"training.learning_rate" = { low = 1e-4, high = 1e-1, log = true }
"model.activations" = { choices = [200, 300, 400] }
"""


def write(tmp_path, text: str):
    path = tmp_path / "space.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[vary]\n"training.learning_rat" = { choices = [1] }', "did you mean 'training.learning_rate'"),
        ('[vary]\n"training.steps" = { low = 3 }', "either choices or both low and high"),
        ('[vary]\n"training.steps" = { low = 3, high = 2 }', "low must lie below high"),
        ("[vary]\n", "vary"),
        ("vary = ", "not valid TOML"),
    ],
)
def test_mistakes_in_a_space_are_named(tmp_path, text: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        load_space(write(tmp_path, text))
    assert "space.toml" in str(caught.value)


def test_variants_are_checked_like_any_configuration() -> None:
    config = sweeps.varied(Config(), {"training.learning_rate": 0.5, "model.polar.radii": 32}, "v")
    assert (config.training.learning_rate, config.model.polar.radii, config.name) == (0.5, 32, "v")
    with pytest.raises(ConfigError, match="v: "):
        sweeps.varied(Config(), {"training.learning_rate": -1.0}, "v")


def test_the_score_is_relative_to_the_constant_predictor(tmp_path) -> None:
    def run(name: str, *events) -> tuple[float, str]:
        (tmp_path / name).mkdir()
        log = EventLog(tmp_path / name / "events.jsonl")
        for event in events:
            log.write(event)
        log.close()
        return sweeps.score_of(tmp_path / name, "both")

    def at(step: int, data: str, center: float) -> Validation:
        return Validation(
            step=step, data=data, loss=0.0, center_px=center, center_constant_px=80.0,
            tilt_deg=1.0, tilt_constant_deg=2.0,
        )  # fmt: skip

    done = Finished(step=2, reason="done", model="m")
    assert run("good", at(1, "a", 80.0), at(2, "a", 8.0), at(2, "b", 24.0), done)[0] == pytest.approx(0.35)
    score, reason = run("bad", at(1, "a", 8.0), Failed(message="No room."))
    assert math.isnan(score)
    assert reason == "No room."
    assert math.isnan(run("cut", at(1, "a", 8.0))[0])


def test_a_sweep_ranks_and_goes_on(tmp_path, monkeypatch) -> None:
    """Training is left out: its score is known from the values."""
    pytest.importorskip("optuna")
    base = tmp_path / "c.toml"
    base.write_text(Config().to_toml())
    trained = []

    def pretend(base, folder, number, values, space, crew):
        trained.append(number)
        score = math.nan if number == 1 else abs(math.log10(values["training.learning_rate"]) + 2)
        return sweeps.Trial(number, values, score, "failed" if number == 1 else "")

    monkeypatch.setattr(sweeps, "_train", pretend)
    space = load_space(write(tmp_path, SPACE))
    sweeps.sweep(base, space, tmp_path / "s", 4, jobs=2)
    assert sorted(trained) == [0, 1, 2, 3]
    ranked = sweeps.sweep(base, space, tmp_path / "s", 7, jobs=1)
    assert sorted(trained) == [0, 1, 2, 3, 4, 5, 6], "only what was missing"
    good = [trial.score for trial in ranked[:-1]]
    assert good == sorted(good)
    assert ranked[-1].number == 1
    with (tmp_path / "s" / sweeps.TABLE).open() as stream:
        rows = list(csv.DictReader(stream))
    assert [int(row["trial"]) for row in rows] == [trial.number for trial in ranked]
    assert float(rows[0]["training.learning_rate"]) == ranked[0].values["training.learning_rate"]
    assert (tmp_path / "s" / sweeps.PLOT).stat().st_size > 1000


def test_lists_of_values_are_gone_through_without_repeating_any(tmp_path, monkeypatch) -> None:
    pytest.importorskip("optuna")
    base = tmp_path / "c.toml"
    base.write_text(Config().to_toml())
    trained = []

    def pretend(base, folder, number, values, space, crew):
        trained.append(tuple(values.values()))
        return sweeps.Trial(number, values, math.nan if number == 2 else float(number))

    monkeypatch.setattr(sweeps, "_train", pretend)
    lists = """[vary]
"training.learning_rate" = { choices = [0.001, 0.01, 0.1] }
"training.optimizer" = { choices = ["sgd", "adamw"] }
"model.activations" = { choices = [200, 300, 200] }
"""
    space = load_space(write(tmp_path, lists))
    sweeps.sweep(base, space, tmp_path / "s", 5, jobs=2)
    assert len(trained) == len(set(trained)) == 5
    assert {values[1] for values in trained} == {"sgd", "adamw"}, "not one value after another"
    ranked = sweeps.sweep(base, space, tmp_path / "s", 100, jobs=3)
    assert len(trained) == len(set(trained)) == len(ranked) == 3 * 2 * 2
    assert len(sweeps.sweep(base, space, tmp_path / "s", 100, jobs=1)) == 12
