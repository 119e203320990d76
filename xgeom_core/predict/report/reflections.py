"""Where the lattices of a frame put their reflections, whether a spot was found there or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.frame import Frame
from xgeom_core.geometry import FloatArray, Geometry
from xgeom_core.predict.lattice.solution import FoundLattice, LatticeSolution

# Of the indexed spots: so many lie as near to the Ewald sphere as reflections that are shown, and at as low a
# resolution.
_SHARE = 0.95
# Reciprocal lattice points that are looked at; large cells are shown to a lower resolution.
_MOST_POINTS = 2e7


@dataclass(frozen=True, eq=False)
class Reflections:
    """Reflections on the detector.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Native px.
    hkl : ndarray of int, shape (n, 3)
        Indices in the conventional cell.
    d_A : ndarray, shape (n,)
        Spacings.
    lattice : ndarray of int, shape (n,)
        Which lattice, from 0.
    """

    x: FloatArray
    y: FloatArray
    hkl: NDArray[np.int64]
    d_A: FloatArray
    lattice: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.x)


def reflections(solution: LatticeSolution, frame: Frame) -> Reflections | None:
    """Reflections of all lattices of a solution.

    Parameters
    ----------
    solution : LatticeSolution
    frame : Frame
        Its metadata state wavelength and pixel size.

    Returns
    -------
    Reflections or None
        None where the wavelength or the pixel size is not known.

    Notes
    -----
    How far from the Ewald sphere a reflection may lie and still be seen depends on mosaicity, divergence,
    bandwidth and oscillation. The frame tells it: as far as the indexed spots do.
    """
    meta = frame.metadata
    if meta.wavelength_A is None or meta.pixel_mm is None:
        return None
    pitch, yaw = solution.tilt_deg or (0.0, 0.0)
    geometry = Geometry(
        solution.center_px, solution.distance_mm, meta.pixel_mm, meta.wavelength_A, pitch, yaw
    )
    parts = [
        _of_lattice(lattice, geometry, frame.shape, number)
        for number, lattice in enumerate(solution.lattices)
        if lattice.indexed.any()
    ]
    if not parts:
        return None
    return Reflections(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _of_lattice(
    lattice: FoundLattice, geometry: Geometry, shape: tuple[int, int], number: int
) -> tuple[FloatArray, FloatArray, NDArray[np.int64], FloatArray, NDArray[np.int64]]:
    assert geometry.wavelength_A is not None
    radius = 1.0 / geometry.wavelength_A
    seen = lattice.hkl[lattice.indexed] @ lattice.reciprocal.T
    width = float(np.quantile(np.abs(_excitation(seen, radius)), _SHARE))
    limit = float(np.quantile(np.linalg.norm(seen, axis=1), _SHARE))
    real = np.linalg.norm(np.linalg.inv(lattice.reciprocal), axis=1)
    limit = min(limit, float((_MOST_POINTS / (8.0 * np.prod(real))) ** (1 / 3)))
    hkl = _near_sphere(lattice.reciprocal, np.floor(limit * real).astype(int), limit, width, radius)
    q = hkl @ lattice.reciprocal.T
    x, y = geometry.from_lab(q + np.array([0.0, 0.0, radius]))
    on = (x >= 0) & (x < shape[1]) & (y >= 0) & (y < shape[0])
    conventional = np.round(hkl[on] @ lattice.axes.T).astype(np.int64)
    d_A = 1.0 / np.linalg.norm(q[on], axis=1)
    return x[on], y[on], conventional, d_A, np.full(int(on.sum()), number, dtype=np.int64)


def _near_sphere(
    reciprocal: FloatArray, most: NDArray[np.int_], limit: float, width: float, radius: float
) -> NDArray[np.int64]:
    """Indices of the points within a distance of the Ewald sphere, plane by plane to save memory."""
    k, l = (one.ravel() for one in np.mgrid[-most[1] : most[1] + 1, -most[2] : most[2] + 1])
    found = []
    for h in range(-int(most[0]), int(most[0]) + 1):
        hkl = np.stack([np.full(k.shape, h), k, l], axis=1)
        q = hkl @ reciprocal.T
        near = (np.abs(_excitation(q, radius)) <= width) & (np.einsum("ij,ij->i", q, q) <= limit**2)
        found.append(hkl[near])
    hkl = np.concatenate(found)
    return hkl[np.any(hkl != 0, axis=1)]


def _excitation(q: FloatArray, radius: float) -> FloatArray:
    """Distance of reciprocal lattice points from the Ewald sphere, 1/Å; positive outside."""
    return np.linalg.norm(q + np.array([0.0, 0.0, radius]), axis=1) - radius
