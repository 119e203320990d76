"""What there is to train on, and why there is no GPU."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from xgeom_core.jobs import devices
from xgeom_core.jobs.devices import probe_devices, read_answer
from xgeom_core.jobs.job import Job, Place, SlurmSettings, command_of, command_text

ANSWER = {"torch": "2.9", "cuda": "12.8", "hip": None, "found": [], "mps": False}
GPU = {"name": "cuda:0", "title": "NVIDIA H100 80GB HBM3", "bytes": 85_000_000_000}


def test_gpus_are_listed_with_memory_and_driver(monkeypatch) -> None:
    monkeypatch.setattr(devices, "_driver", lambda: "driver 550.54")
    probe = read_answer("a warning\n" + json.dumps(ANSWER | {"found": [GPU]}), 0)
    cpu, gpu = probe.devices
    assert (cpu.name, gpu.name, gpu.title) == ("cpu", "cuda:0", "NVIDIA H100 80GB HBM3")
    assert (gpu.memory_gb, gpu.driver, probe.trouble) == (85.0, "driver 550.54, CUDA 12.8", "")
    assert cpu.memory_gb > 0.1


@pytest.mark.parametrize(
    ("driver", "answer", "why"),
    [
        ("", ANSWER | {"cuda": None}, "was built without CUDA"),
        ("", ANSWER, "no NVIDIA driver is loaded"),
        ("driver 390.1", ANSWER, "it may be too old"),
        ("", {"error": "ModuleNotFoundError: No module named 'torch'"}, "training needs torch, which is not"),
        ("", {"error": "ImportError: no libcuda"}, "torch cannot be imported (ImportError: no libcuda)"),
        ("", None, "ended with exit code -6 and without an answer"),
    ],
)
def test_no_gpu_says_why(monkeypatch, driver, answer, why) -> None:
    monkeypatch.setattr(devices, "_driver", lambda: driver)
    monkeypatch.setattr(devices.platform, "system", lambda: "Linux")
    probe = read_answer("" if answer is None else json.dumps(answer), -6)
    assert [device.name for device in probe.devices] == ["cpu"]
    assert probe.trouble.startswith("No GPU: ")
    assert why in probe.trouble


def test_a_driver_that_hangs_costs_no_more_than_the_time_given(monkeypatch) -> None:
    monkeypatch.setattr(devices, "_ASK", "import time; time.sleep(600)")
    probe = probe_devices(timeout_s=0.5)
    assert "did not answer within 0.5 s" in probe.trouble


def test_the_real_probe_answers_and_torch_stays_in_the_child() -> None:
    code = (
        "import sys; from xgeom_core.jobs.devices import probe_devices\n"
        "from xgeom_core.jobs import store\n"
        "probe = probe_devices(); assert probe.devices[0].name == 'cpu'\n"
        "assert len(probe.devices) > 1 or probe.trouble.startswith('No GPU: ')\n"
        "assert not {'torch', 'numpy', 'pydantic'} & set(sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr


def job(tmp_path, kind="train", place=Place(), **more) -> Job:  # noqa: B008 - a frozen record
    return Job("i", kind, "t", tmp_path, (kind, "a b.toml"), place, 0.0, **more)


def test_the_command_is_what_a_terminal_would_run(tmp_path, monkeypatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert command_text(job(tmp_path)).endswith("train 'a b.toml'")
    assert command_of(job(tmp_path)).environment == {}
    gpus = job(tmp_path, place=Place(("cuda:1", "cuda:3"), 2))
    assert command_text(gpus).startswith("CUDA_VISIBLE_DEVICES=1,3 ")
    assert "torch.distributed.run --standalone --nproc-per-node 2 -m xgeom_core train" in command_text(gpus)
    assert command_of(job(tmp_path, "evaluate")).environment == {"CUDA_VISIBLE_DEVICES": ""}
    assert command_text(job(tmp_path, "evaluate")).startswith("CUDA_VISIBLE_DEVICES='' ")
    slurm = job(tmp_path, place=Place(("cuda:0",), 1, SlurmSettings(gpus=1)))
    assert command_of(slurm).environment == {}
    assert command_of(job(tmp_path, program=("other", "-m"))).words == ("other", "-m", "train", "a b.toml")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "5,GPU-abc")
    assert command_of(job(tmp_path, place=Place(("cuda:1",)))).environment == {
        "CUDA_VISIBLE_DEVICES": "GPU-abc"
    }


def test_the_text_really_runs(tmp_path) -> None:
    said = subprocess.run(
        command_text(Job("i", "simulate", "t", tmp_path, ("simulate", "--list"), Place(), 0.0)),
        shell=True,
        capture_output=True,
        text=True,
    )
    assert said.returncode == 0, said.stderr
    assert "standard" in said.stdout
