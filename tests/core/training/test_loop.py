"""The loop: labels turn with images, learning happens, a stopped run goes on exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xgeom_core.errors import ConfigError, TrainingError, XgeomError
from xgeom_core.models.settings import NetworkSettings
from xgeom_core.models.store import load_model, read_weights
from xgeom_core.simulate import load_recipe
from xgeom_core.simulate.shards import write_training_file
from xgeom_core.training.config import Config, TrainingConfig
from xgeom_core.training.data import Batches, FileFrames, SimulatedFrames
from xgeom_core.training.events import EventLog, Finished, Step, Validation, read_events
from xgeom_core.training.loop import STOP, learning_rate, train
from xgeom_core.training.losses import loss_of

pytestmark = pytest.mark.usefixtures("no_figures")

SMALL = NetworkSettings(width=4, input_px=64, supersampling=1, activations=8)


def config(**training) -> Config:
    return Config.model_validate(
        {
            "name": "t",
            "model": SMALL.model_dump(),
            "data": {"workers": 0, "kinds": {"standard": 1.0}},
            "validation": {"kinds": ["standard"], "frames": 4, "every_steps": 2},
            "training": {"steps": 4, "batch": 4, "warmup_steps": 2, "device": "cpu", "threads": 1} | training,
        }
    )


def run(folder, settings: Config, stop_at: int | None = None) -> list:
    folder.mkdir(exist_ok=True)

    class Log(EventLog):
        def write(self, event) -> None:
            super().write(event)
            if isinstance(event, Validation) and event.step == stop_at:
                (folder / STOP).touch()

    log = Log(folder / "events.jsonl")
    try:
        train(settings, folder, log, "test")
    finally:
        log.close()
    return read_events(folder / "events.jsonl")


def test_frames_depend_on_seed_and_number_alone() -> None:
    one, two = (SimulatedFrames({"standard": 1, "flat": 1}, SMALL, 5, 0.5) for _ in range(2))
    two.exposure(0)
    assert np.array_equal(one.exposure(3).counts, two.exposure(3).counts)
    assert np.array_equal(one.exposure(3).known, two.exposure(3).known)
    assert one.exposure(3).center == two.exposure(3).center
    assert not np.array_equal(one.exposure(3).counts, one.exposure(4).counts)


def test_a_resumed_row_of_batches_goes_on_where_it_stopped() -> None:
    data = config().data
    whole, rest = Batches(data, SMALL, 4, 6), Batches(data, SMALL, 4, 6, first=4)
    assert (len(whole), len(rest)) == (6, 2)
    for ours, theirs in zip(whole[5], rest[1], strict=True):
        assert torch.equal(ours, theirs)


def test_a_lag_shows_every_frame_as_often_as_none_does() -> None:
    """With a lag of two batches, the second showing of batch n's frames stands in batch n + 2."""
    data = config().data.model_copy(update={"reuse_lag": 2, "reuse": 2, "vignette": 0.0})
    batches = Batches(data, SMALL, 4, 8)
    now, later = batches[1].log_distance, batches[3].log_distance
    assert torch.equal(now[::2], later[1::2])
    assert not set(batches[0].log_distance[1::2].tolist()) & set(batches[0].log_distance[::2].tolist())
    alone = Batches(data, SMALL, 4, 8, first=3)[0]
    assert all(torch.equal(a, b) for a, b in zip(alone, batches[3], strict=True))


def test_processes_share_a_batch_and_leave_nothing_out() -> None:
    data = config().data
    whole = Batches(data, SMALL, 4, 2)[1]
    parts = [Batches(data, SMALL, 4, 2, part=i, parts=2)[1] for i in range(2)]
    for whole_one, *halves in zip(whole, *parts, strict=True):
        assert torch.equal(whole_one, torch.cat(halves))


def test_the_loss_rewards_honesty() -> None:
    truths = torch.zeros(1, 4)
    wrong = torch.full((1, 4), 0.1)

    def loss(scale: float) -> float:
        return float(loss_of(torch.cat([wrong, torch.full((1, 4), np.log(scale))], dim=1), truths, 0.3))

    assert loss(0.1) < loss(0.01), "boasting costs"
    assert loss(0.1) < loss(1.0), "whining costs"


def test_the_learning_rate_rises_and_falls() -> None:
    plan = TrainingConfig(steps=100, warmup_steps=10, learning_rate=1.0)
    rates = [learning_rate(plan, step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert np.argmax(rates) in {9, 10}
    assert rates[-1] < 0.02
    assert learning_rate(TrainingConfig(schedule="constant", warmup_steps=0, learning_rate=0.5), 99) == 0.5


def test_a_run_leaves_everything_that_its_folder_promises(tmp_path) -> None:
    events = run(tmp_path / "run", config())
    assert isinstance(events[-1], Finished)
    assert events[-1].reason == "done"
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"config.toml", "environment.json", "checkpoint.pt", "model.safetensors", "tensorboard"} <= names
    model = load_model(str(tmp_path / "run" / "model.safetensors"))
    assert (model.card.steps, model.card.frames_seen) == (4, 16)
    assert model.card.scores[0].center_constant_px820 > 0
    assert list((tmp_path / "run" / "tensorboard").iterdir())


def test_steps_are_told_however_fast_validations_come(tmp_path) -> None:
    """Reports come every 2 s and four small steps take less: validations must not swallow them."""
    events = run(tmp_path / "run", config(steps=6))
    order = [(type(event), event.step) for event in events if isinstance(event, (Step, Validation))]
    assert [step for kind, step in order if kind is Step] == [2, 4, 6]
    assert order.index((Step, 2)) < order.index((Validation, 2))


def test_a_stopped_run_ends_with_the_same_weights(tmp_path) -> None:
    run(tmp_path / "whole", config())
    events = run(tmp_path / "parts", config(), stop_at=2)
    assert isinstance(events[-1], Finished)
    assert (events[-1].reason, events[-1].step) == ("stopped", 2)
    assert not (tmp_path / "parts" / STOP).exists()
    run(tmp_path / "parts", config())
    whole, parts = (read_weights(tmp_path / name / "model.safetensors") for name in ("whole", "parts"))
    assert all(np.array_equal(whole[name], parts[name]) for name in whole)


def test_a_stop_before_the_first_step_still_leaves_a_model(tmp_path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / STOP).touch()
    events = run(folder, config())
    assert not any(isinstance(event, Step) for event in events)
    assert load_model(str(folder / "model.safetensors")).card.steps == 0


def test_training_learns(tmp_path) -> None:
    """A hundred small steps on two hundred frames beat the constant predictor."""
    settings = config(steps=100, batch=16, learning_rate=8e-3, warmup_steps=5, ema_decay=0.9)
    more = {
        "validation": settings.validation.model_copy(update={"every_steps": 100, "frames": 32}),
        # Each frame under all its symmetries: most of the time is that of making frames.
        "data": settings.data.model_copy(update={"reuse": 8}),
    }
    settings = settings.model_copy(update=more)
    last = [event for event in run(tmp_path / "run", settings) if isinstance(event, Validation)][-1]
    assert last.center_px < 0.7 * last.center_constant_px


def test_files_can_be_learned_from_and_say_so_when_they_cannot(tmp_path) -> None:
    path = tmp_path / "set.h5"
    write_training_file(path, load_recipe("standard"), (64, 64), 3, seed=2)
    frames = FileFrames([path, path], SMALL)
    assert len(frames) == 6
    made = SimulatedFrames({"standard": 1.0}, SMALL, 0)
    assert frames.exposure(4).counts.shape == made.exposure(0).counts.shape
    assert frames.exposure(4).center == frames.exposure(1).center
    import h5py

    bare = tmp_path / "bare.h5"
    with h5py.File(bare, "w") as file:
        file["data"] = np.ones((2, 64, 64), dtype=np.int32)
    with pytest.raises(ConfigError, match=r"bare\.h5 does not state the center"):
        FileFrames([bare], SMALL)


def test_troubles_get_a_sentence(tmp_path) -> None:
    run(tmp_path / "run", config(steps=1))
    with pytest.raises(TrainingError, match="another configuration"):
        run(tmp_path / "run", config(steps=2))
    (tmp_path / "run" / "checkpoint.pt").write_bytes(b"rubbish")
    with pytest.raises(TrainingError, match="cannot be read"):
        run(tmp_path / "run", config(steps=1))
    if not torch.cuda.is_available():
        with pytest.raises(TrainingError, match="finds no such device"):
            run(tmp_path / "gpu", config(device="cuda"))


def test_a_mistake_in_the_kinds_is_found_before_any_worker_starts(tmp_path) -> None:
    settings = config()
    data = settings.data.model_copy(update={"kinds": {"standrd": 1.0}, "workers": 1})
    with pytest.raises(XgeomError) as caught:
        run(tmp_path / "run", settings.model_copy(update={"data": data}))
    assert "Did you mean 'standard'" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_error_of_a_worker_comes_without_its_traceback(tmp_path) -> None:
    """The file is good when the run starts; its last frame is damaged where only a worker reads it."""
    import h5py

    path = tmp_path / "set.h5"
    write_training_file(path, load_recipe("standard"), (64, 64), 3, seed=2)
    with h5py.File(path, "r+") as file:
        file["images"].id.write_direct_chunk((2, 0, 0), b"rubbish")
    settings = config()
    data = settings.data.model_copy(update={"files": [path], "workers": 1})
    with pytest.raises(TrainingError) as caught:
        run(tmp_path / "run", settings.model_copy(update={"data": data}))
    assert "set.h5" in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert "\n" not in str(caught.value)
