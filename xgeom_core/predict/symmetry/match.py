"""The center about which a picture agrees best with itself turned round or mirrored, by least squares."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from xgeom_core.geometry import FloatArray
from xgeom_core.metadata import Metadata
from xgeom_core.predict.statistics import solve_normal
from xgeom_core.predict.symmetry.features import Features

TURN = -np.eye(2)
_PASSES, _SMALL_STEP, _LARGE_STEP, _REACH_SHARE = 8, 0.01, 3.0, 0.03
# Pairs that differ by more than this many times the usual difference do not count (Tukey's biweight).
_TUKEY = 4.0
_SECTORS, _RINGS = 8, 4
_MOST_POINTS, _LEAST_PAIRS, _LEAST_CONTRAST = 12000, 200, 0.1
# Neighbors say the same: so many pixels count as one.
_SAME_PIXELS = 4.0
# Sectors and annuli count as alike from this correlation on.
_ALIKE = 0.2
# What is not symmetric moves the center by about this share of its size, and a tilt by this share of its
# whole shift although it is fitted (measured on simulated frames).
_UNLIKE_SHARE, _TILT_SHARE, _FLOOR_PX = 0.45, 0.2, 0.05
# How far detectors are tilted, one standard deviation; and how far they stand away where nobody says, in
# sides.
_TILT_DEG, _DISTANCE_SIDES = 1.5, 1.5


@dataclass(frozen=True, eq=False)
class Match:
    """A center about which a picture agrees with itself; lengths in pooled px, corner origin.

    Parameters
    ----------
    center : ndarray, shape (2,)
    covariance : ndarray, shape (2, 2)
        From leaving out sectors and annuli in turn, noise, and what is not symmetric.
    agreement : float
        Correlation of the pairs.
    even : float
        Share of the sectors and annuli that agree, each for itself.
    moved : float
        From the start, in units of the size of what is seen.
    """

    center: FloatArray
    covariance: FloatArray
    agreement: float
    even: float
    moved: float


def mirror(angle: float) -> FloatArray:
    """The mirror about a line through the origin at an angle in radians, shape (2, 2)."""
    return np.array([[np.cos(2 * angle), np.sin(2 * angle)], [np.sin(2 * angle), -np.cos(2 * angle)]])


def tilt_shift(meta: Metadata, features: Features) -> float:
    """How far a usual tilt moves a ring's middle, over the square of its radius, 1 / pooled px."""
    factor = features.pooling.factor
    distance = _DISTANCE_SIDES * max(features.known.shape) * factor
    if meta.distance_mm and meta.pixel_mm:
        distance = meta.distance_mm / meta.pixel_mm[0]
    return float(np.tan(np.radians(_TILT_DEG)) * factor / distance)


def match(features: Features, start: FloatArray, turns: list[FloatArray], tilt: float) -> Match | None:
    """The center about which contrast agrees with itself under turns or mirrors.

    Parameters
    ----------
    features : Features
    start : ndarray, shape (2,)
        ``(x, y)`` in pooled px.
    turns : list of ndarray, shape (2, 2)
        Orthogonal matrices S: ``c + u`` is compared with ``c + S u``.
    tilt : float
        See `tilt_shift`.

    Returns
    -------
    Match or None
        None where there are too few pairs, or the center runs away.

    Notes
    -----
    With contrast f a pair differs by ``f(c + u) - f(c + S u)``, whose derivative by c at a fixed ``c + u`` is
    ``-(1 - S)' grad f``. A tilt shifts a ring of radius r by ``b r**2``, in any direction: b is solved for
    beside c, with a prior about 0.
    """
    points = _Points(features, _MOST_POINTS // len(turns))
    solution, prior = np.array([*start, 0.0, 0.0]), np.diag([0.0, 0.0, tilt**-2, tilt**-2])
    for _ in range(_PASSES):
        pairs = [points.pairs(solution, turn) for turn in turns]
        design, first, second, part = (np.concatenate(item) for item in zip(*pairs, strict=True))
        if len(first) < _LEAST_PAIRS:
            return None
        rest = first - second
        scale = 1.4826 * float(np.median(np.abs(rest))) + 1e-3
        weight = np.clip(1.0 - (rest / (_TUKEY * scale)) ** 2, 0.0, None) ** 2 / scale**2
        normals, rights = _sums(design, rest, weight, part)
        normal = normals.sum(axis=0) + prior
        shifts = np.array([0.0, 0.0, *solution[2:]])
        step, inverse = solve_normal(normal, np.asarray(rights.sum(axis=0) - prior @ shifts))
        length = float(np.hypot(*step[:2]))
        solution = solution + step * min(1.0, _LARGE_STEP / max(length, 1e-9))
        off = float(np.hypot(*(solution[:2] - start)))
        if not off < _REACH_SHARE * max(features.known.shape):
            return None
        if length < _SMALL_STEP:
            break
    agreement = _correlation(first, second)
    square = float(((points.places - solution[:2]) ** 2).sum(axis=1).mean())
    unlike = _UNLIKE_SHARE * points.width * (1.0 - agreement)
    own = unlike**2 + (_TILT_SHARE * tilt * square) ** 2 + _FLOOR_PX**2
    covariance = _left_out(normals, rights, prior) + _SAME_PIXELS * inverse[:2, :2] + own * np.eye(2)
    alike = [_correlation(first[part == k], second[part == k]) > _ALIKE for k in np.unique(part)]
    return Match(solution[:2], covariance, agreement, float(np.mean(alike)), off / max(points.width, 1e-3))


class _Points:
    """Points of a picture, and what stands at their counterparts."""

    def __init__(self, features: Features, most: int) -> None:
        picture = features.contrast
        rows, columns = np.nonzero(features.known & (np.abs(picture) > _LEAST_CONTRAST))
        every = max(1, len(rows) // most)
        rows, columns = rows[::every], columns[::every]
        self.places = np.stack([columns + 0.5, rows + 0.5], axis=1)
        self.values = picture[rows, columns]
        down, right = (np.asarray(np.gradient(picture, axis=axis), dtype=np.float64) for axis in (0, 1))
        self.layers = (features.known.astype(np.float64), picture, right, down)
        steep = float((down[rows, columns] ** 2 + right[rows, columns] ** 2).sum())
        # The size of what is seen: its contrast over the slope of it, along either axis.
        self.width = float(np.sqrt(2.0 * (self.values**2).sum() / max(steep, 1e-12)))

    def pairs(self, solution: FloatArray, turn: FloatArray) -> tuple[FloatArray, ...]:
        """Design matrix, both values and the part (sector and annulus) of each pair that is known."""
        off = self.places - solution[:2]
        square = (off**2).sum(axis=1)
        shift = np.eye(2) - turn
        to = solution[:2] + off @ turn.T + (square[:, None] * solution[2:]) @ shift.T
        at = to[:, ::-1].T - 0.5
        known, other, right, down = (
            ndimage.map_coordinates(layer, at, order=1, mode="constant", prefilter=False)
            for layer in self.layers
        )
        seen = known > 0.99
        square, off = square[seen], off[seen]
        slope = np.stack([right, down], axis=1)[seen] @ shift
        # Both points of a pair fall into one sector, in units of half a turn.
        angle = np.arctan2(off[:, 1], off[:, 0]) / np.pi
        if turn[0, 0] * turn[1, 1] - turn[0, 1] * turn[1, 0] < 0:
            angle = np.abs((angle - np.arctan2(turn[0, 1], turn[0, 0]) / (2.0 * np.pi) + 1.0) % 2.0 - 1.0)
        sector = np.minimum((angle % 1.0 * _SECTORS).astype(np.intp), _SECTORS - 1)
        limits = np.quantile(square, np.arange(1, _RINGS) / _RINGS) if seen.any() else np.zeros(_RINGS - 1)
        part = sector * _RINGS + np.searchsorted(limits, square)
        return np.hstack([slope, slope * square[:, None]]), self.values[seen], other[seen], part


def _sums(
    design: FloatArray, rest: FloatArray, weight: FloatArray, part: NDArray[np.intp]
) -> tuple[FloatArray, FloatArray]:
    """Normal matrices (parts, 4, 4) and right-hand sides (parts, 4)."""
    products = np.hstack([(design[:, :, None] * design[:, None]).reshape(-1, 16), design * rest[:, None]])
    which = np.zeros((_SECTORS * _RINGS, len(part)))
    which[part, np.arange(len(part))] = weight
    sums = which @ products
    return sums[:, :16].reshape(-1, 4, 4), sums[:, 16:]


def _left_out(normals: FloatArray, rights: FloatArray, prior: FloatArray) -> FloatArray:
    """Covariance of the center from leaving out sectors, and annuli, in turn."""
    total = np.zeros((2, 2))
    whole, right = normals.sum(axis=0) + prior, rights.sum(axis=0)
    base = solve_normal(whole, right)[0]
    for axis in (0, 1):
        parts = normals.reshape(_SECTORS, _RINGS, 4, 4).sum(axis=1 - axis)
        sides = rights.reshape(_SECTORS, _RINGS, 4).sum(axis=1 - axis)
        left = [solve_normal(whole - n, right - r)[0] - base for n, r in zip(parts, sides, strict=True)]
        off = np.array(left)[:, :2]
        total += (len(off) - 1.0) / len(off) * off.T @ off
    return total


def _correlation(first: FloatArray, second: FloatArray) -> float:
    a, b = first - first.mean(), second - second.mean()
    return float(a @ b / max(np.sqrt((a @ a) * (b @ b)), 1e-9))
