"""A small network and simulated frames for the predictor's tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from xgeom_core.frame import Frame
from xgeom_core.metadata import Metadata
from xgeom_core.models.inference import network_of
from xgeom_core.models.registry import build_network
from xgeom_core.models.settings import ModelCard, NetworkSettings
from xgeom_core.models.store import Model
from xgeom_core.predict import Predictor
from xgeom_core.simulate import SimulatedFrame, load_recipe, render


@pytest.fixture(scope="session")
def tiny_model() -> Model:
    """An untrained network: its opinion is worthless, but its plumbing is the real one."""
    torch.manual_seed(1)
    settings = NetworkSettings(width=4, input_px=64, activations=8)
    card = ModelCard(name="tiny", xgeom_version="0", network=settings, frames_seen=0, steps=0)
    return Model(network_of(settings, build_network(settings).state_dict()), card)


@pytest.fixture(scope="session")
def default_predictor() -> Predictor:
    """With the model that comes with xgeom."""
    return Predictor.load("default")


@pytest.fixture(scope="session")
def as_frame() -> Callable[..., Frame]:
    """Give a simulated exposure as a file would."""

    def convert(made: SimulatedFrame, known_distance: bool = True) -> Frame:
        geometry = made.geometry
        meta = Metadata(
            distance_mm=geometry.distance_mm if known_distance else None,
            wavelength_A=geometry.wavelength_A,
            pixel_mm=geometry.pixel_mm,
        )
        return Frame(made.counts.astype(np.float32), made.known, np.zeros_like(made.known), meta)

    return convert


@pytest.fixture(scope="session")
def simulated() -> Callable[..., SimulatedFrame]:
    """Simulate one frame of a kind with some background entries replaced (checked as a file's would be)."""

    def simulate(seed: int, kind: str = "standard", size: int = 820, **background: object) -> SimulatedFrame:
        recipe = load_recipe(kind)
        part = type(recipe.background).model_validate(recipe.background.model_dump() | background)
        recipe = recipe.model_copy(update={"background": part})
        return render(recipe, (size, size), np.random.default_rng(seed))

    return simulate
