"""Answers without torch: those of the same weights in torch, for every architecture."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from xgeom_core.models.inference import network_of
from xgeom_core.models.onnx_export import random_inputs
from xgeom_core.models.registry import ARCHITECTURES, build_network
from xgeom_core.models.settings import NetworkSettings
from xgeom_core.models.store import load_model
from xgeom_core.models.torch_model import load_torch_model

# In the units of the outputs: 0.08 px of an 820-px frame, 0.0003 degrees.
SAME = 1e-4
POLAR = {"radii": 32, "azimuths": 48, "width": 4, "blocks": 1, "hidden": 8}
VIT = {"patch_px": 16, "embedding": 16, "depth": 2, "attention_heads": 2}
# What every architecture takes, and what some do.
VARIANTS = [
    *((name, {}) for name in ARCHITECTURES),
    *((name, {"input_px": 80, "supersampling": 1}) for name in ARCHITECTURES),
    *(
        (name, {"coordinates": "yes", "distance_input": "yes", "first_activations": 16, "input_px": 112})
        for name in ARCHITECTURES
    ),
    *((name, {"predicts": "tilt"}) for name in ("baseline", "resnet50", "vit")),
    *((name, {"predicts": "center", "uncertainty": "none"}) for name in ("baseline", "resnet18", "vit")),
    ("polar", {"polar": POLAR | {"fine": "yes", "refinements": 3, "blocks": 0}, "supersampling": 3}),
]


def settings_of(architecture: str, more: dict[str, object]) -> NetworkSettings:
    plain = {"width": 4, "input_px": 64, "activations": 8, "polar": POLAR, "vit": VIT}
    return NetworkSettings(**(plain | {"architecture": architecture} | more))


def as_if_trained(network: torch.nn.Module) -> torch.nn.Module:
    """With statistics and weights unlike those of a new network, some of which are zero."""
    for name, values in network.state_dict().items():
        if name.endswith("running_var"):
            torch.nn.init.uniform_(values, 0.5, 1.5)
        elif values.is_floating_point():
            values.add_(0.05 * torch.randn_like(values))
    return network.eval()


def largest_difference(settings: NetworkSettings, network: object, original: torch.nn.Module) -> float:
    """Over batches of several sizes, with and without what is known of the distance."""
    differences = []
    for given in random_inputs(settings):
        with torch.inference_mode():
            tensors = (torch.from_numpy(given.frames), torch.from_numpy(given.distance))
            wanted, blind = original(*tensors).numpy(), original(tensors[0]).numpy()
        said = network(given.frames, given.distance)
        assert said.shape == wanted.shape and said.dtype == np.float32
        differences += [np.abs(said - wanted).max(), np.abs(network(given.frames, None) - blind).max()]
    return float(np.max(differences))


@pytest.mark.parametrize(("architecture", "more"), VARIANTS)
def test_every_architecture_answers_as_in_torch(architecture: str, more: dict[str, object]) -> None:
    torch.manual_seed(0)
    settings = settings_of(architecture, more)
    original = as_if_trained(build_network(settings))
    network = network_of(settings, original.state_dict())
    assert largest_difference(settings, network, original) < SAME


@pytest.mark.parametrize("name", ["default", "finder"])
def test_bundled_models_answer_as_in_torch(name: str) -> None:
    opened, original = load_model(name), load_torch_model(name)
    assert largest_difference(opened.card.network, opened.network, original.network) < SAME


def test_a_frame_much_larger_than_a_block_is_answered_the_same() -> None:
    torch.manual_seed(0)
    settings = settings_of("baseline", {"input_px": 512, "width": 8})
    original = as_if_trained(build_network(settings))
    network = network_of(settings, original.state_dict())
    assert largest_difference(settings, network, original) < SAME


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_weights_that_do_not_fit_are_refused(architecture: str) -> None:
    settings = settings_of(architecture, {})
    weights = dict(build_network(settings).state_dict())
    name = next(iter(weights))
    for wrong in (
        {key: value for key, value in weights.items() if key != name},
        weights | {name: weights[name][..., :1]},
        weights | {"another": torch.zeros(1)},
    ):
        with pytest.raises(ValueError, match=r"shape|belong"):
            network_of(settings, wrong)
