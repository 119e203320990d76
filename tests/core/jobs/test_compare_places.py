"""Runs side by side, and what a place can run."""

from __future__ import annotations

import pytest

from xgeom_core.errors import ConfigError
from xgeom_core.jobs.compare import compare, worked_s
from xgeom_core.jobs.job import Place, SlurmSettings
from xgeom_core.jobs.settings import check_place, for_place
from xgeom_core.training.config import Config
from xgeom_core.training.events import EventLog, Finished, Heartbeat, Stage, Step, Validation

CPU = Place()


def config(**sections) -> Config:
    plain = {"name": "n", "data": {"workers": 1}, "training": {"threads": 1, "device": "cpu"}}
    for name, values in sections.items():
        plain[name] = plain.get(name, {}) | values if isinstance(values, dict) else values
    return Config.model_validate(plain)


def run(folder, settings: Config, center_px: float, rate: float = 20.0, memory_gb: float = 2.0):
    folder.mkdir()
    (folder / "config.toml").write_text(settings.to_toml())
    log = EventLog(folder / "events.jsonl")
    for step, off in ((10, 5.0), (20, 0.0)):
        log.write(Heartbeat(process="1@1@x", clock=0.0, memory_gb=memory_gb))
        log.write(
            Step(
                step=step,
                steps=20,
                frames=32 * step,
                loss=0.1,
                center_px=9.0,
                learning_rate=1e-3,
                frames_per_s=rate,
            )
        )
        log.write(
            Validation(
                step=step,
                data="standard",
                loss=0.5,
                center_px=center_px + off,
                center_constant_px=40.0,
                tilt_deg=1.0,
                tilt_constant_deg=2.0,
            )
        )
    log.write(Finished(step=20, reason="done", model="m"))
    log.close()
    return folder


def test_only_what_differs_is_compared_beside_the_results(tmp_path) -> None:
    one = run(tmp_path / "one", config(training={"learning_rate": 1e-3}), 8.0)
    two = run(tmp_path / "two", config(training={"learning_rate": 5e-3}, model={"architecture": "vit"}), 6.0)
    third = tmp_path / "third"
    third.mkdir()
    comparison = compare([one, two, third])
    rows = {row.key: row.values for row in compare([one, two]).rows}
    assert rows == {"model.architecture": ("resnet18", "vit"), "training.learning_rate": (0.001, 0.005)}
    first = comparison.results[0]
    assert (first.steps, first.frames, first.end, first.memory_gb) == (20, 640, "done", 2.0)
    (result,) = first.sets
    assert (result.center_px, result.best_center_px, result.center_constant_px) == (8.0, 8.0, 40.0)
    assert comparison.data == ("standard",)
    assert comparison.results[2].sets == ()


def test_breaks_and_clocks_that_jump_are_no_work() -> None:
    times = [100.0, 130.0, 130.0 + 86_400, 130.0 + 86_410, 50.0, 60.0]
    assert worked_s(Stage(text="x", time=time) for time in times) == pytest.approx(30 + 10 + 10)


@pytest.mark.parametrize(
    ("training", "place", "said"),
    [
        ({"batch": 32}, Place(processes=3), "cannot be shared by 3 processes"),
        ({}, Place(("cuda:0",), 2), "2 processes need as many GPUs"),
        ({"precision": "float16", "device": "auto"}, CPU, "works on CUDA only"),
    ],
)
def test_what_a_place_cannot_do_is_said_before_anything_starts(training, place, said) -> None:
    with pytest.raises(ConfigError, match=said):
        check_place(config(training=training), place)
    check_place(config(), Place(slurm=SlurmSettings()))


def test_a_configuration_is_fitted_to_its_place(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "start.safetensors").touch()
    plan = config(
        data={"files": ["a.h5"]},
        validation={"files": ["b.h5"]},
        training={"device": "auto", "start_from": "start.safetensors"},
    )
    fitted = for_place(plan, Place(("cuda:2",)))
    assert fitted.training.device == "cuda"
    assert fitted.training.start_from == str(tmp_path / "start.safetensors")
    assert fitted.data.files == [tmp_path / "a.h5"]
    assert fitted.validation.files == [tmp_path / "b.h5"]
    assert for_place(config(training={"start_from": "default"}), CPU).training.start_from == "default"
    assert for_place(plan, CPU).training.device == "cpu"
    assert for_place(plan, Place(slurm=SlurmSettings())).training.device == "auto"
