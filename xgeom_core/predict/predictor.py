"""The Predictor: a network for the rough start, physics for the digits, and an honest verdict."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
from threadpoolctl import ThreadpoolController

from xgeom_core.errors import GeometryError
from xgeom_core.estimate import Estimate, Status
from xgeom_core.frame import Frame
from xgeom_core.models.store import Model, load_model
from xgeom_core.predict.combine import Combined, combine
from xgeom_core.predict.explanation import Explanation
from xgeom_core.predict.lattice import LatticeSolution, solve_lattice
from xgeom_core.predict.network import network_estimate
from xgeom_core.predict.prediction import LatticeSummary, Prediction, missing_notes
from xgeom_core.predict.radial.trouble import background_trouble, tilt_trouble
from xgeom_core.predict.radial_fit import RadialFit, fit_radial
from xgeom_core.predict.spots import Spots, find_spots

Cell = tuple[float, float, float, float, float, float]

EVIDENCE = ("background", "lattice")

# A network alone is called sure below this share of the longer side (2527 px: 50 px).
_SURE_SHARE = 0.02
_LEAST_PIXELS = 64
# A rough center that a user states is taken to be good to this share of the longer side (2527 px: 13 px).
_STATED_SHARE = 0.005
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
    cell : tuple of float or None
        Cell of the crystal, if known: a, b, c in Å, alpha, beta, gamma in degrees.
    explain : bool
        Whether to keep what the answer rests on.
    use : tuple of str
        Kinds of evidence to look at: ``"background"``, ``"lattice"``.
    """

    fit: bool = True
    start_px: tuple[float, float] | None = None
    cell: Cell | None = None
    explain: bool = False
    use: tuple[str, ...] = EVIDENCE


@dataclass
class _Evidence:
    """What was found in one frame, and the seconds it took."""

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


class Predictor:
    """Predicts center and tilt of frames.

    Parameters
    ----------
    model : Model
        An opened model; see `load`.
    """

    def __init__(self, model: Model) -> None:
        self.model = model

    @classmethod
    def load(cls, model: str = "default") -> Predictor:
        """A predictor with a bundled model or a model file.

        Raises
        ------
        ModelError
            If there is no such model or it cannot be used.
        """
        return cls(load_model(str(model)))

    def predict(
        self,
        frame: Frame,
        fit: bool = True,
        *,
        start_px: tuple[float, float] | None = None,
        cell: Cell | None = None,
        explain: bool = False,
        use: tuple[str, ...] = EVIDENCE,
    ) -> Prediction:
        """Center and tilt of one frame.

        Parameters
        ----------
        frame : Frame
            Distance and pixel size in its metadata let the tilt be fitted, those and the wavelength let
            spots be indexed.
        fit, start_px, cell, explain, use
            See `Wishes`.

        Returns
        -------
        Prediction
            Never raises on odd frames: those get the status "failed" or "uncertain" and a reason.
        """
        wishes = Wishes(fit, start_px, cell, explain, use)
        began = time.perf_counter()
        trouble = _unusable(frame)
        if trouble:
            return _failed(frame, trouble, began)
        found = _Evidence()
        with found.timed("network"):
            rough = self._rough(frame, wishes)
        if not wishes.fit:
            return _rough_answer(frame, rough, found, began)
        # The fits solve many small systems, on which further threads of BLAS only wait for one another.
        with _threads().limit(limits=1, user_api="blas"):
            _gather(frame, rough, wishes, found)
        with found.timed("combine"):
            combined = combine(
                rough,
                found.opinion,
                found.lattice,
                max(frame.shape),
                px_per_inverse_A=_px_per_inverse_A(frame),
                background_refused=found.refused,
                searched_px=found.searched_px,
            )
        return _answer(frame, rough, found, combined, wishes, began)

    def _rough(self, frame: Frame, wishes: Wishes) -> Estimate:
        if wishes.start_px is None:
            return network_estimate(self.model, frame)
        sigma = _STATED_SHARE * max(frame.shape)
        return Estimate("start", wishes.start_px, covariance=np.diag([sigma**2, sigma**2]))


@cache
def _threads() -> ThreadpoolController:
    """The thread pools of the libraries that are loaded; looking for them takes some milliseconds."""
    return ThreadpoolController()


def _gather(frame: Frame, rough: Estimate, wishes: Wishes, found: _Evidence) -> None:
    """Look for spots, rings and lattices."""
    side = max(frame.shape)
    with found.timed("spots"), np.errstate(all="ignore"):
        found.spots = find_spots(frame)
    if "background" in wishes.use and found.spots.is_map:
        found.refused = "there is no background to fit (the frame is a map of spots)"
    elif "background" in wishes.use:
        with found.timed("background"):
            found.background = fit_radial(frame, rough.center_px, spots=found.spots)
            found.refused = _background_refused(found.background, side)
            found.opinion = _opinion_of_background(found)
    if "lattice" in wishes.use:
        with found.timed("lattice"), np.errstate(all="ignore"):
            found.lattice = _index(frame, rough, wishes, found, side)


def _background_refused(fit: RadialFit | None, side: int) -> str:
    """Why not even the center of a background is believed; "" if it is."""
    trouble = background_trouble(fit, side)
    if trouble or fit is None:
        return trouble
    sigma = _CENTER_STRETCH * np.sqrt(np.diag(fit.covariance)[:2].max())
    # Rings whose tilt is open may fit the opposite tilt about another center as well.
    return tilt_trouble(fit) if fit.rings or sigma > _CENTER_SHARE * side else ""


def _index(
    frame: Frame, rough: Estimate, wishes: Wishes, found: _Evidence, side: int
) -> LatticeSolution | None:
    """Index the spots about the background's center if that can be trusted, else about the rough one."""
    trusted = found.opinion if found.opinion is not None and found.opinion.tilt_deg is not None else None
    start = trusted.center_px if trusted is not None else rough.center_px
    tilt = trusted.tilt_deg if trusted is not None else None
    try:
        geometry = frame.metadata.geometry(start, tilt)
    except GeometryError:
        return None
    if geometry is None or geometry.wavelength_A is None or found.spots is None:
        return None
    # The background may be pulled by shadows, so its center narrows the search less than it claims.
    sigma = max(*(rough.center_sigma_px or (np.inf, np.inf)), _BEST_SHARE * side)
    sigma = min(sigma, _FARTHEST_SHARE * side / 2.0)
    found.searched_px = min(max(_REACH_SIGMA * sigma, _NEAREST_SHARE * side), _FARTHEST_SHARE * side)
    return solve_lattice(found.spots, geometry, reach_px=found.searched_px, sigma_px=sigma, cell=wishes.cell)


def _px_per_inverse_A(frame: Frame) -> float | None:
    meta = frame.metadata
    if meta.distance_mm is None or meta.pixel_mm is None or meta.wavelength_A is None:
        return None
    return meta.wavelength_A * meta.distance_mm / min(meta.pixel_mm)


def _unusable(frame: Frame) -> str:
    valid = int(frame.valid.sum())
    if valid < _LEAST_PIXELS:
        return f"Only {valid} of {frame.valid.size} pixels are usable; the rest is masked or saturated."
    values = frame.data[frame.valid]
    if values.min() == values.max():
        return f"All usable pixels hold the same value ({values[0]:g}); there is nothing to see."
    return ""


def _alone(rough: Estimate, side_px: int) -> tuple[Status, str]:
    sigma = max(rough.center_sigma_px or (np.inf, np.inf))
    if sigma > _SURE_SHARE * side_px:
        return "uncertain", f"The network itself is unsure by {sigma:.0f} px."
    return "ok", ""


def _failed(frame: Frame, trouble: str, began: float) -> Prediction:
    return Prediction.failed(
        (frame.path, frame.dataset, frame.index),
        trouble,
        frame.metadata.estimate(),
        frame.warnings + missing_notes(frame.metadata),
        time.perf_counter() - began,
    )


def _rough_answer(frame: Frame, rough: Estimate, found: _Evidence, began: float) -> Prediction:
    status, reason = _alone(rough, max(frame.shape))
    rough = replace(rough, status=status, reason=reason)
    return replace(
        _failed(frame, reason, began),
        status=status,
        best=rough,
        network=rough,
        evidence="network",
        seconds=found.seconds,
    )


def _answer(
    frame: Frame, rough: Estimate, found: _Evidence, combined: Combined, wishes: Wishes, began: float
) -> Prediction:
    best = combined.estimate
    fitted = best if combined.evidence != "network" else None
    # A user's start that nothing confirms stays the user's start.
    if fitted is None and wishes.start_px is not None:
        best = replace(best, source="start")
    explanation = None
    if wishes.explain:
        with found.timed("explain"):
            explanation = Explanation.from_parts(
                frame, rough, found.background, found.lattice, combined, found.spots
            )
    network = rough if wishes.start_px is None else None
    if fitted is None and network is not None:
        network = best
    return Prediction(
        frame.path,
        frame.dataset,
        frame.index,
        combined.status,
        combined.reason,
        best,
        network,
        fitted,
        frame.metadata.estimate(),
        frame.warnings + missing_notes(frame.metadata) + best.warnings + _tilt_note(found, fitted),
        time.perf_counter() - began,
        background=_shown_background(found),
        lattice=_opinion_of_lattice(found),
        evidence=combined.evidence,
        crystal=LatticeSummary.of(found.lattice, found.spots, combined.origins),
        explanation=explanation,
        seconds=found.seconds,
    )


def _tilt_note(found: _Evidence, fitted: Estimate | None) -> tuple[str, ...]:
    """Why an answer has no tilt, where the background is to blame."""
    if fitted is None or fitted.tilt_deg is not None or found.opinion is None:
        return ()
    return found.opinion.warnings


def _opinion_of_background(found: _Evidence) -> Estimate | None:
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


def _shown_background(found: _Evidence) -> Estimate | None:
    fit = found.background
    if fit is None:
        return None
    if found.opinion is not None:
        return found.opinion
    return Estimate("background", fit.center_px, fit.tilt_deg, fit.covariance, "uncertain", found.refused)


def _opinion_of_lattice(found: _Evidence) -> Estimate | None:
    solution = found.lattice
    if solution is None:
        return None
    status: Status = "uncertain" if solution.reason else "ok"
    return Estimate(
        "lattice",
        solution.center_px,
        solution.tilt_deg,
        solution.covariance,
        status,
        solution.reason,
        solution.notes,
    )
