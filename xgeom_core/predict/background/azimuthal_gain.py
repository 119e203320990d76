"""Nuisance along rays and by modules: a free function of azimuth, and a gain for each module."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from xgeom_core.geometry import FloatArray
from xgeom_core.predict.background.azimuthal_harmonics import COLUMNS, RAYS, UNKNOWNS
from xgeom_core.predict.background.detector_model import Sight
from xgeom_core.predict.background.panels import PANELS

# Unknowns of rays and modules.
HATS = UNKNOWNS - COLUMNS


@dataclass(frozen=True, eq=False)
class Rays:
    """Hat functions of the azimuth at pixels: between bin `first` and the next one.

    Parameters
    ----------
    first : ndarray of int, shape (n,)
        0 to RAYS - 1.
    share : ndarray, shape (n,)
        Of the next bin.
    course : ndarray, shape (n,)
        The linear course in r, -1 to 1.
    """

    first: NDArray[np.int64]
    share: FloatArray
    course: FloatArray

    @classmethod
    def at(cls, look: Sight, reach: float) -> Rays:
        """The hats at pixels."""
        place = (np.arctan2(look.sin, look.cos) / (2.0 * np.pi) + 0.5) * RAYS
        first = np.minimum(place.astype(np.int64), RAYS - 1)
        return cls(first, place - first, look.rho * (2.0 / reach) - 1.0)

    @classmethod
    def joined(cls, parts: list[Rays]) -> Rays:
        """Those of all parts of the pixels."""
        return cls(
            np.concatenate([part.first for part in parts]),
            np.concatenate([part.share for part in parts]),
            np.concatenate([part.course for part in parts]),
        )

    @property
    def next(self) -> NDArray[np.int64]:
        """The other bin of each pixel."""
        return np.where(self.first == RAYS - 1, 0, self.first + 1)

    def values(self, coefficients: FloatArray) -> FloatArray:
        """Log amplitude of rays, shape (n,), from 2 * RAYS coefficients."""
        plain, course = coefficients[:RAYS], coefficients[RAYS:]
        other = self.next
        one = plain[self.first] + course[self.first] * self.course
        return np.asarray(one + self.share * (plain[other] + course[other] * self.course - one))

    def matrix(self) -> sparse.csr_array:
        """All hats, shape (n, 2 * RAYS)."""
        n = len(self.first)
        columns = np.empty((n, 4), dtype=np.int32)
        columns[:, 0], columns[:, 1] = self.first, self.next
        columns[:, 2:] = columns[:, :2] + RAYS
        values = np.empty((n, 4))
        values[:, 0], values[:, 1] = 1.0 - self.share, self.share
        values[:, 2:] = values[:, :2] * self.course[:, None]
        starts = np.arange(0, 4 * n + 1, 4, dtype=np.int32)
        return sparse.csr_array((values.ravel(), columns.ravel(), starts), shape=(n, 2 * RAYS))


@dataclass(eq=False)
class HatSums:
    """Sums over cells of products with the hats of rays and modules.

    Parameters
    ----------
    profile : ndarray, shape (count, HATS)
        With the profile's basis functions.
    columns : ndarray, shape (HATS, COLUMNS)
        With the other derivatives.
    own : ndarray, shape (HATS, HATS)
    right : ndarray, shape (HATS,)
        With the residuals.
    """

    profile: FloatArray
    columns: FloatArray
    own: FloatArray
    right: FloatArray

    @classmethod
    def none(cls, count: int) -> HatSums:
        """No cells yet."""
        return cls(np.zeros((count, HATS)), np.zeros((HATS, COLUMNS)), np.zeros((HATS, HATS)), np.zeros(HATS))

    def add_rays(
        self,
        rays: Rays,
        first: NDArray[np.int64],
        basis: FloatArray,
        heavy: FloatArray,
        weight: FloatArray,
        pull: FloatArray,
    ) -> None:
        """Add some cells.

        Parameters
        ----------
        rays : Rays
        first, basis : ndarray, shape (n,) and (4, n)
            See `xgeom_core.predict.background.spline.Places`.
        heavy : ndarray, shape (n, COLUMNS)
            Weighted derivatives.
        weight, pull : ndarray, shape (n,)
            Weight, and weighted residual.
        """
        hats = rays.matrix().T
        self.columns[: 2 * RAYS] += hats @ heavy
        self.right[: 2 * RAYS] += hats @ pull
        low, high = int(first.min()), int(first.max())
        at = (first - low) * RAYS + rays.first
        for i in range(4):
            for start, part in ((0, weight * basis[i]), (RAYS, weight * basis[i] * rays.course)):
                found = _two_hats(at, part, rays.share, high - low + 1)
                self.profile[low + i : high + i + 1, start : start + RAYS] += found
        self._add_own(rays, weight)

    def _add_own(self, rays: Rays, weight: FloatArray) -> None:
        bins = np.arange(RAYS)
        after = np.roll(bins, -1)
        part = weight
        for starts in (((0, 0),), ((0, RAYS), (RAYS, 0)), ((RAYS, RAYS),)):
            # Of two neighboring hats: both of the first, one of each, both of the next.
            next_too = part * rays.share
            both = np.bincount(rays.first, next_too * rays.share, RAYS)
            mixed = np.bincount(rays.first, next_too, RAYS) - both
            alone = np.bincount(rays.first, part, RAYS) - 2.0 * mixed - both
            for down, right in starts:
                self.own[down + bins, right + bins] += alone
                self.own[down + after, right + after] += both
                self.own[down + bins, right + after] += mixed
                self.own[down + after, right + bins] += mixed
            part = part * rays.course

    def add_modules(
        self,
        shares: sparse.csr_array,
        rays: Rays,
        first: NDArray[np.int64],
        basis: FloatArray,
        heavy: FloatArray,
        weight: FloatArray,
        pull: FloatArray,
    ) -> None:
        """Add the modules of some cells; `shares`, shape (n, PANELS), is the cells' part on each module."""
        across, start = shares.T, 2 * RAYS
        self.columns[start:] += across @ heavy
        self.right[start:] += across @ pull
        row = np.repeat(np.arange(len(first)), np.diff(shares.indptr))
        module, share = shares.indices, shares.data
        part = weight[row] * share
        low, high = int(first.min()), int(first.max())
        at = (first - low)[row] * PANELS + module
        size = (high - low + 1) * PANELS
        for i in range(4):
            found = np.bincount(at, part * basis[i][row], size).reshape(-1, PANELS)
            self.profile[low + i : high + i + 1, start:] += found
        at = module * RAYS + rays.first[row]
        for begin, some in ((0, part), (RAYS, part * rays.course[row])):
            mixed = _two_hats(at, some, rays.share[row], PANELS)
            self.own[start:, begin : begin + RAYS] += mixed
            self.own[begin : begin + RAYS, start:] += mixed.T
        weighted = sparse.csr_array((part, module, shares.indptr), shape=shares.shape)
        self.own[start:, start:] += (across @ weighted).toarray()


def _two_hats(at: NDArray[np.int64], part: FloatArray, share: FloatArray, rows: int) -> FloatArray:
    """Sums of a weight shared between each bin and the next one, shape (rows, RAYS)."""
    size = rows * RAYS
    after: FloatArray = np.asarray(np.bincount(at, part * share, size), dtype=np.float64).reshape(-1, RAYS)
    found: FloatArray = np.bincount(at, part, size).reshape(-1, RAYS) - after
    found[:, 1:] += after[:, :-1]
    found[:, 0] += after[:, -1]
    return found
