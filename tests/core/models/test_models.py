"""Networks, their inputs and their files."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from xgeom_core.errors import ModelError
from xgeom_core.models.inputs import network_input, pooling_factor
from xgeom_core.models.layers import OUTPUTS, BatchNorm
from xgeom_core.models.registry import ARCHITECTURES, build_network
from xgeom_core.models.residual import Sparse1x1
from xgeom_core.models.settings import ModelCard, NetworkSettings
from xgeom_core.models.store import find_model, load_model, read_card, save_model
from xgeom_core.models.torch_model import load_torch_model, weights_that_fit

SMALL = NetworkSettings(width=4, input_px=64, activations=8)


def card(settings: NetworkSettings = SMALL) -> ModelCard:
    return ModelCard(name="t", xgeom_version="0", network=settings, frames_seen=1, steps=1)


def test_a_saved_model_gives_the_same_outputs(tmp_path) -> None:
    torch.manual_seed(0)
    network = build_network(SMALL).eval()
    save_model(tmp_path / "m.safetensors", network.state_dict(), card())
    again = load_torch_model(str(tmp_path / "m.safetensors"))
    image = torch.randn(2, 1, 64, 64)
    with torch.inference_mode():
        assert torch.equal(network(image), again.network(image))
    assert again.card == card()


def test_resnet18_has_eight_blocks_of_two_convolutions() -> None:
    network = build_network(NetworkSettings(width=64, input_px=208))
    assert len(network.blocks) == 8
    threes = [
        m for m in network.blocks.modules() if isinstance(m, torch.nn.Conv2d) and m.kernel_size == (3, 3)
    ]
    assert len(threes) == 16
    # He et al. (2015), table 1: the convolutions of the 18-layer network; ours has one input channel.
    trunk = sum(p.numel() for part in (network.stem, network.blocks) for p in part.parameters())
    assert trunk == 11_689_512 - 513_000 - 2 * 64 * 49


@pytest.mark.parametrize("channels_in", [1, 3, 4, 6, 24])
def test_a_sparse_convolution_is_one_with_a_stride(channels_in: int) -> None:
    torch.manual_seed(0)
    layer = Sparse1x1(channels_in, 8, 2)
    image = torch.randn(2, channels_in, 16, 15).to(memory_format=torch.channels_last)
    strided = torch.nn.functional.conv2d(image, layer.weight, stride=2)
    torch.testing.assert_close(layer(image), strided)
    # Where oneDNN's own strided one is used, this writes beyond its memory on some processors.
    layer(image).square().sum().backward()
    assert torch.isfinite(layer.weight.grad).all()


@pytest.mark.parametrize("input_px", [64, 80, 208])
def test_the_head_fits_every_input_size(input_px: int) -> None:
    network = build_network(NetworkSettings(width=4, input_px=input_px, activations=8)).eval()
    assert network(torch.zeros(1, 1, input_px, input_px)).shape == (1, OUTPUTS)


def small(architecture: str, **more) -> NetworkSettings:
    polar = {"radii": 16, "azimuths": 16, "width": 4, "blocks": 1, "hidden": 8}
    vit = {"patch_px": 16, "embedding": 16, "depth": 1, "attention_heads": 2}
    return NetworkSettings(
        architecture=architecture, width=4, input_px=64, activations=8, polar=polar, vit=vit, **more
    )


def image_for(settings: NetworkSettings, count: int = 2) -> torch.Tensor:
    side = settings.canvas_px if settings.sees_canvas else settings.input_px
    return torch.rand(count, 2 if settings.sees_canvas else 1, side, side)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_architecture_is_built_saved_and_opened(architecture: str, tmp_path) -> None:
    settings = small(architecture)
    torch.manual_seed(0)
    network = build_network(settings).eval()
    save_model(tmp_path / "m.safetensors", network.state_dict(), card(settings))
    images = image_for(settings)
    with torch.inference_mode():
        out = network(images, torch.zeros(2, 2))
        assert out.shape == (2, OUTPUTS)
        assert torch.equal(out, load_torch_model(str(tmp_path / "m.safetensors")).network(images))
    build_network(settings).train()(images).sum().backward()


@pytest.mark.parametrize(
    ("architecture", "layers"), [("resnet18", 17), ("resnet34", 33), ("resnet50", 49), ("resnet64", 63)]
)
def test_residual_networks_have_as_many_layers_as_they_say(architecture: str, layers: int) -> None:
    """Convolutions on the main path; the outputs are the last layer (He et al., table 1)."""
    network = build_network(small(architecture))
    main = [name for name, m in network.named_modules() if isinstance(m, torch.nn.Conv2d)]
    assert len([name for name in main if "carry" not in name and name != "narrow"]) == layers


def test_the_baseline_is_the_posters() -> None:
    network = build_network(small("baseline"))
    kinds = [type(m).__name__ for m in network.convolutions if not isinstance(m, torch.nn.ReLU)]
    assert kinds == ["Conv2d", "MaxPool2d", "Conv2d", "MaxPool2d", "Conv2d", "Conv2d"]


@pytest.mark.parametrize("architecture", ["baseline", "resnet18", "vit"])
def test_heads_answer_what_they_are_asked(architecture: str) -> None:
    def outputs(**more) -> torch.Tensor:
        torch.manual_seed(0)
        settings = small(architecture, **more)
        with torch.inference_mode():
            return build_network(settings).eval()(image_for(settings), torch.tensor([[0.3, 1.0]] * 2))

    center, tilt = outputs(predicts="center"), outputs(predicts="tilt")
    assert not center[:, 2:4].any()
    assert center[:, :2].all()
    assert not tilt[:, :2].any()
    assert tilt[:, 2:4].all()
    plain = outputs(uncertainty="none")
    assert torch.equal(plain[0, 4:], plain[1, 4:])
    assert not torch.equal(outputs()[0, 4:], outputs()[1, 4:])
    assert outputs(first_activations=16, coordinates="yes", distance_input="yes").shape == (2, OUTPUTS)


def test_a_network_told_the_distance_uses_it() -> None:
    torch.manual_seed(0)
    settings = small("resnet18", distance_input="yes")
    network, images = build_network(settings).eval(), image_for(settings)
    with torch.inference_mode():
        near, far = (
            network(images, torch.tensor([[-2.0, 1.0]] * 2)),
            network(images, torch.tensor([[2.0, 1.0]] * 2)),
        )
    assert not torch.equal(near, far)


def test_settings_that_do_not_go_together_are_refused() -> None:
    for wrong in (
        {"architecture": "vit", "vit": {"patch_px": 24}},
        {"architecture": "polar", "predicts": "tilt"},
    ):
        with pytest.raises(ValueError, match=r"multiple|always"):
            NetworkSettings(**wrong)


def test_training_can_begin_with_another_model(tmp_path) -> None:
    torch.manual_seed(0)
    plain = build_network(small("resnet18"))
    save_model(tmp_path / "m.safetensors", plain.state_dict(), card(small("resnet18")))
    polar = build_network(small("polar"))
    assert weights_that_fit(str(tmp_path / "m.safetensors"), polar) == len(plain.state_dict())
    assert torch.equal(polar.finder.stem[0].weight, plain.stem[0].weight)
    with pytest.raises(ModelError, match="No weights"):
        weights_that_fit(str(tmp_path / "m.safetensors"), torch.nn.Linear(3, 3))


def test_normalization_is_torchs_own_in_one_process() -> None:
    torch.manual_seed(0)
    ours, theirs = BatchNorm(3), torch.nn.BatchNorm2d(3)
    x = torch.randn(4, 3, 5, 5)
    assert torch.equal(ours(x), theirs(x))
    assert torch.equal(ours.running_var, theirs.running_var)


def test_a_position_in_the_image_reaches_the_outputs() -> None:
    torch.manual_seed(0)
    network = build_network(SMALL).eval()
    image = torch.zeros(2, 1, 64, 64)
    image[0, 0, 8:16, 8:16] = 5.0
    image[1, 0, 48:56, 48:56] = 5.0
    with torch.inference_mode():
        out = network(image)
    assert (out[0] - out[1]).abs().max() > 1e-4


@given(scale=st.floats(0.01, 1000))
def test_inputs_do_not_know_the_exposure(scale: float) -> None:
    counts = np.random.default_rng(0).gamma(2.0, 5.0, (32, 32))
    known = np.ones((32, 32), dtype=bool)
    one, other = network_input(counts, known, 2), network_input(counts * scale, known, 2)
    assert one == pytest.approx(other, abs=1e-4)
    assert (one.mean(), one.std()) == pytest.approx((0, 1), abs=1e-4)


def test_unknown_pixels_are_zero_and_change_nothing_else() -> None:
    counts = np.random.default_rng(0).gamma(2.0, 5.0, (32, 32))
    known = np.ones((32, 32), dtype=bool)
    known[:, 16:] = False
    wild = counts.copy()
    wild[:, 16:] = 1e9
    assert np.array_equal(network_input(counts, known, 2), network_input(wild, known, 2))
    assert not network_input(counts, known, 2)[:, 8:].any()
    assert not network_input(counts, np.zeros_like(known), 2).any()


def test_frames_fill_the_canvas_as_far_as_they_can() -> None:
    assert pooling_factor((2527, 2463), 416) == 6
    assert pooling_factor((1679, 1475), 416) == 4
    assert pooling_factor((100, 100), 416) == 1


class Bomb:
    def __reduce__(self):
        return (pytest.fail, ("opening a model ran its code",))


def test_unusable_model_files_get_a_sentence(tmp_path) -> None:
    text = tmp_path / "text.safetensors"
    text.write_text("not a model")
    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(1)}, foreign)
    bomb = tmp_path / "bomb.safetensors"
    bomb.write_bytes(pickle.dumps(Bomb()))
    wrong = tmp_path / "wrong.safetensors"
    save_model(wrong, {"a": torch.zeros(1)}, card())
    for path, words in [
        (text, "not a readable model"),
        (foreign, "no card"),
        (bomb, "not a readable model"),
        (wrong, "do not fit"),
    ]:
        with pytest.raises(ModelError, match=words) as caught:
            load_model(str(path))
        assert path.name in str(caught.value)
    with pytest.raises(ModelError, match="no model 'nothing'"):
        find_model("nothing")


def test_the_default_model_is_small_and_scored_beside_the_constant_predictor() -> None:
    path = find_model("default")
    assert path.stat().st_size <= 12_000_000
    scores = {score.data: score for score in read_card(path).scores}
    assert set(scores) >= {"standard", "varied", "flat", "binary", "long"}
    assert scores["standard"].center_constant_px820 > 5 * scores["standard"].center_px820
