"""The recipes of the poster's figures: the full ones, which need a GPU, at least learn for two steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from xgeom_core.resources import resource
from xgeom_core.training.config import load_config
from xgeom_core.training.events import EventLog, Step, read_events
from xgeom_core.training.loop import train
from xgeom_core.training.search_space import load_space
from xgeom_core.training.sweep import varied

# One at its own size; the others keep their depth, for which a quarter of the width is as good a trial.
NARROW = {"model.width": 16, "model.input_px": 128}
FULL = [
    ("figure9-full", "resnet18", {}),
    ("figure10-full", "resnet18", NARROW),
    ("figure11-full", "resnet34", NARROW),
    ("figure11-full", "resnet50", NARROW),
]


@pytest.mark.usefixtures("no_figures")
@pytest.mark.parametrize(("recipe", "architecture", "smaller"), FULL)
def test_a_full_recipe_learns_for_two_steps(
    tmp_path: Path, recipe: str, architecture: str, smaller: dict[str, int]
) -> None:
    """Batch, workers and validation are cut to what a CPU does at once."""
    values = {
        "model.architecture": architecture,
        "data.workers": 0,
        "data.reuse_lag": 0,
        "validation.kinds": ["binary"],
        "validation.frames": 4,
        "training.steps": 2,
        "training.batch": 2,
        "training.device": "cpu",
        "training.threads": 1,
    }
    config = varied(load_config(resource(f"recipes/{recipe}.toml")), values | smaller, "short")
    log = EventLog(tmp_path / "events.jsonl")
    try:
        model = train(config, tmp_path, log, "test")
    finally:
        log.close()
    if not smaller:
        assert model.stat().st_size > 10_000_000, "a full network"
    steps = [event.step for event in read_events(tmp_path / "events.jsonl") if isinstance(event, Step)]
    assert steps[-1] == 2


@pytest.mark.parametrize("figure", ["figure9", "figure10", "figure11"])
def test_small_and_full_differ_in_size_only(figure: str) -> None:
    small, full = (load_config(resource(f"recipes/{figure}-{size}.toml")) for size in ("small", "full"))
    assert small.data.files or small.data.kinds == full.data.kinds
    assert small.model.predicts == full.model.predicts
    assert (small.model.first_activations, small.model.activations) == (
        full.model.first_activations,
        full.model.activations,
    )
    for key in ("optimizer", "momentum", "learning_rate", "weight_decay", "schedule", "loss", "batch"):
        assert getattr(small.training, key) == getattr(full.training, key), key


def test_runs_that_are_compared_differ_in_their_frames_only() -> None:
    """Figure 10 sets a standard run beside a varied one."""
    for size in ("small", "full"):
        one, other = (
            load_config(resource(f"recipes/{figure}-{size}.toml")) for figure in ("figure9", "figure10")
        )
        assert one.model == other.model
        assert one.training == other.training
        assert one.data.model_copy(update={"kinds": {}}) == other.data.model_copy(update={"kinds": {}})


@pytest.mark.parametrize("name", ["figure11", "poster"])
def test_bundled_spaces_vary_what_a_recipe_has(name: str) -> None:
    base = load_config(resource("recipes/figure11-full.toml"))
    for key, choice in load_space(resource(f"sweeps/{name}.toml")).vary.items():
        for value in choice.choices or (choice.low, choice.high):
            varied(base, {key: value}, "variant")
