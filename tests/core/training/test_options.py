"""Options of the loop: each does what it says."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from xgeom_core.errors import ConfigError, TrainingError
from xgeom_core.models.registry import build_network
from xgeom_core.models.settings import NetworkSettings
from xgeom_core.models.store import load_model
from xgeom_core.training import loop
from xgeom_core.training.config import Config, TrainingConfig
from xgeom_core.training.data import Batch, FileFrames, SimulatedFrames, network_sees
from xgeom_core.training.events import EventLog, Finished, Step, Validation, read_events
from xgeom_core.training.losses import loss_of
from xgeom_core.training.processes import Processes, find_device
from xgeom_core.training.schedule import learning_rate, make_optimizer, set_rate
from xgeom_core.training.validation import Validated

pytestmark = pytest.mark.usefixtures("no_figures")

MODEL = {"width": 4, "input_px": 64, "supersampling": 1, "activations": 8}


def config(model=(), data=(), validation=(), **training) -> Config:
    return Config.model_validate(
        {
            "name": "t",
            "model": {**MODEL, **dict(model)},
            "data": {"workers": 0, "kinds": {"binary": 1.0}, **dict(data)},
            "validation": {"kinds": ["binary"], "frames": 4, "every_steps": 1000, **dict(validation)},
            "training": {
                "steps": 2,
                "batch": 4,
                "warmup_steps": 1,
                "device": "cpu",
                "threads": 1,
                **training,
            },
        }
    )


def run(folder, settings: Config) -> list:
    folder.mkdir(exist_ok=True)
    log = EventLog(folder / "events.jsonl")
    try:
        loop.train(settings, folder, log, "test")
    finally:
        log.close()
    return read_events(folder / "events.jsonl")


@pytest.mark.parametrize(
    "training",
    [
        {"optimizer": "sgd", "schedule": "one-cycle", "loss": "l2"},
        {"loss": "smooth-l1", "schedule": "trapezoid", "cooldown_steps": 1},
        {"loss": "l1", "accumulate": 2, "precision": "bfloat16"},
    ],
    ids=lambda value: "-".join(str(v) for v in value.values()),
)
def test_every_option_trains(tmp_path, training) -> None:
    events = run(tmp_path / "run", config(**training))
    assert isinstance(events[-1], Finished)
    assert load_model(str(tmp_path / "run" / "model.safetensors")).card.steps == 2


def test_schedules() -> None:
    def rates(schedule: str, **more) -> np.ndarray:
        plan = TrainingConfig(steps=100, warmup_steps=10, learning_rate=1.0, schedule=schedule, **more)
        return np.array([learning_rate(plan, step) for step in range(100)])

    cycle, trapezoid = rates("one-cycle"), rates("trapezoid", cooldown_steps=20)
    assert np.argmax(cycle) == 30
    assert cycle[0] == pytest.approx(0.04)
    assert cycle[-1] < 0.02
    assert (trapezoid[10:80] == 1.0).all()
    assert trapezoid[90] == pytest.approx(0.5)
    assert trapezoid[-1] == pytest.approx(0.05)
    plan = TrainingConfig(
        steps=100, warmup_steps=0, schedule="trapezoid", cooldown_steps=20, learning_rate=1.0
    )
    assert learning_rate(plan, 50, end=60) == pytest.approx(0.5), "a cooldown that began early"


def test_stage_one_can_learn_more_slowly() -> None:
    polar = {"radii": 16, "azimuths": 16, "width": 4, "blocks": 1, "hidden": 8}
    network = build_network(NetworkSettings(architecture="polar", width=4, input_px=64, polar=polar))
    optimizer = make_optimizer(network, TrainingConfig(finder_rate=0.25))
    set_rate(optimizer, 0.1)
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert len(rates) == len(list(network.parameters()))
    assert rates[id(network.finder.stem[0].weight)] == pytest.approx(0.025)
    assert rates[id(network.refinement.head.place)] == pytest.approx(0.1)


def test_losses_are_what_they_are_called() -> None:
    outputs, truths = torch.zeros(1, 8), torch.tensor([[0.05, -0.1, 2.0, 0.5]])
    expected = {
        "l1": (1 + 2) / 2 + 0.3 * (2.0 + 0.5) / 2,
        "l2": (1 + 4) / 2 + 0.3 * (4.0 + 0.25) / 2,
        "smooth-l1": (0.5 + 1.5) / 2 + 0.3 * (1.5 + 0.125) / 2,
        "likelihood": (0.05 + 0.1) / 2 + 0.3 * (2.0 + 0.5) / 2,
    }
    for kind, value in expected.items():
        assert float(loss_of(outputs, truths, 0.3, kind)) == pytest.approx(value), kind


@pytest.mark.parametrize("kind", ["l1", "likelihood"])
def test_unknown_tilts_cost_nothing(kind: str) -> None:
    torch.manual_seed(0)
    outputs = torch.randn(3, 8, requires_grad=True)
    truths = torch.randn(3, 4)
    truths[1:, 2:] = math.nan
    loss = loss_of(outputs, truths, 0.5, kind)
    loss.backward()
    known = loss_of(outputs, truths[:, :4].nan_to_num(), 0.0, kind) + 0.5 * (
        loss_of(outputs[:1], truths[:1], 1.0, kind) - loss_of(outputs[:1], truths[:1], 0.0, kind)
    )
    assert float(loss.detach()) == pytest.approx(float(known.detach()), rel=1e-5)
    assert not outputs.grad[1:, 2:4].any()
    assert torch.isfinite(outputs.grad).all()


@pytest.mark.parametrize("kind", ["l1", "l2", "smooth-l1", "likelihood"])
def test_only_what_is_predicted_counts(kind: str) -> None:
    """A network for tilts alone answers a constant center: however wrong, it says nothing of the network."""
    torch.manual_seed(0)
    outputs, truths = torch.randn(3, 8), torch.randn(3, 4)
    elsewhere = truths.clone()
    elsewhere[:, :2] += 7.0
    askew = truths.clone()
    askew[:, 2:] += 7.0
    both = loss_of(outputs, truths, 0.3, kind)
    tilt, center = (loss_of(outputs, truths, 0.3, kind, wanted) for wanted in ("tilt", "center"))
    assert float(loss_of(outputs, elsewhere, 0.3, kind, "tilt")) == float(tilt)
    assert float(loss_of(outputs, askew, 0.3, kind, "center")) == float(center)
    assert float(tilt + center) == pytest.approx(float(both), rel=1e-5)


def test_a_network_for_tilts_alone_is_scored_by_its_tilts(tmp_path) -> None:
    """Its loss is that of the tilts, in training as in validation."""
    model = {"predicts": "tilt", "uncertainty": "none"}
    events = run(tmp_path / "run", config(steps=1, loss="l1", tilt_weight=0.0, model=model))
    assert isinstance(events[-1], Finished)
    assert {event.loss for event in events if isinstance(event, Step | Validation)} == {0.0}


def test_a_run_without_progress_ends_and_the_best_model_is_kept(tmp_path, monkeypatch) -> None:
    """The losses are made up: 3, 1, 2, 2, ... so that the second of the validations is the best."""
    losses = iter([3.0, 1.0, *[2.0] * 50])
    real = loop.Record.validate.__globals__["validate"]

    def made_up(*args) -> Validated:
        result = real(*args)
        return Validated(result.score, next(losses), result.outputs)

    monkeypatch.setitem(loop.Record.validate.__globals__, "validate", made_up)
    settings = config(steps=40, keep="best", validation={"every_steps": 2, "patience": 3})
    events = run(tmp_path / "run", settings)
    assert (events[-1].reason, events[-1].step) == ("converged", 10)
    assert load_model(str(tmp_path / "run" / "model.safetensors")).card.steps == 4


def test_a_cooldown_can_be_asked_for(tmp_path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / loop.COOLDOWN).touch()
    events = run(folder, config(steps=50, schedule="trapezoid", cooldown_steps=3))
    assert (events[-1].reason, events[-1].step) == ("done", 4)
    assert not (folder / loop.COOLDOWN).exists()
    assert [event.steps for event in events if isinstance(event, Step)][-1] == 4


def test_several_validation_sets_are_scored_at_once(tmp_path) -> None:
    events = run(tmp_path / "run", config(steps=1, validation={"kinds": ["binary", "flat", "standard"]}))
    assert [event.data for event in events if isinstance(event, Validation)] == ["binary", "flat", "standard"]


def test_the_folder_holds_command_environment_and_seeds(tmp_path) -> None:
    run(tmp_path / "run", config(steps=1))
    facts = json.loads((tmp_path / "run" / "environment.json").read_text())
    assert facts["command"] == "test"
    assert facts["seeds"] == {"weights": 0, "training frames": 1, "validation frames": 9001}
    assert facts["packages"]["torch"] == torch.__version__.partition("+")[0] or facts["packages"]["torch"]


def test_files_without_tilts_teach_centers(tmp_path) -> None:
    import h5py

    from xgeom_core.simulate import load_recipe
    from xgeom_core.simulate.shards import write_training_file

    path = tmp_path / "set.h5"
    write_training_file(path, load_recipe("standard"), (64, 64), 2, seed=2)
    with h5py.File(path, "r+") as file:
        # As if another program had written it: its tilt labels cannot be trusted.
        del file.attrs["xgeom_version"]
    center, both = (NetworkSettings(**MODEL, predicts=wanted) for wanted in ("center", "both"))
    with pytest.raises(ConfigError, match=r"center and tilt.*predicts = 'center'"):
        FileFrames([path], both)
    frames = FileFrames([path], center)
    assert all(math.isnan(angle) for angle in frames.exposure(0).tilt_deg)
    assert frames.exposure(0).distance > 0
    events = run(tmp_path / "run", config(steps=1, data={"files": [path]}, model={"predicts": "center"}))
    assert isinstance(events[-1], Finished)
    assert math.isfinite(next(event for event in events if isinstance(event, Step)).loss)


def test_what_a_network_sees_depends_on_its_design() -> None:
    plain, polar = NetworkSettings(**MODEL), NetworkSettings(**MODEL, architecture="polar")
    exposure = SimulatedFrames({"binary": 1.0}, plain, 0).exposure(0)
    assert network_sees(exposure, plain).shape == (1, 64, 64)
    assert network_sees(exposure, polar).shape == (2, 64, 64)


def test_devices_that_are_not_there_get_a_reason() -> None:
    if not torch.cuda.is_available():
        with pytest.raises(TrainingError, match=r"without CUDA|no NVIDIA driver"):
            find_device(TrainingConfig(device="cuda"))
    if not torch.backends.mps.is_available():
        with pytest.raises(TrainingError, match=r"without MPS|no Mac"):
            find_device(TrainingConfig(device="mps"))
    with pytest.raises(TrainingError, match="bfloat16"):
        find_device(TrainingConfig(device="cpu", precision="float16"))


def test_one_process_needs_nobody() -> None:
    alone = Processes(0, 1, torch.device("cpu"))
    assert alone.leads
    assert alone.mean([1.0, 2.0]) == alone.told([1.0, 2.0]) == [1.0, 2.0]


def test_accumulated_parts_make_the_same_gradient_without_normalization(tmp_path) -> None:
    """The baseline has no batch statistics: parts of a batch add up to the whole."""
    tables = []
    for parts in (1, 2):
        folder = tmp_path / str(parts)
        run(folder, config(steps=3, accumulate=parts, model={"architecture": "baseline"}))
        tables.append(
            [float(row.split(",")[1]) for row in (folder / "losses.csv").read_text().splitlines()[1:]]
        )
    assert tables[0] == pytest.approx(tables[1], rel=1e-4)


def test_a_batch_is_cut_into_equal_parts() -> None:
    batch = Batch(*(torch.arange(8.0).reshape(8, 1, 1, 1) for _ in range(5)))
    parts = [loop._part(batch, i, 4, torch.device("cpu")).labels.flatten().tolist() for i in range(4)]
    assert parts == [[0, 1], [2, 3], [4, 5], [6, 7]]
