"""One attempt at a frame: spots, background and lattice about one start, and what they say together."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

from xgeom_core.errors import GeometryError
from xgeom_core.estimate import Estimate
from xgeom_core.frame import Frame
from xgeom_core.predict.background.radial_fit import RadialFit, fit_radial
from xgeom_core.predict.lattice import LatticeSolution, solve_lattice
from xgeom_core.predict.posterior.background_checks import background_trouble, tilt_trouble
from xgeom_core.predict.posterior.combine import Combined, combine
from xgeom_core.predict.spots.find import Spots, find_spots

Cell = tuple[float, float, float, float, float, float]

EVIDENCE = ("background", "lattice")

# No rough start is believed better than this share (5 px); origins are looked for as far off as 8% of
# the side (200 px) or seven error bars, whichever is more, but no farther than 15%.
_BEST_SHARE, _NEAREST_SHARE, _FARTHEST_SHARE = 0.002, 0.08, 0.15
_REACH_SIGMA = 7.0
# Where a background does not tell the tilt from a shift, its center's error bar is widened by this, and
# must then be below this share of the side (2.5 px of 2527) for the center to be worth saying.
_CENTER_STRETCH, _CENTER_SHARE = 1.3, 0.001


@dataclass(frozen=True)
class Wishes:
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
    start_px: tuple[float, float] | None = None
    start_tilt_deg: tuple[float, float] | None = None
    cell: Cell | None = None
    explain: bool = False
    use: tuple[str, ...] = EVIDENCE


@dataclass
class Evidence:
    """What was found in one frame about one start, and the seconds it took."""

    spots: Spots | None = None
    background: RadialFit | None = None
    refused: str = ""
    opinion: Estimate | None = None
    lattice: LatticeSolution | None = None
    searched_px: float | None = None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Add what is done within to the seconds of a stage."""
        start = time.perf_counter()
        yield
        self.seconds[stage] = self.seconds.get(stage, 0.0) + time.perf_counter() - start


@dataclass(frozen=True, eq=False)
class Attempt:
    """What came of one start.

    Parameters
    ----------
    start : Estimate
        Where it began; its source says who proposed it.
    found : Evidence
    combined : Combined
    """

    start: Estimate
    found: Evidence
    combined: Combined

    @property
    def ok(self) -> bool:
        """Whether it gave an answer."""
        return self.combined.status == "ok"


def attempt(frame: Frame, start: Estimate, wishes: Wishes, found: Evidence) -> Attempt:
    """Fit a frame about a start.

    Parameters
    ----------
    frame : Frame
    start : Estimate
        Rough center; the tilt of any source but a network is begun with as well.
    wishes : Wishes
    found : Evidence
        Spots that are known already, and the clock; the rest is filled in.
    """
    # The fits solve many small systems, on which further threads of BLAS only wait for one another.
    with _threads().limit(limits=1, user_api="blas"):
        _gather(frame, start, wishes, found)
    with found.timed("combine"):
        combined = combine(
            start,
            found.opinion,
            found.lattice,
            max(frame.shape),
            px_per_inverse_A=_px_per_inverse_A(frame),
            background_refused=found.refused,
            searched_px=found.searched_px,
        )
    return Attempt(start, found, combined)


@cache
def _threads() -> ThreadpoolController:
    """The thread pools of the libraries that are loaded; looking for them takes some milliseconds."""
    return ThreadpoolController()


def tilt_to_begin_with(start: Estimate) -> tuple[float, float]:
    """Pitch and yaw of a start in degrees; a network's are too rough to begin with."""
    return (0.0, 0.0) if start.tilt_deg is None or start.source == "network" else start.tilt_deg


def _gather(frame: Frame, start: Estimate, wishes: Wishes, found: Evidence) -> None:
    """Look for spots, rings and lattices."""
    side = max(frame.shape)
    if found.spots is None:
        with found.timed("spots"), np.errstate(all="ignore"):
            found.spots = find_spots(frame)
    if "background" in wishes.use and found.spots.is_map:
        found.refused = "there is no background to fit (the frame is a map of spots)"
    elif "background" in wishes.use:
        tilt = tilt_to_begin_with(start)
        with found.timed("background"):
            found.background = fit_radial(frame, start.center_px, start_tilt_deg=tilt, spots=found.spots)
            found.refused = background_refused(found.background, side, tilt)
            found.opinion = _opinion_of_background(found)
    if "lattice" in wishes.use:
        with found.timed("lattice"), np.errstate(all="ignore"):
            found.lattice = _index(frame, start, wishes, found, side)


def background_refused(fit: RadialFit | None, side: int, tilt: tuple[float, float]) -> str:
    """Why not even the center of a background is believed; "" if it is."""
    trouble = background_trouble(fit, side, tilt)
    if trouble or fit is None:
        return trouble
    sigma = _CENTER_STRETCH * np.sqrt(np.diag(fit.covariance)[:2].max())
    # Rings whose tilt is open may fit the opposite tilt about another center as well.
    return tilt_trouble(fit) if fit.rings or sigma > _CENTER_SHARE * side else ""


def _opinion_of_background(found: Evidence) -> Estimate | None:
    """What of the background is believed: all, the center alone, or nothing."""
    fit = found.background
    if fit is None or found.refused:
        return None
    trouble = tilt_trouble(fit)
    if trouble:
        center = _CENTER_STRETCH**2 * fit.covariance[:2, :2]
        said = f"{trouble[:1].upper()}{trouble[1:]}: of it only the center is used."
        return Estimate("background", fit.center_px, None, center, warnings=(said,))
    return Estimate("background", fit.center_px, fit.tilt_deg, fit.covariance)


def _index(
    frame: Frame, start: Estimate, wishes: Wishes, found: Evidence, side: int
) -> LatticeSolution | None:
    """Index the spots about the background's center if that can be trusted, else about the start."""
    trusted = found.opinion if found.opinion is not None and found.opinion.tilt_deg is not None else None
    center = trusted.center_px if trusted is not None else start.center_px
    tilt = trusted.tilt_deg if trusted is not None else tilt_to_begin_with(start)
    try:
        geometry = frame.metadata.geometry(center, tilt)
    except GeometryError:
        return None
    if geometry is None or geometry.wavelength_A is None or found.spots is None:
        return None
    # The background may be pulled by shadows, so its center narrows the search less than it claims.
    sigma = max(*(start.center_sigma_px or (np.inf, np.inf)), _BEST_SHARE * side)
    sigma = min(sigma, _FARTHEST_SHARE * side / 2.0)
    found.searched_px = min(max(_REACH_SIGMA * sigma, _NEAREST_SHARE * side), _FARTHEST_SHARE * side)
    return solve_lattice(found.spots, geometry, reach_px=found.searched_px, sigma_px=sigma, cell=wishes.cell)


def _px_per_inverse_A(frame: Frame) -> float | None:
    meta = frame.metadata
    if meta.distance_mm is None or meta.pixel_mm is None or meta.wavelength_A is None:
        return None
    return meta.wavelength_A * meta.distance_mm / min(meta.pixel_mm)
