"""The free radial profile: a uniform cubic B-spline of the logarithm, smooth as the data allow."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from xgeom_core.geometry import FloatArray


@dataclass(frozen=True, eq=False)
class Places:
    """Radii between knots, shape (n,) each.

    Parameters
    ----------
    first : ndarray of int
        Number of the first of the four basis functions that are not 0 there.
    t : ndarray
        Share of the way to the next knot.
    step : float
        Spacing of the knots, px.
    """

    first: NDArray[np.int64]
    t: FloatArray
    step: float

    def basis(self) -> FloatArray:
        """Values of the four basis functions, shape (4, n)."""
        t2 = self.t * self.t
        values = np.empty((4, len(self.t)))
        values[3] = t2 * self.t / 6.0
        values[1] = 2.0 / 3.0 - t2 + 3.0 * values[3]
        rest = 1.0 - self.t
        values[0] = rest * rest * rest / 6.0
        values[2] = 1.0 - values[0] - values[1] - values[3]
        return values

    def value(self, beta: FloatArray, basis: FloatArray) -> FloatArray:
        """The spline, given `basis`."""
        total = basis[0] * beta[self.first]
        for i in range(1, 4):
            total += basis[i] * beta[self.first + i]
        return total

    def slope(self, beta: FloatArray) -> FloatArray:
        """Its derivative by the radius."""
        rise = np.diff(beta) / self.step
        half = 0.5 * self.t * self.t
        total = (0.5 - self.t + half) * rise[self.first]
        total += (0.5 + self.t - 2.0 * half) * rise[self.first + 1]
        total += half * rise[self.first + 2]
        return total


@dataclass(frozen=True)
class Knots:
    """Equally spaced knots.

    Parameters
    ----------
    low, step : float
        First knot and spacing, in px.
    count : int
        Number of basis functions.
    """

    low: float
    step: float
    count: int

    @classmethod
    def over(cls, low: float, high: float, step: float) -> Knots:
        """Knots that carry a cubic spline from low to high."""
        return cls(low, step, int(np.ceil((high - low) / step)) + 4)

    def place(self, rho: FloatArray) -> Places:
        """Where radii lie between the knots."""
        at = np.clip((rho - self.low) / self.step, 0.0, self.count - 4 + 1 - 1e-9)
        first = np.minimum(at.astype(np.int64), self.count - 4)
        return Places(first, at - first, self.step)

    def start(self, rho: FloatArray, counts: FloatArray, pixels: FloatArray, noise: FloatArray) -> FloatArray:
        """Rough coefficients: logarithms of the mean count around each knot.

        Parameters
        ----------
        rho, counts, pixels : ndarray, shape (n,)
            Radius, counts of light and number of pixels of each cell.
        noise : ndarray, shape (n,)
            Variance of the counts beyond their own; no mean is taken for lower than its noise.
        """
        near = np.clip(np.rint((rho - self.low) / self.step).astype(np.int64) + 1, 0, self.count - 1)
        total = np.bincount(near, weights=counts, minlength=self.count)
        total = np.maximum(total, np.sqrt(np.bincount(near, weights=noise, minlength=self.count)))
        size = np.bincount(near, weights=pixels, minlength=self.count)
        seen = size > 0
        level = np.log((total[seen] + 0.5) / (size[seen] + 0.5 * size[seen].mean() / max(counts.sum(), 1.0)))
        return np.interp(np.arange(self.count), np.nonzero(seen)[0], level)


def roughness(count: int, local: FloatArray | None = None) -> FloatArray:
    """Second differences squared, in upper banded form, with a trace of a ridge.

    Parameters
    ----------
    count : int
    local : ndarray, shape (count - 2,), optional
        Weight of each second difference.
    """
    weight = np.ones(count - 2) if local is None else local
    part = np.zeros((4, count))
    d = np.array([1.0, -2.0, 1.0])
    for i in range(3):
        for j in range(i, 3):
            part[3 - (j - i), j : j + count - 2] += d[i] * d[j] * weight
    part[3] += 1e-9
    return part


def local_roughness(beta: FloatArray) -> FloatArray:
    """Weights of the second differences: small where the profile bends, large where it does not."""
    bend = np.diff(beta, 2) ** 2
    kernel = np.array([1.0, 2.0, 3.0, 4.0, 3.0, 2.0, 1.0])
    near = np.convolve(np.pad(bend, 3, mode="edge"), kernel / kernel.sum(), mode="valid")
    weight = 1.0 / (near + 0.02 * near.mean() + 1e-12)
    return np.asarray(weight / np.exp(np.log(weight).mean()))


def times_banded(upper: FloatArray, vector: FloatArray) -> FloatArray:
    """A symmetric banded matrix times a vector."""
    out = upper[3] * vector
    for k in range(1, 4):
        band = upper[3 - k, k:]
        out[:-k] += band * vector[k:]
        out[k:] += band * vector[:-k]
    return np.asarray(out)


def choose_smoothness(gram: FloatArray, right: FloatArray, beta: FloatArray, rough: FloatArray) -> float:
    """Roughness penalty of the largest marginal likelihood.

    Parameters
    ----------
    gram : ndarray, shape (4, count)
        ``B^T W B``, banded.
    right : ndarray, shape (count,)
        ``B^T W residual`` at `beta`.
    beta : ndarray, shape (count,)
        Present coefficients.
    rough : ndarray, shape (4, count)
        Roughness matrix, banded.
    """
    full = right + times_banded(gram, beta)
    best, found = -np.inf, 1.0
    for power in np.arange(-2.0, 8.1, 1.0):
        penalty = 10.0**power
        factor = linalg.cholesky_banded(gram + penalty * rough, check_finite=False)
        at = linalg.cho_solve_banded((factor, False), full, check_finite=False)
        score = 0.5 * float(full @ at) - float(np.log(factor[3]).sum())
        score += 0.5 * (len(beta) - 2) * np.log(penalty)
        if score > best:
            best, found = score, penalty
    return float(found)
