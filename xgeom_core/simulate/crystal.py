"""A crystal in the beam: its cell, its orientation and the reflections it excites."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from scipy.special import erf

from xgeom_core.geometry import FloatArray

# How far from the Ewald sphere, in standard deviations of its width, a reflection is still drawn.
_REACH = 3.5


@dataclass(frozen=True, eq=False)
class Crystal:
    """One lattice.

    Parameters
    ----------
    reciprocal : ndarray, shape (3, 3)
        Columns a*, b*, c* in the lab frame, in 1/Å (no factor 2 pi).
    mosaic_deg : float
        Standard deviation of the block orientations, in degrees.
    block_A : float
        Size of a mosaic block in Å; a small block widens every reciprocal-lattice point.
    b_factor_A2 : float
        Overall B factor in Å^2.
    d_min_A : float
        Resolution limit in Å.
    """

    reciprocal: FloatArray
    mosaic_deg: float
    block_A: float
    b_factor_A2: float
    d_min_A: float


@dataclass(frozen=True, eq=False)
class Reflections:
    """Excited reflections.

    Parameters
    ----------
    hkl : ndarray of int, shape (n, 3)
        Miller indices.
    directions : ndarray, shape (n, 3)
        Diffracted beam ``s0 + s`` in 1/Å, lab frame.
    intensity : ndarray, shape (n,)
        Relative integrated intensity, mean about 1 for a fully excited low-angle reflection.
    """

    hkl: NDArray[np.int64]
    directions: FloatArray
    intensity: FloatArray


def orthogonalization(cell: tuple[float, float, float, float, float, float]) -> FloatArray:
    """Columns a, b, c in Å in a Cartesian frame with a along x and b in the xy plane.

    Parameters
    ----------
    cell : tuple of float
        ``(a, b, c, alpha, beta, gamma)`` in Å and degrees.

    Notes
    -----
    International Tables for Crystallography B, 3.3.1 (the PDB convention).
    """
    a, b, c = cell[:3]
    ca, cb, cg = np.cos(np.radians(cell[3:]))
    sg = np.sin(np.radians(cell[5]))
    cx, cy = c * cb, c * (ca - cb * cg) / sg
    return np.array([[a, b * cg, cx], [0.0, b * sg, cy], [0.0, 0.0, np.sqrt(c * c - cx * cx - cy * cy)]])


def random_cell(
    rng: np.random.Generator, edge_A: tuple[float, float]
) -> tuple[float, float, float, float, float, float]:
    """A cell of a crystal system drawn at random, with edges in a given range (Å).

    The weights follow roughly how often the systems occur among protein crystals.
    """
    systems = ("triclinic", "monoclinic", "orthorhombic", "tetragonal", "hexagonal", "cubic")
    system = rng.choice(systems, p=[0.05, 0.3, 0.35, 0.12, 0.13, 0.05])
    a, b, c = rng.uniform(*edge_A, size=3)
    if system == "triclinic":
        angles = rng.uniform(75.0, 105.0, size=3)
        return a, b, c, angles[0], angles[1], angles[2]
    if system == "monoclinic":
        return a, b, c, 90.0, rng.uniform(90.0, 120.0), 90.0
    if system == "tetragonal":
        return a, a, c, 90.0, 90.0, 90.0
    if system == "hexagonal":
        return a, a, c, 90.0, 90.0, 120.0
    if system == "cubic":
        return a, a, a, 90.0, 90.0, 90.0
    return a, b, c, 90.0, 90.0, 90.0


def random_reciprocal(rng: np.random.Generator, edge_A: tuple[float, float]) -> FloatArray:
    """Reciprocal matrix (columns a*, b*, c*, 1/Å) of a random cell in a random orientation."""
    real = Rotation.random(rng=rng).as_matrix() @ orthogonalization(random_cell(rng, edge_A))
    return np.asarray(np.linalg.inv(real).T)


def excite(
    crystal: Crystal,
    wavelength_A: float,
    rng: np.random.Generator,
    *,
    bandwidth: float = 0.0,
    oscillation_deg: float = 0.0,
) -> Reflections:
    """Reflections near the Ewald sphere, with acentric Wilson intensities.

    Parameters
    ----------
    crystal : Crystal
        The lattice.
    wavelength_A : float
        Wavelength in Å.
    rng : numpy.random.Generator
        Source of the intensities.
    bandwidth : float
        Relative standard deviation of the wavelength.
    oscillation_deg : float
        Rotation about ``+x`` during the exposure, in degrees, centered on the given orientation.

    Returns
    -------
    Reflections

    Notes
    -----
    The excitation error is ``e = |s0 + s| - 1/wavelength``. A reflection is recorded in proportion
    to the mean of ``exp(-e^2 / 2 sigma^2)`` over the exposure, where sigma combines block size
    (``0.4/block``), mosaic spread (``spread |s| cos theta``) and bandwidth
    (``bandwidth (1 - cos 2 theta) / wavelength``). Intensities are exponentially distributed
    (Wilson 1949, acentric) and fall with ``exp(-B |s|^2 / 2)``.
    """
    widest = _width(crystal, wavelength_A, bandwidth, np.array([1.0 / crystal.d_min_A]))[0]
    sweep = np.radians(oscillation_deg) / crystal.d_min_A / 2.0
    hkl = near_sphere(crystal.reciprocal, wavelength_A, crystal.d_min_A, _REACH * widest + sweep)
    s = hkl @ crystal.reciprocal.T
    k = s + np.array([0.0, 0.0, 1.0 / wavelength_A])
    length = np.linalg.norm(k, axis=1)
    error = length - 1.0 / wavelength_A
    sigma = _width(crystal, wavelength_A, bandwidth, np.linalg.norm(s, axis=1))
    # d|s0 + s| / d(rotation about x) = (x cross s) . k / |k|
    rate = (-s[:, 2] * k[:, 1] + s[:, 1] * k[:, 2]) / length
    recorded = _recorded(error, sigma, np.abs(rate) * np.radians(oscillation_deg))
    keep = recorded > 1e-3
    fall = np.exp(-crystal.b_factor_A2 * np.einsum("ij,ij->i", s[keep], s[keep]) / 2.0)
    intensity = rng.exponential(size=int(keep.sum())) * fall * recorded[keep]
    return Reflections(hkl[keep], k[keep], intensity)


def near_sphere(
    reciprocal: FloatArray, wavelength_A: float, d_min_A: float, reach: float
) -> NDArray[np.int64]:
    """Miller indices whose lattice point lies within `reach` (1/Å) of the Ewald sphere.

    Solves for the index along the longest cell axis for each pair of the other two, which costs
    O(n^2) instead of the O(n^3) of trying every point.

    Returns
    -------
    ndarray of int, shape (n, 3)
        The origin is left out.
    """
    edges = np.linalg.norm(np.linalg.inv(reciprocal), axis=1)
    order = np.argsort(edges)
    limit = 1.0 / d_min_A
    spans = [np.arange(-int(limit * edges[i]), int(limit * edges[i]) + 1) for i in order[:2]]
    first, second = (grid.ravel() for grid in np.meshgrid(*spans, indexing="ij"))
    axis = reciprocal[:, order[2]]
    v = np.outer(first, reciprocal[:, order[0]]) + np.outer(second, reciprocal[:, order[1]])
    radius = 1.0 / wavelength_A
    v[:, 2] += radius
    along, norm, square = v @ axis, axis @ axis, np.einsum("ij,ij->i", v, v)

    def roots(r: float) -> tuple[FloatArray, FloatArray]:
        root = np.sqrt(np.maximum(along**2 - norm * (square - r * r), 0.0)) / norm
        return -along / norm - root, -along / norm + root

    hits = along**2 >= norm * (square - (radius + reach) ** 2)
    along, square, first, second = along[hits], square[hits], first[hits], second[hits]
    (low_out, high_out), (low_in, high_in) = roots(radius + reach), roots(radius - reach)
    # Where the line misses the inner sphere both inner roots coincide: one interval in two parts.
    start = np.concatenate([np.ceil(low_out), np.maximum(np.ceil(high_in), np.floor(low_in) + 1)])
    stop = np.concatenate([np.floor(low_in), np.floor(high_out)])
    count = np.maximum(stop - start + 1, 0).astype(np.int64)
    source = np.repeat(np.arange(len(count)), count)
    step = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)
    hkl = np.empty((len(source), 3), dtype=np.int64)
    hkl[:, order[0]] = np.tile(first, 2)[source]
    hkl[:, order[1]] = np.tile(second, 2)[source]
    hkl[:, order[2]] = start[source].astype(np.int64) + step
    s = hkl @ reciprocal.T
    length = np.einsum("ij,ij->i", s, s)
    return hkl[(length <= limit**2) & (length > 0)]


def _width(crystal: Crystal, wavelength_A: float, bandwidth: float, s: FloatArray) -> FloatArray:
    """Standard deviation of the excitation error in 1/Å for reflections at length `s` (1/Å)."""
    sin_theta = np.minimum(s * wavelength_A / 2.0, 1.0)
    mosaic = np.radians(crystal.mosaic_deg) * s * np.sqrt(1.0 - sin_theta**2)
    band = bandwidth * 2.0 * sin_theta**2 / wavelength_A
    return np.asarray(np.sqrt((0.4 / crystal.block_A) ** 2 + mosaic**2 + band**2))


def _recorded(error: FloatArray, sigma: FloatArray, sweep: FloatArray) -> FloatArray:
    """Mean of exp(-e^2 / 2 sigma^2) while e sweeps over a range centered on `error`."""
    half = np.maximum(sweep / 2.0, 1e-3 * sigma)
    scale = np.sqrt(2.0) * sigma
    integral = erf((error + half) / scale) - erf((error - half) / scale)
    return np.asarray(integral * sigma * np.sqrt(np.pi / 2.0) / (2.0 * half))
