"""Noise-free background frames with known truth, drawn independently of the product's simulator.

A scene is an expected image as a function of the geometry, so that derivatives can be taken, and what
stands in front of it. Sizes as in frames of 820 px with pixels of 0.516 mm.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from xgeom_core.frame import Frame
from xgeom_core.geometry import Geometry
from xgeom_core.metadata import Metadata

SIDE = 820
PIXEL_MM = 423.6 / SIDE
HOSTILE = ("plain", "gradient", "nozzle", "arm", "seams", "ice", "blur", "tape")

Image = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Scene:
    """One experiment.

    Parameters
    ----------
    geometry : Geometry
        The truth.
    profile : callable
        Intensity against 1/d in 1/Å.
    level : float
        Mean expected counts of a pixel.
    polarized : float
        Share polarized along x.
    front : ndarray, shape (SIDE, SIDE)
        What multiplies the intensity and does not move with the geometry: shadows, gains.
    valid : ndarray of bool
        False in gaps.
    blur_px : float
        Standard deviation of the point spread.
    """

    geometry: Geometry
    profile: Callable[[Image], Image]
    level: float
    polarized: float
    front: Image
    valid: NDArray[np.bool_]
    blur_px: float = 0.0

    def expected(self, geometry: Geometry | None = None) -> Image:
        """Noise-free counts at the true geometry, or at another one."""
        image = self._shape(geometry or self.geometry) * self.front
        return np.asarray(image * self.level / self._mean)

    @property
    def _mean(self) -> float:
        return float(self._shape(self.geometry).mean())

    def _shape(self, geometry: Geometry) -> Image:
        x = np.arange(SIDE) + 0.5
        lab = geometry.to_lab(x, x[:, None])
        square = (lab**2).sum(axis=-1)
        r = np.sqrt(square)
        normal = geometry.axes()[2]
        s = np.sqrt(np.maximum(2.0 * (1.0 - lab[..., 2] / r), 0.0)) / (geometry.wavelength_A or 1.0)
        polar = self.polarized * (1.0 - lab[..., 0] ** 2 / square)
        polar += (1.0 - self.polarized) * (1.0 - lab[..., 1] ** 2 / square)
        image = self.profile(s) * polar * (lab @ normal) * geometry.distance_mm**2 / r**3
        return ndimage.gaussian_filter(image, self.blur_px) if self.blur_px else image


def water(s: Image) -> Image:
    """A broad ring at 3.3 Å over air scatter."""
    ring = np.exp(-0.5 * ((s - 0.303) / 0.055) ** 2) + 0.35 * np.exp(-0.5 * ((s - 0.48) / 0.08) ** 2)
    return ring + 0.3 / (1.0 + np.exp((s - 0.303) / 0.033)) + 0.8 / (1.0 + (s / 0.07) ** 2) + 0.08


def solvent(s: Image) -> Image:
    """A protein solution: small-angle scatter, a ring at 4.3 Å and one at 3.1 Å."""
    near = 2.0 * np.exp(-0.5 * (s / 0.06) ** 2)
    return near + np.exp(-0.5 * ((s - 0.23) / 0.05) ** 2) + np.exp(-0.5 * ((s - 0.32) / 0.05) ** 2) + 0.15


def powder(s: Image) -> Image:
    """Sharp rings of a cubic powder of 5.41 Å over a low background."""
    rings = [(3, 1.0), (4, 0.3), (8, 0.6), (11, 0.5), (12, 0.1), (16, 0.1), (19, 0.2), (20, 0.15), (24, 0.2)]
    total = 0.15 + 0.3 / (1.0 + (s / 0.1) ** 2)
    for number, height in rings:
        total = total + 2.0 * height * np.exp(-0.5 * ((s - np.sqrt(number) / 5.41) / 0.0025) ** 2)
    return total


def with_ice(profile: Callable[[Image], Image]) -> Callable[[Image], Image]:
    """Ice rings over another profile."""

    def icy(s: Image) -> Image:
        total = profile(s)
        for d, height in ((3.90, 0.5), (3.67, 0.8), (3.44, 0.5), (2.67, 0.3), (2.25, 0.4), (2.07, 0.3)):
            total = total + height * np.exp(-0.5 * ((s - 1.0 / d) / 0.003) ** 2)
        return total

    return icy


def draw_scene(kind: str, hostile: str, level: float, distance_mm: float, rng: np.random.Generator) -> Scene:
    """A scene with gaps and a beam stop.

    Parameters
    ----------
    kind : {"water", "solvent", "powder"}
    hostile : str
        One of `HOSTILE`.
    level : float
        Mean counts of a pixel.
    distance_mm : float
    rng : numpy.random.Generator
    """
    center = (float(SIDE * rng.uniform(0.42, 0.58)), float(SIDE * rng.uniform(0.42, 0.58)))
    pitch, yaw = (float(angle) for angle in rng.uniform(-2.0, 2.0, size=2))
    geometry = Geometry(center, distance_mm, (PIXEL_MM, PIXEL_MM), 1.0, pitch, yaw)
    profile = {"water": water, "solvent": solvent, "powder": powder}[kind]
    x = np.arange(SIDE) + 0.5 - center[0]
    y = (np.arange(SIDE) + 0.5 - center[1])[:, None]
    r = np.hypot(x, y)
    stop = np.hypot(x - rng.uniform(-5, 5), y - rng.uniform(-5, 5)) - rng.uniform(8.0, 25.0)
    front = np.clip(stop + 0.5, 0.0, 1.0)
    along = rng.uniform(0.0, 2.0 * np.pi)
    cos, sin = np.cos(along), np.sin(along)
    ahead, aside = x * cos + y * sin, y * cos - x * sin
    if hostile == "gradient":
        size = rng.uniform(0.05, 0.3)
        front = front * np.exp(size * ahead / np.maximum(r, 1.0) * (0.4 + 0.6 * r / SIDE))
    elif hostile == "nozzle":
        reach = rng.uniform(120.0, 250.0)
        inside = (ahead > reach) & (np.abs(aside) < 60.0 + 0.25 * (ahead - reach))
        front = front * np.where(inside, rng.uniform(0.3, 0.8), 1.0)
    elif hostile == "arm":
        front = front * np.where(
            (ahead > 0) & (np.abs(aside) < rng.uniform(4.0, 10.0)), rng.uniform(0.0, 0.8), 1
        )
    elif hostile == "seams":
        gains = rng.normal(1.0, 0.015, size=(5, 3))
        front = front * np.kron(gains, np.ones((SIDE // 5, SIDE // 2)))[:SIDE, :SIDE]
    elif hostile == "tape":
        front = front * np.where(aside > 0.02 * ahead, rng.uniform(0.9, 0.97), 1.0)
    elif hostile == "ice":
        profile = with_ice(profile)
    valid = np.ones((SIDE, SIDE), dtype=bool)
    valid[65::71], valid[66::71], valid[67::71] = False, False, False
    valid[:, 272:275], valid[:, 546:549] = False, False
    blur = 2.0 if hostile == "blur" else 0.0
    polarized = float(rng.uniform(0.9, 1.0))
    return Scene(geometry, profile, level, polarized, front, valid, blur)


def expose(scene: Scene, rng: np.random.Generator, spots: int = 300) -> Frame:
    """One exposure, with Bragg spots of all strengths, as a file would give it."""
    image = scene.expected()
    at = rng.uniform(0, SIDE, size=(2, spots))
    heights = rng.exponential(30.0 * np.sqrt(scene.level) + 30.0, size=spots)
    sigma = rng.uniform(0.6, 1.3)
    reach = np.arange(-5, 6)
    for (x, y), height in zip(at.T, heights, strict=True):
        columns, rows = int(x) + reach, int(y) + reach
        columns, rows = columns[(columns >= 0) & (columns < SIDE)], rows[(rows >= 0) & (rows < SIDE)]
        far = (columns + 0.5 - x) ** 2 + ((rows + 0.5 - y) ** 2)[:, None]
        image[np.ix_(rows, columns)] += height * np.exp(-0.5 * far / sigma**2)
    counts = np.where(scene.valid, rng.poisson(image), 0).astype(np.float32)
    truth = scene.geometry
    meta = Metadata(truth.distance_mm, truth.wavelength_A, truth.pixel_mm)
    return Frame(counts, scene.valid.copy(), np.zeros_like(scene.valid), meta)


def moved(geometry: Geometry, change: NDArray[np.float64]) -> Geometry:
    """A geometry moved by (x, y) in px and (pitch, yaw) in degrees."""
    return replace(
        geometry,
        center_px=(geometry.center_px[0] + change[0], geometry.center_px[1] + change[1]),
        pitch_deg=geometry.pitch_deg + change[2],
        yaw_deg=geometry.yaw_deg + change[3],
    )
