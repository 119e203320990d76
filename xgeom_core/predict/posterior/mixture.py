"""A mixture of Gaussians over center and tilt, and its product with what sources say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chndtr, ndtr

from xgeom_core.predict.posterior.reliability import Likelihood

FloatArray = NDArray[np.float64]

# Components lighter than the heaviest by more than this (logarithm) are dropped, and all beyond so many.
_NEGLIGIBLE, _MOST = 18.0, 160
# Error bars from where on the edge of a circle about another point counts as straight.
_CURVED = 20.0
# Part number of a source that says nothing of the beam.
ANYWHERE = -1


@dataclass(frozen=True, eq=False)
class Mixture:
    """A probability density over ``(x, y, pitch, yaw)``, native px and degrees.

    Parameters
    ----------
    log_weight : ndarray, shape (n,)
        Not normalized: their sum is the evidence for all that was multiplied.
    mean : ndarray, shape (n, 4)
    covariance : ndarray, shape (n, 4, 4)
    parts : ndarray of int, shape (n, k)
        Which part of each of the k likelihoods multiplied a component comes from; `ANYWHERE` where that
        source says nothing of the beam.
    """

    log_weight: FloatArray
    mean: FloatArray
    covariance: FloatArray
    parts: NDArray[np.int64]

    @classmethod
    def prior(cls, log_weight: Sequence[float], mean: FloatArray, covariance: FloatArray) -> Mixture:
        """What is thought before any source is heard."""
        return cls(np.array(log_weight), mean, covariance, np.zeros((len(mean), 0), dtype=np.int64))

    @property
    def weight(self) -> FloatArray:
        """Normalized weights, shape (n,)."""
        part = np.exp(self.log_weight - self.log_weight.max())
        return np.asarray(part / part.sum())

    def times(self, said: Likelihood) -> Mixture:
        """The product with what a source says: every pair, the negligible ones dropped."""
        size = said.mean.shape[1]
        ours, theirs = self.covariance[:, :size, :size], said.covariance
        total = ours[:, None] + theirs[None]
        off = said.mean[None] - self.mean[:, None, :size]
        inverse = np.linalg.inv(total)
        chi2 = np.einsum("nmi,nmij,nmj->nm", off, inverse, off)
        log_density = -0.5 * (chi2 + np.linalg.slogdet(total)[1] + size * np.log(2.0 * np.pi))
        pairs = self.log_weight[:, None] + said.log_weight[None] + log_density
        alone = self.log_weight + said.log_anywhere
        every = np.concatenate([pairs.ravel(), alone])
        kept = np.argsort(every)[::-1][:_MOST]
        kept = kept[every[kept] > every[kept[0]] - _NEGLIGIBLE]
        told, silent = kept[kept < pairs.size], kept[kept >= pairs.size] - pairs.size
        first, second = np.unravel_index(told, pairs.shape)
        gain = self.covariance[first][:, :, :size] @ inverse[first, second]
        moved = self.mean[first] + np.einsum("nij,nj->ni", gain, off[first, second])
        narrow = self.covariance[first] - gain @ self.covariance[first][:, :size]
        parts = np.concatenate(
            [
                np.column_stack([self.parts[first], second]),
                np.column_stack([self.parts[silent], np.full(len(silent), ANYWHERE)]),
            ]
        )
        return Mixture(
            np.concatenate([pairs.ravel()[told], alone[silent]]),
            np.concatenate([moved, self.mean[silent]]),
            np.concatenate([0.5 * (narrow + narrow.transpose(0, 2, 1)), self.covariance[silent]]),
            parts.astype(np.int64),
        )

    def take(self, which: NDArray[np.bool_] | NDArray[np.int64]) -> Mixture:
        """Some of the components."""
        return Mixture(self.log_weight[which], self.mean[which], self.covariance[which], self.parts[which])

    def moments(self) -> tuple[FloatArray, FloatArray]:
        """Mean, shape (4,), and covariance, shape (4, 4), of the whole."""
        weight = self.weight
        mean = weight @ self.mean
        off = self.mean - mean
        spread = np.einsum("n,nij->ij", weight, self.covariance + off[:, :, None] * off[:, None, :])
        return np.asarray(mean), np.asarray(spread)

    def within(self, center_px: FloatArray, radius_px: FloatArray | float) -> FloatArray:
        """Probability that the beam is within a distance of a point; shape of `radius_px`.

        Notes
        -----
        The center's covariance of each component is taken as round: a noncentral chi-square.
        """
        radius = np.atleast_1d(np.asarray(radius_px, dtype=np.float64))[:, None]
        sigma = np.sqrt(0.5 * np.trace(self.covariance[:, :2, :2], axis1=1, axis2=2))
        away = np.hypot(*(self.mean[:, :2] - center_px).T)
        # Far from the beam, in its own error bars, a component's edge is straight: a Gaussian tail.
        share = ndtr((radius - away) / sigma)
        near = away < _CURVED * sigma
        share[:, near] = chndtr((radius / sigma[near]) ** 2, 2.0, (away[near] / sigma[near]) ** 2)
        return np.asarray(share @ self.weight)
