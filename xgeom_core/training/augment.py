"""Ways to change an exposure that an experiment could have changed, its labels with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import SYMMETRIES
from xgeom_core.training.config import AugmentConfig

_LEAST_DOSE = 0.03


@dataclass(frozen=True, eq=False)
class Exposure:
    """A frame on the network's canvas and the truth about it.

    Parameters
    ----------
    counts : ndarray of float32, shape (canvas, canvas)
        Counts per canvas pixel; meaningless where not known.
    known : ndarray of bool, shape (canvas, canvas)
    center : tuple of float
        Beam center ``(x, y)`` in canvas pixels.
    tilt_deg : tuple of float
        ``(pitch, yaw)``; NaN where unknown.
    distance : float
        Distance over the side of the canvas; NaN where unknown.
    """

    counts: NDArray[np.float32]
    known: NDArray[np.bool_]
    center: tuple[float, float]
    tilt_deg: tuple[float, float]
    distance: float

    @property
    def side(self) -> int:
        """Canvas pixels a side."""
        return self.counts.shape[0]


def augmented(exposure: Exposure, plan: AugmentConfig, rng: np.random.Generator) -> Exposure:
    """The exposure changed by chance, as often as `plan` says."""
    ways: tuple[tuple[float, Callable[[Exposure, np.random.Generator], Exposure]], ...] = (
        (plan.pooling, pooled),
        (plan.shift, lambda one, draw: shifted(one, draw, plan.farthest_shift)),
        (plan.dose, thinned),
        (plan.shadows, shadowed),
        (plan.gaps, gapped),
    )
    for share, change in ways:
        if rng.random() < share:
            exposure = change(exposure, rng)
    return exposure


def turned(exposure: Exposure, which: int) -> Exposure:
    """The exposure under symmetry number `which` of the eight."""
    symmetry, side = SYMMETRIES[which], exposure.side
    return replace(
        exposure,
        counts=symmetry.image(exposure.counts),
        known=symmetry.image(exposure.known),
        center=symmetry.center(exposure.center, (side, side)),
        tilt_deg=symmetry.tilt(exposure.tilt_deg),
    )


def shifted(exposure: Exposure, rng: np.random.Generator, farthest: float) -> Exposure:
    """Moved by whole pixels, the center staying on the canvas."""
    side = exposure.side
    most = int(farthest * side)
    moves = []
    for place in exposure.center:
        low, high = max(-most, -int(place)), min(most, side - 1 - int(place))
        moves.append(int(rng.integers(low, high + 1)) if low <= high else 0)
    dx, dy = moves
    counts, known = np.zeros_like(exposure.counts), np.zeros_like(exposure.known)
    to_y, from_y = _overlap(side, dy)
    to_x, from_x = _overlap(side, dx)
    counts[to_y, to_x] = exposure.counts[from_y, from_x]
    known[to_y, to_x] = exposure.known[from_y, from_x]
    center = (exposure.center[0] + dx, exposure.center[1] + dy)
    return replace(exposure, counts=counts, known=known, center=center)


def _overlap(side: int, move: int) -> tuple[slice, slice]:
    return slice(max(move, 0), side + min(move, 0)), slice(max(-move, 0), side - max(move, 0))


def pooled(exposure: Exposure, rng: np.random.Generator) -> Exposure:
    """Summed 2 x 2 and laid somewhere on an empty canvas with the center on it."""
    side, half = exposure.side, exposure.side // 2
    blocks = np.where(exposure.known, exposure.counts, 0)[: 2 * half, : 2 * half]
    sums = blocks.reshape(half, 2, half, 2).sum(axis=(1, 3))
    whole = exposure.known[: 2 * half, : 2 * half].reshape(half, 2, half, 2).all(axis=(1, 3))
    x0, y0 = (int(rng.integers(side - half + 1)) for _ in range(2))
    counts, known = np.zeros_like(exposure.counts), np.zeros_like(exposure.known)
    counts[y0 : y0 + half, x0 : x0 + half] = sums
    known[y0 : y0 + half, x0 : x0 + half] = whole
    center = (exposure.center[0] / 2 + x0, exposure.center[1] / 2 + y0)
    return replace(exposure, counts=counts, known=known, center=center, distance=exposure.distance / 2)


def thinned(exposure: Exposure, rng: np.random.Generator) -> Exposure:
    """Every photon kept with one probability: exactly a shorter exposure."""
    share = float(np.exp(rng.uniform(np.log(_LEAST_DOSE), 0.0)))
    photons = np.rint(np.maximum(exposure.counts, 0)).astype(np.int64)
    return replace(exposure, counts=rng.binomial(photons, share).astype(np.float32))


def shadowed(exposure: Exposure, rng: np.random.Generator) -> Exposure:
    """A stop about the beam, an arm from there, or an edge; dark, or not quite."""
    side = exposure.side
    y, x = np.ogrid[:side, :side]
    dx, dy = x + 0.5 - exposure.center[0], y + 0.5 - exposure.center[1]
    angle = rng.uniform(0.0, 2.0 * np.pi)
    along, across = dx * np.cos(angle) + dy * np.sin(angle), dy * np.cos(angle) - dx * np.sin(angle)
    match rng.integers(3):
        case 0:
            off = rng.normal(0.0, 0.01 * side, 2)
            dark = np.hypot(dx - off[0], dy - off[1]) < side * rng.uniform(0.01, 0.08)
        case 1:
            dark = (along > 0) & (np.abs(across) < side * rng.uniform(0.004, 0.03))
        case _:
            dark = along > side * rng.uniform(0.15, 0.5)
    through = 0.0 if rng.random() < 0.5 else float(rng.uniform(0.0, 0.6))
    return replace(exposure, counts=np.where(dark, np.float32(through), np.float32(1)) * exposure.counts)


def gapped(exposure: Exposure, rng: np.random.Generator) -> Exposure:
    """Rows and columns between modules made unknown."""
    known = exposure.known.copy()
    side = exposure.side
    for axis in (0, 1):
        pitch = side * rng.uniform(0.08, 0.6)
        width = max(1, round(side * rng.uniform(0.003, 0.015)))
        start = rng.uniform(0.0, pitch)
        for place in np.arange(start, side, pitch).astype(int):
            index = [slice(None), slice(None)]
            index[axis] = slice(int(place), int(place) + width)
            known[tuple(index)] = False
    return replace(exposure, known=known)


def cut(exposure: Exposure, rng: np.random.Generator) -> Exposure:
    """Cut to a random rectangle that still holds the center, as detectors of other shapes are."""
    inside = []
    for place in exposure.center:
        side = exposure.side
        length = int(side * rng.uniform(0.6, 1.0))
        # Where the beam is on the panel already, keep it there; elsewhere anything goes.
        low, high = max(0, int(place) - length + 1), min(side - length, int(place))
        start = int(rng.integers(low, high + 1)) if low <= high else int(rng.integers(side - length + 1))
        line = np.zeros(side, dtype=bool)
        line[start : start + length] = True
        inside.append(line)
    return replace(exposure, known=exposure.known & (inside[1][:, None] & inside[0]))
