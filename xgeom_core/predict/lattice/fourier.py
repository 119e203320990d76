"""Lattice vectors from the Fourier transform of the spots, with nothing known of the cell.

Spots mapped to the Ewald sphere are points of a lattice. The sum of ``exp(2 pi i r.k)`` over them is
large where r is a vector of the direct lattice, wherever the origin lies: only the phase knows that.
A still covers a shallow cap of reciprocal space, so that few planes along the beam sample the transform.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.predict.lattice.algebra import lengths

FloatArray = NDArray[np.float64]

# A peak of the transform must stand this far out of what random spots give (in their mean modulus).
_LEAST_STRENGTH = 2.0
# How many values are looked at for each maximum wanted, before all are.
_FIRST_LOOK = 40
_NEIGHBORS = np.array(
    sorted(itertools.product((-1, 0, 1), repeat=3), key=lambda step: sum(map(abs, step)))[1:]
)
_FULL = np.float32(2 * np.pi)


@dataclass(frozen=True, eq=False)
class Vectors:
    """Candidate vectors of the direct lattice, the most coherent first.

    Parameters
    ----------
    real : ndarray, shape (m, 3)
        In Å.
    phase : ndarray, shape (m,)
        In cycles: ``r.k - phase`` is near an integer for the spots of the lattice.
    coherence : ndarray, shape (m,)
        Modulus of the mean of ``exp(2 pi i r.k)``, 0 to 1.
    """

    real: FloatArray
    phase: FloatArray
    coherence: FloatArray


def search(rays: FloatArray, weights: FloatArray, limits_A: tuple[float, float], most: int = 80) -> Vectors:
    """Find vectors of the direct lattice.

    Parameters
    ----------
    rays : ndarray, shape (n, 3)
        Points on the Ewald sphere in 1/Å.
    weights : ndarray, shape (n,)
        How much each counts.
    limits_A : tuple of float
        Shortest and longest vector.
    most : int
        The most vectors to return.
    """
    middle = np.average(rays, axis=0, weights=weights)
    points = (rays - middle).astype(np.float32)
    parts = weights / weights.sum()
    axes = [_axis(points[:, i], limits_A[1], half=i == 2) for i in range(3)]
    power = _transform(points, parts.astype(np.float32), axes, limits_A[1])
    real = _maxima(power, axes, limits_A, float((parts**2).sum()), most)
    if len(real) == 0:
        return Vectors(np.zeros((0, 3)), np.zeros(0), np.zeros(0))
    return _unique(polish(rays, parts, real), limits_A)


def _transform(
    points: NDArray[np.float32], weights: NDArray[np.float32], axes: list[FloatArray], longest: float
) -> NDArray[np.float32]:
    """Squared modulus of the transform on planes along z; 0 in the corners beyond the longest vector.

    Notes
    -----
    Where y changes sign the cosines stay and the sines turn, so that half of the sums give the whole, and
    all of them are products of real matrices.
    """
    wide, high = len(axes[0]) // 2, len(axes[1]) // 2
    turns = [2 * np.pi * np.outer(points[:, i], axes[i]).astype(np.float32) for i in (0, 2)]
    x, z = ((np.cos(turn) + 1j * np.sin(turn)) for turn in turns)
    left = np.ascontiguousarray(x.T) * weights
    turn = 2 * np.pi * np.outer(points[:, 1], axes[1][high:]).astype(np.float32)
    cosine, sine = np.cos(turn), np.sin(turn)
    power = np.zeros((len(axes[2]), len(axes[0]), len(axes[1])), dtype=np.float32)
    for k, at in enumerate(axes[2]):
        radius = np.sqrt(max(longest**2 - at**2, 0.0))
        i = min(int(radius / (axes[0][1] - axes[0][0])) + 2, wide)
        j = min(int(radius / (axes[1][1] - axes[1][0])) + 2, high)
        wave = left[wide - i : wide + i + 1] * z[:, k]
        parts = np.concatenate([wave.real, wave.imag])
        right = np.concatenate([cosine[:, : j + 1], sine[:, : j + 1]], axis=1)
        product = (parts @ right).reshape(2, 2 * i + 1, 2, j + 1)
        (even_re, odd_re), (even_im, odd_im) = product[0].swapaxes(0, 1), product[1].swapaxes(0, 1)
        here = power[k, wide - i : wide + i + 1]
        here[:, high : high + j + 1] = (even_re - odd_im) ** 2 + (even_im + odd_re) ** 2
        here[:, high - j : high + 1] = ((even_re + odd_im) ** 2 + (even_im - odd_re) ** 2)[:, ::-1]
    return power


def _axis(values: NDArray[np.float32], longest: float, *, half: bool) -> FloatArray:
    """Sampling points of the transform along one axis, close enough for the extent of the points."""
    extent = max(float(np.percentile(values, 98) - np.percentile(values, 2)), 1e-3)
    step = 0.6 / extent
    count = int(np.ceil(longest / step))
    return np.asarray(np.arange(0 if half else -count, count + 1) * step)


def _maxima(
    power: NDArray[np.float32],
    axes: list[FloatArray],
    limits_A: tuple[float, float],
    noise: float,
    most: int,
) -> FloatArray:
    """Vectors at the largest local maxima of the power; `noise` is what random spots give on average."""
    where = np.flatnonzero(power > _LEAST_STRENGTH**2 * noise)
    few = _FIRST_LOOK * most
    if len(where) > few:
        # The largest maxima are among the largest values: look at few first, then at all.
        values = power.ravel()[where]
        found = _peaks(power, where[np.argpartition(-values, few)[:few]], axes, limits_A)
        if len(found) >= most:
            return found[:most]
    return _peaks(power, where, axes, limits_A)[:most]


def _peaks(
    power: NDArray[np.float32], flat: NDArray[np.intp], axes: list[FloatArray], limits_A: tuple[float, float]
) -> FloatArray:
    """Vectors at those of some places, numbered through, that are local maxima, the largest first."""
    where = np.stack(np.unravel_index(flat, power.shape), axis=1)
    # The edge of the box has no neighbors beyond; its first plane is its own mirror.
    size = np.array(power.shape)
    where = where[
        ((where[:, 1:] > 0) & (where[:, 1:] < size[1:] - 1) & (where[:, :1] < size[0] - 1)).all(axis=1)
    ]
    real = np.stack([axes[0][where[:, 1]], axes[1][where[:, 2]], axes[2][where[:, 0]]], axis=1)
    length = lengths(real)
    inside = (length > limits_A[0]) & (length < limits_A[1])
    where, real = where[inside], real[inside]
    value = power[tuple(where.T)]
    for step in _NEIGHBORS:
        near = where + step
        mirrored = near[:, 0] < 0
        near[mirrored] = np.array([0, *(size[1:] - 1)]) + np.array([-1, -1, -1]) * near[mirrored]
        peak = value >= power[tuple(near.T)]
        where, real, value = where[peak], real[peak], value[peak]
    return np.asarray(real[np.argsort(-value)])


def polish(rays: FloatArray, weights: FloatArray, real: FloatArray, rounds: int = 6) -> Vectors:
    """Move vectors to the nearest maximum of the coherence; see `Vectors`.

    Notes
    -----
    Gauss-Newton on the phases, each spot weighted with the cosine of its own phase (0 where negative),
    so that spots of other lattices do not pull.
    """
    middle = np.average(rays, axis=0, weights=weights)
    exact = rays - middle
    # A phase to some 1e-5 cycles is good enough; what moves is kept in double precision.
    points, single = exact.astype(np.float32), weights.astype(np.float32)
    design = np.concatenate([points, np.ones((len(points), 1), dtype=np.float32)], axis=1)
    squares = (design[:, :, None] * design[:, None, :]).reshape(len(design), -1)
    # A weak pull to the starting point keeps directions that the spots do not fix from running.
    ridge = np.diag([1.0, 1.0, 1.0, 0.0]) * 1e-4 * float((weights[:, None] * exact**2).sum())
    for _ in range(rounds):
        rest = real.astype(np.float32) @ points.T
        rest -= _phase(rest, single)[:, None]
        rest -= np.rint(rest)
        w = single * np.maximum(np.cos(_FULL * rest), np.float32(0.0))
        normal = (w @ squares).astype(np.float64).reshape(-1, 4, 4) + ridge
        right = ((w * rest) @ design).astype(np.float64)
        real = real - np.linalg.solve(normal, right[..., None])[:, :3, 0]
    wave = np.exp(2j * np.pi * (real @ exact.T)) @ weights
    phase = np.angle(wave) / (2 * np.pi) + real @ middle
    return Vectors(real, phase - np.floor(phase), np.abs(wave) / weights.sum())


def _phase(cycles: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """Phase of the mean wave of each row, in cycles."""
    turns = _FULL * cycles
    return np.asarray(np.arctan2(np.sin(turns) @ weights, np.cos(turns) @ weights) / _FULL)


def _unique(vectors: Vectors, limits_A: tuple[float, float]) -> Vectors:
    """The vectors without repetition (a vector and its negative are one), the most coherent first."""
    length = lengths(vectors.real)
    square, product = length**2, vectors.real @ vectors.real.T
    away2 = square[:, None] + square - 2.0 * np.abs(product)
    same = away2 < ((2.0 + 0.02 * length) ** 2)[:, None]
    kept: list[int] = []
    for i in np.argsort(-vectors.coherence):
        if limits_A[0] < length[i] < limits_A[1] * 1.1 and not same[i, kept].any():
            kept.append(int(i))
    return Vectors(vectors.real[kept], vectors.phase[kept], vectors.coherence[kept])
