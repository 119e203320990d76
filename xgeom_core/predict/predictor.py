"""The Predictor: a network for the rough start, physics for the digits, and an honest verdict."""

from __future__ import annotations

import time
from dataclasses import replace
from math import inf

from xgeom_core.estimate import Estimate, Status
from xgeom_core.frame import Frame
from xgeom_core.models.store import Model, load_model
from xgeom_core.predict.attempt import EVIDENCE, Attempt, Cell, Evidence, Wishes, attempt
from xgeom_core.predict.network import network_estimate
from xgeom_core.predict.noise_scale import in_counts
from xgeom_core.predict.prediction import LatticeSummary, Prediction, missing_notes
from xgeom_core.predict.report.explanation import Explanation
from xgeom_core.predict.starts import header_starts, settle, stated_start

# A network alone is called sure below this share of the longer side (2527 px: 50 px).
_SURE_SHARE = 0.02
_LEAST_PIXELS = 64


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
        start_tilt_deg: tuple[float, float] | None = None,
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
        fit, start_px, start_tilt_deg, cell, explain, use
            See `Wishes`.

        Returns
        -------
        Prediction
            Never raises on odd frames: those get the status "failed" or "uncertain" and a reason.
        """
        wishes = Wishes(fit, start_px, start_tilt_deg, cell, explain, use)
        began = time.perf_counter()
        frame = in_counts(frame)
        trouble = _unusable(frame)
        if trouble:
            return _failed(frame, trouble, began)
        found = Evidence()
        side = max(frame.shape)
        with found.timed("network"):
            rough = self._rough(frame, wishes)
        if not wishes.fit:
            return _rough_answer(frame, rough, found, began)
        first = attempt(frame, rough, wishes, found)
        if wishes.start_px is not None:
            return _answer(frame, rough, first, wishes, began)

        def again(start: Estimate) -> Attempt:
            return attempt(frame, start, wishes, Evidence(spots=found.spots, seconds=found.seconds))

        chosen = settle(first, header_starts(frame.metadata, side), side, again)
        return _answer(frame, rough, chosen, wishes, began)

    def _rough(self, frame: Frame, wishes: Wishes) -> Estimate:
        if wishes.start_px is None:
            return network_estimate(self.model, frame)
        # Who points at a place on a swung detector says nothing against the swing.
        tilt = wishes.start_tilt_deg or frame.metadata.tilt_deg
        return stated_start("start", wishes.start_px, tilt, max(frame.shape))


def _unusable(frame: Frame) -> str:
    valid = int(frame.valid.sum())
    if valid < _LEAST_PIXELS:
        return f"Only {valid} of {frame.valid.size} pixels are usable; the rest is masked or saturated."
    values = frame.data[frame.valid]
    if values.min() == values.max():
        return f"All usable pixels hold the same value ({values[0]:g}); there is nothing to see."
    return ""


def _alone(rough: Estimate, side_px: int) -> tuple[Status, str]:
    sigma = max(rough.center_sigma_px or (inf, inf))
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


def _rough_answer(frame: Frame, rough: Estimate, found: Evidence, began: float) -> Prediction:
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


def _answer(frame: Frame, rough: Estimate, chosen: Attempt, wishes: Wishes, began: float) -> Prediction:
    found, combined = chosen.found, chosen.combined
    best = combined.estimate
    fitted = best if combined.evidence != "network" else None
    # A user's start that nothing confirms stays the user's start.
    if fitted is None and wishes.start_px is not None:
        best = replace(best, source="start")
    explanation = None
    if wishes.explain:
        with found.timed("explain"):
            explanation = Explanation.from_parts(
                frame, chosen.start, found.background, found.lattice, combined, found.spots
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


def _tilt_note(found: Evidence, fitted: Estimate | None) -> tuple[str, ...]:
    """Why an answer has no tilt, where the background is to blame."""
    if fitted is None or fitted.tilt_deg is not None or found.opinion is None:
        return ()
    return found.opinion.warnings


def _shown_background(found: Evidence) -> Estimate | None:
    fit = found.background
    if fit is None:
        return None
    if found.opinion is not None:
        return found.opinion
    return Estimate("background", fit.center_px, fit.tilt_deg, fit.covariance, "uncertain", found.refused)


def _opinion_of_lattice(found: Evidence) -> Estimate | None:
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
