"""Noise-free scenes drawn by formulas of their own, not by the product's simulator."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata
from xgeom_core.predict.background.radial_fit import RadialFit
from xgeom_core.predict.posterior.reliability import reliabilities
from xgeom_core.predict.posterior.sources import background_features

SIDE = 410


@pytest.fixture(scope="session")
def p_wrong() -> Callable[..., float]:
    """How likely a fit is wrong, by what it says of itself; 1 without one."""

    def judge(fit: RadialFit | None, side: int = SIDE) -> float:
        if fit is None or not np.isfinite(fit.covariance).all():
            return 1.0
        return reliabilities()["background"].p_wrong(background_features(fit, side))

    return judge


PIXEL_MM = 423.6 / SIDE


@dataclass(frozen=True, eq=False)
class Scene:
    """A frame, its truth, and the start of a fit."""

    frame: Frame
    truth: Geometry
    start: tuple[float, float]


def water(s: np.ndarray) -> np.ndarray:
    ring = np.exp(-0.5 * ((s - 0.303) / 0.055) ** 2) + 0.35 * np.exp(-0.5 * ((s - 0.48) / 0.08) ** 2)
    return ring + 0.3 / (1.0 + np.exp((s - 0.303) / 0.033)) + 0.8 / (1.0 + (s / 0.07) ** 2) + 0.08


def powder(s: np.ndarray) -> np.ndarray:
    rings = sum(np.exp(-0.5 * ((s - np.sqrt(n) / 5.41) / 0.0035) ** 2) for n in (3, 4, 8, 11, 16, 19))
    return 0.15 + 0.3 / (1.0 + (s / 0.1) ** 2) + rings


def flat(s: np.ndarray) -> np.ndarray:
    return np.full_like(s, 0.3)


def diffuse(s: np.ndarray) -> np.ndarray:
    rings = sum(np.exp(-0.5 * ((s - at) / 0.02) ** 2) for at in (0.25, 0.42))
    return 0.15 + 0.3 / (1.0 + (s / 0.1) ** 2) + rings


PROFILES = {"diffuse": diffuse, "water": water, "powder": powder, "flat": flat}


def draw(
    seed: int = 1,
    profile: str = "water",
    level: float = 100.0,
    distance_mm: float = 250.0,
    front: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None,
    spots: int = 0,
    reach: float = 6.0,
    tilt_deg: tuple[float, float] = (1.0, -1.5),
    meta: Metadata | None = None,
) -> Scene:
    """A frame of 410 px; `front` gets the distances in px from the beam center."""
    rng = np.random.default_rng(seed)
    center = (float(SIDE * rng.uniform(0.45, 0.55)), float(SIDE * rng.uniform(0.45, 0.55)))
    truth = Geometry(center, distance_mm, (PIXEL_MM, PIXEL_MM), 1.0, *tilt_deg)
    at = np.arange(SIDE) + 0.5
    lab = truth.to_lab(at, at[:, None])
    square = (lab**2).sum(axis=-1)
    s = np.sqrt(np.maximum(2.0 * (1.0 - lab[..., 2] / np.sqrt(square)), 0.0))
    polar = 0.97 * (1.0 - lab[..., 0] ** 2 / square) + 0.03 * (1.0 - lab[..., 1] ** 2 / square)
    image = PROFILES[profile](s) * polar * (lab @ truth.axes()[2]) / square**1.5
    x, y = np.broadcast_arrays(at - center[0], (at - center[1])[:, None])
    image = image * (np.hypot(x - 2.0, y + 1.0) > 8.0)
    if front is not None:
        image = image * front(x, y)
    image *= level / image.mean()
    rows, columns = rng.integers(3, SIDE - 3, size=(2, spots))
    image[rows, columns] += 50.0 * level
    image[rows + 1, columns] += 20.0 * level
    valid = np.ones((SIDE, SIDE), dtype=bool)
    valid[100:103], valid[:, 270:272] = False, False
    counts = np.where(valid, rng.poisson(image), 0).astype(np.float32)
    known = Metadata(distance_mm, 1.0, (PIXEL_MM, PIXEL_MM)) if meta is None else meta
    shift = rng.uniform(-reach, reach, size=2)
    start = (center[0] + float(shift[0]), center[1] + float(shift[1]))
    return Scene(Frame(counts, valid, np.zeros_like(valid), known), truth, start)


@pytest.fixture(scope="session")
def scene() -> Callable[..., Scene]:
    """Draw a scene; see `draw`."""
    return draw
