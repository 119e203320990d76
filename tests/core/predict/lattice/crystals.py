"""Spots of known crystals, by formulas of their own (not the code under test)."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from xgeom_core.geometry import Geometry
from xgeom_core.predict.posterior.reliability import reliabilities
from xgeom_core.predict.posterior.sources import lattice_features
from xgeom_core.predict.spots.find import Spots

SHAPE = (2527, 2463)
CENTERING = {
    "P": [(0, 0, 0)],
    "I": [(0, 0, 0), (0.5, 0.5, 0.5)],
    "C": [(0, 0, 0), (0.5, 0.5, 0)],
    "F": [(0, 0, 0), (0.5, 0.5, 0), (0.5, 0, 0.5), (0, 0.5, 0.5)],
    "R": [(0, 0, 0), (2 / 3, 1 / 3, 1 / 3), (1 / 3, 2 / 3, 2 / 3)],
}


@dataclass(frozen=True)
class Truth:
    """Where the beam is and how the detector stands."""

    center: tuple[float, float] = (1260.3, 1215.8)
    tilt: tuple[float, float] = (1.1, -0.8)
    distance: float = 250.0
    wavelength: float = 1.0
    pixel: float = 0.172

    def geometry(self, off=(0.0, 0.0), tilt=(0.0, 0.0)) -> Geometry:
        """What a solver is told."""
        x, y = self.center
        return Geometry(
            (x + off[0], y + off[1]), self.distance, (self.pixel, self.pixel), self.wavelength, *tilt
        )


def judged(found, truth: Truth, within_px: float = 0.15) -> str:
    """Whether an answer is "right", "wrong", or "doubted".

    Doubted is one that is not given, is more likely wrong than right by its own numbers, or stands at another
    offset of the indices while the true one is listed as hardly less likely.
    """
    if found is None or reliabilities()["lattice"].p_wrong(lattice_features(found)) > 0.5:
        return "doubted"
    if np.hypot(*np.subtract(found.center_px, truth.center)) < within_px:
        return "right"
    true = min(found.offsets, key=lambda one: np.hypot(*np.subtract(one.center_px, truth.center)))
    listed = np.hypot(*np.subtract(true.center_px, truth.center)) < 1.5 and true is not found.offset
    near = listed and true.log_likelihood > found.offset.log_likelihood - 3.0
    return "doubted" if near else "wrong"


def cell_vectors(cell) -> np.ndarray:
    """Rows a, b, c of a cell with a along x and b in the xy plane."""
    a, b, c = cell[:3]
    alpha, beta, gamma = np.radians(cell[3:])
    cx, cy = np.cos(beta), (np.cos(alpha) - np.cos(beta) * np.cos(gamma)) / np.sin(gamma)
    return np.array(
        [
            [a, 0, 0],
            [b * np.cos(gamma), b * np.sin(gamma), 0],
            [c * cx, c * cy, c * np.sqrt(1 - cx * cx - cy * cy)],
        ]
    )


def spot_positions(truth: Truth, cell, centering="P", seed=0, width=8e-4, d_min=2.2) -> np.ndarray:
    """Positions (n, 2) of the reflections within `width` (1/Å) of the Ewald sphere, in px.

    The detector is reached by intersecting rays with a plane given by rotation matrices.
    """
    rng = np.random.default_rng(seed)
    real = cell_vectors(cell) @ Rotation.random(rng=rng).as_matrix().T
    star = np.linalg.inv(real)
    spans = [
        np.arange(-int(edge / d_min) - 1, int(edge / d_min) + 2) for edge in np.linalg.norm(real, axis=1)
    ]
    hkl = np.array(list(itertools.product(*spans)))
    phases = np.array(CENTERING[centering]) @ hkl.T
    hkl = hkl[np.abs(np.exp(2j * np.pi * phases).sum(axis=0)) > 0.5]
    s = hkl @ star.T
    length = np.linalg.norm(s, axis=1)
    k = s + np.array([0, 0, 1 / truth.wavelength])
    miss = np.linalg.norm(k, axis=1) - 1 / truth.wavelength
    k = k[(length < 1 / d_min) & (length > 0.01) & (np.abs(miss) < width * np.abs(rng.normal(size=len(s))))]
    turn = Rotation.from_euler("xy", truth.tilt, degrees=True).as_matrix()
    fast, slow, normal = turn.T
    point = np.array([0, 0, truth.distance])
    hit = k * ((normal @ point) / (k @ normal))[:, None] - point
    xy = np.stack([hit @ fast, hit @ slow], axis=1) / truth.pixel + truth.center
    on = (xy > 0).all(axis=1) & (xy[:, 0] < SHAPE[1]) & (xy[:, 1] < SHAPE[0]) & (k[:, 2] > 0)
    return xy[on]


def as_spots(xy: np.ndarray, noise=0.1, most=700, seed=1) -> Spots:
    """A spot list in random order with errors of `noise` px."""
    rng = np.random.default_rng(seed)
    xy = rng.permutation(xy)[:most]
    xy = xy + rng.normal(0, noise, xy.shape)
    count = len(xy)
    return Spots(
        xy[:, 0],
        xy[:, 1],
        np.full(count, max(noise, 0.05)),
        rng.exponential(1000.0, count) + 50.0,
        np.full(count, 30.0),
        np.full(count, 9, dtype=np.int64),
        SHAPE,
    )
