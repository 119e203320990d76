"""The Predictor: every witness proposes, physics measures, one posterior answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from math import inf

import numpy as np

from xgeom_core.estimate import Estimate, Status
from xgeom_core.frame import Frame
from xgeom_core.models.store import Model, load_model
from xgeom_core.predict.attempt import EVIDENCE, Cell, Evidence, PredictOptions, attempt
from xgeom_core.predict.background.radial_fit import RadialFit
from xgeom_core.predict.lattice import LatticeSolution
from xgeom_core.predict.lattice.indexer import refined_at
from xgeom_core.predict.network import NetworkOpinion, network_opinion
from xgeom_core.predict.noise_scale import in_counts
from xgeom_core.predict.posterior.doubts import suspicion
from xgeom_core.predict.posterior.finding import Finding
from xgeom_core.predict.posterior.header import center_is_doubtful, checked_header, header_finding
from xgeom_core.predict.posterior.sources import (
    background_finding,
    best_fit,
    best_lattice,
    lattice_finding,
    network_finding,
    offset_at,
    start_finding,
    stated_start,
    symmetry_findings,
)
from xgeom_core.predict.posterior.verdict import Verdict, reach_verdict, settled
from xgeom_core.predict.posterior.weigh import Posterior, weigh
from xgeom_core.predict.prediction import LatticeSummary, Prediction, missing_notes
from xgeom_core.predict.report.explanation import Explanation
from xgeom_core.predict.spots.find import find_spots
from xgeom_core.predict.starts import next_start
from xgeom_core.predict.symmetry import find_witnesses

# A network alone is called sure below this share of the longer side (2527 px: 50 px).
_SURE_SHARE = 0.02
_LEAST_PIXELS = 64
# A source is called right, where it is shown by itself, if it is so with this probability.
_RIGHT = 0.5


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
            See `PredictOptions`.

        Returns
        -------
        Prediction
            Never raises on odd frames: those get the status "failed" or "uncertain" and a reason.
        """
        options = PredictOptions(fit, start_px, start_tilt_deg, cell, explain, use)
        began = time.perf_counter()
        frame = in_counts(frame)
        trouble = _unusable(frame)
        if trouble:
            return _failed(frame, trouble, began)
        found = Evidence()
        rough = self._rough(frame, options, found)
        if not fit:
            return _rough_answer(frame, rough.estimate, found, began)
        # What is no sensible center is a witness, but never an answer.
        header = None if center_is_doubtful(frame.metadata) else frame.metadata.estimate()
        for posterior in look(frame, options, found):
            absent = _absent(frame, options, found)
            verdict = reach_verdict(posterior, header, _notes(found), absent)
            if verdict.status == "ok" or settled(posterior):
                break
        return _answer(frame, rough.estimate, posterior, verdict, found, options, began)

    def _rough(self, frame: Frame, options: PredictOptions, found: Evidence) -> NetworkOpinion:
        """The network's opinion, or the user's in its place; what needs no start becomes a witness."""
        side = max(frame.shape)
        header = header_finding(frame.metadata, side)
        if options.start_px is not None:
            # Who points at a place on a swung detector says nothing against the swing.
            tilt = options.start_tilt_deg or frame.metadata.tilt_deg
            said = NetworkOpinion(stated_start("start", options.start_px, tilt, side), 0.0)
            rough = start_finding(said.estimate)
        else:
            with found.timed("network"):
                said = network_opinion(self.model, frame)
            rough = network_finding(said, frame.shape)
        found.witnesses += [item for item in (rough, header) if item is not None]
        return said


def look(frame: Frame, options: PredictOptions, found: Evidence) -> Iterator[Posterior]:
    """The posterior after each further attempt, until nothing is left to be tried.

    Notes
    -----
    Each attempt begins where the posterior of all before has the likeliest place that was not tried.
    """
    with found.timed("spots"), np.errstate(all="ignore"):
        found.spots = find_spots(frame)
    with found.timed("symmetry"):
        found.witnesses += symmetry_findings(find_witnesses(frame, found.spots))
    posterior = weigh(found.witnesses, frame.shape)
    while start := next_start(posterior, found.starts):
        attempt(frame, start, options, found)
        with found.timed("posterior"):
            posterior = _weigh(frame, found)
            if _refined(posterior, found):
                posterior = _weigh(frame, found)
        yield posterior


def _weigh(frame: Frame, found: Evidence) -> Posterior:
    side = max(frame.shape)
    witnesses = [
        checked_header(item, found.fits, side) if item.source == "header" else item
        for item in found.witnesses
    ]
    return weigh([*witnesses, *_measured(found, side)], frame.shape)


def _refined(posterior: Posterior, found: Evidence) -> bool:
    """Whether the lattice had to be refined at another offset than it was, which is likelier."""
    lattice = best_lattice(found.lattices)
    if lattice is None or "lattice" not in posterior.best.sources:
        return False
    offset = offset_at(lattice, (float(posterior.best.mean[0]), float(posterior.best.mean[1])))
    other = refined_at(lattice, offset) if offset is not None else None
    if other is None:
        return False
    found.lattices[found.lattices.index(lattice)] = other
    return True


def _measured(found: Evidence, side_px: int) -> list[Finding]:
    """What fits and lattices say."""
    said = (
        background_finding(found.fits, found.fit_starts, side_px),
        lattice_finding(best_lattice(found.lattices)),
    )
    return [item for item in said if item is not None]


def _absent(frame: Frame, options: PredictOptions, found: Evidence) -> dict[str, str]:
    """Why there is no background or no lattice, where that is known."""
    said = {}
    if found.spots is not None and found.spots.is_map:
        said["background"] = "there is no background to fit (the frame is a map of spots)"
    if missing := frame.metadata.missing:
        said["lattice"] = f"spots cannot be indexed without the {' and '.join(missing)}"
    elif found.lattices and best_lattice(found.lattices) is None:
        said["lattice"] = "the spots show another cell than the one given"
    elif found.spots is not None:
        said["lattice"] = f"no lattice is found in {len(found.spots)} spots"
    for name in EVIDENCE:
        if name not in options.use:
            said[name] = f"the {name} was not to be used"
    return said


def _notes(found: Evidence) -> tuple[str, ...]:
    lattice = best_lattice(found.lattices)
    return () if lattice is None else lattice.notes


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


def _answer(
    frame: Frame,
    rough: Estimate,
    posterior: Posterior,
    verdict: Verdict,
    found: Evidence,
    options: PredictOptions,
    began: float,
) -> Prediction:
    fit, lattice = best_fit(found.fits, max(frame.shape)), best_lattice(found.lattices)
    trusted = posterior.p_right("lattice") > _RIGHT
    best = verdict.estimate
    explanation = None
    if options.explain:
        with found.timed("explain"):
            explanation = Explanation.from_parts(frame, rough, fit, lattice, verdict, found.spots)
    return Prediction(
        frame.path,
        frame.dataset,
        frame.index,
        verdict.status,
        verdict.reason,
        best,
        rough if options.start_px is None else None,
        best if best.source == "fit" else None,
        frame.metadata.estimate(),
        frame.warnings + missing_notes(frame.metadata) + best.warnings,
        time.perf_counter() - began,
        background=_alone_says("background", fit, posterior),
        lattice=_alone_says("lattice", lattice, posterior),
        evidence=verdict.evidence,
        crystal=LatticeSummary.of(lattice, found.spots, verdict.origins, trusted),
        explanation=explanation,
        seconds=found.seconds,
        probability=verdict.probability,
        candidates=verdict.candidates,
    )


def _alone_says(
    name: str, source: RadialFit | LatticeSolution | None, posterior: Posterior
) -> Estimate | None:
    """What background or lattice says by itself, and whether it is believed."""
    if source is None or not np.isfinite(source.covariance).all():
        return None
    right = posterior.p_right(name)
    status: Status = "ok" if right > _RIGHT else "uncertain"
    reason = ""
    if status != "ok":
        finding = next((item for item in posterior.findings if item.source == name), None)
        doubt = suspicion(finding) if finding is not None else ""
        reason = f"It is right with {100 * right:.2g}%" + (f": {doubt}." if doubt else ".")
    return Estimate(name, source.center_px, source.tilt_deg, source.covariance, status, reason)
