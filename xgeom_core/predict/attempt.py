"""One attempt at a frame: rings and lattice about one start, added to what is known of the frame."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

from xgeom_core.errors import GeometryError
from xgeom_core.frame import Frame
from xgeom_core.geometry import FloatArray, Geometry
from xgeom_core.predict.background.radial_fit import RadialFit, fit_radial
from xgeom_core.predict.lattice import LatticeSolution, solve_lattice
from xgeom_core.predict.posterior.finding import Finding
from xgeom_core.predict.posterior.reliability import reliabilities
from xgeom_core.predict.posterior.sources import background_features, best_lattice, lattice_features
from xgeom_core.predict.spots.find import Spots, find_spots

Cell = tuple[float, float, float, float, float, float]
Point = tuple[float, float]

EVIDENCE = ("background", "lattice")

# No start is believed better than the first share of the side (5 px), or taken for worse than the second.
_BEST_SHARE, _WORST_SHARE = 0.002, 0.075
# Spots are indexed about so many starts, and about further ones whose background tells more: looking for a
# lattice where there is none takes longest.
_MOST_INDEXED = 2
# Spots are mapped to reciprocal space by the background's geometry if that is more likely right than not.
_BELIEVED = 0.5
# A tilt that is known no better than this bends a lattice more than none.
_TOLD_DEG = 0.7


@dataclass(frozen=True)
class PredictOptions:
    """How a frame is to be predicted.

    Parameters
    ----------
    fit : bool
        False for the network's opinion alone.
    start_px : tuple of float or None
        Rough center ``(x, y)`` in native px in place of the network's.
    start_tilt_deg : tuple of float or None
        Rough ``(pitch, yaw)`` to go with it; without one the header's, if it states any.
    cell : tuple of float or None
        Cell of the crystal, if known: a, b, c in Å, alpha, beta, gamma in degrees.
    explain : bool
        Whether to keep what the answer rests on.
    use : tuple of str
        Kinds of evidence to look at: ``"background"``, ``"lattice"``.
    """

    fit: bool = True
    start_px: Point | None = None
    start_tilt_deg: Point | None = None
    cell: Cell | None = None
    explain: bool = False
    use: tuple[str, ...] = EVIDENCE


@dataclass(frozen=True)
class Start:
    """Where an attempt begins.

    Parameters
    ----------
    center_px, tilt_deg : tuple of float
        Native ``(x, y)``; ``(pitch, yaw)``.
    sigma_px : float
        How far the center is likely to be off.
    """

    center_px: Point
    tilt_deg: Point
    sigma_px: float


@dataclass
class Evidence:
    """What is known of one frame, and the seconds that it took.

    Parameters
    ----------
    spots : Spots or None
    witnesses : list of Finding
        All that need no start: network or user, header, symmetry.
    fits : list of RadialFit
        Of the background, one a start.
    fit_starts : list of ndarray, shape (4,)
        Where those began: x, y in px, pitch, yaw in degrees.
    lattices : list of LatticeSolution
        One a start.
    starts : list of Start
        Attempts made.
    seconds : dict
        By stage.
    """

    spots: Spots | None = None
    witnesses: list[Finding] = field(default_factory=list)
    fits: list[RadialFit] = field(default_factory=list)
    fit_starts: list[FloatArray] = field(default_factory=list)
    lattices: list[LatticeSolution] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add what is done within to the seconds of a stage."""
        start = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


@cache
def _threads() -> ThreadpoolController:
    """The thread pools of the libraries that are loaded; looking for them takes some milliseconds."""
    return ThreadpoolController()


def attempt(frame: Frame, start: Start, options: PredictOptions, found: Evidence) -> None:
    """Fit a frame's background and index its spots about a start; what is found is added."""
    # The fits solve many small systems, on which further threads of BLAS only wait for one another.
    with _threads().limit(limits=1, user_api="blas"):
        if found.spots is None:
            found.spots = find_spots(frame)
        fit = None
        if "background" in options.use and not found.spots.is_map:
            with found.timed("background"):
                fit = fit_radial(frame, start.center_px, start_tilt_deg=start.tilt_deg, spots=found.spots)
        told = fit is not None and fit.tilt_deg is not None and _trusted(fit, start, max(frame.shape))
        if "lattice" in options.use and (told or len(found.starts) < _MOST_INDEXED):
            with found.timed("lattice"), np.errstate(all="ignore"):
                known = best_lattice(found.lattices) or next(iter(found.lattices), None)
                solution = _index(frame, start, fit, options, found.spots, known)
                found.lattices += [solution] if solution is not None else []
    if fit is not None:
        found.fits.append(fit)
        found.fit_starts.append(np.array([*start.center_px, *start.tilt_deg]))
    found.starts.append(start)


def _index(
    frame: Frame,
    start: Start,
    fit: RadialFit | None,
    options: PredictOptions,
    spots: Spots,
    known: LatticeSolution | None,
) -> LatticeSolution | None:
    """Index the spots about the background's geometry if that is likely right, and about the start."""
    side = max(frame.shape)
    places = [(start.center_px, start.tilt_deg)]
    if fit is not None and fit.tilt_deg is not None and _trusted(fit, start, side):
        places.insert(0, (fit.center_px, fit.tilt_deg))
    # The background may be pulled by shadows, so its center narrows the search less than it claims.
    sigma = min(max(start.sigma_px, _BEST_SHARE * side), _WORST_SHARE * side)
    found = known
    for center, tilt in places:
        geometry = _geometry(frame, center, tilt)
        if geometry is None or geometry.wavelength_A is None:
            continue
        solution = solve_lattice(spots, geometry, sigma_px=sigma, cell=options.cell, known=found)
        # One of another cell than the given is kept too, to be told of.
        found = best_lattice([one for one in (found, solution) if one is not None]) or solution or found
        if found is not None and reliabilities()["lattice"].p_wrong(lattice_features(found)) < _BELIEVED:
            break
    return found if found is not known else None


def _trusted(fit: RadialFit, start: Start, side_px: int) -> bool:
    """Whether a background tells the geometry better than the start does."""
    sigma = np.sqrt(np.diag(fit.covariance))
    wrong = reliabilities()["background"].p_wrong(background_features(fit, side_px))
    return bool(wrong < _BELIEVED and sigma[:2].max() < start.sigma_px and sigma[2:].max() < _TOLD_DEG)


def _geometry(frame: Frame, center: Point, tilt: Point) -> Geometry | None:
    try:
        return frame.metadata.geometry(center, tilt)
    except GeometryError:
        return None
