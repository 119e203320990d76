"""``xgeom export`` as a user meets it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch

from xgeom_core.models.registry import build_network
from xgeom_core.models.settings import ModelCard, NetworkSettings
from xgeom_core.models.store import read_card, save_model

SMALL = NetworkSettings(width=4, input_px=64, supersampling=1, activations=8)


@pytest.fixture
def run(tmp_path):
    """A run folder with a model in it."""
    torch.manual_seed(0)
    folder = tmp_path / "run"
    folder.mkdir()
    card = ModelCard(name="rings", xgeom_version="0", network=SMALL, frames_seen=1, steps=1)
    save_model(folder / "model.safetensors", build_network(SMALL).state_dict(), card)
    return folder


def test_help_answers_without_loading_torch() -> None:
    loaded = "import sys; from xgeom_core.cli import export; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded]).returncode == 0


def test_a_run_is_copied_into_a_folder_under_its_name(xgeom, run, tmp_path) -> None:
    out = tmp_path / "v1.2"
    code, said, err = xgeom("export", run, "--out", f"{out}/")
    assert (code, err) == (0, "")
    assert f"{out / 'rings.safetensors'} and {out / 'rings.json'}" in said
    assert read_card(out / "rings.safetensors").name == json.loads((out / "rings.json").read_text())["name"]


def test_a_run_becomes_onnx(xgeom, run, tmp_path) -> None:
    pytest.importorskip("onnx", reason="onnx is not installed")
    out = tmp_path / "rings.onnx"
    code, said, _ = xgeom("export", run, "--out", out)
    assert code == 0
    assert f"written to {out}; no output differs by more than" in said
    assert "on 12 frames" in said
    assert out.stat().st_size > 10_000


def test_nothing_is_replaced_unasked(xgeom, run, tmp_path) -> None:
    out = tmp_path / "m.safetensors"
    out.write_text("mine")
    code, _, err = xgeom("export", run, "--out", out)
    assert code == 2
    assert err == f"xgeom: {out} exists already; choose another --out, or replace it with --overwrite.\n"
    assert out.read_text() == "mine"
    assert xgeom("export", run, "--out", out, "--overwrite")[0] == 0
    assert read_card(out).name == "rings"


@pytest.mark.parametrize(
    ("model", "out", "words"),
    [
        ("nothing", "m.onnx", "There is no model 'nothing'"),
        ("run", "m.pt", "--out takes FILE.onnx, FILE.safetensors or a folder"),
        ("run", "run/model.safetensors", "is the model itself"),
        ("run/..", "m.onnx", "holds no model.safetensors"),
    ],
)
def test_mistakes_end_in_a_sentence(xgeom, run, tmp_path, monkeypatch, model, out, words) -> None:
    monkeypatch.chdir(tmp_path)
    code, _, err = xgeom("export", model, "--out", out, "--overwrite")
    assert code == 2
    assert err.startswith("xgeom: ") and err.count("\n") == 1
    assert words in err
