"""Pictures with a known center, made of nothing but formulas."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata

META = Metadata(distance_mm=100.0, pixel_mm=(0.2, 0.2), wavelength_A=1.0)


@pytest.fixture(scope="session")
def gapped() -> np.ndarray:
    """Which pixels of a 400 x 460 panel are measured: two gaps, and a stop with its arm."""
    valid = np.ones((400, 460), dtype=bool)
    valid[130:137] = False
    valid[:, 300:306] = False
    valid[:190, 205:213] = False
    return valid


@pytest.fixture(scope="session")
def ringed(gapped: np.ndarray) -> Callable[..., Frame]:
    """A frame with a water ring or powder rings about a given center and tilt."""

    def make(
        center: tuple[float, float],
        tilt: tuple[float, float] = (0.0, 0.0),
        powder: bool = False,
        level: float = 40.0,
        seed: int = 1,
        known_distance: bool = True,
        gaps: bool = True,
    ) -> Frame:
        geometry = Geometry(center, 100.0, (0.2, 0.2), 1.0, *tilt)
        x, y = np.arange(460) + 0.5, (np.arange(400) + 0.5)[:, None]
        radius = 500.0 * np.tan(geometry.two_theta(x, y))
        value = 0.1 + 0.3 * np.exp(-radius / 150.0)
        if powder:
            for at in (60.0, 95.0, 130.0, 175.0):
                value = value + np.exp(-0.5 * ((radius - at) / 1.8) ** 2)
        else:
            value = value + np.exp(-0.5 * ((radius - 110.0) / 22.0) ** 2)
        counts = np.random.default_rng(seed).poisson(level * value).astype(np.float32)
        valid = gapped.copy() if gaps else np.ones_like(gapped)
        counts[~valid] = 0
        meta = META if known_distance else Metadata()
        return Frame(counts, valid, np.zeros_like(valid), meta)

    return make


@pytest.fixture(scope="session")
def paired() -> Callable[..., Frame]:
    """A frame of Friedel pairs about a center, with some lone spots."""

    def make(center: tuple[float, float], pairs: int = 40, lone: int = 15, seed: int = 3) -> Frame:
        rng = np.random.default_rng(seed)
        off = rng.uniform(-170, 170, size=(pairs, 2))
        places = np.concatenate([center + off, center - off, rng.uniform(0, 400, size=(lone, 2))])
        strength = rng.uniform(200, 600, size=pairs)
        strength = np.concatenate(
            [strength, strength * rng.uniform(0.6, 1.6, size=pairs), rng.uniform(200, 600, lone)]
        )
        image = np.full((400, 460), 1.0)
        down, right = np.mgrid[-5:6, -5:6]
        for (x, y), total in zip(places, strength, strict=True):
            if not (8 < x < 452 and 8 < y < 392):
                continue
            i, j = int(y), int(x)
            spot = np.exp(-0.5 * ((right + j + 0.5 - x) ** 2 + (down + i + 0.5 - y) ** 2) / 1.2**2)
            image[i - 5 : i + 6, j - 5 : j + 6] += total * spot / spot.sum()
        everything = np.ones(image.shape, dtype=bool)
        return Frame(rng.poisson(image).astype(np.float32), everything, ~everything, META)

    return make
