"""Draw one frame from a recipe: choose an experiment, then expose it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import FloatArray, Geometry
from xgeom_core.simulate.background import (
    RadialProfile,
    polarization,
    radial_background,
)
from xgeom_core.simulate.crystal import Crystal, excite, random_reciprocal
from xgeom_core.simulate.detector import EIGER, PILATUS, asymmetry, beamstop_transmission, count
from xgeom_core.simulate.recipe import CrystalRecipe, Recipe, log_uniform, uniform
from xgeom_core.simulate.spots import draw_spots

# Expected counts that make a spot, or a pixel of one, visible.
_VISIBLE_COUNTS = 3.0


@dataclass(frozen=True, eq=False)
class CrystalTruth:
    """What was in the beam; the defaults mean no crystal.

    Parameters
    ----------
    lattices : int
        Number of lattices.
    spots : int
        Number of Bragg spots of more than three expected counts on the detector.
    d_min_A, mosaic_deg, block_A, spot_counts : float
        What was drawn for the first lattice.
    reciprocal : ndarray, shape (3, 3)
        Columns a*, b*, c* of the first lattice in 1/Å.
    """

    lattices: int = 0
    spots: int = 0
    d_min_A: float = 0.0
    mosaic_deg: float = 0.0
    block_A: float = 0.0
    spot_counts: float = 0.0
    reciprocal: FloatArray = field(default_factory=lambda: np.zeros((3, 3)))


@dataclass(frozen=True, eq=False)
class SimulatedFrame:
    """A simulated exposure and the whole truth about it.

    Parameters
    ----------
    counts : ndarray of int, shape (slow, fast)
        Photon counts; 0 where `known` is False.
    known : ndarray of bool, shape (slow, fast)
        False in the gaps between modules.
    geometry : Geometry
        The true geometry, in the pixels of this frame.
    background : float
        Expected background at its peak, counts per pixel.
    stop_radius_mm : float
        Radius of the beam stop's shadow, 0 without one.
    crystal : CrystalTruth
        What was in the beam.
    """

    counts: NDArray[np.int64]
    known: NDArray[np.bool_]
    geometry: Geometry
    background: float
    stop_radius_mm: float
    crystal: CrystalTruth


def render(recipe: Recipe, shape: tuple[int, int], rng: np.random.Generator) -> SimulatedFrame:
    """Simulate one frame.

    Parameters
    ----------
    recipe : Recipe
        What the frame may look like.
    shape : tuple of int
        ``(slow, fast)`` in pixels. The recipe's width covers the longer side.
    rng : numpy.random.Generator
        Source of all randomness: the same state gives the same frame.

    Returns
    -------
    SimulatedFrame

    Notes
    -----
    Center and tilt are drawn independently and the tilt pivots at the beam center, so neither can
    be read off the other.
    """
    pixel_mm = uniform(rng, recipe.width_mm) / max(shape)
    geometry = _draw_geometry(recipe, shape, pixel_mm, rng)
    polarized = uniform(rng, recipe.beam.polarized)
    expected, peak = _background(recipe, geometry, shape, polarized, rng)
    bragg, crystal = _bragg(recipe, geometry, shape, polarized, rng)
    known = _gaps(recipe, shape, pixel_mm, rng)
    shade, stop_radius_mm = _stop(recipe, geometry, shape, rng)
    if recipe.binary:
        # A binary frame says where peaks are; a photon or two above nothing is not a peak.
        counts = ((bragg * shade) >= _VISIBLE_COUNTS).astype(np.int64)
    else:
        counts = count((expected + bragg) * shade, rng, recipe.detector.hot_fraction)
    return SimulatedFrame(np.where(known, counts, 0), known, geometry, peak, stop_radius_mm, crystal)


def _draw_geometry(
    recipe: Recipe, shape: tuple[int, int], pixel_mm: float, rng: np.random.Generator
) -> Geometry:
    detector = recipe.detector
    return Geometry(
        center_px=(
            shape[1] * (0.5 + uniform(rng, detector.center_offset)),
            shape[0] * (0.5 + uniform(rng, detector.center_offset)),
        ),
        distance_mm=log_uniform(rng, detector.distance_mm),
        pixel_mm=(pixel_mm, pixel_mm),
        wavelength_A=uniform(rng, recipe.beam.wavelength_A),
        pitch_deg=uniform(rng, detector.pitch_deg),
        yaw_deg=uniform(rng, detector.yaw_deg),
    )


def _background(
    recipe: Recipe,
    geometry: Geometry,
    shape: tuple[int, int],
    polarized: float,
    rng: np.random.Generator,
) -> tuple[FloatArray, float]:
    """Expected background counts and their level at the peak."""
    part = recipe.background
    peak = log_uniform(rng, part.counts_per_mm2) * geometry.pixel_mm[0] ** 2
    if part.shape == "none":
        return np.zeros(shape), 0.0
    if part.shape == "flat":
        image = np.full(shape, peak)
    else:
        profile = RadialProfile(
            uniform(rng, part.ring_A),
            uniform(rng, part.ring_width),
            uniform(rng, part.shoulder),
            uniform(rng, part.air),
            uniform(rng, part.air_width),
            uniform(rng, part.floor),
        )
        image = peak * radial_background(geometry, shape, profile, polarized)
    if rng.random() < part.asymmetric:
        size = uniform(rng, part.asymmetry)
        phases = np.exp(2j * np.pi * rng.random(2)) * rng.random(2) * size
        waves = (complex(phases[0]), complex(phases[1]))
        image = image * asymmetry(shape, geometry.center_px, waves, float(rng.random()))
    return image, peak


def _bragg(
    recipe: Recipe,
    geometry: Geometry,
    shape: tuple[int, int],
    polarized: float,
    rng: np.random.Generator,
) -> tuple[FloatArray, CrystalTruth]:
    """Expected Bragg counts and the truth about the crystal."""
    part = recipe.crystal
    image = np.zeros(shape)
    if rng.random() >= part.present:
        return image, CrystalTruth()
    lattices = int(rng.integers(part.lattices[0], part.lattices[1] + 1))
    brightness = log_uniform(rng, part.spot_counts)
    sigma_px = uniform(rng, part.spot_sigma_mm) / geometry.pixel_mm[0]
    oscillation = uniform(rng, part.oscillation_deg)
    bandwidth = uniform(rng, recipe.beam.bandwidth)
    crystal = _draw_crystal(part, geometry, shape, random_reciprocal(rng, part.edge_A), rng)
    first, peak, spots = crystal, brightness, 0
    for number in range(lattices):
        if number:
            brightness *= uniform(rng, (0.1, 0.9))
            crystal = _draw_crystal(part, geometry, shape, random_reciprocal(rng, part.edge_A), rng)
        hits = excite(
            crystal, geometry.wavelength_A or 1.0, rng, bandwidth=bandwidth, oscillation_deg=oscillation
        )
        x, y = geometry.from_lab(hits.directions)
        on = np.isfinite(x) & (x > 0) & (y > 0) & (x < shape[1]) & (y < shape[0])
        lab = geometry.to_lab(x[on], y[on])
        strength = hits.intensity[on] * brightness * polarization(lab, polarized)
        image += draw_spots(shape, x[on], y[on], strength, sigma_px)
        spots += int((strength > _VISIBLE_COUNTS).sum())
    return image, CrystalTruth(
        lattices, spots, first.d_min_A, first.mosaic_deg, first.block_A, peak, first.reciprocal
    )


def _draw_crystal(
    part: CrystalRecipe,
    geometry: Geometry,
    shape: tuple[int, int],
    reciprocal: FloatArray,
    rng: np.random.Generator,
) -> Crystal:
    corners = geometry.resolution_A(np.array([0.0, shape[1]])[:, None], np.array([0.0, shape[0]]))
    return Crystal(
        reciprocal,
        log_uniform(rng, part.mosaic_deg),
        log_uniform(rng, part.block_A),
        uniform(rng, part.b_factor_A2),
        # Reflections beyond the corners of the detector would be drawn for nothing.
        max(uniform(rng, part.d_min_A), float(corners.min())),
    )


def _gaps(
    recipe: Recipe, shape: tuple[int, int], pixel_mm: float, rng: np.random.Generator
) -> NDArray[np.bool_]:
    if rng.random() >= recipe.detector.gaps:
        return np.ones(shape, dtype=bool)
    drawn = "pilatus" if rng.random() < 0.5 else "eiger"
    modules = recipe.detector.modules
    grid = _GRIDS[drawn if modules == "any" else modules]
    return grid.sensitive(shape, pixel_mm)


_GRIDS = {"pilatus": PILATUS, "eiger": EIGER}


def _stop(
    recipe: Recipe, geometry: Geometry, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[FloatArray, float]:
    """Transmission of the beam stop and its radius in mm."""
    detector = recipe.detector
    if rng.random() >= detector.stop:
        return np.ones(shape), 0.0
    radius_mm = log_uniform(rng, detector.stop_radius_mm)
    radius_px = radius_mm / geometry.pixel_mm[0]
    center = np.array(geometry.center_px) + rng.uniform(-0.5, 0.5, size=2) * radius_px
    arm_px = radius_px * uniform(rng, (0.3, 1.0)) if rng.random() < 0.5 else 0.0
    arm_deg = uniform(rng, (0.0, 360.0))
    return (
        beamstop_transmission(shape, (center[0], center[1]), radius_px, arm_deg, arm_px),
        radius_mm,
    )
