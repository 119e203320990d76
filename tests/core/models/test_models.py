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
from xgeom_core.models.resnet import OUTPUTS, build_network
from xgeom_core.models.settings import ModelCard, NetworkSettings
from xgeom_core.models.store import find_model, load_model, read_card, save_model

SMALL = NetworkSettings(width=4, input_px=64, activations=8)


def card(settings: NetworkSettings = SMALL) -> ModelCard:
    return ModelCard(name="t", xgeom_version="0", network=settings, frames_seen=1, steps=1)


def test_a_saved_model_gives_the_same_outputs(tmp_path) -> None:
    torch.manual_seed(0)
    network = build_network(SMALL).eval()
    save_model(tmp_path / "m.safetensors", network.state_dict(), card())
    again = load_model(str(tmp_path / "m.safetensors"))
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


@pytest.mark.parametrize("input_px", [64, 80, 208])
def test_the_head_fits_every_input_size(input_px: int) -> None:
    network = build_network(NetworkSettings(width=4, input_px=input_px, activations=8)).eval()
    assert network(torch.zeros(1, 1, input_px, input_px)).shape == (1, OUTPUTS)


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
    assert set(scores) == {"standard", "varied", "flat", "binary", "long"}
    assert scores["standard"].center_constant_px820 > 5 * scores["standard"].center_px820
