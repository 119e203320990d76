"""Models as ONNX files: the same answers, or no file."""

from __future__ import annotations

import importlib
import logging
import shutil
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from xgeom_core.errors import ModelError
from xgeom_core.models import onnx_export
from xgeom_core.models.copies import copy_model, copy_name, model_file
from xgeom_core.models.layers import OUTPUTS
from xgeom_core.models.onnx_export import TOLERANCE, NetworkInput, export_onnx
from xgeom_core.models.registry import build_network
from xgeom_core.models.residual import ResNet
from xgeom_core.models.settings import ModelCard, NetworkSettings
from xgeom_core.models.store import load_model, save_model
from xgeom_core.models.torch_model import TorchModel
from xgeom_core.training.data import SimulatedFrames, collate

onnx = pytest.importorskip("onnx", reason="onnx is not installed: pip install 'xgeom[onnx]'")
onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


def small(architecture: str, fine: str = "no", **more) -> NetworkSettings:
    polar = {"radii": 16, "azimuths": 16, "width": 4, "blocks": 1, "hidden": 8, "fine": fine}
    vit = {"patch_px": 16, "embedding": 16, "depth": 1, "attention_heads": 2}
    return NetworkSettings(
        architecture=architecture,
        width=4,
        input_px=64,
        activations=8,
        polar=polar,
        vit=vit,
        **({"supersampling": 1} | more),
    )


def model(settings: NetworkSettings, name: str = "t") -> TorchModel:
    torch.manual_seed(0)
    network = build_network(settings).eval()
    for part in network.modules():
        # Statistics of a trained network, not of a new one.
        if isinstance(part, ResNet) and part.detail is not None:
            torch.nn.init.normal_(part.detail.weight, std=0.1)
        if isinstance(part, torch.nn.BatchNorm2d):
            torch.nn.init.uniform_(part.running_mean, -0.2, 0.2)
            torch.nn.init.uniform_(part.running_var, 0.5, 1.5)
    return TorchModel(
        network, ModelCard(name=name, xgeom_version="0", network=settings, frames_seen=1, steps=1)
    )


def simulated(settings: NetworkSettings, count: int) -> NetworkInput:
    frames = SimulatedFrames({"binary": 1.0}, settings, 3)
    batch = collate([(frames.exposure(i), i % 2 == 0, np.zeros(3)) for i in range(count)], settings)
    return NetworkInput(batch.images.numpy(), batch.distance.numpy())


@pytest.fixture(scope="module")
def baseline(tmp_path_factory) -> tuple[TorchModel, Path]:
    """A small model and its ONNX form, which several tests look at."""
    original = model(small("baseline"))
    path = tmp_path_factory.mktemp("onnx") / "m.onnx"
    export_onnx(original, path)
    return original, path


@pytest.mark.parametrize(
    ("settings", "tells"),
    [
        (small("baseline"), False),
        (small("resnet18", coordinates="yes", distance_input="yes"), True),
        (small("vit", predicts="tilt"), False),
        # Its first stage is a residual network, which is there without the fine detail above.
        (small("polar", fine="yes", supersampling=2), True),
    ],
    ids=["baseline", "resnet18", "vit", "polar, fine"],
)
def test_an_onnx_file_answers_as_its_original(settings: NetworkSettings, tells: bool, tmp_path) -> None:
    original, path = model(settings), tmp_path / "m.onnx"
    samples = simulated(settings, 3)
    before, level = list(warnings.filters), logging.getLogger("torch.onnx").level
    agreement = export_onnx(original, path, [samples])
    assert (warnings.filters, logging.getLogger("torch.onnx").level) == (before, level), "left as they were"
    assert agreement.largest <= TOLERANCE == 1e-4
    assert agreement.frames == 1 + 2 + 5 + 3
    assert [file.name for file in tmp_path.iterdir()] == ["m.onnx"]
    onnx.checker.check_model(str(path))

    # Asked as a stranger would, in batches that the export has not seen.
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    assert [each.name for each in session.get_inputs()] == (["frames", "distance"] if tells else ["frames"])
    card = ModelCard.model_validate_json(session.get_modelmeta().custom_metadata_map["card"])
    assert card == original.card
    for count in (1, 3):
        few = NetworkInput(samples.frames[:count], samples.distance[:count])
        feed = {"frames": few.frames} | ({"distance": few.distance} if tells else {})
        (answer,) = session.run(["outputs"], feed)
        with torch.inference_mode():
            wanted = original.network(torch.from_numpy(few.frames), torch.from_numpy(few.distance)).numpy()
        assert answer.shape == (count, OUTPUTS)
        np.testing.assert_allclose(answer, wanted, atol=1e-4, rtol=0)
    if tells:
        other = session.run(["outputs"], {"frames": few.frames, "distance": few.distance + 1.0})[0]
        assert np.abs(other - answer).max() > 1e-4, "the distance plays a part"


def test_a_file_that_answers_otherwise_is_not_written(baseline, tmp_path, monkeypatch) -> None:
    original, written = baseline
    path = tmp_path / "m.onnx"
    path.write_text("an older one")

    def wrong(given: TorchModel, where: Path) -> None:
        """The true file with one bias moved."""
        proto = onnx.load(written)
        bias = next(each for each in proto.graph.initializer if each.name == "head.2.bias")
        moved = onnx.numpy_helper.to_array(bias) + np.float32(2e-4)
        bias.CopyFrom(onnx.numpy_helper.from_array(moved, bias.name))
        onnx.save(proto, where)

    monkeypatch.setattr(onnx_export, "_write", wrong)
    with pytest.raises(
        ModelError, match=r"answers differ from the original's by 0\.0002, and at most 0\.0001"
    ):
        export_onnx(original, path)
    assert [file.read_text() for file in tmp_path.iterdir()] == ["an older one"]


def test_answers_that_are_no_numbers_are_not_accepted(baseline, tmp_path, monkeypatch) -> None:
    original, written = baseline
    monkeypatch.setattr(onnx_export, "_write", lambda _model, where: shutil.copyfile(written, where))
    samples = simulated(original.card.network, 1)
    samples.frames[0, 0, 0, 0] = np.nan
    with pytest.raises(ModelError, match="differ from the original's by nan"):
        export_onnx(original, tmp_path / "m.onnx", [samples])
    assert not list(tmp_path.iterdir())


def test_a_network_that_onnx_cannot_express_is_a_sentence(tmp_path) -> None:
    class Odd(torch.nn.Module):
        def forward(self, frames: torch.Tensor) -> torch.Tensor:
            return frames.new_zeros(len(frames), OUTPUTS) if float(frames.sum()) > 0 else frames

    odd = TorchModel(Odd(), model(small("baseline"), "odd").card)
    with pytest.raises(ModelError, match=r"The network of 'odd' \(baseline\) cannot be expressed in ONNX"):
        export_onnx(odd, tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())


def test_a_missing_package_is_named_with_how_to_install_it(tmp_path, monkeypatch) -> None:
    there = importlib.import_module

    def without(name: str, *rest):
        if name == "onnxscript":
            raise ModuleNotFoundError(name)
        return there(name, *rest)

    monkeypatch.setattr(onnx_export.importlib, "import_module", without)
    with pytest.raises(
        ModelError, match=r"needs onnxscript, not installed here; type: pip install 'xgeom\[onnx\]'"
    ):
        export_onnx(model(small("baseline")), tmp_path / "m.onnx")


def test_a_folder_that_is_not_there_is_a_sentence(tmp_path) -> None:
    with pytest.raises(ModelError, match=r"m\.onnx cannot be written: .*Choose another --out"):
        export_onnx(model(small("baseline")), tmp_path / "none" / "m.onnx")


def test_a_copy_is_the_same_model_with_its_card_beside_it(tmp_path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    original = model(small("baseline"), "Fig. 9/a")
    save_model(run / "model.safetensors", original.network.state_dict(), original.card)
    source = model_file(str(run))
    assert copy_name(source, original.card) == "Fig.-9-a"
    copied, card = copy_model(source, tmp_path / "new" / "mine.safetensors")
    assert copied.read_bytes() == source.read_bytes()
    assert ModelCard.model_validate_json(card.read_text()) == original.card
    assert load_model(str(copied)).card == original.card
    assert sorted(file.name for file in copied.parent.iterdir()) == ["mine.json", "mine.safetensors"]


def test_a_run_without_a_model_is_a_sentence(tmp_path) -> None:
    with pytest.raises(ModelError, match=r"holds no model\.safetensors"):
        model_file(str(tmp_path))
    assert "xgeom_gui" not in sys.modules
