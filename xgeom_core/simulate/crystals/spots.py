"""The Bragg spots of crystals on a detector: positions, counts, shapes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import FloatArray, Geometry
from xgeom_core.simulate.beam import Beam
from xgeom_core.simulate.crystals.crystal import Crystal
from xgeom_core.simulate.crystals.enumeration import near_sphere
from xgeom_core.simulate.crystals.excitation import excite, reach, reference_density
from xgeom_core.simulate.crystals.experiment import plane_of, spreads
from xgeom_core.simulate.crystals.falloff import debye_waller, farthest, polarization, soft_limit
from xgeom_core.simulate.crystals.sensing import SensorLike, through_sensor
from xgeom_core.simulate.crystals.structure import structure_intensities
from xgeom_core.simulate.crystals.symmetry import laue_rotations, present
from xgeom_core.simulate.crystals.wilson import wilson_intensities

# Expected counts below which a spot is left out: it would be seen once in thirty exposures. All that is
# lost makes about ten photons per frame.
FAINTEST = 0.03
# A spot this far off the frame, mm, can still reach into it.
_MARGIN_MM = 3.0
# Reflections handled at once: bounds the memory of crystals that excite millions.
_AT_ONCE = 200_000


@dataclass(frozen=True, eq=False)
class BraggSpots:
    """Bragg spots on a detector.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Mean positions (fast, slow) in px, corner origin; some lie a little off the frame.
    counts : ndarray, shape (n,)
        Expected photons.
    covariance : ndarray, shape (n, 3)
        Vxx, Vxy, Vyy in px^2.
    hkl : ndarray of int, shape (n, 3)
        Miller indices.
    lattice : ndarray of int, shape (n,)
        Which crystal, from 0.
    """

    x: FloatArray
    y: FloatArray
    counts: FloatArray
    covariance: FloatArray
    hkl: NDArray[np.int64]
    lattice: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.x)


def bragg_spots(
    crystals: Sequence[Crystal],
    beam: Beam,
    geometry: Geometry,
    shape: tuple[int, int],
    sensor: SensorLike | None = None,
) -> BraggSpots:
    """All spots of at least three hundredths of a photon.

    Parameters
    ----------
    crystals : sequence of Crystal
        The lattices; may be empty.
    beam : Beam
        The beam. Its wavelength counts; that of the geometry is not looked at.
    geometry : Geometry
        The detector, in the pixels of the frame.
    shape : tuple of int
        ``(slow, fast)`` in px.
    sensor : SensorLike, optional
        Adds parallax and spread; without one photons are counted where they meet the plane.

    Returns
    -------
    BraggSpots
    """
    found = [_of_one(crystal, beam, geometry, shape) for crystal in crystals]
    if not found:
        nothing = np.zeros(0)
        indices = np.zeros((0, 3), dtype=np.int64)
        return BraggSpots(nothing, nothing, nothing, np.zeros((0, 3)), indices, indices[:, 0])
    x, y, counts, covariance, hkl = (np.concatenate([part[i] for part in found]) for i in range(5))
    lattice = np.repeat(np.arange(len(found)), [len(part[0]) for part in found])
    if sensor is not None:
        x, y, covariance, efficiency = through_sensor(x, y, covariance, geometry, sensor)
        counts = counts * efficiency
    return BraggSpots(x, y, counts, covariance, hkl, lattice)


def _of_one(
    crystal: Crystal, beam: Beam, geometry: Geometry, shape: tuple[int, int]
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, NDArray[np.int64]]:
    spread = spreads(beam, crystal.mosaic_deg, crystal.block_A)
    limit = min(farthest(crystal.d_min_A), _seen(geometry, shape, beam.wavelength_A))
    hkl = near_sphere(crystal.reciprocal(), beam.wavelength_A, 1.0 / limit, reach(spread, limit))
    parts = [
        _recorded(crystal, beam, geometry, shape, hkl[first : first + _AT_ONCE])
        for first in range(0, max(len(hkl), 1), _AT_ONCE)
    ]
    spots, counts, indices = (np.concatenate([part[i] for part in parts]) for i in range(3))
    return spots[:, 1], spots[:, 2], counts, spots[:, 3:6], indices


def _recorded(
    crystal: Crystal, beam: Beam, geometry: Geometry, shape: tuple[int, int], hkl: NDArray[np.int64]
) -> tuple[FloatArray, FloatArray, NDArray[np.int64]]:
    """Rows of `excitation.excite`, counts and indices of the reflections that are bright enough."""
    hkl = hkl[present(hkl, crystal.centering)]
    spread = spreads(beam, crystal.mosaic_deg, crystal.block_A)
    margin = _MARGIN_MM / min(geometry.pixel_mm)
    spots, source = excite(hkl, crystal.reciprocal(), spread, plane_of(geometry, beam), shape, margin)
    s = spots[:, 6]
    counts = spots[:, 0] * (crystal.brightness / reference_density(spread))
    counts *= debye_waller(s, crystal.b_factor_A2) * soft_limit(s, crystal.d_min_A)
    # Few intensities exceed thirty times the mean: the faintest need not be looked up.
    bright = counts * 30.0 > FAINTEST
    spots, counts, hkl = spots[bright], counts[bright], hkl[source[bright]]
    lab = geometry.to_lab(spots[:, 1], spots[:, 2])
    counts *= polarization(lab / np.linalg.norm(lab, axis=1, keepdims=True), beam.polarized)
    counts *= _intensities(crystal, hkl)
    keep = counts > FAINTEST
    return spots[keep], counts[keep], hkl[keep]


def _intensities(crystal: Crystal, hkl: NDArray[np.int64]) -> FloatArray:
    if crystal.structure:
        return structure_intensities(crystal.structure, hkl, crystal.d_min_A, crystal.seed)
    return wilson_intensities(hkl, laue_rotations(crystal.laue), crystal.seed)


def _seen(geometry: Geometry, shape: tuple[int, int], wavelength_A: float) -> float:
    """1/d in 1/Å at the corner that sees furthest, with some room beyond it."""
    x, y = np.array([0.0, shape[1]])[:, None], np.array([0.0, shape[0]])
    two_theta = geometry.two_theta(x, y).max()
    return float(1.02 * 2.0 * np.sin(two_theta / 2.0) / wavelength_A)
