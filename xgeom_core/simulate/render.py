"""Expose one experiment: expected photons first, then what the detector makes of them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from xgeom_core.geometry import FloatArray, Geometry
from xgeom_core.simulate.crystals import BraggSpots, bragg_spots
from xgeom_core.simulate.experiment import Experiment, draw_experiment
from xgeom_core.simulate.recipe import Recipe
from xgeom_core.simulate.scattering import expected_background
from xgeom_core.simulate.shadows import transmission
from xgeom_core.simulate.spot_image import add_spots

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
class Expected:
    """A frame without its noise.

    Parameters
    ----------
    background, image : ndarray of float32, shape (slow, fast)
        Expected photons without and with Bragg spots, after all shadows.
    spots : int
        Number of visible Bragg spots on the detector.
    """

    background: NDArray[np.float32]
    image: NDArray[np.float32]
    spots: int


@dataclass(frozen=True, eq=False)
class SimulatedFrame:
    """A simulated exposure and the whole truth about it.

    Parameters
    ----------
    counts : ndarray of int, shape (slow, fast)
        Counts; 0 where `known` is False.
    known : ndarray of bool, shape (slow, fast)
        False where the detector is insensitive: gaps, dead pixels, beyond its edge.
    geometry : Geometry
        The true geometry, in the pixels of this frame.
    background : float
        Expected background at its peak, counts per pixel.
    stop_radius_mm : float
        Radius of the beam stop's shadow, 0 without one.
    crystal : CrystalTruth
        What was in the beam.
    experiment : Experiment
        Everything that was drawn.
    """

    counts: NDArray[np.int32]
    known: NDArray[np.bool_]
    geometry: Geometry
    background: float
    stop_radius_mm: float
    crystal: CrystalTruth
    experiment: Experiment


def render(recipe: Recipe, shape: tuple[int, int], rng: np.random.Generator) -> SimulatedFrame:
    """Simulate one frame.

    Parameters
    ----------
    recipe : Recipe
        What the frame may look like.
    shape : tuple of int
        ``(slow, fast)`` in pixels; the longer side spans the longer side of the detector.
    rng : numpy.random.Generator
        Source of all randomness: the same state gives the same frame.
    """
    drawing, noise = rng.spawn(2)
    return expose(draw_experiment(recipe, shape, drawing), shape, noise)


def expose(experiment: Experiment, shape: tuple[int, int], rng: np.random.Generator) -> SimulatedFrame:
    """Expose an experiment once.

    Parameters
    ----------
    experiment : Experiment
        See `draw_experiment`.
    shape : tuple of int
        ``(slow, fast)`` that the experiment was drawn for.
    rng : numpy.random.Generator
        Source of the noise.
    """
    photons = expected(experiment, shape)
    if experiment.binary:
        known = experiment.detector.known()
        # A binary frame says where peaks are; a photon or two above nothing is not a peak.
        counts = ((photons.image >= _VISIBLE_COUNTS) & known).astype(np.int32)
    else:
        record = experiment.detector.record(photons.image, rng)
        counts, known = record.counts, record.known
    geometry = experiment.geometry
    area_mm2 = geometry.pixel_mm[0] * geometry.pixel_mm[1]
    return SimulatedFrame(
        counts,
        known,
        geometry,
        experiment.background.counts_per_mm2 * area_mm2 if experiment.background.shape != "none" else 0.0,
        experiment.shadows.stop_radius_mm,
        _crystal_truth(experiment, photons.spots),
        experiment,
    )


def expected(experiment: Experiment, shape: tuple[int, int]) -> Expected:
    """The photons that an experiment sends into each pixel on average, before the detector counts them."""
    geometry, sensor = experiment.geometry, experiment.detector.sensor
    background = expected_background(experiment.background, experiment.beam, geometry, shape, sensor)
    spots = bragg_spots(experiment.crystals, experiment.beam, geometry, shape, sensor)
    image = background.copy() if len(spots) else background
    add_spots(image, spots.x, spots.y, spots.counts, spots.covariance)
    shade = transmission(experiment.shadows, geometry, shape)
    if shade is not None:
        background *= shade
        if image is not background:
            image *= shade
    return Expected(background, image, _visible(spots, shape))


def _visible(spots: BraggSpots, shape: tuple[int, int]) -> int:
    """Number of spots on the frame that are bright enough to be seen."""
    on = (spots.x >= 0) & (spots.y >= 0) & (spots.x < shape[1]) & (spots.y < shape[0])
    return int((on & (spots.counts > _VISIBLE_COUNTS)).sum())


def _crystal_truth(experiment: Experiment, spots: int) -> CrystalTruth:
    if not experiment.crystals:
        return CrystalTruth()
    first = experiment.crystals[0]
    return CrystalTruth(
        len(experiment.crystals),
        spots,
        first.d_min_A,
        first.mosaic_deg,
        first.block_A,
        first.brightness,
        first.reciprocal(),
    )
